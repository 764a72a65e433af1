"""Which Vigil this is."""

from importlib import metadata


def installed_version() -> str:
    """The installed package's version; ``0+source`` when it runs from a folder that was never installed."""
    try:
        return metadata.version("vigil")
    except metadata.PackageNotFoundError:
        return "0+source"
