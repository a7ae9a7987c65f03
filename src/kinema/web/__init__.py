"""What a browser talks to."""
