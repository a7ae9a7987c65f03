"""Excerpts, previews, motion templates, the motion factor, alpha, and the word about unfamiliar stills."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from kinema.core.checks import InputError
from kinema.core.progress import Event, Told
from kinema.framing.pixels import to_frames, to_images
from kinema.runtime.load import load
from kinema.runtime.models import Models
from kinema.systems.familiarity import FILE_NAME, Familiarity
from kinema.tasks.animate import AnimateRequest, animate
from kinema.tasks.animation.background_lock import BackgroundLock
from kinema.tasks.animation.motion_template import read_template
from kinema.video import probe, read_image

from ..decoded import decoded_alpha
from ..loaded import given


@pytest.fixture
def request_of(still: Path, make_clip, tmp_path: Path):
    def make(output: str, **fields: object) -> AnimateRequest:
        driving = tmp_path / "driving.mp4"
        if not driving.exists():
            make_clip("driving.mp4", frames=24)
        values = {"source": still, "driving": driving, "output": tmp_path / output, "model": "given"}
        return AnimateRequest.of(**values | {"anchor": "first", **fields})

    return make


def test_an_excerpt_is_the_part_of_the_whole(pipeline, request_of, read_all):
    models = given(pipeline)
    animate(request_of("whole", relative=False), models)
    request = request_of("part", relative=False, start=Fraction(1, 2), end=Fraction(3, 2), max_frames=7)
    result = animate(request, models)
    whole, part = read_all(request.output.with_name("whole"))[0], read_all(request.output)[0]
    assert result.frames == 7 and np.array_equal(part, whole[5:12])
    assert animate(request.replace(max_frames=None), models).frames == 10


def test_a_preview_is_every_tenth_frame_at_half_the_size(pipeline, request_of):
    request = request_of("out.mp4", preview=True)
    result = animate(request, given(pipeline))
    info = probe(request.output)
    assert result.frames == 3 and result.size == (16, 16) and (info.height, info.width) == (16, 16)
    assert info.frame_rate == 1  # ten times as long each


def test_a_template_gives_the_very_frames_of_its_clip(pipeline, request_of, tmp_path: Path, read_all):
    template = tmp_path / "motion.json"
    request = request_of("clip", anchor="auto", save_motion=template)
    by_clip = animate(request, given(pipeline))
    again = request.replace(driving=template, output=tmp_path / "again", save_motion=None)
    by_template = animate(again, given(pipeline))
    assert by_clip.anchor == by_template.anchor and by_clip.frame_rate == by_template.frame_rate
    frames, times = read_all(request.output)
    assert np.array_equal(frames, read_all(again.output)[0]) and times == read_all(again.output)[1]
    assert len(read_template(template, pipeline).times) == 24


def test_a_template_of_another_model_and_broken_ones_are_refused(tiny_model, make_model, request_of, tmp_path: Path):
    template = tmp_path / "motion.json"
    pipeline = load(tiny_model, device="cpu")
    animate(request_of("clip", save_motion=template), given(pipeline))
    other = load(make_model("motion.max_features=24"), device="cpu")
    again = request_of("again", driving=template)
    with pytest.raises(InputError, match="its keypoints are another model's"):
        animate(again, given(other))
    values = json.loads(template.read_text())
    for change, says in (
        ({"frames": []}, "holds no frames"),
        ({"kinema": "music"}, "is no motion template"),
        ({"frames": [{"time": "1/0", "value": [[0, 0]]}]}, "time 1/0 is no number"),
        ({"frames": [{"time": "0", "value": [[0, 1e999]]}]}, "frame 0: field 'value.0.1'"),
        ({"frames": [*values["frames"][:1] * 2]}, "is not after the one before"),
    ):
        template.write_text(json.dumps(values | change))
        with pytest.raises(InputError, match=says) as caught:
            animate(again, given(pipeline))
        assert "\n" not in str(caught.value)


def test_no_motion_leaves_the_source_and_half_of_it_lies_between(pipeline, request_of, read_all):
    made = {}
    for motion in (0.0, 0.5, 1.0):
        request = request_of(f"out-{round(10 * motion)}", motion=motion)
        animate(request, given(pipeline))
        made[motion] = read_all(request.output)[0].astype(int)
    assert (made[0.0] == made[0.0][:1]).all() and (made[1.0] != made[1.0][:1]).any()
    moved = {motion: np.abs(made[motion] - made[0.0]).mean() for motion in made}
    assert 0 < moved[0.5] < moved[1.0]


@pytest.mark.parametrize("name", ["out.webp", "out.webm", "out.mov", "frames", "many/%03d.png"])
def test_alpha_is_the_object(pipeline, red_is_a_part, request_of, tmp_path: Path, name: str):
    red = np.zeros((32, 32, 3), np.uint8)
    red[8:24, 8:24, 0] = 255
    Image.fromarray(red).save(tmp_path / "red.png")
    (tmp_path / "many").mkdir()
    # Without motion the source stays as it is, and so do its parts.
    request = request_of(name, source=tmp_path / "red.png", crop="none", alpha=True, parts_model="red", motion=0.0)
    result = animate(request.replace(max_frames=3), given(pipeline, red=red_is_a_part))
    alphas = list(decoded_alpha(tmp_path / "many" if "%" in name else request.output))
    wanted = matte_of(red_is_a_part, pipeline, request.source)
    # libwebp makes one of frames that are alike.
    assert result.frames == 3 and len(alphas) == (1 if name.endswith("webp") else 3)
    assert wanted.min() == 0 and wanted.max() == 255
    for alpha in alphas:
        # VP9 is lossy, the others are exact but for ten bits of ProRes.
        assert np.abs(alpha.astype(int) - wanted).mean() < (3 if name.endswith("webm") else 1)


def matte_of(parts, pipeline, source: Path) -> np.ndarray:
    """(H, W) alpha that the parts give the generated still, 0 to 255."""
    still = read_image(source)
    animation = pipeline.prepare(to_frames(still), anchor=pipeline.detect(to_frames(still)), motion=0.0)
    image = to_images(animation.animate_to(pipeline.detect(to_frames(still))))
    return BackgroundLock(parts, still).matte(image)[0, ..., 0].astype(int)


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "out.mkv", "out.avi", "out.jpg"])
def test_what_holds_no_alpha_is_refused_before_any_work(request_of, tmp_path: Path, name: str):
    request = request_of(name, alpha=True, model="no such model")
    with pytest.raises(
        InputError, match=rf"{name}: '\.\w+' holds no alpha; give \.webm, \.mov, \.webp, .* or a folder"
    ):
        animate(request, Models())
    assert not request.output.exists()


def test_several_stills_with_alpha_become_webm(kinema, tiny_model, parts_model, still, assets, tmp_path: Path):
    words = ["animate", still, "--driving", assets / "walk.mp4", "-o", tmp_path / "many", "--max-frames", 2]
    code, _, err = kinema(*words, "--alpha", "--model", tiny_model, "--parts-model", parts_model)
    assert code == 0, err
    assert [path.name for path in (tmp_path / "many").iterdir()] == ["still.webm"]
    assert len(list(decoded_alpha(tmp_path / "many" / "still.webm"))) == 2


def test_an_unfamiliar_still_is_told_of_and_a_familiar_one_is_not(tiny_model: Path, request_of, tmp_path: Path):
    pipeline = load(tiny_model, device="cpu")
    dim = np.random.default_rng(0).integers(0, 25, (300, 32, 32, 3), np.uint8)
    known = Familiarity.of(pipeline.describe(to_frames(dim)))
    known.save(tmp_path / FILE_NAME)
    pipeline.familiarity = Familiarity.read(tmp_path / FILE_NAME)
    dark, bright = tmp_path / "dark.png", tmp_path / "bright.png"
    noise = np.random.default_rng(1).integers(0, 25, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(dark)
    Image.fromarray(255 - noise // 2).save(bright)
    told: dict[Path, list[Event]] = {}
    for source in (dark, bright):
        told[source] = []
        animate(request_of("out.gif", source=source, crop="none"), given(pipeline), told[source].append)
    assert not [event for event in told[dark] if isinstance(event, Told)]
    (word,) = [event.line for event in told[bright] if isinstance(event, Told)]
    assert word.startswith(f"{bright}: unlike the pictures that given learned from (distance ")


def test_distances_of_what_was_learned_are_about_one():
    vectors = torch.randn(500, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([1, 2, 3, 4, 5, 6.0])
    known = Familiarity.of(vectors)
    assert float(known.distance(vectors).square().mean()) == pytest.approx(1, abs=0.1)
    assert float((known.distance(vectors) > known.reach).float().mean()) == pytest.approx(0.01, abs=0.005)
    assert (known.distance(vectors + 40) > known.limit).all()
