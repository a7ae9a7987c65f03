"""Measures playable models: learned against true actions, and generated against true frames."""
