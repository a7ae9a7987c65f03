"""Between two threads the newest value wins, and the end and errors arrive."""

from __future__ import annotations

import threading

import pytest

from kinema.core.latest import Latest


def test_what_is_not_taken_is_replaced():
    place: Latest[int] = Latest()
    for value in range(5):
        place.put(value)
    assert place.take() == 4 and place.replaced == 4


def test_taking_waits_for_the_other_thread():
    place: Latest[int] = Latest()
    thread = threading.Timer(0.05, place.put, [7])
    thread.start()
    assert place.take() == 7 and place.replaced == 0
    thread.join()


def test_a_closed_place_gives_its_last_value_then_the_error():
    place: Latest[int] = Latest()
    place.put(1)
    place.close(OSError("unplugged"))
    assert place.take() == 1
    with pytest.raises(OSError, match="unplugged"):
        place.take()
    quiet: Latest[int] = Latest()
    threading.Timer(0.05, quiet.close).start()
    assert quiet.take() is None
