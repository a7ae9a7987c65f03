import math

import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.samples.augment import DRAW_NAMES, NUM_DRAWS, AugmentConfig, augment_pairs, no_augmentation

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


def jittered(pairs, *, config=None, **values):
    """What jitter makes of pairs; the draws named ``jitter_*`` are given without that."""
    return augment_pairs(pairs, draws_of(**{f"jitter_{name}": value for name, value in values.items()}), config)


@pytest.mark.parametrize("outside", ["zeros", "border"])
def test_a_jittered_shift_moves_the_driving_frame_alone_by_its_pixels(outside):
    pairs = random_pairs(1, 9, 17)
    # Two pixels of sixteen steps are a quarter of the half side, and one pixel of eight.
    config = config_of(jitter_shift=0.25, outside=outside)
    right, down = jittered(pairs, config=config, x=1.0), jittered(pairs, config=config, y=0.0)
    for moved in (right, down):
        torch.testing.assert_close(moved[:, 0], pairs[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(right[:, 1, :, :, :-2], pairs[:, 1, :, :, 2:], atol=1e-5, rtol=0)
    torch.testing.assert_close(down[:, 1, :, 1:], pairs[:, 1, :, :-1], atol=1e-5, rtol=0)
    edge = (
        torch.zeros_like(pairs[:, 1, :, :, -2:]) if outside == "zeros" else pairs[:, 1, :, :, -1:].expand(-1, -1, -1, 2)
    )
    torch.testing.assert_close(right[:, 1, :, :, -2:], edge, atol=1e-5, rtol=0)


def test_a_jittered_magnification_shows_the_middle_half_of_the_driving_frame():
    pairs = random_pairs(1, 9, 17)
    magnified = jittered(pairs, config=config_of(jitter_resize=(1.0, 2.0)), resize=1.0)
    torch.testing.assert_close(magnified[:, 0], pairs[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(magnified[:, 1, :, ::2, ::2], pairs[:, 1, :, 2:7, 4:13], atol=1e-5, rtol=0)
    # The smallest draw is the smallest magnification: here none.
    torch.testing.assert_close(
        jittered(pairs, config=config_of(jitter_resize=(1.0, 2.0)), resize=0.0), pairs, atol=1e-5, rtol=0
    )


def test_a_jittered_quarter_turn_is_exact_and_turns_as_rotation_does():
    pairs = random_pairs(1, 9, 9)
    turned = jittered(pairs, config=config_of(jitter_degrees=90), rotation=1.0)
    both = augment_pairs(pairs, draws_of(rotation=1.0), config_of(rotation_degrees=90))
    torch.testing.assert_close(turned[:, 0], pairs[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(turned[:, 1], both[:, 1], atol=1e-5, rtol=0)
    assert any(torch.allclose(turned[:, 1], pairs[:, 1].rot90(k, (-2, -1)), atol=1e-5) for k in (1, 3))


def test_a_jittered_turn_of_a_wide_frame_does_not_shear():
    y, x = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(81.0) - 40, indexing="ij")
    disc = ((x - 15).square() + y.square() < 64).float().expand(1, 2, 3, 41, 81)
    turned = jittered(disc, config=config_of(jitter_degrees=30), rotation=1.0)[0, 1, 0]
    mass = turned.sum()
    centre_x, centre_y = (turned * x).sum() / mass, (turned * y).sum() / mass
    assert math.isclose(math.hypot(centre_x, centre_y), 15, rel_tol=0.02)
    assert math.isclose(abs(centre_y), 7.5, rel_tol=0.03)


def test_jitter_comes_before_the_change_that_both_frames_share():
    pairs = random_pairs(1, 9, 9)
    jitter, turn = {"jitter_shift": 0.25}, {"rotation_degrees": 90}
    at_once = augment_pairs(pairs, draws_of(jitter_x=1.0, rotation=1.0), config_of(outside="zeros", **jitter, **turn))
    first = augment_pairs(pairs, draws_of(jitter_x=1.0), config_of(outside="zeros", **jitter))
    then = augment_pairs(first, draws_of(rotation=1.0), config_of(outside="zeros", **turn))
    torch.testing.assert_close(at_once, then, atol=1e-4, rtol=0)


def test_jitter_changes_no_other_draw():
    pairs, draws = random_pairs(6), random_draws(6)
    jitters = {"jitter_degrees": 20.0, "jitter_resize": (0.8, 1.2), "jitter_shift": 0.2}
    without = augment_pairs(pairs, draws, EVERYTHING)
    with_it = augment_pairs(pairs, draws, AugmentConfig(**{**EVERYTHING.model_dump(), **jitters}))
    torch.testing.assert_close(with_it[:, 0], without[:, 0], atol=1e-5, rtol=0)
    assert (with_it[:, 1] - without[:, 1]).abs().amax(dim=(1, 2, 3)).min() > 0.05
    # Where it is off its draws decide nothing, and those of before keep their columns.
    others = draws.clone()
    others[:, DRAW_NAMES.index("jitter_rotation") :] = 0.9
    assert torch.equal(augment_pairs(pairs, others, EVERYTHING), without)
    assert DRAW_NAMES.index("jitter_rotation") == 10 and NUM_DRAWS == 14


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"jitter_resize": (1.2, 0.8)}, "jitter_resize must be two growing numbers within 0.25 and 4"),
        ({"jitter_resize": (0.2, 1.0)}, "jitter_resize must be two growing numbers"),
        ({"jitter_resize": (1.0, 5.0)}, "jitter_resize must be two growing numbers"),
        ({"jitter_degrees": 181}, "jitter_degrees"),
        ({"jitter_degrees": -1}, "jitter_degrees"),
        ({"jitter_shift": 1.5}, "jitter_shift"),
        ({"jitter_shift": -0.1}, "jitter_shift"),
    ],
)
def test_jitter_out_of_bounds_is_refused(values, says):
    with pytest.raises(InputError, match=says) as caught:
        AugmentConfig.parse(values, origin="test")
    assert "\n" not in str(caught.value)
