"""``kinema demo``."""

from __future__ import annotations


def test_the_demo_says_what_it_left(kinema, tiny_model, tmp_path):
    code, printed, err = kinema("demo", "-o", tmp_path / "demo", "--model", tiny_model)
    assert (code, printed) == (0, "")
    first, *files, following = err.splitlines()
    assert first == f"a still moved through 16 frames of 32x32 by {tiny_model}:"
    assert following == f"next: kinema animate STILL CLIP -o animated.mp4 --model {tiny_model}"
    assert [line.strip() for line in files] == [
        str(tmp_path / "demo" / name) for name in ("animated.mp4", "side_by_side.mp4", "contact_sheet.png")
    ]
    assert all((tmp_path / "demo" / line.split("/")[-1]).is_file() for line in files)
    # Its own folder it writes anew; where somebody else's files are it asks.
    assert kinema("demo", "-o", tmp_path / "demo", "--model", tiny_model)[0] == 0
    (tmp_path / "demo" / "mine.txt").touch()
    code, _, err = kinema("demo", "-o", tmp_path / "demo", "--model", tiny_model)
    assert code == 2 and "demo: exists and is not empty; give another output, or -y" in err
    assert kinema("demo", "-o", tmp_path / "demo", "--model", tiny_model, "-y")[0] == 0
    assert len(list((tmp_path / "demo").iterdir())) == 4
