# pyright: strict
"""kinema learns motion from raw, unlabelled video and puts it to use. `import kinema` alone imports no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinema.api import animate, evaluate, face, learn, parts, predict, repose, smile, swap
    from kinema.core.checks import InputError
    from kinema.play.environment import play_env
    from kinema.play.session import open_game
    from kinema.runtime.load import load
    from kinema.runtime.models import Models
    from kinema.video import VideoWriter, open_video, read_image, write_image

    __version__: str

__all__ = [
    "InputError",
    "Models",
    "VideoWriter",
    "__version__",
    "animate",
    "evaluate",
    "face",
    "learn",
    "load",
    "open_game",
    "open_video",
    "parts",
    "play_env",
    "predict",
    "read_image",
    "repose",
    "smile",
    "swap",
    "write_image",
]

# Top-level name -> the module that holds it, imported when the name is first used.
_HOMES = {
    **dict.fromkeys(
        ("animate", "evaluate", "face", "learn", "parts", "predict", "repose", "smile", "swap"), "kinema.api"
    ),
    **dict.fromkeys(("VideoWriter", "open_video", "read_image", "write_image"), "kinema.video"),
    "InputError": "kinema.core.checks",
    "Models": "kinema.runtime.models",
    "load": "kinema.runtime.load",
    "open_game": "kinema.play.session",
    "play_env": "kinema.play.environment",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from kinema.core.version import installed_version

        value = installed_version()
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'kinema' has no attribute '{name}'; it has: {', '.join(sorted(__all__))}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
