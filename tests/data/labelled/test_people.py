"""Pairs of people: within a person, never across a split, the same for the same seed, step and row."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from kinema.core.checks import InputError
from kinema.data.labelled.people import read_pairs, read_people, stated_people_splits
from kinema.data.samples.person_pairs import PeopleConfig, PersonPairs, load_pairs
from kinema.data.samples.prefetch import prefetch
from kinema.framing.fit import fit_image, fit_points
from kinema.people.skeleton import INDEX, JOINTS

from ...people.poses import SIZE, STANDING

CONFIG = PeopleConfig(size=SIZE)


def annotate(folder: Path, split: str, names: list[str], *, without: dict[str, str] | None = None) -> None:
    lines = ["name:keypoints_y:keypoints_x"]
    for name in names:
        missing = (without or {}).get(name)
        points = [(-1, -1) if joint == missing else STANDING[joint] for joint in JOINTS]
        lines.append(f"{name}: {json.dumps([y for _, y in points])}: {json.dumps([x for x, _ in points])}")
    (folder / f"annotations-{split}.csv").write_text("\n".join(lines) + "\n")


def picture(name: str, size: tuple[int, int] = SIZE) -> bytes:
    """A lossless picture whose left half tells the person and whose right half tells the picture."""
    person, number = (int(part) for part in name.removesuffix(".png").split("_"))
    pixels = np.zeros((*size, 3), dtype=np.uint8)
    pixels[:, : size[1] // 2] = 10 * person
    pixels[:, size[1] // 2 :] = 10 * number
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def people_folder(folder: Path, split: str, people: range, *, count: int = 3, packed: bool = False) -> list[str]:
    names = [f"{person}_{number}.png" for person in people for number in range(1, count + 1)]
    annotate(folder, split, names)
    if packed:
        with tarfile.open(folder / f"images-{split}.tar", "w") as tar:
            for name in names:
                entry = tarfile.TarInfo(f"inner/{name}")
                content = picture(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    else:
        (folder / split).mkdir()
        for name in names:
            (folder / split / name).write_bytes(picture(name))
    return names


def persons(frames: torch.Tensor, *, column: int = 0) -> list[int]:
    return (frames[:, 0, 0, column] * 25.5).round().int().tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_is_read(tmp_path: Path, packed: bool):
    names = people_folder(tmp_path, "train", range(1, 4), packed=packed)
    people_folder(tmp_path, "test", range(4, 6), packed=packed)
    assert stated_people_splits(tmp_path) == ("test", "train")
    people = read_people(tmp_path, "train")
    assert [image.name for image in people] == sorted(names)
    assert {image.identity for image in people} == {"1", "2", "3"}
    assert people[0].points[INDEX["left_hip"]].tolist() == [19, 32] and people[0].present.all()
    assert people[4].picture()[0, 0, 0] == 20 and people[4].picture()[0, -1, 0] == 20


def test_pairs_are_of_one_person_and_of_two_pictures(tmp_path: Path):
    people_folder(tmp_path, "train", range(1, 6))
    batch = PersonPairs(read_people(tmp_path, "train"), CONFIG, seed=0).batch(0, 32)
    assert batch.source.shape == (32, 3, *SIZE) and batch.joints_source.value.shape == (32, 18, 2)
    assert persons(batch.source) == persons(batch.driving) and len(set(persons(batch.source))) == 5
    pairs = zip(persons(batch.source, column=-1), persons(batch.driving, column=-1), strict=True)
    assert all(first != second for first, second in pairs)


def test_a_batch_depends_on_seed_step_and_row_only(tmp_path: Path):
    people = read_people(tmp_path, "train") if people_folder(tmp_path, "train", range(1, 6)) else ()
    source = PersonPairs(people[::-1], CONFIG.model_copy(update={"horizontal_flip": 0.5}), seed=3)
    same = PersonPairs(people, source.config, seed=3)
    whole = source.batch(5, 4)
    halves = [same.batch(5, 2, rank=rank, world_size=2) for rank in (0, 1)]
    assert torch.equal(whole.source, torch.cat([half.source for half in halves]))
    assert torch.equal(whole.joints_driving.value, torch.cat([half.joints_driving.value for half in halves]))
    assert not torch.equal(whole.source, source.batch(6, 4).source)
    with prefetch(source, 5, 4, stop_step=7) as stream:
        assert torch.equal(next(stream).driving, whole.driving) and len(list(stream)) == 1


def test_both_pictures_are_mirrored_with_their_joints(tmp_path: Path):
    people_folder(tmp_path, "train", range(1, 2), count=2)
    pair = read_people(tmp_path, "train")
    plain, mirrored = (load_pairs([tuple(pair)], CONFIG, mirrored=[flip]) for flip in (False, True))
    assert torch.equal(mirrored.source, plain.source.flip(-1)) and torch.equal(mirrored.driving, plain.driving.flip(-1))
    right = plain.joints_source.value[0, INDEX["right_hip"]]
    assert mirrored.joints_source.value[0, INDEX["left_hip"]].tolist() == [SIZE[1] - 1 - right[0], right[1]]


def test_pictures_without_a_whole_torso_are_left_out(tmp_path: Path):
    names = people_folder(tmp_path, "train", range(1, 3), count=2)
    annotate(tmp_path, "train", names, without={"1_1.png": "left_hip"})
    people = read_people(tmp_path, "train")
    assert not people[0].present[INDEX["left_hip"]]
    assert set(persons(PersonPairs(people, CONFIG, seed=0).batch(0, 8).source)) == {2}
    everyone = PersonPairs(people, CONFIG.model_copy(update={"whole_torso": False}), seed=0)
    assert set(persons(everyone.batch(0, 16).source)) == {1, 2}
    with pytest.raises(InputError, match="none two of one person"):
        PersonPairs(people[:2], CONFIG, seed=0)


def test_listed_pairs(tmp_path: Path):
    people_folder(tmp_path, "test", range(1, 3), count=2)
    people = read_people(tmp_path, "test")
    listing = tmp_path / "pairs-test.csv"
    listing.write_text("from,to\n1_2.png,1_1.png\n2_1.png,2_2.png\n")
    assert read_pairs(tmp_path, "test", people) == ((1, 0), (2, 3))
    listing.write_text("from,to\n1_2.png,2_1.png\n")
    with pytest.raises(InputError, match="show two people"):
        read_pairs(tmp_path, "test", people)
    listing.write_text("from,to\n1_2.png,9_1.png\n")
    with pytest.raises(InputError, match="'9_1.png' is no picture of test"):
        read_pairs(tmp_path, "test", people)


def test_a_person_of_two_splits_is_refused(tmp_path: Path):
    people_folder(tmp_path, "train", range(1, 4))
    people_folder(tmp_path, "test", range(3, 5))
    with pytest.raises(InputError, match="person '3' is in the splits train and test"):
        read_people(tmp_path, "train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name:keypoints_y\n", "its first line is not name:keypoints_y:keypoints_x"),
        ("name:keypoints_y:keypoints_x\n1_1.png: [1, 2]: [3, 4]\n", "has 2 joints, expected 18"),
        ("name:keypoints_y:keypoints_x\n1_1.png: nothing: []\n", "has no lists of numbers"),
        (f"name:keypoints_y:keypoints_x\n9_1.png: {[0] * 18}: {[0] * 18}\n", "'9_1.png' and 0 more are not among"),
    ],
)
def test_broken_annotations_are_named(tmp_path: Path, text: str, message: str):
    people_folder(tmp_path, "train", range(1, 2))
    (tmp_path / "annotations-train.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_people(tmp_path, "train")
    assert "\n" not in str(caught.value)


def test_missing_files_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="has no annotations-train.csv; splits there: none"):
        read_people(tmp_path, "train")
    annotate(tmp_path, "train", ["1_1.png"])
    with pytest.raises(InputError, match="has neither images-train.tar nor"):
        read_people(tmp_path, "train")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "1_1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="picture '1_1.png': cannot be read"):
        read_people(tmp_path, "train")[0].picture()


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_points_go_where_the_picture_goes(fit: str):
    image = np.zeros((20, 12, 3), dtype=np.uint8)
    image[8:12, 4:8] = 255
    fitted = fit_image(image, (30, 40), fit, (0, 0, 0))[..., 0].astype(float)
    rows, columns = np.indices(fitted.shape)
    centre = [(fitted * columns).sum() / fitted.sum(), (fitted * rows).sum() / fitted.sum()]
    np.testing.assert_allclose(fit_points(np.array([[5.5, 9.5]]), (20, 12), (30, 40), fit)[0], centre, atol=0.3)


def write_masks(folder: Path, split: str, names: list[str]) -> np.ndarray:
    """The left quarter of the frame of every picture."""
    masks = np.zeros((len(names), *SIZE), dtype=bool)
    masks[:, :, : SIZE[1] // 4] = True
    np.savez(folder / f"masks-{split}.npz", name=np.array(names), packed=np.packbits(masks, 2), shape=np.array(SIZE))
    return masks


def test_masks_travel_with_the_driving_picture_and_are_mirrored_with_it(tmp_path: Path):
    names = people_folder(tmp_path, "train", range(1, 2), count=2)
    bare = load_pairs([tuple(read_people(tmp_path, "train"))], CONFIG)
    assert bare.mask is None
    write_masks(tmp_path, "train", names)
    pair = read_people(tmp_path, "train")
    plain, mirrored = (load_pairs([tuple(pair)], CONFIG, mirrored=[flip]) for flip in (False, True))
    assert plain.mask.shape == (1, 1, *SIZE) and plain.mask.mean() == 0.25 and (plain.mask[..., 0] == 1).all()
    assert torch.equal(mirrored.mask, plain.mask.flip(-1))


def test_broken_masks_are_named(tmp_path: Path):
    names = people_folder(tmp_path, "train", range(1, 2))
    np.savez(tmp_path / "masks-train.npz", name=np.array(names), packed=np.zeros((1, 64, 4), np.uint8), shape=SIZE)
    with pytest.raises(InputError, match="expected uint8"):
        read_people(tmp_path, "train")
    np.savez(tmp_path / "masks-train.npz", name=np.array(names))
    with pytest.raises(InputError, match="give arrays name, packed, shape"):
        read_people(tmp_path, "train")


def test_colours_change_alike_in_both_pictures(tmp_path: Path):
    people_folder(tmp_path, "train", range(4, 7))
    people = read_people(tmp_path, "train")
    plain = PersonPairs(people, CONFIG, seed=0).batch(0, 16)
    changed = PersonPairs(people, CONFIG.model_copy(update={"colour": 0.3}), seed=0).batch(0, 16)
    assert not torch.equal(plain.source, changed.source)
    assert 0 <= changed.source.min() and changed.source.max() <= 1
    left = [frames[..., : SIZE[1] // 2].flatten(1) for frames in (changed.source, changed.driving)]
    assert torch.equal(*left)  # that half tells the person, so it was equal before
    assert torch.equal(plain.joints_source.value, changed.joints_source.value)
