"""Compiled engines kept in a folder, so that a second start does not build again.

An entry is one file: magic, SHA-256 of all that follows, the length of the key, the key as JSON, the engine. Its name
is the key's hash, so what differs in any part of the key is another entry. A file that is damaged, cut short, or holds
another key than its name says is built again; a folder that cannot be written costs the next start, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from engines.network.files import Network
from engines.whole import write_whole

_log = logging.getLogger("vigil.engine")

MAGIC: Final = b"VIGILENG"
SUFFIX: Final = ".engine"
_HEAD: Final = struct.Struct("<8s32sI")


class EngineCache:
    """Engines by key. Several processes may share the folder: the last writer wins, and all write alike."""

    def __init__(self, folder: Path, *, most_bytes: int = 2 << 30, oldest_days: float = 90.0) -> None:
        """Keep entries in `folder`, which is made when needed, for `oldest_days` after they were last used."""
        self.folder = folder
        self._most_bytes = most_bytes
        self._oldest_s = oldest_days * 86400

    def load_or_build(self, key: Mapping[str, str], build: Callable[[], bytes]) -> bytes:
        """Return the engine of `key`, built by `build` when there is no sound entry.

        The key names all that the engine depends on: see `key_of`. What `build` raises is passed on; trouble with
        the folder is not raised but logged.
        """
        found = self.load(key)
        if found is not None:
            return found
        began = time.monotonic()
        _log.info("building an engine: %s", _told(key))
        engine = build()
        _log.info("engine built in %.1f s, %.1f MB", time.monotonic() - began, len(engine) / 1e6)
        self.store(key, engine)
        return engine

    def load(self, key: Mapping[str, str]) -> bytes | None:
        """Return the engine of `key`, or None when there is no sound entry. Its age counts from now again."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("%s: cannot be read (%s), building the engine again", path, error.strerror)
            return None
        engine, trouble = _unpacked(data, _written(key))
        if engine is None:
            _log.warning("%s: %s, building the engine again", path, trouble)
            self.discard(key)
            return None
        with suppress(OSError):
            os.utime(path)
        return engine

    def discard(self, key: Mapping[str, str]) -> None:
        """Remove the engine of `key`, as when its runtime refuses it; no matter if there is none."""
        with suppress(OSError):
            self.path(key).unlink()

    def path(self, key: Mapping[str, str]) -> Path:
        """Where the engine of `key` lies, or would."""
        return self.folder / (hashlib.sha256(_written(key)).hexdigest()[:32] + SUFFIX)

    def prune(self) -> None:
        """Remove entries that were not used for long, then those used longest ago until the rest is small enough."""
        kept, limit = 0, time.time() - self._oldest_s
        for used, size, path in sorted(self._entries(), reverse=True):
            kept += size
            if used < limit or kept > self._most_bytes:
                kept -= size
                _log.info("%s: removed from the cache (%.1f MB)", path, size / 1e6)
                with suppress(OSError):
                    path.unlink()

    def store(self, key: Mapping[str, str], engine: bytes) -> None:
        """Keep `engine` under `key`, in place of what was there; trouble with the folder is not raised but logged."""
        body = _written(key) + engine
        length = struct.pack("<I", len(_written(key)))
        digest = hashlib.sha256(length + body).digest()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.path(key), MAGIC + digest + length + body)
            self.prune()
        except OSError as error:
            _log.warning("%s: cannot keep the engine (%s); the next start builds it again", self.folder, error.strerror)

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """When each was last used, its size in bytes, and where it lies."""
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path


def key_of(network: Network, precision: str, device: str, **more: str) -> dict[str, str]:
    """The parts of a key that every runtime shares; `more` is its version, shapes and build options.

    `device` tells all that the engine was made for: a GPU's name and compute capability, or a processor's name and
    what it can do.
    """
    return {"model": network.id, "precision": precision, "device": device, **more}


def _written(key: Mapping[str, str]) -> bytes:
    return json.dumps(dict(key), sort_keys=True, separators=(",", ":")).encode()


def _told(key: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(key.items()))


def _unpacked(data: bytes, key: bytes) -> tuple[bytes | None, str]:
    """The engine in a file, or None with what is wrong with it."""
    if len(data) < _HEAD.size or not data.startswith(MAGIC):
        return None, "is no engine of Vigil's cache"
    _, digest, length = _HEAD.unpack_from(data)
    if hashlib.sha256(data[_HEAD.size - 4 :]).digest() != digest:
        return None, "is damaged (its checksum does not fit)"
    if data[_HEAD.size : _HEAD.size + length] != key:
        return None, "was built for something else"
    return data[_HEAD.size + length :], ""
