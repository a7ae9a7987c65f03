import pytest
from PIL import Image

from kinema.core.checks import InputError
from kinema.data.clips.folder import scan_folder


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
