"""Reads data with identities, labels, landmarks and poses."""
