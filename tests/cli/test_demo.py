"""``kinema demo``."""

from __future__ import annotations


def test_the_demo_says_what_it_left(kinema, tiny_model, tmp_path):
    code, printed, err = kinema("demo", "-o", tmp_path / "demo", "--model", tiny_model)
    assert (code, printed) == (0, "")
    first, *files = err.splitlines()
    assert first == f"a still moved through 16 frames of 32x32 by {tiny_model}:"
    assert [line.strip() for line in files] == [
        str(tmp_path / "demo" / name) for name in ("animated.mp4", "side_by_side.mp4", "contact_sheet.png")
    ]
    assert all((tmp_path / "demo" / line.split("/")[-1]).is_file() for line in files)
