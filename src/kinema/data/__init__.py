"""Turns raw clips into training samples: finds, decodes, samples and augments them."""
