"""Samples the batches that training steps see."""
