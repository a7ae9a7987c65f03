"""Commands that move the head of a photo."""
