"""Animates a still by a driving video, frame by frame, in constant memory."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Self, overload

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.framing.pixels import to_frames, to_images
from kinema.framing.window import CropMode, Framing, centred_window, driving_crop, given_window, whole_frame
from kinema.keypoints.transfer import closest_pose
from kinema.systems.familiarity import Familiarity


class KeypointPipeline(ABC):
    """A trained model of keypoints and motion, ready to animate; a system adds how keypoints are transferred.

    Attributes:
        model: the networks in evaluation mode.
        device: the device that they run on.
        precision: dtype of the forward pass.
        has_parts: whether the model separates the parts of an object from the background.
        digest: SHA-256 of the weights' file, by which motion templates name their model; "" where there is no file.
        familiarity: measures how similar a picture is to the training pictures; None if it was not fitted.
    """

    has_parts = False
    digest = ""
    familiarity: Familiarity | None = None

    def __init__(
        self, model: Any, *, device: torch.device | str = "cpu", precision: torch.dtype = torch.float32
    ) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = torch.device(device)
        self.precision = precision

    def with_options(self, **options: bool) -> Self:
        """The same model, with options of the transfer that only some systems have.

        Args:
            options: name to value, such as ``adapt_variance=True`` of monkey_net.

        Raises:
            InputError: the model's transfer has no such option.
        """
        changed = copy.copy(self)
        for name, value in options.items():
            if not hasattr(self, name):
                raise InputError(f"{name} is for models of monkey_net, this one is of another system")
            setattr(changed, name, value)
        return changed

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames it learned from."""
        return self.model.config.size

    @abstractmethod
    def transfer(
        self, kp_source: Keypoints, kp_driving: Keypoints, kp_anchor: Keypoints, *, relative: bool, adapt_scale: bool
    ) -> Keypoints:
        """The keypoints that the source should reach.

        Args:
            kp_source: of the source, one row.
            kp_driving: of the driving frames, B rows.
            kp_anchor: of the driving frame posed like the source, one row.
            relative: add the movement since the anchor to the source's points; otherwise take the driving points.
            adapt_scale: fit the size of movements to the source's object; relative mode only.

        Returns:
            B rows: ``value`` (B, K, 2) and what else the model's keypoints have.
        """

    def prepare(
        self,
        source: np.ndarray | Tensor,
        *,
        relative: bool = True,
        adapt_scale: bool = False,
        anchor: Keypoints | np.ndarray | Tensor | None = None,
        crop: CropMode = "auto",
        motion: float = 1.0,
    ) -> Animation:
        """Everything that is computed once for a source.

        Args:
            source: a picture, uint8 (H, W, 3) of any size, or a frame (3, H, W) or (1, 3, H, W) in [0, 1] whose sides
                are multiples of ``model.config.divisor``.
            relative: add the driving movement to the source's own pose; otherwise take the driving pose itself.
            adapt_scale: fit the size of movements to the size of the source's object; relative mode only.
            anchor: the driving frame posed like the source, or its keypoints; None takes the first driving frame.
            crop: which part of a picture is animated: "auto" (the largest window of the model's shape around the
                object), "none" (all of it) or (x, y, width, height). Frames are taken as they are.
            motion: how far the source moves: 0 not at all, 1 as far as the driving clip, 2 twice as far.

        Returns:
            An animation whose ``step`` takes driving frames.

        Raises:
            InputError: the source is too small or its sides do not fit.
        """
        if isinstance(source, np.ndarray):
            source = to_frames(self.frame(source, crop).apply(source))
        with torch.no_grad(), self._autocast():
            encoded = self.model.encode(self._batch(source))
        animation = Animation(self, encoded, relative=relative, adapt_scale=adapt_scale, crop=crop, motion=motion)
        if anchor is not None:
            animation.kp_anchor = anchor if isinstance(anchor, Keypoints) else self.detect(anchor)
        return animation

    def frame(self, image: np.ndarray, crop: CropMode, *, size: tuple[int, int] | None = None) -> Framing:
        """The part of a picture that the model sees, and the size at which it sees it.

        Args:
            image: uint8 (H, W, 3).
            crop: see :meth:`prepare`.
            size: (height, width) of the frame; None: the model's size, or for "none" a size with about as many pixels.
        """
        picture = (image.shape[0], image.shape[1])
        if not isinstance(crop, str):
            return given_window(picture, size or self.size, crop)
        whole = whole_frame(picture, self.size, self.model.config.divisor)
        if crop == "none":
            return whole if size is None else replace(whole, size=size)
        kp = self.detect(to_frames(whole.apply(image)))
        x, y = kp.value[0].mean(dim=0).tolist()
        return centred_window(picture, size or self.size, (x, y))

    def detect(self, frames: np.ndarray | Tensor) -> Keypoints:
        """Keypoints of frames.

        Args:
            frames: (B, 3, H, W) in [0, 1] with sides that fit, or a uint8 picture (H, W, 3), seen whole.

        Returns:
            ``value`` (B, K, 2) and what else describes their motion; no heatmaps.
        """
        if isinstance(frames, np.ndarray):
            frames = to_frames(self.frame(frames, "none").apply(frames))
        with torch.no_grad(), self._autocast():
            kp = self.model.keypoints(self._batch(frames))
        return replace(kp, heatmap=None).map(lambda tensor: tensor.float())

    def describe(self, frames: Tensor) -> Tensor:
        """Statistics of the keypoint detector's last features, which :class:`Familiarity` compares.

        Args:
            frames: (B, 3, H, W) in [0, 1] with sides that fit.

        Returns:
            (B, 2 C): mean and standard deviation over the frame of each of C features.
        """
        features: list[Tensor] = []
        hook = self.model.keypoints.hourglass.register_forward_hook(lambda *call: features.append(call[2]))
        try:
            self.detect(frames)
        finally:
            hook.remove()
        pixels = features[0].float().flatten(2)  # (B, C, H W)
        return torch.cat([pixels.mean(dim=2), pixels.std(dim=2)], dim=1).cpu()

    def find_anchor(self, source: Tensor, driving: Iterable[Tensor | Keypoints]) -> tuple[int, Keypoints]:
        """The driving frame whose keypoints are closest to the source's up to shift, rotation and scale.

        Args:
            source: (1, 3, H, W) in [0, 1].
            driving: batches (B, 3, H, W) in [0, 1], or their keypoints, in order; only one is held at a time.

        Returns:
            Index of the frame among all, and its keypoints.

        Raises:
            InputError: there are no frames.
        """
        kp_source = self.detect(source)
        best: tuple[float, int, Keypoints] | None = None
        seen = 0
        for batch in driving:
            kp = batch if isinstance(batch, Keypoints) else self.detect(batch)
            row, residual = closest_pose(kp_source, kp)
            if best is None or residual < best[0]:
                best = (residual, seen + row, kp[row])
            seen += len(kp.value)
            if kp_source.value.shape[1] < 3:
                break  # any two poses match (closest_pose warns about it), so the first frame is the anchor
        if best is None:
            raise InputError("the driving video has no frames to choose an anchor from")
        return best[1], best[2]

    def _batch(self, frames: Tensor) -> Tensor:
        frames = frames[None] if frames.ndim == 3 else frames
        return frames.to(self.device).contiguous(memory_format=torch.channels_last)

    # no_grad, not inference_mode: cached constants (ops/pyramid.py) must remain usable in training.
    def _autocast(self) -> torch.autocast:
        enabled = self.precision != torch.float32
        return torch.autocast(self.device.type, dtype=self.precision if enabled else torch.bfloat16, enabled=enabled)


class Animation:
    """A source that is being animated by one driving clip, in constant memory.

    Attributes:
        kp_anchor: keypoints of the driving frame posed like the source; None until the first frame.
        framing: part of the driving pictures that is used; chosen at the first picture, None before it.
    """

    def __init__(
        self,
        pipeline: KeypointPipeline,
        source: Any,
        *,
        relative: bool,
        adapt_scale: bool,
        crop: CropMode,
        motion: float = 1.0,
    ) -> None:
        self.motion = motion
        self.pipeline = pipeline
        self.source = source
        self.relative = relative
        self.adapt_scale = adapt_scale
        self.crop: CropMode = crop
        self.kp_anchor: Keypoints | None = None
        self.framing: Framing | None = None

    @overload
    def step(self, driving: np.ndarray) -> np.ndarray: ...
    @overload
    def step(self, driving: Tensor) -> Tensor: ...
    def step(self, driving: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """The source in the pose of a driving frame.

        Args:
            driving: a uint8 picture (H, W, 3) of any size, or frames (B, 3, H, W) in [0, 1] with sides that fit.

        Returns:
            As ``driving``, a uint8 picture (H', W', 3) or frames (B, 3, H', W'), of the source's frame size.
        """
        if isinstance(driving, np.ndarray):
            self.framing = self.framing or self.pipeline.frame(driving, driving_crop(self.crop))
            frames = to_frames(self.framing.apply(driving))
            return to_images(self.animate_to(self.pipeline.detect(frames)))[0]
        return self.animate_to(self.pipeline.detect(driving))

    def animate_to(self, kp_driving: Keypoints) -> Tensor:
        """The source in the pose of B rows of driving keypoints: (B, 3, H, W) in [0, 1]."""
        if self.kp_anchor is None:
            self.kp_anchor = kp_driving[0]
        kp = self.pipeline.transfer(
            replace(self.source.kp, heatmap=None).map(Tensor.float),
            kp_driving,
            self.kp_anchor,
            relative=self.relative,
            adapt_scale=self.adapt_scale,
        )
        if self.motion != 1:
            kp = _scaled_motion(self.source.kp, kp, self.motion)
        with torch.no_grad(), self.pipeline._autocast():
            frames, _ = self.pipeline.model.animate(self.source, kp)
        return frames.float()


def _scaled_motion(kp_source: Keypoints, kp_driving: Keypoints, factor: float) -> Keypoints:
    """B rows of points and Jacobians, moved ``factor`` times as far from the source's one row."""

    def between(source: Tensor, driving: Tensor) -> Tensor:
        return torch.lerp(source.float().expand_as(driving), driving, factor)

    jacobian = kp_driving.jacobian
    if jacobian is not None and kp_source.jacobian is not None:
        jacobian = between(kp_source.jacobian, jacobian)
    return replace(kp_driving, value=between(kp_source.value, kp_driving.value), jacobian=jacobian)
