"""The list of systems, and what happens when a name is not on it."""

import pytest

from kinema.core.checks import InputError
from kinema.systems import SYSTEMS, UNTRAINED
from kinema.systems.system import find_system


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match="system 'first_ordr' is unknown; known: first_order"):
        find_system("first_ordr")
    with pytest.raises(InputError, match="preset 'vox' is unknown to first_order; known: vox_256, "):
        find_system("first_order").preset("vox")


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_entry_is_the_system_of_its_name(name):
    system = find_system(name)
    assert system.name == name and system.summary and "\n" not in system.summary
    if system.no_training:
        assert name in UNTRAINED and not system.presets
        with pytest.raises(InputError, match="nothing to learn"):
            system.preset("small_128")
    else:
        assert len(system.presets) > 0
    for preset in system.presets.values():
        assert isinstance(preset(), system.config) and preset.__doc__
