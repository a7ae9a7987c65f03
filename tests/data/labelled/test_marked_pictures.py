"""DeepLabCut's tables: points, gaps, and pictures under the names that people give them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from kinema.core.checks import InputError
from kinema.data.labelled.marked_pictures import find_label_table, read_labelled_pictures

HEAD = "scorer,me,me,me,me\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n"


def write(folder: Path, rows: str, *pictures: str) -> Path:
    for name in pictures:
        Image.fromarray(np.zeros((4, 4, 3), dtype=np.uint8)).save(folder / name)
    (folder / "CollectedData.csv").write_text(HEAD + rows)
    return folder / "CollectedData.csv"


def test_points_and_gaps_are_read_and_pictures_found(tmp_path: Path):
    rows = "data/a/img0.png,1,2,3,4\ndata/b/img1.png,5,6,,\n"
    table = write(tmp_path, rows, "img0.jpg", "data_b_img1.jpg")
    assert find_label_table(tmp_path) == table
    read = read_labelled_pictures(table)
    assert read.names == ("nose", "tail")
    assert [path.name for path in read.paths] == ["img0.jpg", "data_b_img1.jpg"]
    assert torch.equal(read.landmarks[0], torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert torch.equal(read.landmarks[1, 0], torch.tensor([5.0, 6.0])) and read.landmarks[1, 1].isnan().all()


def test_other_tables_are_none(tmp_path: Path):
    (tmp_path / "index.csv").write_text("code,split\na,train\n")
    assert find_label_table(tmp_path) is None


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("img0.png,1,2,3\n", "has 3 numbers instead of 4"),
        ("img0.png,1,2,three,4\n", "holds no numbers"),
        ("lost.png,1,2,3,4\n", "lost.png is not beside it"),
        ("", "pictures must follow"),
    ],
)
def test_a_broken_table_is_refused_in_one_line(tmp_path: Path, rows: str, says: str):
    table = write(tmp_path, rows, "img0.png")
    with pytest.raises(InputError, match=says) as caught:
        read_labelled_pictures(table)
    assert "\n" not in str(caught.value) and str(table) in str(caught.value)
