"""The stages joined."""

import torch

from kinema.ops.grid import identity_grid
from kinema.systems.monkey_net.model import MonkeyNetModel


def pair(size: tuple[int, int] = (32, 32), batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    source, driving = torch.rand(2, batch, 3, *size, generator=torch.Generator().manual_seed(0))
    return source, driving


def test_encoding_once_gives_what_forward_gives(make_config):
    model = MonkeyNetModel(make_config()).eval()
    source, driving = pair()
    encoded = model.encode(source[:1])
    made, motion = model.animate(encoded, model.keypoints(driving))
    torch.testing.assert_close(made, model(source[:1].expand(2, -1, -1, -1), driving))
    assert motion.deformation.shape == (2, 16, 16, 2) and motion.mask.shape == (2, 5, 16, 16)
    assert encoded.small.shape == (1, 3, 16, 16) and encoded.features[0] is encoded.frame


def test_keypoints_that_are_known_are_taken(make_config):
    model = MonkeyNetModel(make_config()).eval()
    source, driving = pair()
    kp = model.keypoints(driving)
    assert model.encode_with(source, kp).kp is kp


def test_a_source_that_drives_itself_does_not_move(make_config):
    changes = {"motion": {"use_correction": False}, "generator": {"blend_source": True, "interpolation": "bilinear"}}
    model = MonkeyNetModel(make_config(**changes)).eval()
    model.generator.final.bias.data[-1] = 100
    source, _ = pair((32, 48))
    made, motion = model.animate(model.encode(source), model.keypoints(source))
    torch.testing.assert_close(motion.deformation, identity_grid((16, 24)).expand(2, -1, -1, -1), atol=1e-5, rtol=0)
    torch.testing.assert_close(made[..., 2:-2, 2:-2].mean(), source[..., 2:-2, 2:-2].mean(), atol=0.02, rtol=0)


def test_without_dense_motion_the_source_stands_still_and_the_generator_sees_the_keypoints(make_config):
    model = MonkeyNetModel(make_config(motion=None)).eval()
    source, driving = pair()
    encoded = model.encode(source[:1])
    made, motion = model.animate(encoded, model.keypoints(driving))
    assert torch.equal(motion.deformation, identity_grid((32, 32)).expand(2, -1, -1, -1))
    assert motion.mask is None and encoded.small is encoded.frame
    assert (made[0] - made[1]).abs().max() > 1e-5
    assert not any(name.startswith("motion.") for name in model.state_dict())


def test_the_two_sampling_rules_differ_with_the_same_weights(make_config):
    papers, torchs = (
        MonkeyNetModel(make_config(motion={"align_corners": rule}, generator={"align_corners": rule})).eval()
        for rule in (True, False)
    )
    torchs.load_state_dict(papers.state_dict())
    source, driving = pair()
    assert (papers(source, driving) - torchs(source, driving)).abs().max() > 1e-3
    torch.testing.assert_close(papers.keypoints(source).value, torchs.keypoints(source).value)


def test_driving_frames_may_have_another_size_than_the_source(make_config):
    model = MonkeyNetModel(make_config()).eval()
    (source, _), (_, driving) = pair((32, 48)), pair((24, 16))
    assert model(source, driving).shape == source.shape
