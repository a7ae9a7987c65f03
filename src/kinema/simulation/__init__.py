"""Simulates worlds and the motion of faces for clips: models learn from frames, evaluation uses the known truth."""
