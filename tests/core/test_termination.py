"""SIGTERM passes through every ``finally``; workers, other threads and ignored signals are left alone."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from kinema.core.termination import TERMINATED, ending_orderly


def test_a_signal_unwinds_and_the_handler_goes():
    before = signal.getsignal(signal.SIGTERM)
    steps = []
    with pytest.raises(SystemExit) as left, ending_orderly():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # a second one does not cut this short
            steps.append("put away")
    assert (left.value.code, steps, TERMINATED) == (143, ["put away"], 143)
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_handler_may_take_its_place():
    asked = []
    with ending_orderly():
        ours = signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked == [True]
        signal.signal(signal.SIGTERM, ours)
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()


def test_a_forked_worker_ends_by_the_signal():
    with ending_orderly():
        pid = os.fork()
        if pid == 0:  # pragma: no cover, in the child
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            finally:
                os._exit(7)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM


def test_where_signals_cannot_be_handled_nothing_changes():
    seen = []

    def elsewhere() -> None:
        with ending_orderly():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ending_orderly():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [before]
