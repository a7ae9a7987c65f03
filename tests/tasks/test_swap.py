"""Parts go from a still onto a clip of any size; away from them the clip keeps its pixels, times and sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.framing.blend import blend_over
from kinema.framing.pixels import to_frames
from kinema.framing.window import Framing
from kinema.tasks.segmenter import open_parser
from kinema.tasks.swap import SwapRequest, swap
from kinema.video import MaskWriter, open_video, part_colours, probe, read_image, write_image

from ..loaded import given


def frames_of(path: Path) -> np.ndarray:
    with open_video(path) as reader:
        return np.stack([frame.image for frame in reader])


def write_masks(path: Path, *labels: np.ndarray) -> Path:
    with MaskWriter(path, part_colours(20)) as writer:
        for row in labels:
            writer.write(row)
    return path


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("of_source", [False, True])
def test_the_result_has_the_targets_size_times_and_sound(
    parts_pipeline, make_clip, sound_file, still, tmp_path: Path, hard: bool, of_source: bool
):
    target = make_clip("target.mp4", (50, 70), 5, sound=sound_file)
    output = tmp_path / "swapped.mp4"
    request = SwapRequest(source=still, target=target, output=output, parts=(1, 2, 3, 4), hard=hard, model="given")
    assert swap(request.replace(of_source=of_source), given(parts_pipeline)).frames == 5
    before, after = probe(target), probe(output)
    assert (after.height, after.width, after.frame_rate) == (before.height, before.width, before.frame_rate)
    assert after.has_audio
    with open_video(target) as one, open_video(output) as other:
        assert [frame.time_seconds for frame in one] == [frame.time_seconds for frame in other]


def test_only_the_masked_pixels_change(parts_pipeline, make_clip, still, tmp_path: Path):
    target = make_clip("frames", (64, 96), 3)
    labels = np.zeros((64, 96), dtype=np.uint8)
    labels[:, 64:] = 7
    masks = write_masks(tmp_path / "masks", labels, labels, labels)
    request = SwapRequest(
        source=still, target=target, output=tmp_path / "swapped", parts=(7,), parser=masks, hard=True, model="given"
    )
    swap(request, given(parts_pipeline))
    before, after = frames_of(target), frames_of(tmp_path / "swapped")
    # A pixel of the features is twelve of the target wide here, and the mask is blurred before it is shrunk to them.
    assert (before[:, :, :32] == after[:, :, :32]).all()
    assert (before[:, :, 80:] != after[:, :, 80:]).any(axis=-1).mean() > 0.5


def test_a_still_onto_a_still(parts_pipeline, still, tmp_path: Path):
    target = tmp_path / "target.png"
    write_image(target, np.full((45, 33, 3), 90, dtype=np.uint8))
    assert (
        swap(
            SwapRequest(
                source=still, target=target, output=tmp_path / "swapped.png", parts=(1, 2, 3, 4), model="given"
            ),
            given(parts_pipeline),
        ).frames
        == 1
    )
    assert read_image(tmp_path / "swapped.png").shape == (45, 33, 3)


def test_half_a_share_shows_the_made_frame_alone():
    target, made = np.zeros((4, 4, 3), dtype=np.uint8), torch.ones(3, 4, 4)
    for share, level in ((0.0, 0), (0.25, 128), (0.5, 255), (1.0, 255)):
        assert (blend_over(target, made, torch.full((1, 4, 4), share)) == level).all()


@pytest.mark.parametrize(
    ("parts", "says"), [((5,), "give one or more of 0"), ((), "give one or more of 0"), ((-1,), "to 4")]
)
def test_parts_that_are_none_are_refused_before_any_work(parts_pipeline, make_clip, still, tmp_path: Path, parts, says):
    with pytest.raises(InputError, match=says):
        swap(
            SwapRequest(
                source=still,
                target=make_clip("target.mp4"),
                output=tmp_path / "swapped.mp4",
                parts=parts,
                model="given",
            ),
            given(parts_pipeline),
        )
    assert not (tmp_path / "swapped.mp4").exists()


def test_masks_that_do_not_fit_are_refused(parts_pipeline, make_clip, still, tmp_path: Path):
    target = make_clip("target.mp4", (48, 64), 3)
    small = write_masks(tmp_path / "small.png", np.zeros((8, 8), dtype=np.uint8))
    few = write_masks(tmp_path / "few", np.zeros((48, 64), dtype=np.uint8))
    for parser, says in ((small, "a mask of 8x8 does not fit a picture of 64x48"), (few, "holds 1 masks")):
        with pytest.raises(InputError, match=says):
            swap(
                SwapRequest(
                    source=still,
                    target=target,
                    output=tmp_path / "swapped.mp4",
                    parts=(0,),
                    parser=parser,
                    model="given",
                ),
                given(parts_pipeline),
            )
    assert not (tmp_path / "swapped.mp4").exists()


def test_a_clip_does_not_fit_into_one_picture(parts_pipeline, make_clip, still, tmp_path: Path):
    with pytest.raises(InputError, match=r"is one picture, .* a clip; give \.mp4"):
        swap(
            SwapRequest(
                source=still, target=make_clip("target.mp4"), output=tmp_path / "swapped.png", parts=(1,), model="given"
            ),
            given(parts_pipeline),
        )


@pytest.mark.extra("onnx", "onnx", "onnxruntime")
def test_a_network_in_onnx_tells_classes(tmp_path: Path):
    """Class 1 answers the red of a pixel, class 2 its green, as ImageNet's statistics see them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = np.zeros((3, 3, 1, 1), dtype=np.float32)
    weight[1, 0], weight[2, 1] = 50, 50
    graph = helper.make_graph(
        [helper.make_node("Conv", ["frame", "weight"], ["logits"])],
        "parser",
        [helper.make_tensor_value_info("frame", TensorProto.FLOAT, [1, 3, 24, 24])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3, 24, 24])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    onnx.save(model, str(tmp_path / "parser.onnx"))
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    image[:, :16, 0], image[:, 16:, 1] = 255, 255
    shares = open_parser(tmp_path / "parser.onnx").parse(image, 0, Framing((0, 0, 32, 32), (32, 32)))
    assert shares.shape == (1, 3, 24, 24) and shares.sum(dim=1).allclose(torch.ones(1, 24, 24))
    assert (shares[0, 1, :, :10] > 0.99).all() and (shares[0, 2, :, -10:] > 0.99).all()
    (tmp_path / "broken.onnx").write_text("no network")
    with pytest.raises(InputError, match=r"broken\.onnx: onnxruntime cannot read it"):
        open_parser(tmp_path / "broken.onnx")


def test_a_parser_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="a parser is an .onnx network, an index mask"):
        open_parser(tmp_path / "weights.pth")


def test_the_shares_of_masks_follow_the_window(tmp_path: Path):
    labels = np.zeros((32, 32), dtype=np.uint8)
    labels[8:24, 8:24] = 3
    parser = open_parser(write_masks(tmp_path / "mask.png", labels))
    shares = parser.parse(np.zeros((32, 32, 3), dtype=np.uint8), 0, Framing((8, 8, 16, 16), (8, 8)))
    assert shares.shape == (1, 256, 8, 8) and (shares[0, 3] == 1).all()


def test_the_pipeline_says_where_the_source_shows(parts_pipeline):
    source, target = (np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8) for seed in (0, 1))
    animation = parts_pipeline.prepare(to_frames(source))
    everything = torch.ones(1, 2, 8, 8) * torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)
    for part, level in ((0, 0.0), (1, 1.0)):
        _, share = parts_pipeline.swap(animation, to_frames(target), (part,), segmentation=everything)
        assert torch.allclose(share, torch.full_like(share, level))


def test_parts_that_are_nowhere_are_refused_with_those_that_are_there(red_is_a_part, still, tmp_path: Path):
    target = tmp_path / "target.png"
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    image[8:24, 8:24, 0] = 255
    write_image(target, image)
    request = SwapRequest(
        source=still, target=target, output=tmp_path / "out.png", parts=(3,), hard=True, model="given"
    )
    with pytest.raises(InputError, match=r"parts 3 are nowhere in .*target.png, which shows 0, 1; "):
        swap(request, given(red_is_a_part))
    assert not request.output.exists()
    assert swap(request.replace(parts=(1,)), given(red_is_a_part)).frames == 1


def test_a_binary_mask_of_0_and_255_counts_as_0_and_1(parts_pipeline, still, tmp_path: Path):
    target, mask = tmp_path / "target.png", np.zeros((32, 32), dtype=np.uint8)
    write_image(target, np.full((32, 32, 3), 90, dtype=np.uint8))
    mask[:, 16:] = 255
    masks = write_masks(tmp_path / "mask.png", mask)
    request = SwapRequest(
        source=still, target=target, output=tmp_path / "out.png", parts=(1,), parser=masks, hard=True, model="given"
    )
    swap(request, given(parts_pipeline))
    changed = (read_image(request.output) != 90).any(axis=2)
    assert changed[:, 24:].any() and not changed[:, :4].any()
    with pytest.raises(InputError, match=r"parts 7 are nowhere in .*mask.png, which shows 0, 1"):
        swap(request.replace(parts=(7,), output=tmp_path / "none.png"), given(parts_pipeline))
