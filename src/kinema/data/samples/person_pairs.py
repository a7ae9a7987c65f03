"""Samples batches of two pictures of a person with joints and masks; each depends on seed, step and row only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.core.types import Joints
from kinema.data.clips.cache import Level, Side
from kinema.data.labelled.people import PersonImage
from kinema.data.samples.augment import NUM_DRAWS, augment_pairs, no_augmentation
from kinema.data.samples.batches import PoseBatch
from kinema.data.samples.row_generators import row_generators
from kinema.framing.fit import fit_image, fit_mask, fit_points
from kinema.people.skeleton import TORSO, mirror_joints


class PeopleConfig(Config):
    """How pictures of people are fitted and augmented."""

    size: tuple[Side, Side] = Field(default=(128, 64), description="height and width of the frames, in pixels")
    fit: Literal["stretch", "pad"] = Field(default="pad", description="other aspect ratios: pad with background")
    background: tuple[Level, Level, Level] = Field(default=(255, 255, 255), description="RGB of the padding")
    horizontal_flip: float = Field(
        default=0, ge=0, le=1, description="fraction of pairs that are mirrored, both pictures"
    )
    colour: float = Field(
        default=0,
        ge=0,
        le=0.5,
        description="a pair's brightness, contrast and saturation change by a factor 1 +- this, its hue by half of it",
    )
    whole_torso: bool = Field(default=True, description="leave out pictures without both hips and both shoulders")


class PersonPairs:
    """Samples batches of two pictures of a person from (seed, step, row), without any state, as ``PairSource`` does.

    A picture is drawn first, then another one of the same person. Pictures are decoded when they are drawn. Poses stay
    points; the maps that networks see are drawn later.
    """

    def __init__(self, people: Sequence[PersonImage], config: PeopleConfig, seed: int) -> None:
        """Takes the pictures of one split, in any order.

        Raises:
            InputError: no person has two usable pictures.
        """
        self.config = config
        self.seed = seed
        usable = [image for image in people if not config.whole_torso or image.present[list(TORSO)].all()]
        rows: dict[str, list[PersonImage]] = defaultdict(list)
        for image in sorted(usable, key=lambda image: image.name):
            rows[image.identity].append(image)
        self._of_person = {identity: images for identity, images in rows.items() if len(images) > 1}
        self._drawn = [image for images in self._of_person.values() for image in images]
        if not self._drawn:
            raise InputError(
                f"pairs of people: of {len(people)} pictures, {len(usable)} have usable poses, and none two of one "
                "person; give more pictures a person, named PERSON_ANYTHING.jpg"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every frame, in pixels."""
        return self.config.size

    @property
    def num_people(self) -> int:
        """Number of people."""
        return len(self._of_person)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._drawn)

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The samples of one process at one step.

        Args:
            step: 0 or more.
            batch_size: B, samples of this process.
            rank: this process, 0 to ``world_size`` - 1; it gets rows rank * B to (rank + 1) * B of the whole batch.
            world_size: number of processes.

        Returns:
            B pairs, frames (B, 3, H, W) in [0, 1].
        """
        pairs, mirrored, draws = [], [], []
        for rng in row_generators("people", self.seed, step, batch_size, rank=rank, world_size=world_size):
            source = self._drawn[rng.integers(len(self._drawn))]
            others = [image for image in self._of_person[source.identity] if image is not source]
            pairs.append((source, others[rng.integers(len(others))]))
            mirrored.append(bool(rng.random() < self.config.horizontal_flip))
            draws.append(rng.random(NUM_DRAWS, dtype=np.float32))
        batch = load_pairs(pairs, self.config, mirrored=mirrored)
        if not self.config.colour:
            return batch
        strength = self.config.colour
        how = no_augmentation().model_copy(
            update={"brightness": strength, "contrast": strength, "saturation": strength, "hue": strength / 2}
        )
        both = augment_pairs(torch.stack([batch.source, batch.driving], dim=1), torch.from_numpy(np.stack(draws)), how)
        return replace(batch, source=both[:, 0].contiguous(), driving=both[:, 1].contiguous())


def load_pairs(
    pairs: Sequence[tuple[PersonImage, PersonImage]], config: PeopleConfig, *, mirrored: Sequence[bool] | None = None
) -> PoseBatch:
    """Loads given pairs as a batch.

    Args:
        pairs: source and driving picture of each row.
        config: how they are fitted.
        mirrored: for each row, whether both pictures are mirrored; None mirrors none.

    Returns:
        B pairs, frames (B, 3, H, W) in [0, 1], joints within the frame.
    """
    flips = mirrored or [False] * len(pairs)
    frames, poses = [], []
    masks = [load_mask(driving, config) for _, driving in pairs]
    for which in (0, 1):
        images = [load_person(pair[which], config) for pair in pairs]
        rows = [
            (frame.flip(-1), mirror_joints(joints, config.size[1])) if flip else (frame, joints)
            for (frame, joints), flip in zip(images, flips, strict=True)
        ]
        frames.append(torch.stack([frame for frame, _ in rows]))
        value, present = (torch.cat([getattr(joints, name) for _, joints in rows]) for name in ("value", "present"))
        poses.append(Joints(value, present))
    known = [mask.flip(-1) if flip else mask for mask, flip in zip(masks, flips, strict=True) if mask is not None]
    mask = torch.stack(known) if len(known) == len(pairs) else None
    return PoseBatch(frames[0], frames[1], poses[0], poses[1], mask=mask)


def load_person(image: PersonImage, config: PeopleConfig) -> tuple[torch.Tensor, Joints]:
    """Loads one picture as a frame (3, H, W) in [0, 1] with its joints, one row."""
    picture = image.picture()
    fitted = fit_image(picture, config.size, config.fit, config.background)
    frame = torch.from_numpy(np.array(fitted)).movedim(-1, 0).to(torch.float32).div_(255)
    points = image.points
    if picture.shape[:2] != config.size:
        points = fit_points(points, (picture.shape[0], picture.shape[1]), config.size, config.fit)
    value = torch.from_numpy(np.asarray(points, dtype=np.float32))
    return frame.contiguous(), Joints(value[None], torch.from_numpy(image.present)[None])


def load_mask(image: PersonImage, config: PeopleConfig) -> torch.Tensor | None:
    """The mask of the person in the frame of a picture: (1, H, W) in [0, 1], or None if there is none."""
    if image.mask is None:
        return None
    fitted = fit_mask(image.mask(), config.size, config.fit)
    return torch.from_numpy(fitted).to(torch.float32)[None]
