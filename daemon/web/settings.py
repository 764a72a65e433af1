"""Where HTTP is served, to whom, and the files that takes."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from daemon.errors import SettingsError
from daemon.secrets import first_line, secret_path
from pipelines.guard.exposure import is_wide
from pipelines.redact import shown


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where metrics and health are served."""

    enabled: bool = True
    address: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 9464
    """0 takes a free port, which the log names."""
    certificate: str | None = None
    """PEM file of the certificate, with its chain: HTTPS instead of HTTP. Read again when it changes."""
    certificate_key: str | None = None
    """PEM file of its key."""
    token_file: str | None = None
    """A file whose first line is asked for as ``Authorization: Bearer``. Read again when it changes."""
    password_file: str | None = None
    """A file whose first line, ``user:password``, is asked for as basic authentication. Either of both will do."""
    open_to_all: bool = False
    """Listen on an address that other machines reach although TLS or a password is missing."""


@dataclass(frozen=True, slots=True)
class HttpFiles:
    """The files that are meant, where they lie."""

    certificate: Path | None = None
    certificate_key: Path | None = None
    token: Path | None = None
    password: Path | None = None

    @property
    def guarded(self) -> bool:
        """Whether clients have to show a token or a password."""
        return self.token is not None or self.password is not None

    @property
    def encrypted(self) -> bool:
        """Whether it is HTTPS."""
        return self.certificate is not None


def find_files(settings: HttpSettings, base: Path, file: str, environ: Mapping[str, str]) -> HttpFiles:
    """The files of the settings, looked at once: relative to `base`, or systemd credentials.

    Raises `SettingsError` for one that cannot be used, and for an address that is open to all unawares.
    """

    def path(key: str, written: str | None) -> Path | None:
        return None if written is None else secret_path(base, written, f"{file}: http.{key}", environ)

    files = HttpFiles(
        certificate=path("certificate", settings.certificate),
        certificate_key=path("certificate_key", settings.certificate_key),
        token=path("token_file", settings.token_file),
        password=path("password_file", settings.password_file),
    )
    _check(files, file)
    if settings.enabled and not settings.open_to_all and is_wide(settings.address):
        missing = [
            *([] if files.encrypted else ["certificate and certificate_key"]),
            *([] if files.guarded else ["token_file or password_file"]),
        ]
        if missing:
            raise SettingsError(
                f"{file}: http.address: {shown(settings.address)} can be reached from other machines; set "
                f"{' and '.join(missing)}, or http.open_to_all = true"
            )
    return files


def tls_context(files: HttpFiles) -> ssl.SSLContext | None:
    """None without a certificate. Raises OSError (ssl.SSLError is one)."""
    if files.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.certificate_key)
    return context


def _check(files: HttpFiles, file: str) -> None:
    if (files.certificate is None) != (files.certificate_key is None):
        raise SettingsError(f"{file}: http.certificate: expected it and http.certificate_key together, got one alone")
    try:
        tls_context(files)
    except OSError as error:
        reason = "is no PEM pair that fits" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(f"{file}: http.certificate: {shown(files.certificate)} with its key {reason}") from None
    if files.token is not None:
        first_line(files.token, f"{file}: http.token_file", "a token")
    if files.password is not None:
        where = f"{file}: http.password_file"
        if ":" not in first_line(files.password, where, "user:password"):
            raise SettingsError(
                f"{where}: expected user:password on the first line of {shown(files.password)}, got no colon"
            )
