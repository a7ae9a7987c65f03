"""Chooses the part of a picture that a network sees, converts pictures to float frames and back, blends results in."""
