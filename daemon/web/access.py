"""Who may ask: certificate, token and password from files, read again when those change."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import ssl
import time
from pathlib import Path

from daemon.errors import SettingsError
from daemon.secrets import first_line
from daemon.web.settings import HttpFiles, tls_context

_log = logging.getLogger("vigil.http")

_LOOK_S = 1.0


class Access:
    """For one thread. Files that have become unusable leave what was known in force, and an error in the log."""

    def __init__(self, files: HttpFiles) -> None:
        self._files = files
        self._named = [f for f in (files.certificate, files.certificate_key, files.token, files.password) if f]
        self._seen: tuple[object, ...] = ()
        self._looked = 0.0
        self._tokens: list[bytes] = []
        self._passwords: list[bytes] = []
        self.tls: ssl.SSLContext | None = None

    def load(self) -> None:
        """Read the files. Raises OSError or `SettingsError`."""
        self._seen = tuple(_stamp(file) for file in self._named)
        tls = tls_context(self._files)
        tokens, passwords = _lines(self._files.token), _lines(self._files.password)
        self.tls, self._tokens, self._passwords = tls, tokens, passwords

    def refresh(self) -> None:
        """Look now and then whether a file has changed."""
        now = time.monotonic()
        if not self._named or now - self._looked < _LOOK_S:
            return
        self._looked = now
        if tuple(_stamp(file) for file in self._named) == self._seen:
            return
        try:
            self.load()
        except (OSError, SettingsError) as error:
            _log.error("changed files of [http] cannot be used, the former stay in force: %s", error)
        else:
            _log.info("files of [http] read again")

    def admits(self, authorization: str | None) -> bool:
        """Whether that header shows the token or the password; compared in constant time."""
        if not self._files.guarded:
            return True
        scheme, _, shown = (authorization or "").partition(" ")
        if scheme.lower() == "bearer":
            return _among(shown.strip().encode(), self._tokens)
        if scheme.lower() == "basic":
            try:
                return _among(base64.b64decode(shown.strip(), validate=True), self._passwords)
            except (binascii.Error, ValueError):
                return False
        return False

    def challenge(self) -> list[tuple[str, str]]:
        """Headers that say what to show."""
        offers = [("Basic", self._passwords), ("Bearer", self._tokens)]
        return [("WWW-Authenticate", f'{scheme} realm="vigil"') for scheme, secrets in offers if secrets]


def _among(shown: bytes, secrets: list[bytes]) -> bool:
    return any([hmac.compare_digest(shown, secret) for secret in secrets])  # noqa: C419 - all, in the same time


def _lines(file: Path | None) -> list[bytes]:
    return [] if file is None else [first_line(file, str(file), "a secret").encode()]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
