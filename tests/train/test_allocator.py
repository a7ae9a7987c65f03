"""Freed memory stays in the process: a repeated large allocation is not faulted in again."""

import os
import subprocess
import sys

import pytest

from kinema.train.allocator import keep_freed_memory

PROGRAM = """
import resource
import numpy as np
from kinema.train.allocator import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        np.empty(48 * 2**20, dtype=np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
print(keep_freed_memory())
faults()
print(before, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is Linux's")
def test_large_temporaries_are_faulted_in_once():
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "LD_PRELOAD"))}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=clean | {"PYTHONPATH": "src"}, capture_output=True, text=True, check=True
    )
    said, numbers = result.stdout.splitlines()
    if "not glibc" in said:
        pytest.skip(said)
    assert said.startswith("allocator: glibc told to keep freed memory")
    before, after = map(int, numbers.split())
    assert before > 100 and after * 20 < before, numbers


def test_settings_of_the_person_are_left_alone(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert "left as it is" in keep_freed_memory()
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/libjemalloc.so.2")
    assert "libjemalloc" in keep_freed_memory()
