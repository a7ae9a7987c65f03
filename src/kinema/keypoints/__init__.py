"""Detects keypoints and parts in frames, and transfers their motion to a source."""
