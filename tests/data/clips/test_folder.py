import unicodedata

import pytest
from PIL import Image

from kinema.core.checks import InputError
from kinema.data.clips.folder import scan_folder, stated_splits


def reasons(folder, root):
    return {entry.path.relative_to(root).as_posix(): entry.reason for entry in folder.unreadable}


def test_finds_videos_animations_and_frame_folders_at_any_depth(tmp_path, write_clip, write_images, shapes):
    write_clip(tmp_path / "b.mp4", shapes[0])
    write_clip(tmp_path / "deep" / "er" / "a.mkv", shapes[1])
    write_images(tmp_path / "deep" / "frames", shapes[2])
    images = [Image.fromarray(image) for image in shapes[0]]
    images[0].save(tmp_path / "c.gif", save_all=True, append_images=images[1:], duration=100)
    images[0].save(tmp_path / "d.PNG", save_all=True, append_images=images[1:], duration=100)
    images[0].save(tmp_path / "still.png")
    for name in (".hidden.mp4", "notes.txt", "data.json", "points.npz"):
        (tmp_path / name).write_text("not a video")
    found = scan_folder(tmp_path)
    assert [clip.code for clip in found.clips] == ["b", "c", "d", "deep/er/a", "deep/frames"]
    assert found.unreadable == ()
    assert {(clip.split, clip.group) for clip in found.clips} == {("train", None)}
    assert {(clip.info.height, clip.info.width) for clip in found.clips} == {(32, 48)}
    assert all(clip.path.is_absolute() for clip in found.clips)


def test_lists_what_cannot_be_used_with_the_reason(tmp_path, write_clip, write_images, shapes):
    write_clip(tmp_path / "good.mp4", shapes[0])
    (tmp_path / "text.mp4").write_text("this is no video")
    (tmp_path / "empty.mov").touch()
    write_clip(tmp_path / "short.mkv", shapes[0][:1])
    write_images(tmp_path / "one", shapes[0][:1])
    Image.fromarray(shapes[0][0]).save(tmp_path / "still.gif")
    found = scan_folder(tmp_path)
    assert [clip.code for clip in found.clips] == ["good"]
    listed = reasons(found, tmp_path)
    assert list(listed) == ["empty.mov", "one", "short.mkv", "still.gif", "text.mp4"]
    assert "has 1 frame, training needs at least 2" in listed["short.mkv"]
    assert all(reason and "\n" not in reason and str(tmp_path) not in reason for reason in listed.values())


def test_equal_names_with_other_suffixes_keep_the_suffix_as_code(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "a.mp4", shapes[0])
    write_clip(tmp_path / "a.mkv", shapes[1])
    assert [clip.code for clip in scan_folder(tmp_path).clips] == ["a.mkv", "a.mp4"]


def test_folder_of_numbered_animations_is_many_clips(tmp_path, shapes):
    for number in (1, 2):
        images = [Image.fromarray(image) for image in shapes[number]]
        images[0].save(tmp_path / f"{number}.webp", save_all=True, append_images=images[1:], duration=100)
    assert [clip.code for clip in scan_folder(tmp_path).clips] == ["1", "2"]


def test_link_to_the_folder_above_ends(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "sub" / "a.mp4", shapes[0])
    (tmp_path / "sub" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert [clip.code for clip in scan_folder(tmp_path).clips] == ["sub/a"]


def test_index_gives_splits_and_motion_groups_and_masks_are_no_clips(tmp_path, write_clip, shapes):
    for name in ("x", "y.z", "w"):
        write_clip(tmp_path / "clips" / f"{name}.mp4", shapes[0])
        write_clip(tmp_path / "masks" / f"{name}.mp4", shapes[0])
    (tmp_path / "index.csv").write_text("code,group,motion_group,split\nx,faces,m1,train\ny.z,faces,m2,test\nw,,,\n")
    found = scan_folder(tmp_path)
    assert found.unreadable == ()
    assert [(clip.code, clip.split, clip.group) for clip in found.clips] == [
        ("w", "train", None),
        ("x", "train", "m1"),
        ("y.z", "test", "m2"),
    ]
    assert [clip.code for clip in scan_folder(tmp_path, split="test").clips] == ["y.z"]
    with pytest.raises(InputError, match="no clip of split 'tset'; its splits are: test, train"):
        scan_folder(tmp_path, split="tset")


def test_index_rows_without_a_file_and_files_without_a_row_are_listed(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "a.mp4", shapes[0])
    write_clip(tmp_path / "stray.mp4", shapes[0])
    write_clip(tmp_path / "twice.mp4", shapes[0])
    write_clip(tmp_path / "twice.mkv", shapes[0])
    (tmp_path / "index.csv").write_text("code\na\ngone\ntwice\n")
    found = scan_folder(tmp_path)
    assert [clip.code for clip in found.clips] == ["a"]
    listed = reasons(found, tmp_path)
    assert "line 3 of index.csv has no file" in listed["gone"]
    assert "name one of them in a 'file' column" in listed["twice"]
    assert "index.csv does not list it" in listed["stray.mp4"]


def test_masks_without_clips_beside_them_are_an_ordinary_folder(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "masks" / "a.mp4", shapes[0])
    assert [clip.code for clip in scan_folder(tmp_path).clips] == ["masks/a"]


def test_index_may_name_files(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "sub" / "a.mp4", shapes[0])
    write_clip(tmp_path / "clips" / "b.mp4", shapes[0])
    (tmp_path / "index.csv").write_text("file,group\nsub/a.mp4,g\nb.mp4,h\n")
    assert [(clip.code, clip.group) for clip in scan_folder(tmp_path).clips] == [("b", "h"), ("sub/a", "g")]


def test_sub_folders_called_train_and_test_are_splits(tmp_path, write_clip, write_images, shapes):
    write_images(tmp_path / "Train" / "a.mp4", shapes[0])
    write_clip(tmp_path / "train" / "deep" / "b.mkv", shapes[0])
    write_images(tmp_path / "test" / "c.mp4", shapes[1])
    write_images(tmp_path / "clips" / "validation" / "d", shapes[1])
    write_clip(tmp_path / "e.mkv", shapes[2])
    write_images(tmp_path / "val", shapes[2])  # a clip of that name, not a folder of clips
    found = scan_folder(tmp_path)
    splits = {clip.code: clip.split for clip in found.clips}
    assert splits == {
        "Train/a.mp4": "train",
        "train/deep/b": "train",
        "test/c.mp4": "test",
        "clips/validation/d": "val",
        "e": "train",
        "val": "train",
    }
    assert stated_splits(tmp_path) == ("test", "train", "val")
    of_train = scan_folder(tmp_path, split="train")
    assert len(of_train.clips) == 4 and of_train.others == {"test": 1, "val": 1}
    (tmp_path / "index.csv").write_text("file,split\ntrain/deep/b.mkv,test\ntest/c.mp4,\n")
    assert {clip.code: clip.split for clip in scan_folder(tmp_path).clips} == {"train/deep/b": "test", "test/c": "test"}


def test_a_row_without_a_file_states_a_split_all_the_same(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "a.mkv", shapes[0])
    (tmp_path / "index.csv").write_text("code,split\na,\ngone,test\n")
    assert stated_splits(tmp_path) == ("test",)


def test_folders_of_runs_and_models_are_never_searched(tmp_path, write_clip, write_images, shapes):
    write_clip(tmp_path / "a.mkv", shapes[0])
    for name, files in {
        "finished": ("config.json", "starts.jsonl", "checkpoints/"),
        "begun": (".lock", "checkpoints/"),
        "old": ("config.json", "checkpoints/"),
    }.items():
        write_images(tmp_path / "runs" / name / "samples", shapes[1])
        for file in files:
            path = tmp_path / "runs" / name / file
            path.mkdir() if file.endswith("/") else path.touch()
    write_images(tmp_path / "shipped" / "starts", shapes[2])
    for file in ("model.json", "model.safetensors"):
        (tmp_path / "shipped" / file).touch()
    found = scan_folder(tmp_path)
    assert [clip.code for clip in found.clips] == ["a"] and found.unreadable == ()
    with pytest.raises(InputError, match="begun: is the folder of a run or a model, not of clips"):
        scan_folder(tmp_path / "runs" / "begun")


def test_names_are_compared_in_one_normal_form(tmp_path, write_clip, write_images, shapes):
    names = [unicodedata.normalize("NFD", name) for name in ("caf\u00e9", "\u00fcber")]
    write_images(tmp_path / names[0], shapes[0])
    write_clip(tmp_path / f"{names[1]}.mkv", shapes[1])
    (tmp_path / "index.csv").write_text("file\ncaf\u00e9\n\u00fcber.mkv\n", encoding="utf-8")
    found = scan_folder(tmp_path)
    assert [clip.code for clip in found.clips] == ["caf\u00e9", "\u00fcber"] and found.unreadable == ()
    (tmp_path / "index.csv").write_text("code\ncaf\u00e9\n\u00fcber\n", encoding="utf-8")
    assert scan_folder(tmp_path).clips == found.clips


def test_rows_that_name_no_file_of_the_folder_are_left_out(tmp_path, write_clip, shapes):
    write_clip(tmp_path / "outside.mkv", shapes[0])
    folder = tmp_path / "given"
    write_clip(folder / "a.mkv", shapes[0])
    rows = ["a.mkv", "../outside.mkv", str(tmp_path / "outside.mkv"), "n" * 300 + ".mkv"]
    (folder / "index.csv").write_text("\n".join(["file", *rows]) + "\n")
    found = scan_folder(folder)
    assert [clip.code for clip in found.clips] == ["a"]
    listed = sorted(entry.reason for entry in found.unreadable)
    assert [reason[:60] for reason in listed] == [
        "line 3 of index.csv names a file outside the folder; copy or",
        "line 4 of index.csv names a file outside the folder; copy or",
        "line 5 of index.csv has no file: no " + "n" * 24,
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist; give a folder"),
        (lambda path: path.write_text("x"), "is a file; give a folder"),
        (lambda path: path.mkdir(), "no videos, animated images or folders"),
    ],
)
def test_refuses_what_is_no_folder_of_clips(tmp_path, make, message):
    make(tmp_path / "given")
    with pytest.raises(InputError, match=message) as error:
        scan_folder(tmp_path / "given")
    assert "\n" not in str(error.value)
