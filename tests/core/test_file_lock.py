"""One holder at a time, and none once its process is gone."""

import signal
import subprocess
import sys

import pytest

from kinema.core.file_lock import FileLock

pytest.importorskip("fcntl")


def test_one_at_a_time(tmp_path):
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.acquire() and one.acquire(), "whoever has it has it"
    assert not other.acquire()
    one.release()
    one.release()
    assert list(tmp_path.iterdir()) == []
    assert other.acquire() and not one.acquire()
    other.release()


def test_a_killed_process_holds_nothing(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from kinema.core.file_lock import FileLock;"
        "lock = FileLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "True\n"
    lock = FileLock(tmp_path / "lock")
    assert not lock.acquire()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "lock").exists() and lock.acquire()
    lock.release()
