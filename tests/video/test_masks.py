"""Index masks keep their labels to the bit, overlays colour parts alone, outputs appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from kinema.core.checks import InputError
from kinema.video import MaskReader, MaskWriter, overlay, part_colours, read_mask

LABELS = (np.arange(48, dtype=np.uint8) % 17).reshape(6, 8)


def test_a_label_has_one_colour_whatever_the_count():
    few, many = part_colours(5), part_colours(40)
    assert (few == many[:5]).all() and not few[0].any()
    assert len({tuple(colour) for colour in many.tolist()}) == 40


def test_an_overlay_leaves_the_background_as_it_is():
    image = np.full((6, 8, 3), 200, dtype=np.uint8)
    colours = part_colours(17)
    shown = overlay(image, LABELS, colours, opacity=0.5)
    assert (shown[LABELS == 0] == 200).all()
    wanted = np.round(200 * 0.5 + colours[3] * 0.5)
    assert (shown[LABELS == 3] == wanted).all()


def test_a_mask_is_read_as_it_was_written(tmp_path: Path):
    with MaskWriter(tmp_path / "mask.png", part_colours(17)) as writer:
        writer.write(LABELS)
    assert (read_mask(tmp_path / "mask.png") == LABELS).all()
    with pil.open(tmp_path / "mask.png") as picture:
        assert picture.mode == "P" and (np.array(picture.convert("RGB"))[0, 3] == part_colours(17)[3]).all()


def test_the_masks_of_a_clip_are_a_folder_or_follow_a_pattern(tmp_path: Path):
    (tmp_path / "numbered").mkdir()
    for target in (tmp_path / "masks", tmp_path / "numbered" / "m_%03d.png"):
        with MaskWriter(target, part_colours(17)) as writer:
            for shift in range(3):
                writer.write((LABELS + shift).astype(np.uint8))
        reader = MaskReader(target if target.suffix == "" else target.parent)
        assert len(reader) == 3
        assert all((reader.read(index) == LABELS + index).all() for index in range(3))
        with pytest.raises(InputError, match="holds 3 masks"):
            reader.read(3)


def test_one_mask_stands_for_every_frame(tmp_path: Path):
    with MaskWriter(tmp_path / "mask.png", part_colours(17)) as writer:
        writer.write(LABELS)
    reader = MaskReader(tmp_path / "mask.png")
    assert (reader.read(0) == reader.read(7)).all()


def test_nothing_is_left_of_a_failed_run(tmp_path: Path):
    for target in (tmp_path / "mask.png", tmp_path / "masks"):
        with pytest.raises(ZeroDivisionError), MaskWriter(target, part_colours(17)) as writer:
            writer.write(LABELS)
            raise ZeroDivisionError
    with (
        pytest.raises(InputError, match="give a folder"),
        MaskWriter(tmp_path / "mask.png", part_colours(17)) as writer,
    ):
        writer.write(LABELS)
        writer.write(LABELS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["masks.mp4", "mask.jpg", "nowhere/mask.png"])
def test_a_target_that_would_lose_labels_is_refused(tmp_path: Path, name: str):
    with pytest.raises(InputError) as caught:
        MaskWriter(tmp_path / name, part_colours(3))
    assert "\n" not in str(caught.value) and name.partition("/")[0] in str(caught.value)


def test_a_picture_in_colour_is_no_mask(tmp_path: Path):
    pil.fromarray(np.zeros((4, 4, 3), dtype=np.uint8)).save(tmp_path / "rgb.png")
    (tmp_path / "text.png").write_text("no picture")
    for name, reason in (("rgb.png", "mode RGB"), ("text.png", "cannot be read")):
        with pytest.raises(InputError, match=reason):
            read_mask(tmp_path / name)


def test_a_damaged_mask_is_one_line(tmp_path):
    pil.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "mask.png")
    content = (tmp_path / "mask.png").read_bytes()
    at = content.index(b"IDAT")
    (tmp_path / "mask.png").write_bytes(content[:at] + b"c\xd8\x94\xa1" + content[at + 4 :])
    with pytest.raises(InputError, match="cannot be read as an index mask") as caught:
        read_mask(tmp_path / "mask.png")
    assert "\n" not in str(caught.value)
