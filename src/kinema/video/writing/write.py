"""Writes all pictures and videos of the library: a file or folder that appears complete or not at all."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

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
from kinema.video.info import Image, check_exists, check_size
from kinema.video.reading.timing import LONGEST_STAND_SECONDS
from kinema.video.writing.animated_image import GifSink, WebpSink
from kinema.video.writing.avi import AviSink
from kinema.video.writing.h264 import VIDEO_FORMATS, H264Sink
from kinema.video.writing.muxed_file import Sink
from kinema.video.writing.one_picture import PICTURE_SUFFIXES, PictureSink, one_picture_only, save_picture
from kinema.video.writing.png_frames import PngSink
from kinema.video.writing.prores import ProresSink
from kinema.video.writing.sound import SoundTrack, open_sound
from kinema.video.writing.webm import WebmSink

_PNG_PATTERN = re.compile(r"[^%]*%0?\d*d[^%]*\.png", re.IGNORECASE)
_STILL_SUFFIXES = {*PICTURE_SUFFIXES, ".webp"}
_SOUNDED = {"h264", "webm", "avi"}
# Formats of videos and pictures that have alpha. In GIF, a pixel is either opaque or fully transparent.
_ALPHA_SUFFIXES = (".webm", ".mov", ".webp", ".png", ".tif", ".tiff")
_PRESETS = "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo".split()


class VideoWriter:
    """Writes frames to ``path`` as its suffix says; the output appears when the ``with`` block ends without error.

    .mp4, .m4v, .mov, .mkv: H.264 in yuv420p; .webm: VP9; .avi: MPEG-4. An odd side is made even by repeating its last
    row or column. Times are exact (see ``time_base_for``), except that .mkv and .webm count milliseconds and .avi whole
    frames. .gif and .webp: animated, repeating, without sound. A path without suffix: a folder of PNG files from
    00000.png on; a pattern such as ``frames/%05d.png``: PNG files in an existing folder; .png, .jpg, .bmp, .tif: a
    picture of a single frame.

    Frames with alpha go into .webm (VP9), .mov (ProRes 4444), .webp and PNG files.

    Until the end, the output is a hidden ``.part`` beside the target, so the target may be the file that is being read.
    The memory needed does not grow with the length of the clip, except for WebP, by its compressed size.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        frame_rate: Fraction,
        audio_from: str | Path | None = None,
        crf: int = 18,
        preset: str = "medium",
        quality: int = 85,
        lossless: bool = False,
        num_frames: int | None = None,
        comment: str | None = None,
    ) -> None:
        """Checks everything that can be checked before the first frame.

        Args:
            path: the output.
            frame_rate: frames per second if no times are given; the last frame is shown for 1 / frame_rate.
            audio_from: a file whose sound is kept, from the time of the first written frame to the end of the last.
            crf: H.264 quality, 0 (lossless) to 51, lower is better and larger.
            preset: x264's trade of time for size, "ultrafast" to "veryslow".
            quality: of WebP, 0 to 100.
            lossless: exact pixels in H.264 files, for data: kinema and FFmpeg read them, browsers do not.
            num_frames: how many frames will be written, if known: if ``path`` is a picture, more than one is refused.
            comment: that the file carries as metadata, each picture of a folder too; .bmp has no room for one.

        Raises:
            InputError: the suffix is not known, the folder is missing, ``audio_from`` does not exist, or a number is
                out of range.
        """
        self.path = Path(path)
        self._frame_rate = Fraction(frame_rate)
        self._audio_from = None if audio_from is None else Path(audio_from)
        self._comment = comment
        self._crf, self._preset, self._quality, self._lossless = crf, preset, quality, lossless
        check_name(self.path)
        self._kind = _kind_of(self.path)
        if self._kind == "picture" and num_frames is not None and num_frames > 1:
            raise InputError(one_picture_only(self.path))
        self._check()
        self._temporary = temporary_beside(self.path)
        self._sink: Sink | None = None
        self._sound: SoundTrack | None = None
        self._shape: tuple[int, ...] | None = None
        self._held: tuple[Image, Fraction] | None = None
        self._first_time: Fraction | None = None
        self._count = 0

    def write(self, image: Image, time_seconds: Fraction | None = None) -> None:
        """Adds a frame.

        Args:
            image: (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha, 255 opaque; all frames of one shape.
            time_seconds: when it is shown, increasing; the first frame's time becomes the output's 0. None for
                frames 1 / frame_rate apart. Either all frames of a clip have times or none.

        Raises:
            InputError: the shape or type differs from that of the first frame, the format has no alpha, times do not
                increase, or the disk is full.
        """
        self._check_image(image)
        if self._first_time is None:
            self._open(image, time_seconds)
            assert self._first_time is not None, "set by _open"
        if (time_seconds is None) != self._constant:
            differs = "has" if self._constant else "lacks"
            raise InputError(
                f"{self.path}: frame {self._count} {differs} a time, unlike those before; give all frames times or none"
            )
        time = self._count / self._frame_rate if time_seconds is None else Fraction(time_seconds) - self._first_time
        if self._held is not None:
            if time <= self._held[1]:
                raise InputError(
                    f"{self.path}: frame {self._count} is shown at {float(time):g} s, not after the one before at "
                    f"{float(self._held[1]):g} s; give increasing times"
                )
            self._check_stand(self._held[1], time)
            self._pass_on(time)
        # The duration of a frame is known only when the next one comes; until then the caller may reuse its array.
        self._held = (image.copy(), time)
        self._count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
        else:
            self._finish()

    def _finish(self) -> None:
        try:
            if self._sink is None or self._held is None:
                raise InputError(f"{self.path}: nothing to write, no frame was generated; check the input")
            self._pass_on(self._held[1] + 1 / self._frame_rate)
            with one_line(self.path):
                self._sink.finish()
                self._close_sound()
                self._sink.put_in_place()
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        try:
            if self._sink is not None:
                self._sink.abort()
            self._close_sound()
        finally:
            self._sink = self._held = None
            remove(self._temporary)

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()

    def _check_stand(self, time: Fraction, end: Fraction) -> None:
        # Most formats store such a frame again and again, so that damaged times would fill the disk.
        if not self._constant and end - time > LONGEST_STAND_SECONDS:
            raise InputError(
                f"{self.path}: the frame at {float(time):g} s would stand for {float(end - time) / 86_400:.1f} days, "
                f"at most one is written; check the frames' times"
            )

    def _pass_on(self, end: Fraction) -> None:
        assert self._sink is not None and self._held is not None, "called once a frame is held"
        image, time = self._held
        with one_line(self.path):
            self._sink.write(image, time, end - time)

    def _open(self, image: Image, time: Fraction | None) -> None:
        check_size(self.path, height=image.shape[0], width=image.shape[1])
        if image.shape[2] == 4:
            check_alpha(self.path)
            if self._lossless and self._kind == "h264":
                raise InputError(f"{self.path}: is not lossless with alpha; give a folder or frames/%05d.png")
        self._shape = image.shape
        self._constant = time is None
        self._first_time = Fraction(0) if time is None else Fraction(time)
        if self._audio_from is not None and self._kind in _SOUNDED:
            self._sound = open_sound(self._audio_from, self._first_time)
        with one_line(self.path):
            self._sink = self._make_sink((image.shape[0], image.shape[1]), alpha=image.shape[2] == 4)
            if self._comment is not None:
                self._sink.describe(self._comment)

    def _make_sink(self, size: tuple[int, int], *, alpha: bool) -> Sink:
        where = (self.path, self._temporary)
        if self._kind == "picture":
            return PictureSink(*where)
        if self._kind == "folder":
            return PngSink(*where, None)
        if self._kind == "pattern":
            return PngSink(self.path.parent, self._temporary, self.path.name)
        timed = (*where, size, self._frame_rate)
        if self._kind == "gif":
            return GifSink(*timed)
        if self._kind == "webp":
            return WebpSink(*timed, quality=self._quality)
        if self._kind == "webm":
            return WebmSink(*timed, alpha=alpha, crf=self._crf, preset=self._preset, sound=self._sound)
        if self._kind == "avi":
            return AviSink(*timed, crf=self._crf, sound=self._sound)
        if alpha:
            return ProresSink(*timed, constant=self._constant, sound=self._sound)
        return H264Sink(
            *timed,
            constant=self._constant,
            crf=self._crf,
            preset=self._preset,
            sound=self._sound,
            lossless=self._lossless,
        )

    def _check(self) -> None:
        if self._frame_rate <= 0:
            raise InputError(f"{self.path}: a frame rate of {self._frame_rate} is refused; give more than 0 a second")
        if not 0 <= self._crf <= 51:
            raise InputError(f"{self.path}: crf {self._crf} is refused; give 0 (lossless) to 51 (smallest)")
        if self._preset not in _PRESETS:
            raise InputError(f"{self.path}: preset '{self._preset}' is refused; give one of {', '.join(_PRESETS)}")
        if not 0 <= self._quality <= 100:
            raise InputError(f"{self.path}: quality {self._quality} is refused; give 0 to 100")
        if self._lossless and self._kind in ("webm", "avi", "gif", "webp"):
            raise InputError(f"{self.path}: is not written lossless; give {', '.join(VIDEO_FORMATS)} or PNG files")
        if self._kind == "folder":
            check_folder_target(self.path)
        elif self._kind == "pattern":
            check_parent(self.path)
        else:
            check_target(self.path)
        if self._audio_from is not None:
            check_exists(self._audio_from)

    def _check_image(self, image: Image) -> None:
        _check_pixels(self.path, f"frame {self._count}", image)
        if self._shape is None or image.shape == self._shape:
            return
        if image.shape[2] != self._shape[2]:
            differs = "lacks alpha" if self._shape[2] == 4 else "has alpha"
            raise InputError(f"{self.path}: frame {self._count} {differs}, unlike the first; give frames of one kind")
        raise InputError(
            f"{self.path}: frame {self._count} is {image.shape[0]}x{image.shape[1]}, the first was "
            f"{self._shape[0]}x{self._shape[1]} (height x width); give frames of one size"
        )


def check_alpha(path: str | Path) -> None:
    """Refuses an output whose format has no alpha.

    Raises:
        InputError: the message names the formats that have.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _ALPHA_SUFFIXES and suffix != "" and not path.is_dir():
        raise InputError(f"{path}: '{suffix}' holds no alpha; give {', '.join(_ALPHA_SUFFIXES)} or a folder")


def _check_pixels(path: Path, what: str, image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise InputError(f"{path}: {what} is {image.dtype} {image.shape}; give uint8 (height, width, 3 or 4)")


def write_image(path: str | Path, image: Image, *, comment: str | None = None) -> None:
    """Writes one picture, which appears complete or not at all.

    Args:
        path: .png, .webp (lossless), .jpg, .bmp or .tif.
        image: (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha, which .jpg and .bmp do not hold.
        comment: that the file carries as metadata; .bmp has no room for one.

    Raises:
        InputError: the suffix is not known or holds no alpha, the folder is missing, or the disk is full.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _STILL_SUFFIXES:
        raise InputError(f"{path}: a picture is written as {', '.join(sorted(_STILL_SUFFIXES))}; change the suffix")
    _check_pixels(path, "the picture", image)
    check_target(path)
    check_size(path, height=image.shape[0], width=image.shape[1])
    if image.shape[2] == 4:
        check_alpha(path)
    temporary = temporary_beside(path)
    try:
        with one_line(path):
            save_picture(temporary, suffix, image, comment)
            put_in_place(temporary, path)
    finally:
        remove(temporary)


def _kind_of(path: Path) -> str:
    """The kind of output of a path: "h264", "webm", "avi", "gif", "webp", "picture", "folder" or "pattern"."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_FORMATS:
        return "h264"
    if suffix in (".webm", ".avi", ".gif", ".webp"):
        return suffix[1:]
    if _PNG_PATTERN.fullmatch(path.name):
        return "pattern"
    if path.is_dir() or suffix == "":
        return "folder"
    if suffix in PICTURE_SUFFIXES:
        return "picture"
    known = ", ".join([*VIDEO_FORMATS, ".webm", ".avi", ".gif", ".webp"])
    raise InputError(
        f"{path}: cannot write '{suffix}'; give {known}, a folder (no suffix), a pattern such as frames/%05d.png, "
        "or .png or .jpg for one picture"
    )
