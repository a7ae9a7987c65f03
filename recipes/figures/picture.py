"""Draws the README's picture: test stills that are animated by other looks of the same motion, with the shipped model.

usage: picture.py [EMOJI_FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import kinema
from kinema.tasks.demo import make_sheet
from kinema.video import open_video, write_image

ROOT = Path(__file__).parents[2]
# Source look, driving look; all of the test split.
PAIRS = (
    ("1f57a-1f3fb", "1f57a-1f3fe"),
    ("1f481-1f3fd-200d-2642-fe0f", "1f481-1f3fb-200d-2640-fe0f"),
    ("1f91f-1f3fe", "1f91f-1f3fb"),
)


def main() -> None:
    """Writes docs/images/emoji.png."""
    clips = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "emoji") / "clips"
    models = kinema.Models()
    sheets = []
    with tempfile.TemporaryDirectory() as folder:
        for source, driving in PAIRS:
            generated = Path(folder) / f"{source}.mp4"
            kinema.animate(clips / f"{source}.mp4", clips / f"{driving}.mp4", generated, models=models)
            with open_video(clips / f"{source}.mp4") as reader:
                still = next(iter(reader)).image
            sheets.append(make_sheet(still, clips / f"{driving}.mp4", generated))
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    write_image(ROOT / "docs" / "images" / "emoji.png", np.concatenate(sheets))


if __name__ == "__main__":
    main()
