"""Plays models of playable: games, recordings, and names of actions."""
