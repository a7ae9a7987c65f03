import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.core.process_mark import process_mark
from kinema.data.clips.cache import CacheConfig, FrameCache, default_cache_folder
from kinema.data.clips.folder import scan_folder
from kinema.data.samples.frame_pairs import PairConfig, PairSource

FULL = CacheConfig(size=(32, 48))


@pytest.fixture
def clips_folder(tmp_path, write_clip, shapes):
    for name, images in zip("abc", shapes, strict=True):
        write_clip(tmp_path / "clips" / f"{name}.mkv", images)
    return tmp_path / "clips"


def build(config, cache_folder, clips_folder, **arguments):
    return FrameCache(config, cache_folder).build(scan_folder(clips_folder).clips, **arguments)


def stored_files(cache_folder):
    return sorted((cache_folder / "frames").iterdir())


def test_holds_the_very_frames_of_the_file(tmp_path, clips_folder, shapes):
    progress = []
    result = build(
        FULL,
        tmp_path / "cache",
        clips_folder,
        on_progress=lambda done, total, clip: progress.append((done, total, clip.code)),
    )
    assert progress == [(1, 3, "a"), (2, 3, "b"), (3, 3, "c")]
    assert result.failed == ()
    for clip, images in zip(result.clips, shapes, strict=True):
        assert clip.shape == images.shape
        np.testing.assert_array_equal(clip.frames(), images)
        np.testing.assert_array_equal(np.load(clip.path, mmap_mode="r"), images)
    with pytest.raises(ValueError, match="read-only"):
        result.clips[0].frames()[0] = 0


def test_second_build_decodes_nothing(tmp_path, clips_folder):
    first = build(FULL, tmp_path / "cache", clips_folder)
    written = [path.stat().st_mtime_ns for path in stored_files(tmp_path / "cache")]
    assert build(FULL, tmp_path / "cache", clips_folder) == first
    assert [path.stat().st_mtime_ns for path in stored_files(tmp_path / "cache")] == written


def test_changed_file_is_decoded_again_and_the_old_entry_removed(tmp_path, clips_folder, write_clip, shapes):
    build(FULL, tmp_path / "cache", clips_folder)
    before = (clips_folder / "a.mkv").stat()
    write_clip(clips_folder / "a.mkv", shapes[0][::-1])
    os.utime(clips_folder / "a.mkv", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    result = build(FULL, tmp_path / "cache", clips_folder)
    np.testing.assert_array_equal(result.clips[0].frames(), shapes[0][::-1])
    assert stored_files(tmp_path / "cache") == sorted(clip.path for clip in result.clips)


def test_changed_frame_of_a_folder_is_noticed(tmp_path, write_images, shapes):
    write_images(tmp_path / "clips" / "a", shapes[0])
    build(FULL, tmp_path / "cache", tmp_path / "clips")
    write_images(tmp_path / "clips" / "a", shapes[1])
    os.utime(tmp_path / "clips" / "a" / "frame_0003.png", ns=(1, 1))
    result = build(FULL, tmp_path / "cache", tmp_path / "clips")
    np.testing.assert_array_equal(result.clips[0].frames(), shapes[1])


@pytest.mark.parametrize(
    "change", [{"size": (16, 48)}, {"fit": "pad"}, {"background": (0, 0, 0)}, {"frame_stride": 2}, {"max_frames": 4}]
)
def test_every_setting_has_entries_of_its_own(tmp_path, clips_folder, change):
    first = build(FULL, tmp_path / "cache", clips_folder)
    other = build(CacheConfig(**{"size": (32, 48), **change}), tmp_path / "cache", clips_folder)
    assert not {clip.path for clip in first.clips} & {clip.path for clip in other.clips}
    assert all(clip.path.exists() for clip in first.clips)


def test_stride_and_limit_thin_a_clip_over_its_whole_length(tmp_path, clips_folder, shapes):
    every_second = build(CacheConfig(size=(32, 48), frame_stride=2), tmp_path / "cache", clips_folder)
    np.testing.assert_array_equal(every_second.clips[1].frames(), shapes[1][::2])
    limited = build(CacheConfig(size=(32, 48), max_frames=2), tmp_path / "cache", clips_folder)
    np.testing.assert_array_equal(limited.clips[1].frames(), shapes[1][::3])


def test_damaged_entry_is_made_again(tmp_path, clips_folder, shapes):
    first = build(FULL, tmp_path / "cache", clips_folder)
    os.truncate(first.clips[0].path, 1000)
    first.clips[1].path.write_bytes(b"no array")
    result = build(FULL, tmp_path / "cache", clips_folder)
    for clip, images in zip(result.clips, shapes, strict=True):
        np.testing.assert_array_equal(clip.frames(), images)


def test_clips_that_fail_while_decoding_are_listed_and_leave_nothing(tmp_path, clips_folder):
    found = scan_folder(clips_folder)
    (clips_folder / "a.mkv").write_text("overwritten since")
    (clips_folder / "b.mkv").unlink()
    result = FrameCache(FULL, tmp_path / "cache").build(found.clips)
    assert [clip.code for clip in result.clips] == ["c"]
    assert [entry.path.name for entry in result.failed] == ["a.mkv", "b.mkv"]
    assert all(entry.reason and str(tmp_path) not in entry.reason for entry in result.failed)
    assert stored_files(tmp_path / "cache") == [result.clips[0].path]


def test_stride_that_leaves_one_frame_is_a_failure(tmp_path, clips_folder):
    result = build(CacheConfig(frame_stride=100), tmp_path / "cache", clips_folder)
    assert result.clips == ()
    assert "has 1 frame, training needs at least 2" in result.failed[0].reason
    with pytest.raises(InputError, match="no clips"):
        PairSource(result.clips, PairConfig(), seed=0)


def test_killed_build_leaves_no_entry_and_the_next_one_repairs(tmp_path, write_clip, shapes):
    images = np.tile(shapes[0], (400, 1, 1, 1))
    write_clip(tmp_path / "clips" / "long.mp4", images)
    program = (
        "import sys; from pathlib import Path; from kinema.data.clips.cache import *;"
        "from kinema.data.clips.folder import *;"
        "clips, cache = Path(sys.argv[1]), Path(sys.argv[2]);"
        "FrameCache(CacheConfig(size=(256, 256), max_frames=None), cache).build(scan_folder(clips).clips)"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "clips"), str(tmp_path / "cache")]
    process = subprocess.Popen(arguments)
    limit = time.monotonic() + 60
    while not any(path.stat().st_size > 1e6 for path in (tmp_path / "cache").glob("frames/*.tmp")):
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = stored_files(tmp_path / "cache")
    assert left.suffix == ".tmp"
    config = CacheConfig(size=(16, 16), max_frames=100)
    result = build(config, tmp_path / "cache", tmp_path / "clips")
    assert result.clips[0].shape == (100, 16, 16, 3)
    assert stored_files(tmp_path / "cache") == [result.clips[0].path]


def test_what_others_write_is_left_alone_until_it_is_old(tmp_path, clips_folder):
    frames = tmp_path / "cache" / "frames"
    frames.mkdir(parents=True)
    ours, elsewhere, old = (
        frames / f"a-b-c.npy.{mark}.tmp" for mark in (process_mark(), "00000000-1-1", "00000000-2-2")
    )
    for path in (ours, elsewhere, old):
        path.touch()
    os.utime(old, (1, 1))
    build(FULL, tmp_path / "cache", clips_folder)
    assert ours.exists() and elsewhere.exists() and not old.exists()


def test_a_user_without_a_home_is_asked_for_a_place(monkeypatch):
    monkeypatch.delenv("KINEMA_CACHE")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(InputError, match="this user has no home folder; set KINEMA_CACHE to a folder"):
        default_cache_folder()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"short")])
def test_frames_that_vanish_while_they_are_in_use_are_one_line(tmp_path, clips_folder, damage):
    (clip, *_) = build(FULL, tmp_path / "cache", clips_folder).clips
    damage(clip.path)
    with pytest.raises(InputError, match="the decoded frames of clip 'a' are gone"):
        clip.frames()


def test_place_of_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KINEMA_CACHE", str(tmp_path / "here"))
    assert default_cache_folder() == tmp_path / "here"
    monkeypatch.delenv("KINEMA_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "kinema"
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be used as a cache"):
        FrameCache(FULL, tmp_path / "file").build([])


def test_refuses_to_fill_the_disk(tmp_path, clips_folder):
    (clip, *_) = scan_folder(clips_folder).clips
    config = CacheConfig(size=(4096, 4096), max_frames=None)
    num_bytes = 6 * 4096 * 4096 * 3
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with pytest.raises(InputError, match="lower max_frames or size"):
        FrameCache(config, tmp_path / "cache").build([clip] * (free // num_bytes + 2))


def test_pairs_are_read_from_the_cache(tmp_path, clips_folder, shapes):
    result = build(FULL, tmp_path / "cache", clips_folder)
    from_disk = PairSource(result.clips, PairConfig(), seed=1).batch(3, 4)
    from_memory = PairSource.from_arrays(dict(zip("abc", shapes, strict=True)), PairConfig(), seed=1).batch(3, 4)
    assert from_disk.source.equal(from_memory.source) and from_disk.driving.equal(from_memory.driving)
