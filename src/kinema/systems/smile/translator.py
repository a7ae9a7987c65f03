"""Generates the frame that shows given landmarks, by the paper's network or by ours, behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor, nn

from kinema.faces.landmark_maps import draw_landmarks
from kinema.keypoints.landmark_groups import group_keypoints
from kinema.motion.dense import DenseMotion
from kinema.ops.warp import resize_displacement
from kinema.synthesis.landmark_hint import LandmarkHint
from kinema.synthesis.landmark_unet import LandmarkUNet
from kinema.synthesis.warping_generator import WarpingGenerator
from kinema.systems.smile.config import TranslatorConfig

Disturb = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Face:
    """The part of the computation for a neutral frame that many frames share.

    Attributes:
        frame: (B, 3, H, W) RGB in [0, 1].
        landmarks: (B, 68, 2) points (x, y) in [-1, 1].
        small: (B, 3, h, w) at the resolution of dense motion, or None.
        features: (B, C, h, w) of the generator, or None.
    """

    frame: Tensor
    landmarks: Tensor
    small: Tensor | None = None
    features: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frame."""
        return self.frame.shape[2], self.frame.shape[3]


@dataclass(frozen=True)
class Moved:
    """The part of a frame that consists of moved source pixels.

    Attributes:
        frame: (B, 3, H, W) the source's pixels alone.
        alpha: (B, 1, H, W) in [0, 1], their weight in the generated frame; the rest is generated.
        deformation: (B, H, W, 2) source position of each pixel, in [-1, 1].
    """

    frame: Tensor
    alpha: Tensor
    deformation: Tensor


@dataclass(frozen=True)
class Translation:
    """A generated frame.

    Attributes:
        frame: (B, 3, H, W) in [0, 1].
        moved: the part that consists of source pixels, or None if nothing is moved.
    """

    frame: Tensor
    moved: Moved | None = None


class UNetTranslator(nn.Module):
    """The paper's translator: a U-Net that sees the neutral frame and the drawing."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.unet = LandmarkUNet(config.unet)

    def encode(self, source: Tensor, landmarks: Tensor) -> Face:
        """Prepares (B, 3, H, W) sources in [0, 1] with landmarks (B, 68, 2) in [-1, 1]."""
        return Face(source, landmarks)

    def forward(self, face: Face, landmarks: Tensor, disturb: Disturb | None = None) -> Translation:
        """The face with other landmarks.

        Args:
            face: from :meth:`encode`, B rows or one for all.
            landmarks: (B, 68, 2) points in [-1, 1].
            disturb: dropout, for training.

        Returns:
            Frames (B, 3, H, W).
        """
        return self.translate(face, draw_landmarks(landmarks, face.size), disturb)

    def translate(self, face: Face, drawing: Tensor, disturb: Disturb | None = None) -> Translation:
        """The same for drawings (B, 1, H, W) in [0, 1]."""
        return Translation(self.unet(face.frame.expand(len(drawing), -1, -1, -1), drawing, disturb))


class WarpTranslator(nn.Module):
    """Our translator: groups of landmarks move the source's pixels and features; hidden regions are generated."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.motion = DenseMotion(config.motion)
        self.generator = WarpingGenerator(config.generator)
        levels = config.generator.num_down_blocks
        width = min(config.generator.max_features, config.generator.block_expansion * 2**levels)
        self.hint = LandmarkHint(width, num_channels=config.hint_channels, num_down_blocks=levels)

    def encode(self, source: Tensor, landmarks: Tensor) -> Face:
        """Prepares (B, 3, H, W) sources in [0, 1] with landmarks (B, 68, 2) in [-1, 1]."""
        return Face(source, landmarks, self.motion.shrink(source), self.generator.encode(source))

    def forward(self, face: Face, landmarks: Tensor, disturb: Disturb | None = None) -> Translation:
        """The face with other landmarks.

        Args:
            face: from :meth:`encode`, B rows or one for all.
            landmarks: (B, 68, 2) points in [-1, 1].
            disturb: not used, as there is no dropout.

        Returns:
            Frames (B, 3, H, W), and the part of them that consists of source pixels.
        """
        assert face.small is not None and face.features is not None
        motion = self.motion(face.small, *group_keypoints(face.landmarks, landmarks))
        small, motion = (
            replace(motion, deformation=resize_displacement(motion.deformation, size))
            for size in ((face.features.shape[2], face.features.shape[3]), face.size)
        )
        features = self.generator.warp_features(face.features, small)
        features = features + self.hint(draw_landmarks(landmarks, face.size))
        moved = self.generator.warp_source(face.frame, motion)
        frame, alpha = self.generator.blend(moved, features)
        return Translation(frame, Moved(moved, alpha, motion.deformation))


TRANSLATORS: dict[str, type[UNetTranslator] | type[WarpTranslator]] = {"unet": UNetTranslator, "warp": WarpTranslator}


def make_translator(config: TranslatorConfig) -> UNetTranslator | WarpTranslator:
    """The translator of the config's kind."""
    return TRANSLATORS[config.kind](config)
