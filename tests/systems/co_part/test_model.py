"""The stages joined, and parts taken from one picture into another."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.motion.parts import carry_segmentation
from kinema.ops.grid import identity_grid
from kinema.systems.co_part.model import CoPartModel


def pair(size: tuple[int, int] = (32, 32), batch: int = 2) -> tuple[Tensor, Tensor]:
    source, driving = torch.rand(2, batch, 3, *size, generator=torch.Generator().manual_seed(0))
    return source, driving


def copier(config, shares: tuple[float, ...]) -> CoPartModel:
    """A model whose frames are copies of pixels, whose parts have the same shares everywhere and never move."""
    model = CoPartModel(config).eval()
    for head in (model.keypoints.heatmap_head, model.keypoints.segmentation_head):
        nn.init.zeros_(head.weight)
    model.keypoints.segmentation_head.bias.data.copy_(torch.tensor(shares).log())
    model.generator.final.bias.data[-1] = 100
    return model


def inner(frames: Tensor) -> Tensor:
    """Away from the border, where masks are blurred with what lies outside."""
    return frames[..., 6:-6, 6:-6]


def test_encoding_once_gives_what_forward_gives(make_config):
    model = CoPartModel(make_config()).eval()
    source, driving = pair()
    made, motion = model.animate(model.encode(source[:1]), model.keypoints(driving))
    torch.testing.assert_close(made, model(source[:1].expand(2, -1, -1, -1), driving))
    assert motion.deformation.shape == (2, 16, 16, 2) and motion.mask.shape == (2, 4, 16, 16)
    assert motion.occlusion.shape == (2, 1, 16, 16)


def test_visibility_can_be_left_out(make_config):
    model = CoPartModel(make_config(visibility=False)).eval()
    source, driving = pair()
    assert model.animate(model.encode(source), model.keypoints(driving))[1].occlusion is None


def test_a_source_that_drives_itself_does_not_move(make_config):
    model = CoPartModel(make_config(generator={"blend_source": True})).eval()
    model.generator.final.bias.data[-1] = 100
    source, _ = pair((32, 48))
    made, motion = model.animate(model.encode(source), model.keypoints(source))
    torch.testing.assert_close(motion.deformation, identity_grid((16, 24)).expand(2, -1, -1, -1), atol=1e-5, rtol=0)
    torch.testing.assert_close(made[..., 2:-2, 2:-2].mean(), source[..., 2:-2, 2:-2].mean(), atol=0.02, rtol=0)


def test_driving_frames_may_have_another_size_than_the_source(make_config):
    model = CoPartModel(make_config()).eval()
    (source, _), (_, driving) = pair((32, 48)), pair((24, 16))
    assert model(source, driving).shape == source.shape


def test_a_pose_without_a_picture_carries_the_sources_parts(make_config):
    model = CoPartModel(make_config()).eval()
    source, driving = pair()
    encoded, kp = model.encode(source), model.keypoints(driving)
    bare = replace(kp, segmentation=None)
    made, motion = model.animate(encoded, bare)
    torch.testing.assert_close(motion.mask, carry_segmentation(encoded.kp, bare))
    assert (made - model.animate(encoded, kp)[0]).abs().max() > 1e-5


def test_a_swap_mixes_by_the_shares_of_its_parts(make_config):
    model = copier(make_config(generator={"blend_source": True}, visibility=False), (0.1, 0.2, 0.3, 0.4))
    source, target = pair()
    encoded = model.encode(source)
    for parts, share in (([1], 0.2), ([0, 3], 0.5), ([2, 2, 1], 0.5), ([0, 1, 2, 3], 1.0)):
        for of_source in (False, True):
            made, shown = model.swap(encoded, target, parts, of_source=of_source)
            expected = torch.lerp(
                target, model.generator.warp_source(source, model.animate(encoded, encoded.kp)[1]), share
            )
            torch.testing.assert_close(inner(made), inner(expected), atol=1e-4, rtol=0)
            torch.testing.assert_close(shown[..., 2:-2, 2:-2], torch.full((2, 1, 4, 4), share), atol=1e-4, rtol=0)


def test_a_hard_swap_takes_each_pixel_from_one_side(make_config):
    model = copier(make_config(generator={"blend_source": True}, visibility=False), (0.1, 0.2, 0.3, 0.4))
    source, target = pair()
    encoded = model.encode(source)
    kept, taken = (model.swap(encoded, target, parts, hard=True)[0] for parts in ([3], [2, 3]))
    torch.testing.assert_close(inner(kept), inner(target), atol=1e-4, rtol=0)
    whole = model.generator.warp_source(source, model.animate(encoded, encoded.kp)[1])
    torch.testing.assert_close(inner(taken), inner(whole), atol=1e-4, rtol=0)


def test_the_outline_is_the_targets_or_the_sources(make_config):
    model = CoPartModel(make_config()).eval()
    source, target = pair()
    encoded = model.encode(source[:1])
    for of_source, own in ((False, model.keypoints(target)), (True, encoded.kp)):
        made = model.swap(encoded, target, [1, 2], of_source=of_source)
        torch.testing.assert_close(
            made, model.swap(encoded, target, [1, 2], of_source=of_source, segmentation=own.segmentation)
        )
        assert made[0].shape == target.shape
        other = model.swap(encoded, target, [1, 2], of_source=not of_source, segmentation=own.segmentation)
        assert not torch.allclose(made[1], other[1], atol=1e-4), "the source's outline moves"


def test_a_parsers_classes_take_the_place_of_the_parts(make_config):
    model = copier(make_config(generator={"blend_source": True}, visibility=False), (0.1, 0.2, 0.3, 0.4))
    source, target = pair()
    encoded, classes = model.encode(source), torch.zeros(2, 6, 8, 8)
    classes[:, 5] = 1
    for parts, share in (([5], 1.0), ([0, 1, 2, 3, 4], 0.0)):
        assert model.swap(encoded, target, parts, segmentation=classes)[1].unique().tolist() == [share]
    with pytest.raises(InputError, match=r"give one or more of 0 \(background\) to 5"):
        model.swap(encoded, target, [6], segmentation=classes)


@pytest.mark.parametrize("parts", [[4], [-1], [1, 9], []])
def test_a_part_that_there_is_not_is_refused(make_config, parts):
    model = CoPartModel(make_config()).eval()
    source, target = pair()
    with pytest.raises(InputError) as caught:
        model.swap(model.encode(source), target, parts)
    assert str(caught.value) == f"parts {parts}: give one or more of 0 (background) to 3"
