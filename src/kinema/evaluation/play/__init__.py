"""The protocol play: learned actions against true ones, generated frames against true frames."""
