"""The settings file."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.fuzzing.mutate import spoil_text, spoil_tree
from benchmarks.fuzzing.target import Target, Workshop, require
from daemon.config import Settings, load_config
from daemon.errors import SettingsError

_EXAMPLE = Path(__file__).parents[2] / "systemd" / "vigil.toml"


def settings_target(workshop: Workshop) -> Target:
    """`daemon.config.load_config` on a file in a folder that holds a profile."""
    (workshop.folder / "a.vigil").write_bytes(workshop.profile)
    file = workshop.folder / "vigil.toml"

    def check(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            config = load_config(file, {})
        except SettingsError as error:
            _check_message(str(error), file)
            return False
        settings = config.settings
        again = msgspec.convert(msgspec.to_builtins(settings), Settings)
        require(again == settings, "settings do not come back as they were taken")
        require(len(config.cameras) == len(settings.cameras) >= 1, "a camera was lost")
        require(len({camera.name for camera in config.cameras}) == len(config.cameras), "two cameras have one name")
        return True

    return Target("settings", _seeds(), mutate, check)


def _check_message(message: str, file: Path) -> None:
    require(file.name in message, f"the message does not name the file: {message[:200]!r}")
    require(message.isprintable(), f"the message is more than one line: {message[:200]!r}")
    require(len(message) < 2_000, f"the message has {len(message)} characters")


def mutate(data: bytes, chance: random.Random) -> bytes:
    """As a tree of tables, or as text."""
    if chance.random() < 0.4:
        return spoil_text(data, chance)
    try:
        tree = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return spoil_text(data, chance)
    try:
        return to_toml(spoil_tree(tree, chance)).encode("utf-8", "replace")
    except (RecursionError, ValueError):  # too deep; a number with more digits than Python writes
        return spoil_text(data, chance)


def to_toml(table: dict[str, Any]) -> str:
    """A document of inline values, so that any tree can be said."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(key: object) -> str:
    return msgspec.json.encode(str(key)).decode()


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
        case _:
            return msgspec.json.encode("" if value is None else str(value)).decode()


def _seeds() -> list[bytes]:
    camera = '[[cameras]]\nname = "gate"\nsource = "rtsp://user:secret@10.0.0.7/1"\nprofile = "a.vigil"\n'
    second = camera.replace("gate", "yard") + "fps = 2.5\nthreshold = 4.5\nevents = { cooldown_s = 10 }\n"
    tables = _EXAMPLE.read_text(encoding="utf-8").split("[[cameras]]")[0]
    return [text.encode() for text in (camera, camera + second, tables + camera, f"[http]\nport = 9464\n{camera}")]
