"""Finds, decodes and cuts clips."""
