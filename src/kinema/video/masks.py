"""Writes and reads label pictures, which say to which part each pixel belongs, as index masks; draws them as
overlays."""

from __future__ import annotations

import colorsys
import re
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image as pil
from PIL import ImageDraw, ImageFont

from kinema.core.atomic_output import (
    check_folder_target,
    check_parent,
    check_target,
    one_line,
    put_in_place,
    remove,
    temporary_beside,
)
from kinema.core.checks import InputError
from kinema.core.output_guard import check_name
from kinema.video.info import Image, check_exists
from kinema.video.reading.frame_folder import list_frames
from kinema.video.reading.still import DAMAGE
from kinema.video.writing.png_frames import PngSink

Labels = NDArray[np.uint8]
"""(H, W) uint8: the part of each pixel, 0 being the background."""

_PATTERN = re.compile(r"[^%]*%0?\d*d[^%]*\.png", re.IGNORECASE)
# Hues that differ by the golden ratio stay distinct for any number of parts.
_GOLDEN = 0.618034
# Of part numbers, in pixels.
_SMALLEST_LETTERS = 10


def part_colours(count: int) -> Image:
    """A colour for each label; a label's colour does not depend on the count.

    Args:
        count: number of labels, including the background.

    Returns:
        (count, 3) uint8 RGB; the background's is black.
    """
    colours = np.zeros((count, 3), dtype=np.uint8)
    for label in range(1, count):
        saturation, value = ((0.85, 1.0), (0.6, 0.85), (1.0, 0.7))[label % 3]
        colours[label] = np.round(np.array(colorsys.hsv_to_rgb((label * _GOLDEN) % 1, saturation, value)) * 255)
    return colours


def overlay(image: Image, labels: Labels, colours: Image, *, opacity: float = 0.6) -> Image:
    """The picture with its parts coloured; the background stays as it is.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W) uint8.
        colours: (N, 3) uint8, one for each label.
        opacity: of the colours, 0 to 1.

    Returns:
        (H, W, 3) uint8.
    """
    mixed = np.round(image * (1 - opacity) + colours[labels] * opacity).astype(np.uint8)
    return np.where((labels > 0)[..., None], mixed, image)


def number_parts(image: Image, labels: Labels) -> Image:
    """The picture with the number of each part written over it.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W) uint8.

    Returns:
        (H, W, 3) uint8; parts too small to hold a readable number have none.
    """
    size = max(_SMALLEST_LETTERS, round(min(labels.shape) / 14))
    picture = pil.fromarray(image)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for part in np.unique(labels[labels > 0]).tolist():
        rows, columns = np.nonzero(labels == part)
        if len(rows) < size * size / 4:
            continue
        # The pixel of the part nearest to its centre: the centre of a ring is not part of it.
        nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        place = (float(columns[nearest]), float(rows[nearest]))
        draw.text(place, str(part), (255, 255, 255), font, "mm", stroke_width=max(1, size // 8), stroke_fill=(0, 0, 0))
    return np.asarray(picture)


class MaskWriter:
    """Writes label pictures as PNG files with a palette: the stored bytes are the labels, a viewer shows the colours.

    A ``path`` ending in .png takes one picture; a path without suffix is a folder of numbered files; a pattern such as
    ``masks/%05d.png`` writes into an existing folder. The output appears when the ``with`` block ends without error.
    """

    def __init__(self, path: str | Path, colours: Image) -> None:
        """Checks the target.

        Raises:
            InputError: the suffix is not known, or the folder is missing.
        """
        self.path = Path(path)
        self._palette = colours.tobytes()
        self._single = False
        check_name(self.path)
        if _PATTERN.fullmatch(self.path.name):
            check_parent(self.path)
            target, pattern = self.path.parent, self.path.name
        elif self.path.suffix == "" or self.path.is_dir():
            check_folder_target(self.path)
            target, pattern = self.path, None
        elif self.path.suffix.lower() == ".png":
            check_target(self.path)
            target, pattern, self._single = self.path, None, True
        else:
            raise InputError(
                f"{self.path}: masks are written as .png (one picture), a folder (no suffix) or a pattern such as "
                "masks/%05d.png; video would not keep them exactly"
            )
        self._temporary = temporary_beside(self.path)
        with one_line(self.path):
            self._sink = None if self._single else PngSink(target, self._temporary, pattern)
        self._count = 0

    def write(self, labels: Labels) -> None:
        """Adds a picture.

        Raises:
            InputError: it is the second picture and ``path`` is a .png file, or the disk is full.
        """
        picture = pil.frombytes("P", (labels.shape[1], labels.shape[0]), labels.tobytes())
        picture.putpalette(self._palette)
        with one_line(self.path):
            if self._sink is not None:
                self._sink.write_picture(picture)
            elif self._count == 0:
                picture.save(self._temporary, format="PNG")
            else:
                raise InputError(f"{self.path}: is one picture and the clip has more; give a folder (no suffix)")
        self._count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with one_line(self.path):
                    if self._sink is not None:
                        self._sink.put_in_place()
                    else:
                        put_in_place(self._temporary, self.path)
        finally:
            remove(self._temporary)


class MaskReader:
    """Reads index masks of a still or of a clip's frames, in order."""

    def __init__(self, path: str | Path) -> None:
        """Opens a .png file, which is used for every frame, or a folder of numbered ones.

        Raises:
            InputError: there is no such file or folder, or a file is not an index mask.
        """
        self.path = Path(path)
        check_exists(self.path)
        self._files = list_frames(self.path) if self.path.is_dir() else [self.path]
        self._still = not self.path.is_dir()

    def __len__(self) -> int:
        """Number of masks; 1 for a still."""
        return len(self._files)

    def read(self, index: int) -> Labels:
        """The mask of a frame.

        Raises:
            InputError: there is no mask for this frame, or the file is not an index mask.
        """
        if self._still:
            index = 0
        if index >= len(self._files):
            raise InputError(f"{self.path}: holds {len(self._files)} masks and the clip has more frames; give one each")
        return read_mask(self._files[index])


def read_mask(path: Path) -> Labels:
    """Labels of one index mask.

    Args:
        path: a PNG with a palette, or a grey one whose levels are the labels.

    Returns:
        (H, W) uint8.

    Raises:
        InputError: it is not a picture with one channel of 8 bits.
    """
    try:
        with pil.open(path) as picture:
            if picture.mode not in ("P", "L"):
                raise InputError(
                    f"{path}: a picture of mode {picture.mode} holds no labels; give a PNG with a palette or a grey one"
                )
            return np.array(picture)
    except InputError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as an index mask ({reason}); give a PNG") from error
