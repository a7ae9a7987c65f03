"""Joins the stages of smile: from a neutral frame, its landmarks and a label to K landmark sequences, to frames."""

from __future__ import annotations

from torch import Tensor

from kinema.sequences.landmark_modes import LandmarkModes
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.translator import Face, make_translator


class SmileModel(LandmarkModes):
    """Landmark networks (embedding, sequence, modes) and a translator of landmarks to frames."""

    def __init__(self, config: SmileConfig) -> None:
        super().__init__(config.landmarks)
        self.config = config
        self.translator = make_translator(config.translator)

    def encode(self, source: Tensor, landmarks: Tensor) -> Face:
        """Prepares (B, 3, H, W) sources in [0, 1] with landmarks (B, 68, 2) in [-1, 1]."""
        return self.translator.encode(source, landmarks)

    def translate(self, source: Tensor, landmarks_source: Tensor, landmarks_driving: Tensor) -> Tensor:
        """The (B, 3, H, W) sources with other landmarks (B, 68, 2) in [-1, 1]: (B, 3, H, W) in [0, 1]."""
        return self.translator(self.encode(source, landmarks_source), landmarks_driving).frame
