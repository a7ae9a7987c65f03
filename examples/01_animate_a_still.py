"""A still moves as a video does; the result keeps the video's times and sound.

usage: 01_animate_a_still.py STILL DRIVING OUT [MODEL]
"""

from __future__ import annotations

import sys

import kinema


def main(still: str, driving: str, out: str, model_name: str = "first_order-emoji") -> None:
    """Writes OUT, frame by frame: memory does not grow with the video."""
    model = kinema.load(model_name)
    # Everything that the still needs is computed here, once.
    animation = model.prepare(kinema.read_image(still), relative=True)
    with (
        kinema.open_video(driving) as video,
        kinema.VideoWriter(out, frame_rate=video.info.frame_rate, audio_from=driving) as writer,
    ):
        done = 0
        for frame in video:
            writer.write(animation.step(frame.image), frame.time_seconds)
            done += 1
    print(f"{out}: {done} frames")


if __name__ == "__main__":
    main(*sys.argv[1:])
