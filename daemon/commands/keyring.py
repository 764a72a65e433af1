"""What ``vigil keys`` does to the folder of keys.

``server.key_secret`` and ``server.key`` are the daemon's own; ``allowed/NAME.key`` are the public keys of those who may
connect, ``revoked/NAME.key`` of those who may no longer, which are kept so that the log can name them.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from daemon.commands.terminal import results, write_json
from daemon.errors import SettingsError
from daemon.guarding import SERVER_FILE
from engines.quoting import shortened
from pipelines.errors import KeysError
from pipelines.guard.allowlist import ALLOWED, REVOKED
from pipelines.guard.keyfiles import SERVER_KEY, is_key_name, make_pair, public_beside, read_public

_SERVER = "server"


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the folder."""

    name: str
    state: str
    public: str


def new(name: str, folder: Path, out: Path) -> None:
    """Make a pair: the public key into the folder, the secret to `out`. Raises `VigilError`."""
    _check_name(name)
    server = _server(folder)
    target = _place(folder, ALLOWED, name)
    _refuse_known(folder, name)
    public_file = public_beside(out)
    make_pair(out, {SERVER_KEY: server.decode()})
    _move(public_file, target)
    say = results().print
    say(f"{escape(str(out))}: for {name} alone, by a safe way; then delete it here. It connects by", soft_wrap=True)
    say(f"  vigil subscribe ENDPOINT --key {escape(out.name)}", soft_wrap=True)


def allow(name: str, public: Path, folder: Path) -> None:
    """Take a public key into the folder. Raises `VigilError`."""
    _check_name(name)
    key = read_public(public)
    _server(folder)
    _refuse_known(folder, name)
    target = _place(folder, ALLOWED, name)
    _write(target, f'metadata\ncurve\n    public-key = "{key.decode()}"\n')
    results().print(f"{name} may connect; it needs {escape(str(folder / 'server.key'))} too", soft_wrap=True)


def revoke(name: str, folder: Path) -> None:
    """Move a key to those who may no longer connect. Raises `VigilError`."""
    _check_name(name)
    allowed = folder / ALLOWED / f"{name}.key"
    if not allowed.is_file():
        raise SettingsError(f"{folder}: no key {name} may connect: vigil keys list shows those who may")
    _move(allowed, _place(folder, REVOKED, name))
    results().print(f"{name} may connect no more; a running daemon cuts it off within a second")


def show(folder: Path, *, as_json: bool) -> None:
    """Print the keys of the folder."""
    if not folder.is_dir():
        raise SettingsError(f"{folder}: is no folder of keys: vigil keys new NAME makes one")
    rows = [*_rows(folder, ALLOWED), *_rows(folder, REVOKED)]
    if as_json:
        write_json(rows)
        return
    table = Table("name", "state", "public key")
    for row in rows:
        table.add_row(row.name, row.state, escape(row.public))
    results().print(table)


def _rows(folder: Path, part: str) -> list[KeyRow]:
    rows = []
    for file in sorted((folder / part).glob("*.key")):
        try:
            public = read_public(file).decode()
        except KeysError as error:
            rows.append(KeyRow(name=file.stem, state="not a key, left out", public=str(error)))
        else:
            rows.append(KeyRow(name=file.stem, state=part, public=public))
    return rows


def _server(folder: Path) -> bytes:
    """The daemon's public key; made when there is none."""
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be made ({error.strerror})") from error
    public = folder / f"{_SERVER}.key"
    if public.is_file():
        return read_public(public)
    made = make_pair(folder / SERVER_FILE).public
    results().print(f"{escape(str(folder))}: made the daemon's own key; set publish.keys to this", soft_wrap=True)
    return made


def _check_name(name: str) -> None:
    if not is_key_name(name):
        raise SettingsError(
            f"{shortened(name, 60)!r}: expected a name of 1 to 64 letters, digits, - or _, beginning with no sign"
        )


def _refuse_known(folder: Path, name: str) -> None:
    for part in (ALLOWED, REVOKED):
        if (folder / part / f"{name}.key").exists():
            raise SettingsError(f"{folder / part}: has a key {name} already: choose another name, or remove the file")


def _place(folder: Path, part: str, name: str) -> Path:
    target = folder / part
    try:
        target.mkdir(mode=0o750, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{target}: cannot be made ({error.strerror})") from error
    return target / f"{name}.key"


def _move(file: Path, target: Path) -> None:
    _write(target, file.read_text())
    file.unlink()


def _write(target: Path, text: str) -> None:
    """At once or not at all: the daemon may be reading."""
    part = target.with_suffix(".part")
    try:
        part.write_text(text)
        part.replace(target)
    except OSError as error:
        raise SettingsError(f"{target}: cannot be written ({error.strerror})") from error
