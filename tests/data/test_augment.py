import math

import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.augment import DRAW_NAMES, NUM_DRAWS, AugmentConfig, augment_pairs, no_augmentation

EVERYTHING = AugmentConfig(rotation_degrees=25, resize=(0.8, 1.3), crop=True, crop_pad=0.1, hue=0.2, saturation=0.4)


def random_pairs(count, height=12, width=18):
    return torch.rand(count, 2, 3, height, width, generator=torch.Generator().manual_seed(0))


def random_draws(count):
    return torch.rand(count, NUM_DRAWS, generator=torch.Generator().manual_seed(1))


def draws_of(**values):
    """One row in the middle of every range, but for what is given."""
    return torch.tensor([[values.get(name, 0.5) for name in DRAW_NAMES]])


def config_of(**strengths):
    return AugmentConfig(**{**no_augmentation().model_dump(), **strengths})


def test_equal_frames_stay_equal_and_in_range():
    frame = random_pairs(8)[:, :1]
    pairs = augment_pairs(frame.expand(-1, 2, -1, -1, -1), random_draws(8), EVERYTHING)
    assert torch.equal(pairs[:, 0], pairs[:, 1])
    assert pairs.min() >= 0 and pairs.max() <= 1
    assert (pairs[:, 0] - frame[:, 0]).abs().amax(dim=(1, 2, 3)).min() > 0.05


def test_each_pair_is_changed_by_its_own_draws():
    pairs, draws = random_pairs(6), random_draws(6)
    together = augment_pairs(pairs, draws, EVERYTHING)
    for row in range(6):
        alone = augment_pairs(pairs[row : row + 1], draws[row : row + 1], EVERYTHING)
        assert torch.equal(alone[0], together[row])


def test_nothing_changes_without_strength():
    pairs = random_pairs(4)
    assert torch.equal(augment_pairs(pairs, random_draws(4), no_augmentation()), pairs)


def test_middle_draws_of_every_change_are_the_identity():
    pairs = random_pairs(1)
    config = config_of(rotation_degrees=40, resize=(0.5, 1.5), crop=True, crop_pad=0.3, contrast=0.5, hue=0.5)
    torch.testing.assert_close(augment_pairs(pairs, draws_of(), config), pairs, atol=2e-5, rtol=0)


def test_flips_follow_their_draws():
    pairs = random_pairs(1)
    config = config_of(horizontal_flip=0.5, time_flip=0.5)
    mirrored = augment_pairs(pairs, draws_of(horizontal_flip=0.49), config)
    assert torch.equal(mirrored, pairs.flip(-1))
    exchanged = augment_pairs(pairs, draws_of(time_flip=0.49), config)
    assert torch.equal(exchanged, pairs.flip(1))


def test_a_quarter_turn_of_a_square_is_exact():
    pairs = random_pairs(1, 9, 9)
    turned = augment_pairs(pairs, draws_of(rotation=1.0), config_of(rotation_degrees=90))
    back = augment_pairs(turned, draws_of(rotation=0.0), config_of(rotation_degrees=90))
    assert any(torch.allclose(turned, pairs.rot90(k, (-2, -1)), atol=1e-5) for k in (1, 3))
    torch.testing.assert_close(back, pairs, atol=1e-5, rtol=0)


def test_a_turn_of_a_wide_frame_does_not_shear():
    # A disc stays a disc: its spread along both axes, in pixels, is kept.
    y, x = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(81.0) - 40, indexing="ij")
    disc = ((x - 15).square() + y.square() < 64).float().expand(1, 2, 3, 41, 81)
    turned = augment_pairs(disc, draws_of(rotation=1.0), config_of(rotation_degrees=30))[0, 0, 0]
    mass = turned.sum()
    centre_x, centre_y = (turned * x).sum() / mass, (turned * y).sum() / mass
    spread_x, spread_y = (turned * (x - centre_x) ** 2).sum() / mass, (turned * (y - centre_y) ** 2).sum() / mass
    assert math.isclose(spread_x, spread_y, rel_tol=0.03)
    assert math.isclose(math.hypot(centre_x, centre_y), 15, rel_tol=0.02)
    assert math.isclose(abs(centre_y), 7.5, rel_tol=0.03)


def test_magnification_two_shows_the_middle_half():
    pairs = random_pairs(1, 9, 17)
    config = config_of(resize=(1.0, 2.0))
    magnified = augment_pairs(pairs, draws_of(resize=1.0), config)
    torch.testing.assert_close(magnified[..., ::2, ::2], pairs[..., 2:7, 4:13], atol=1e-5, rtol=0)


def test_crop_reaches_the_corner_and_not_beyond():
    pairs = random_pairs(1, 9, 17)
    config = config_of(resize=(2.0, 2.0), crop=True, outside="zeros")
    corner = augment_pairs(pairs, draws_of(shift_x=1.0, shift_y=0.0), config)
    torch.testing.assert_close(corner[..., ::2, ::2], pairs[..., :5, 8:], atol=1e-5, rtol=0)


def test_colour_changes_have_known_answers():
    grey = torch.full((1, 2, 3, 4, 4), 0.4)
    colour = torch.tensor([0.6, 0.4, 0.2]).view(1, 1, 3, 1, 1).expand(1, 2, 3, 4, 4)
    brighter = augment_pairs(grey, draws_of(brightness=1.0), config_of(brightness=0.5))
    torch.testing.assert_close(brighter, torch.full_like(grey, 0.6))
    flatter = augment_pairs(grey, draws_of(contrast=0.0), config_of(contrast=0.5))
    torch.testing.assert_close(flatter, torch.full_like(grey, 0.45))
    drained = augment_pairs(colour, draws_of(saturation=0.0), config_of(saturation=1.0))
    luma = 0.299 * 0.6 + 0.587 * 0.4 + 0.114 * 0.2
    torch.testing.assert_close(drained, torch.full_like(grey, luma), atol=1e-3, rtol=0)
    turned = augment_pairs(colour, draws_of(hue=1.0), config_of(hue=0.5))
    torch.testing.assert_close(turned, 2 * luma - colour, atol=1e-3, rtol=0)
    assert torch.allclose(augment_pairs(grey, draws_of(hue=0.8), config_of(hue=0.5)), grey, atol=1e-3)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"resize": (1.2, 0.8)}, "resize"),
        ({"hue": 0.7}, "hue"),
        ({"flip": 1}, "flip"),
        ({"rotation_degrees": -1}, "rot"),
    ],
)
def test_refuses_values_out_of_range(values, field):
    with pytest.raises(InputError, match=field):
        AugmentConfig.parse(values, origin="test")
