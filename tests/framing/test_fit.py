import numpy as np
import pytest

from kinema.framing.fit import fit_image


def halves(height, width):
    """Red left of the middle, blue right of it."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 2] = 255
    return image


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize(("given", "wanted"), [((40, 90), (16, 16)), ((91, 31), (16, 32)), ((8, 8), (24, 16))])
def test_gives_the_wanted_size(given, wanted, fit):
    image = fit_image(halves(*given), wanted, fit)
    assert image.shape == (*wanted, 3) and image.dtype == np.uint8


def test_crop_keeps_the_centre_unchanged_where_only_the_sides_are_too_wide():
    image = np.random.default_rng(0).integers(0, 256, (8, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit_image(image, (8, 8), "crop"), image[:, 6:14])


def test_stretch_keeps_both_sides():
    image = fit_image(halves(8, 64), (8, 8), "stretch")
    assert tuple(image[4, 0]) == (255, 0, 0) and tuple(image[4, 7]) == (0, 0, 255)


def test_pad_centres_over_the_background():
    image = fit_image(halves(8, 16), (16, 16), "pad", background=(0, 255, 0))
    np.testing.assert_array_equal(image[4:12], halves(8, 16))
    assert (image[:4] == (0, 255, 0)).all() and (image[12:] == (0, 255, 0)).all()
