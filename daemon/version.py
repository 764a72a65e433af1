"""Which Vigil this is."""

from engines.version import installed_version

__all__ = ["installed_version"]
