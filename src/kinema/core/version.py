"""Tells the installed version of kinema."""

from __future__ import annotations


def installed_version() -> str:
    """The version of the installed package, or "0+source" in a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("kinema")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0+source"
