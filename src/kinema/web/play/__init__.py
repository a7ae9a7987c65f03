"""Serves a playable model to browsers: messages, players, server and page."""
