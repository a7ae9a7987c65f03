"""Writes frames with alpha and sound into QuickTime as ProRes 4444, which video editors read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinema.video.info import Image
from kinema.video.writing.h264 import MAX_FRAME_TICKS, time_base_for
from kinema.video.writing.muxed_file import SoundedFile, nominal_rate
from kinema.video.writing.sound import SoundTrack
from kinema.video.writing.yuv import YuvConverter


class ProresSink(SoundedFile):
    """Writes ProRes 4444 in 10 bits with exact alpha; times are stored as in H.264 files."""

    def __init__(
        self,
        target: Path,
        temporary: Path,
        size: tuple[int, int],
        frame_rate: Fraction,
        *,
        constant: bool,
        sound: SoundTrack | None,
    ) -> None:
        self._time_base = time_base_for(frame_rate, constant=constant)
        options = {"movflags": "+faststart", "video_track_timescale": str(self._time_base.denominator)}
        super().__init__(target, temporary, "mov", options, sound)
        self._longest = MAX_FRAME_TICKS * self._time_base
        rate = nominal_rate(frame_rate)
        coding = {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}
        stream = self._container.add_stream("prores_ks", rate=rate, options=coding, time_base=self._time_base)
        assert isinstance(stream, VideoStream), "a video encoder's name was given"
        self._stream = stream
        stream.height, stream.width = size
        stream.pix_fmt = "yuva444p10le"
        self._converter = YuvConverter(size[0], stream.pix_fmt)
        self._converter.tag(stream.codec_context)
        self._attach_sound()

    def _frame(self, image: Image) -> VideoFrame:
        return self._converter.frame(image)
