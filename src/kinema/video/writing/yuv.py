"""Converts RGB or RGBA pictures to YUV frames with tagged colours for video codecs."""

from __future__ import annotations

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from kinema.video.info import Image
from kinema.video.reading.container import CONVERSION

_HD_LINES = 720


def pad_to_even(image: Image) -> Image:
    """Repeats the last row and column of odd sides, since 4:2:0 halves both; (H, W, C) in and out."""
    bottom, right = image.shape[0] % 2, image.shape[1] % 2
    return np.pad(image, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else image


class YuvConverter:
    """Converts to limited range, BT.709 from 720 lines on and BT.601 below, as players assume for untagged video."""

    def __init__(self, height: int, pixel_format: str) -> None:
        self._format = pixel_format
        self._colorspace = Colorspace.ITU709 if height >= _HD_LINES else Colorspace.ITU601
        self._reformatter = VideoReformatter()

    def tag(self, context: VideoCodecContext) -> None:
        """Writes the colour space into the stream."""
        context.colorspace = 1 if self._colorspace == Colorspace.ITU709 else 6
        context.color_range = ColorRange.MPEG
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709

    def frame(self, image: Image) -> VideoFrame:
        """Converts a picture, (H, W, 3) or with alpha (H, W, 4)."""
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(image, format="rgb24" if image.shape[2] == 3 else "rgba"),
            format=self._format,
            dst_colorspace=self._colorspace,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=CONVERSION,
            threads=1,
        )
