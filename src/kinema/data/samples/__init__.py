"""What a training step sees: batches of samples."""
