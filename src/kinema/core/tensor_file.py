"""Writes tensors as safetensors files and raises the operating system's errors where that fails."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a safetensors file.

    Args:
        path: of the file.
        tensors: name to contiguous tensor on the CPU.
        metadata: text fields to store with them.

    Raises:
        OSError: it cannot be written, such as on a full disk.
    """
    try:
        save_file(dict(tensors), path, metadata=None if metadata is None else dict(metadata))
    except SafetensorError as error:
        # The library gives the system's error only as text.
        found = re.search(r"\(os error (\d+)\)", str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error
