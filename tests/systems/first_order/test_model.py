"""The stages joined."""

import torch

from kinema.ops.grid import identity_grid
from kinema.systems.first_order.model import FirstOrderModel


def pair(size: tuple[int, int] = (32, 32), batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    source, driving = torch.rand(2, batch, 3, *size, generator=generator)
    return source, driving


def test_encoding_once_gives_what_forward_gives(make_config):
    model = FirstOrderModel(make_config()).eval()
    source, driving = pair()
    encoded = model.encode(source[:1])
    made, motion = model.animate(encoded, model.keypoints(driving))
    torch.testing.assert_close(made, model(source[:1].expand(2, -1, -1, -1), driving))
    assert motion.deformation.shape == (2, 16, 16, 2)


def test_a_source_that_drives_itself_does_not_move(make_config):
    model = FirstOrderModel(make_config(generator={"blend_source": True})).eval()
    model.generator.final.bias.data[-1] = 100
    source, _ = pair((32, 48))
    made, motion = model.animate(model.encode(source), model.keypoints(source))
    torch.testing.assert_close(motion.deformation, identity_grid((16, 24)).expand(2, -1, -1, -1), atol=1e-5, rtol=0)
    # Half the resolution, brought to the frame with pixel edges aligned as the authors do: still, inside the border.
    torch.testing.assert_close(made[..., 2:-2, 2:-2].mean(), source[..., 2:-2, 2:-2].mean(), atol=0.02, rtol=0)


def test_the_two_sampling_rules_differ_with_the_same_weights(make_config):
    papers, torchs = (
        FirstOrderModel(
            make_config(motion={"align_corners": rule}, generator={"align_corners": rule, "blend_source": True})
        ).eval()
        for rule in (True, False)
    )
    torchs.load_state_dict(papers.state_dict())
    source, driving = pair()
    apart = (papers(source, driving) - torchs(source, driving)).abs()
    assert apart.max() > 1e-3
    torch.testing.assert_close(papers.keypoints(source).value, torchs.keypoints(source).value)


def test_driving_frames_may_have_another_size_than_the_source(make_config):
    model = FirstOrderModel(make_config()).eval()
    source, _ = pair((32, 48))
    _, driving = pair((24, 16))
    assert model(source, driving).shape == source.shape
