"""Computes dense motion from keypoints, parts and joints."""
