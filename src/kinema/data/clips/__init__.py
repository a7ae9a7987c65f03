"""Finding, decoding and cutting clips."""
