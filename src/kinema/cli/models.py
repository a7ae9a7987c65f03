"""Lists the models that come with the package, and says what a model folder is: ``kinema models``."""

from __future__ import annotations


def run() -> None:
    """Prints each model with what it is for; lines are never cut."""
    from kinema.systems.system import find_system
    from kinema.weights.catalogue import FOLDER_FORM, shipped_models

    models = shipped_models()
    print("shipped models" if models else "no models are shipped with this version")
    for model in models:
        system = find_system(model.system)
        frame = f"frames of {model.size[1]}x{model.size[0]}" if model.size else "pictures of any size"
        print(f"  {model.name}  ({model.system}, {frame}, {model.num_bytes / 1e6:.1f} MB)")
        print(f"      for: {model.facts.get('purpose', 'its card does not say')}")
        print(f"      serves: {', '.join(f'kinema {verb}' for verb in system.abilities)}; {system.summary}")
    print(
        "--model takes a name of this list, the folder of a run of `kinema learn`, "
        f"or a model folder: {FOLDER_FORM}; `kinema import` makes one of the authors' checkpoints."
    )
