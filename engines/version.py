"""Which code this is. Needs nothing but the standard library, so that asking costs nothing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Final

_ROOM: Final = Path(__file__).parent
_APART: Final = ("evaluation", "learning")
"""Parts of the engine room that no score depends on once a network is trained."""
_SHOWN: Final = 12
"""Hex digits of a digest that are told."""


def installed_version() -> str:
    """The installed package's version; ``0+source`` when it runs from a folder that was never installed."""
    try:
        return importlib.metadata.version("vigil")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"


def code_version() -> dict[str, str | None]:
    """The package's version, the Git commit where one is known, and a digest of the code itself.

    The digest covers the engine room less what only training and evaluation use: it tells apart two states of a
    working copy, which version and commit do not.
    """
    commit = _installed_commit() or _checked_out_commit(_ROOM.parent / ".git")
    return {"vigil": installed_version(), "commit": commit, "engines": _digest_of_code()}


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for path in sorted(_ROOM.rglob("*.py")):
        name = path.relative_to(_ROOM)
        if name.parts[0] not in _APART:
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_SHOWN]


def _installed_commit() -> str | None:
    """The commit that pip installed from (PEP 610)."""
    try:
        text = importlib.metadata.distribution("vigil").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    commit = json.loads(text or "{}").get("vcs_info", {}).get("commit_id")
    return str(commit)[:_SHOWN] if commit else None


def _checked_out_commit(git: Path) -> str | None:
    """The commit that a working copy is at, from Git's own files, since the program need not be there."""
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:_SHOWN]
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return loose.read_text().strip()[:_SHOWN]
        packed = (git / "packed-refs").read_text().splitlines()
        return next((line.split()[0][:_SHOWN] for line in packed if line.endswith(f" {name}")), None)
    except OSError:
        return None
