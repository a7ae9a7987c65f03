"""Derives seeds from the purpose of random numbers, so that a resumed run equals an uninterrupted one."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from any printable parts, the same on every machine and in every process."""
    digest = hashlib.blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def torch_generator(*parts: object) -> torch.Generator:
    """A CPU generator seeded by ``parts``."""
    return torch.Generator().manual_seed(derive_seed(*parts))


def numpy_generator(*parts: object) -> np.random.Generator:
    """A NumPy generator seeded by ``parts``."""
    return np.random.default_rng(derive_seed(*parts))
