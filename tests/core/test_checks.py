"""Messages a person meets: one line that says what was given, what is accepted and what to do."""

import pytest

from kinema.core.checks import InputError, MissingExtraError, check_divisible, require_extra


@pytest.mark.parametrize("size", [(32, 64), (16, 16), (160, 16)])
def test_sizes_that_fit_pass(size):
    check_divisible(size, 16, what="generator")


@pytest.mark.parametrize(
    ("size", "nearest"),
    [((30, 64), "32x64"), ((64, 41), "64x48"), ((3, 5), "16x16"), ((0, 16), "16x16"), ((100, 100), "96x96")],
)
def test_other_sizes_name_the_nearest_that_fits(size, nearest):
    with pytest.raises(InputError) as caught:
        check_divisible(size, 16, what="generator")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"generator: frames of {size[0]}x{size[1]}")
    assert "multiples of 16" in message and message.endswith(f"resize or crop to {nearest}")


def test_a_missing_extra_names_module_and_command():
    with pytest.raises(MissingExtraError) as caught:
        require_extra("kinema_has_no_such_module.part", extra="face", purpose="the face box")
    assert str(caught.value) == (
        "the face box needs the module 'kinema_has_no_such_module', which is not installed: pip install 'kinema[face]'"
    )


def test_a_present_extra_is_imported():
    assert require_extra("json.decoder", extra="face", purpose="nothing").__name__ == "json.decoder"
