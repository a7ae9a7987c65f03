"""What other decoders than kinema's own find in files that it wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from PIL import Image, ImageSequence


def decoded_alpha(path: Path) -> Iterator[np.ndarray]:
    """The alpha of each frame, uint8 (H, W): of an animation, a video, or a folder of pictures."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            yield np.array(Image.open(file))[..., 3]
    elif path.suffix in (".webp", ".png", ".tif"):
        with Image.open(path) as picture:
            for frame in ImageSequence.Iterator(picture):
                yield np.array(frame.convert("RGBA"))[..., 3]
    else:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            decoder = stream.codec_context
            if path.suffix == ".webm":
                decoder = VideoCodecContext.create("libvpx-vp9", "r")
            for packet in container.demux(stream):
                for frame in decoder.decode(packet):
                    yield frame.reformat(format="rgba").to_ndarray()[..., 3]
