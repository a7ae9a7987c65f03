"""Predicts sequences of keypoints, codes, landmarks and states."""
