"""Frames of what is drawn, moved and kept."""

from __future__ import annotations

import torch

from kinema.synthesis.frame_composer import FrameComposer, SeenFrames
from kinema.synthesis.state_renderer import StateRenderer, StateRendererConfig


def pictures() -> list[torch.Tensor]:
    return list(torch.rand(3, 2, 3, 12, 16, generator=torch.Generator().manual_seed(0)))


def share_of(source: int) -> tuple[FrameComposer, torch.Tensor]:
    torch.manual_seed(0)
    composer = FrameComposer(4)
    with torch.no_grad():
        assert composer.share.bias is not None
        composer.share.weight.zero_()
        composer.share.bias.fill_(-50.0)[source] = 50.0
    return composer, torch.randn(2, 4, 12, 16)


def test_a_pixel_is_drawn_moved_or_kept():
    drawn, last, first = pictures()
    for source, wanted in enumerate((drawn, last, first)):
        composer, features = share_of(source)
        torch.testing.assert_close(composer(features, drawn, SeenFrames(first, last)), wanted)


def test_the_last_frame_moves_by_pixels():
    drawn, last, first = pictures()
    composer, features = share_of(1)
    with torch.no_grad():
        assert composer.move.bias is not None
        composer.move.bias.copy_(torch.tensor([2.0, -1.0]))
    made = composer(features, drawn, SeenFrames(first, last))
    torch.testing.assert_close(made[:, :, 1:, :-2], last[:, :, :-1, 2:])


def test_a_renderer_that_copies_adds_a_frame_and_one_that_does_not_ignores_what_was_seen():
    hidden = torch.randn(2, 8, 2, 3)
    seen = SeenFrames(*torch.rand(2, 2, 3, 16, 24))
    for copies, levels in ((True, 4), (False, 3)):
        torch.manual_seed(1)
        renderer = StateRenderer(StateRendererConfig(hidden_features=8, copies=copies)).eval()
        made = renderer(hidden, seen)
        assert len(made) == levels and len(renderer(hidden)) == 3
        assert torch.equal(renderer.finest(hidden, seen), made[0])
        assert torch.equal(made[-3], renderer(hidden)[0])
