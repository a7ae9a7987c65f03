"""``kinema models``: lists the models that come with the package, and says what a model folder is."""

from __future__ import annotations


def run() -> None:
    """Prints a table."""
    from rich.console import Console
    from rich.table import Table

    from kinema.systems.system import find_system
    from kinema.weights.catalogue import FOLDER_FORM, shipped_models

    console = Console(highlight=False)
    models = shipped_models()
    if models:
        table = Table(
            "name", "system", "frame", "size", "serves", "what it does", title="shipped models", title_justify="left"
        )
        for model in models:
            frame = f"{model.size[1]}x{model.size[0]}"
            megabytes = f"{model.num_bytes / 1e6:.1f} MB"
            system = find_system(model.system)
            table.add_row(model.name, model.system, frame, megabytes, ", ".join(system.abilities), system.summary)
        console.print(table)
    else:
        console.print("no models are shipped with this version")
    console.print(
        "--model takes a name of this list, the folder of a run of `kinema learn`, "
        f"or a model folder: {FOLDER_FORM}; `kinema import` makes one of the authors' checkpoints."
    )
