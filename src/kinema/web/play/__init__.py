"""The browser's side of a game."""
