"""Computes losses: pure functions of tensors, without weights of their own."""
