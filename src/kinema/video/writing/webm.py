"""Writes frames and sound into WebM, as VP9, with alpha if frames have it, and Opus."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinema.video.info import Image
from kinema.video.writing.muxed_file import SoundedFile, nominal_rate
from kinema.video.writing.sound import SoundTrack
from kinema.video.writing.yuv import YuvConverter, pad_to_even

# libvpx's speed for each of x264's presets: 5 is the fastest of its settings that are not for real time.
_SPEEDS = {
    "ultrafast": 5,
    "superfast": 5,
    "veryfast": 5,
    "faster": 5,
    "fast": 4,
    "medium": 4,
    "slow": 3,
    "slower": 2,
    "veryslow": 1,
    "placebo": 0,
}
_H264_WORST, _VP9_WORST = 51, 63


class WebmSink(SoundedFile):
    """Writes VP9 in 4:2:0; times are rounded to 1/1000 s, the unit of the format."""

    def __init__(
        self,
        target: Path,
        temporary: Path,
        size: tuple[int, int],
        frame_rate: Fraction,
        *,
        alpha: bool,
        crf: int,
        preset: str,
        sound: SoundTrack | None,
    ) -> None:
        super().__init__(target, temporary, "webm", {}, sound)
        self._time_base = Fraction(1, 1000)
        options = {
            "crf": str(round(crf * _VP9_WORST / _H264_WORST)),
            "b": "0",
            "deadline": "good",
            "cpu-used": str(_SPEEDS[preset]),
            "row-mt": "1",
            # Frames that are encoded but never shown would have no alpha.
            "auto-alt-ref": "0" if alpha else "1",
        }
        # libvpx refuses a rate that cannot be expressed in its unit of time.
        rate = min(nominal_rate(frame_rate), 1 / self._time_base)
        stream = self._container.add_stream("libvpx-vp9", rate=rate, options=options, time_base=self._time_base)
        assert isinstance(stream, VideoStream), "a video encoder's name was given"
        self._stream = stream
        stream.height, stream.width = (side + side % 2 for side in size)
        stream.pix_fmt = "yuva420p" if alpha else "yuv420p"
        if alpha:
            stream.metadata["alpha_mode"] = "1"
        self._converter = YuvConverter(size[0], stream.pix_fmt)
        self._converter.tag(stream.codec_context)
        self._attach_sound()

    def _frame(self, image: Image) -> VideoFrame:
        return self._converter.frame(pad_to_even(image))
