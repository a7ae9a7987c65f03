"""Handles people: 18 joints, their maps and files, detector, track, window, removal, paste and overlay."""
