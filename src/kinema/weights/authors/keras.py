"""Converts a Keras file of pose-gan's generator to a model folder of deformable_gan, with a config from its shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from kinema.blocks.keras_file import read_keras
from kinema.core.checks import InputError
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.system import find_system
from kinema.weights.authors.checkpoint import Imported, imported_card
from kinema.weights.authors.deformable_gan import convert_generator, describe_generator
from kinema.weights.model_folder import save_model

KERAS_SUFFIXES = (".h5", ".hdf5")
# The only system whose authors used Keras.
KERAS_SYSTEM = "deformable_gan"


def import_keras(checkpoint: Path, folder: Path, *, assignments: Sequence[str] = ()) -> Imported:
    """Writes a model folder from the generator that pose-gan's ``train.py`` saved, weights matched by layer names.

    Args:
        checkpoint: ``.h5`` of the generator.
        folder: model folder to write.
        assignments: what does not follow from the weights, such as "motion.kind=full" (a generator that moves the
            body as a whole), "motion.aggregation=avg" or "frames.size=[256, 176]".

    Returns:
        The imported model.

    Raises:
        InputError: the file is missing, no Keras file, of another network, or does not fit the assignments.
        MissingExtraError: the extra ``keras`` is not installed.
    """
    if not checkpoint.is_file():
        raise InputError(f"{checkpoint}: there is no such file; give the .h5 of pose-gan's generator")
    named = read_keras(checkpoint)
    try:
        values = describe_generator(named)
        shared = {"pose_channels": values["generator"]["pose_channels"], "size": values["frames"]["size"]}
        values["discriminator"] = shared | {"background": values["generator"]["background"]}
        config = DeformableGanConfig.parse(values, origin="its shapes")
        config = config.override(_with_discriminator(assignments))
        state = convert_generator(named, config)
    except InputError as error:
        raise InputError(f"{checkpoint}: {error}") from error
    system = find_system(KERAS_SYSTEM)
    with torch.device("meta"):
        wanted = system.make_model(config).state_dict()
    for name, value in state.items():
        if name not in wanted or value.shape != wanted[name].shape:
            expected = "no place" if name not in wanted else f"shape {tuple(wanted[name].shape)}"
            raise InputError(
                f"{checkpoint}: weight '{name}' (our name) is {tuple(value.shape)}, the config says {expected}; "
                "set what does not follow from the shapes with --set, such as motion.kind=full"
            )
    with checkpoint.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {
        "imported_from": {"checkpoint": checkpoint.name, "sha256": digest, "config": " ".join(assignments) or "none"},
        "epochs": None,
        "align_corners": True,
    }
    card = imported_card(folder.name, system.name, config, facts)
    save_model(folder, system=system, config=config, state=state, facts=facts, card=card)
    return Imported(folder, config, None, sum(value.numel() for value in state.values()))


def _with_discriminator(assignments: Sequence[str]) -> list[str]:
    """Another frame size is the discriminator's too."""
    prefix = "frames.size="
    sizes = [text.removeprefix(prefix) for text in assignments if text.startswith(prefix)]
    return [*assignments, *(f"discriminator.size={size}" for size in sizes)]
