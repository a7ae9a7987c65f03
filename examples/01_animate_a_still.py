"""A still moves as a video does; the result keeps the video's times and sound.

usage: 01_animate_a_still.py STILL DRIVING OUT [MODEL]
"""

from __future__ import annotations

import sys

import kinema


def main(still: str, driving: str, out: str, model: str = "first_order-emoji") -> None:
    """Writes OUT, frame by frame: memory does not grow with the video."""
    animated = kinema.animate(still, driving, out, model=model)
    print(f"{animated.path}: {animated.frames} frames")


if __name__ == "__main__":
    main(*sys.argv[1:])
