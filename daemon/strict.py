"""Plain data -> frozen settings, with errors that name the key and say what was expected there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from daemon.errors import SettingsError
from engines.quoting import shortened
from pipelines.redact import shown

T = TypeVar("T")

_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<key>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<key>.*)`$", re.DOTALL)
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_LONGEST = 60
_MOST_BITS = 1024


def convert(data: object, into: type[T], where: str) -> T:
    """Make settings of type `into` from what a TOML file holds.

    Raises `SettingsError`, ``{where}: {key}: expected {what}, got {value}``, at the first thing that does not fit.
    """
    try:
        return msgspec.convert(data, into)
    except msgspec.ValidationError as error:
        raise SettingsError(one_line(f"{where}: {explain(str(error), data, into)}")) from None


def one_line(text: str) -> str:
    """The text without line breaks and other characters that a terminal would act on."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def explain(message: str, data: object, into: type[Any]) -> str:
    """Retell msgspec's error for people who write settings, not Python."""
    found = _AT.search(message)
    path = found["path"] if found else ""
    steps = [int(index) if index else name for index, name in _STEP.findall(path)]
    kind, value = _follow(steps, inspect.type_info(into), data)
    what = message[: found.start()] if found else message
    if unknown := _UNKNOWN.match(what):
        return f"{_join(path, shown(unknown['key'], _LONGEST))}: unknown key; {_did_you_mean(unknown['key'], kind)}"
    if missing := _MISSING.match(what):
        wanted = _field(kind, missing["key"])
        return f"{_join(path, missing['key'])}: missing; expected {describe(wanted)}"
    return f"{path or 'file'}: expected {describe(kind)}, got {show(value)}"


def describe(kind: inspect.Type | None) -> str:
    """What a value of this type looks like, in words."""
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            return str((schema or {}).get("description") or describe(inner))
        case inspect.UnionType(types=types):
            return " or ".join(describe(t) for t in types if not isinstance(t, inspect.NoneType))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            least = "at least one " if kind.min_length else ""
            return f"{least}[[table]]" if isinstance(item, inspect.StructType) else f"a list of {least}{describe(item)}"
        case inspect.TupleType(item_types=items):
            return f"a list of {len(items)}: " + ", ".join(describe(item) for item in items)
        case inspect.StructType() | inspect.DictType():
            return "a table"
        case _:
            return _describe_one(kind)


def _describe_one(kind: inspect.Type | None) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return noun + _bounds(kind.ge, kind.gt, kind.le, kind.lt)
        case inspect.StrType(pattern=pattern):
            return f"a text that matches {pattern}" if pattern else "a text"
        case inspect.LiteralType(values=values):
            return _either([f'"{value}"' for value in values])
        case _:
            return "another value"


def show(value: object) -> str:
    """The value as the file has it, short; tables and lists by their name alone."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, str):
        return f'"{shown(value, _LONGEST)}"'
    if isinstance(value, Sequence):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:  # Python does not write out the longest
        return "a number beyond reason"
    return str(value).lower() if isinstance(value, bool) else shortened(value, _LONGEST)


def _bounds(ge: float | None, gt: float | None, le: float | None, lt: float | None) -> str:
    low = f"{ge:g}" if ge is not None else f"more than {gt:g}" if gt is not None else ""
    high = f"{le:g}" if le is not None else f"less than {lt:g}" if lt is not None else ""
    if low and high:
        return f" from {low} to {high}"
    if low:
        return f" of at least {low}" if ge is not None else f" of {low}"
    return (f" of at most {high}" if le is not None else f" of {high}") if high else ""


def _follow(steps: Sequence[str | int], kind: inspect.Type | None, value: object) -> tuple[inspect.Type | None, object]:
    for step in steps:
        kind = _field(kind, step) if isinstance(step, str) else _item(kind, step)
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
    return _plain(kind), value


def _plain(kind: inspect.Type | None) -> inspect.Type | None:
    """``X | None`` as X, since TOML has no null; a struct's or list's own type without what describes it."""
    if isinstance(kind, inspect.Metadata) and isinstance(kind.type, inspect.StructType | inspect.VarTupleType):
        return kind.type
    if isinstance(kind, inspect.UnionType):
        types = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
        return types[0] if len(types) == 1 else kind
    return kind


def _field(kind: inspect.Type | None, name: str) -> inspect.Type | None:
    kind = _plain(kind)
    fields = kind.fields if isinstance(kind, inspect.StructType) else ()
    return _plain(next((f.type for f in fields if f.encode_name == name), None))


def _item(kind: inspect.Type | None, index: int) -> inspect.Type | None:
    kind = _plain(kind)
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return kind.item_type
    if isinstance(kind, inspect.TupleType) and index < len(kind.item_types):
        return kind.item_types[index]
    return None


def _did_you_mean(key: str, kind: inspect.Type | None) -> str:
    names = [f.encode_name for f in kind.fields] if isinstance(kind, inspect.StructType) else []
    close = difflib.get_close_matches(key[:_LONGEST], names, n=1)
    return f'did you mean "{close[0]}"?' if close else f"expected {_either(names)}"


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
