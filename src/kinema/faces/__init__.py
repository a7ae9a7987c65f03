"""Handles faces: 68 landmarks, their maps and files, detector, track, window, paste and overlay."""
