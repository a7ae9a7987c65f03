"""Writes frames and sound into AVI, as MPEG-4 and MP3, which every player of that format supports."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinema.video.info import Image
from kinema.video.writing.muxed_file import SoundedFile, nominal_rate
from kinema.video.writing.sound import SoundTrack
from kinema.video.writing.yuv import YuvConverter, pad_to_even

_BEST, _WORST, _H264_WORST = 2, 31, 51
# MPEG-4 counts time in 16 bits.
_MAX_RATE = 65_535
# Frames per second, for clips that state more.
_FASTEST = 1000
# FFmpeg stops at a gap of 60000 frames.
_LONGEST_GAP = 30_000


class AviSink(SoundedFile):
    """Writes MPEG-4 part 2 at a constant quality.

    AVI stores no times, only a frame rate: a frame is shown at the nearest multiple of 1 / frame_rate, and of two
    frames at the same multiple the first is kept.
    """

    def __init__(
        self,
        target: Path,
        temporary: Path,
        size: tuple[int, int],
        frame_rate: Fraction,
        *,
        crf: int,
        sound: SoundTrack | None,
    ) -> None:
        super().__init__(target, temporary, "avi", {}, sound)
        rate = nominal_rate(frame_rate)
        if rate.numerator > _MAX_RATE:
            rate = Fraction(min(round(rate), _FASTEST))
        self._time_base = 1 / rate
        self._longest = _LONGEST_GAP * self._time_base
        quality = str(max(_BEST, round(crf * _WORST / _H264_WORST / 2)))
        # The bit rate limits the quality, so it is set higher than the quality ever needs.
        options = {"qmin": quality, "qmax": quality, "b": "1000000000", "bt": "1000000000", "bf": "0"}
        stream = self._container.add_stream("mpeg4", rate=rate, options=options, time_base=self._time_base)
        assert isinstance(stream, VideoStream), "a video encoder's name was given"
        self._stream = stream
        stream.height, stream.width = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.codec_tag = "XVID"
        self._converter = YuvConverter(size[0], "yuv420p")
        self._attach_sound()

    def _frame(self, image: Image) -> VideoFrame:
        return self._converter.frame(pad_to_even(image))
