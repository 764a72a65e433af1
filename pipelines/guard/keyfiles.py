"""Key files of CURVE in the format of pyzmq and czmq: reading them, and making them so that none else can read them."""

from __future__ import annotations

import re
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import zmq
import zmq.auth
from zmq.utils import z85

from engines.quoting import shortened
from pipelines.errors import KeysError

SERVER_KEY = "server-key"
"""Metadata of a subscriber's secret file: the public key of whom it will talk to."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_MOST_FILE_BYTES = 16_384
_OTHERS = 0o007


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public and a secret key of CURVE, each 40 characters of Z85."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a subscriber needs: its own pair, and the key of the server that it trusts."""

    pair: KeyPair
    server: bytes


def is_key_name(name: str) -> bool:
    """Whether a key may be called so: 1 to 64 letters, digits, - or _, the first a letter or digit."""
    return _NAME.match(name) is not None


def make_pair(file: Path, metadata: dict[str, str] | None = None) -> KeyPair:
    """Make a pair: the secret into `file` (mode 0600), the public key beside it with the ending ``.key`` (0644).

    `file` ends with ``.key_secret``. Never overwrites. Raises KeysError.
    """
    public_file = public_beside(file)
    try:
        for there in (file, public_file):
            if there.exists():
                raise KeysError(f"{there} is there already: revoke or move it first, or choose another name")
        # pyzmq writes with the ordinary mode, and the secret must at no moment be readable: hence the private folder.
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".keys-") as folder:
            made_public, made_secret = map(Path, zmq.auth.create_certificates(folder, file.stem, metadata))
            made_secret.chmod(0o600)
            made_public.chmod(0o644)
            pair = read_pair(made_secret)
            made_secret.rename(file)
            made_public.rename(public_file)
    except OSError as error:
        raise KeysError(f"{shortened(file)}: the key cannot be written ({error.strerror})") from error
    return pair


def public_beside(file: Path) -> Path:
    """Where the public half of a secret file lies."""
    if file.suffix != ".key_secret":
        raise KeysError(f"{shortened(file)}: expected a file name that ends with .key_secret")
    return file.with_suffix(".key")


def read_pair(file: Path) -> KeyPair:
    """A secret file's pair. Raises KeysError, also where every user of the machine can read it."""
    public, secret = _read(file)
    if secret is None:
        raise KeysError(f"{shortened(file)}: expected a secret key (NAME.key_secret), got a public one")
    if _mode(file) & _OTHERS:
        raise KeysError(f"{shortened(file)}: every user of this machine can read this secret: chmod 600 {file}")
    if zmq.curve_public(secret) != public:
        raise KeysError(f"{shortened(file)}: its public and its secret key do not belong together: make a new one")
    return KeyPair(public, secret)


def read_public(file: Path) -> bytes:
    """The public key of either kind of file. Raises KeysError."""
    return _read(file)[0]


def read_client(file: Path, server_file: Path | None = None) -> ClientKeys:
    """A subscriber's keys; the server's is in `server_file`, or else in the subscriber's own. Raises KeysError."""
    pair = read_pair(file)
    if server_file is not None:
        return ClientKeys(pair, read_public(server_file))
    match = re.search(rf'^\s*{SERVER_KEY}\s*=\s*"?([^"\s]+)"?\s*$', _text(file), re.MULTILINE)
    if match is None:
        raise KeysError(f"{shortened(file)}: says not whom to trust: give the server's public key too (server.key)")
    return ClientKeys(pair, _checked(match[1].encode(), file))


def _read(file: Path) -> tuple[bytes, bytes | None]:
    _text(file)
    try:
        public, secret = zmq.auth.load_certificate(file)
    except (OSError, ValueError, IndexError) as error:
        raise KeysError(f"{shortened(file)}: is no key file: make one with vigil keys new") from error
    return _checked(public, file), None if secret is None else _checked(secret, file)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        raise KeysError(f"{shortened(file)}: cannot be read ({error.strerror})") from error
    if len(content) > _MOST_FILE_BYTES:
        raise KeysError(f"{shortened(file)}: is no key file: it is too long")
    return content.decode(errors="replace")


def _mode(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError as error:
        raise KeysError(f"{shortened(file)}: cannot be read ({error.strerror})") from error


def _checked(key: bytes, file: Path) -> bytes:
    """A key that ZeroMQ takes; of one that it does not, nothing is told."""
    try:
        good = len(key) == 40 and len(z85.decode(key)) == 32
    except (ValueError, KeyError, OverflowError, struct.error):  # struct.error: a group above 2**32
        good = False
    if not good:
        raise KeysError(
            f"{shortened(file)}: expected a key of 40 characters of Z85, got something else: make a new one"
        )
    return key
