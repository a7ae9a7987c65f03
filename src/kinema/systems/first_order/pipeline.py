"""A still and a driving video -> an animated video, frame by frame."""

from __future__ import annotations


class FirstOrderPipeline:
    """Placeholder to be replaced within the hour."""
