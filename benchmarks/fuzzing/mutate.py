"""Ways to spoil an input: as bytes, as text, as a tree of tables and lists."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

_WORDS: Final = (
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "9" * 400,
    "9" * 5_000,
    "\x00",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "é" * 300,
    "../" * 40,
    "{0.__class__}",
    "%s%n",
    "a" * 70_000,
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\r\n",
)
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63),
    10**40,
    0.0,
    -0.5,
    1e308,
    5e-324,
    float("inf"),
    float("nan"),
    [],
    {},
    [[]],
    {"": {}},
)
_DEEPEST = 250
"""Levels of a tree: well below what copying and writing it out can follow within Python's recursion limit."""
_BYTES: Final = (b"", b"\x00", b"\xff", b"\x00" * 64, b"\xff" * 8, b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")


def spoil_bytes(data: bytes, chance: random.Random) -> bytes:
    """One to four changes: flipped, cut, doubled, moved, overwritten with what parsers stumble over."""
    spoilt = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        _change(spoilt, chance)
    return bytes(spoilt)


def spoil_text(data: bytes, chance: random.Random) -> bytes:
    """Changes of words and marks; sometimes of bytes."""
    if chance.random() < 0.3:
        return spoil_bytes(data, chance)
    text = data.decode("utf-8", "replace")
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.choice((0, 1, 1, 3, 10)))
        text = text[:at] + chance.choice((*_WORDS, chance.choice("#=,:.\"'[]{}&?@/\\\n\t-+eE"))) + text[to:]
    return text.encode("utf-8", "replace")


def spoil_tree(tree: Any, chance: random.Random) -> Any:
    """A copy with one to three values changed, left out, doubled or given to another key.

    Raises RecursionError for a tree that is too deep to begin with.
    """
    spoilt = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(_places(spoilt))
        if places:
            _change_place(*chance.choice(places), chance)
    return spoilt if depth(spoilt) <= _DEEPEST else copy.deepcopy(tree)


def spoil_json(data: bytes, chance: random.Random) -> bytes:
    """Changes of a JSON document as a tree; sometimes as text."""
    if chance.random() < 0.25:
        return spoil_text(data, chance)
    try:
        return to_json(spoil_tree(msgspec.json.decode(data), chance))
    except (RecursionError, ValueError):  # too deep; no JSON; a number with more digits than Python writes
        return spoil_text(data, chance)


def spoil_parts(
    parts: Sequence[bytes], chance: random.Random, how: Callable[[bytes, random.Random], bytes]
) -> list[bytes]:
    """Changes among the parts of a message, or, by `how`, in one of them."""
    spoilt = list(parts)
    act = chance.random()
    if spoilt and act < 0.7:
        index = chance.randrange(len(spoilt))
        spoilt[index] = how(spoilt[index], chance)
    elif spoilt and act < 0.8:
        del spoilt[chance.randrange(len(spoilt))]
    elif spoilt and act < 0.9:
        spoilt.insert(chance.randint(0, len(spoilt)), chance.choice(spoilt))
    else:
        chance.shuffle(spoilt)
    return spoilt


def to_json(tree: Any) -> bytes:
    """JSON, with what JSON has no word for as JavaScript would write it."""
    match tree:
        case None | bool() | str():
            return msgspec.json.encode(tree)
        case int() | float():
            return repr(tree).replace("inf", "Infinity").replace("nan", "NaN").encode()
        case list():
            return b"[" + b",".join(map(to_json, tree)) + b"]"
        case dict():
            return b"{" + b",".join(to_json(str(k)) + b":" + to_json(v) for k, v in tree.items()) + b"}"
        case _:
            return to_json(str(tree))


def depth(tree: Any) -> int:
    """Levels of lists and tables in a tree."""
    level, levels = [tree], 0
    while level := [one for one in level if isinstance(one, list | dict)]:
        levels += 1
        level = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
    return levels


def _change(spoilt: bytearray, chance: random.Random) -> None:
    at = chance.randint(0, len(spoilt))
    to = min(len(spoilt), at + chance.choice((1, 1, 2, 4, 8, 64, 1024)))
    match chance.randrange(6):
        case 0 if spoilt:
            spoilt[at % len(spoilt)] ^= 1 << chance.randrange(8)
        case 1:
            del spoilt[at:to]
        case 2:
            spoilt[at:at] = spoilt[at:to]
        case 3:
            spoilt[at:to] = chance.choice(_BYTES)
        case 4:
            del spoilt[at:]
        case _:
            spoilt[at:to] = chance.randbytes(to - at)


def _places(tree: Any) -> Sequence[tuple[Any, Any]]:
    """Every container with a key of its own."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left:
        one = left.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        found += [(one, key) for key in keys]
        left += [one[key] for key in keys]
    return found


def _change_place(holder: Any, key: Any, chance: random.Random) -> None:
    if (isinstance(holder, list) and key >= len(holder)) or (isinstance(holder, dict) and key not in holder):
        return
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1:
            holder[key] = chance.choice(_WORDS)
        case 2 if isinstance(holder, dict):
            holder[chance.choice((*_WORDS, f"{key}x", str(key).upper()))] = holder.pop(key)
        case 3:
            holder[key] = [holder[key]] * chance.choice((1, 2, 40))
        case 4:
            holder[key] = _deep(holder[key], chance.choice((3, 200)))
        case 5 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = chance.choice((-holder[key], holder[key] * 10**9, holder[key] + 1, holder[key] // 3))
        case 6 if isinstance(holder[key], str):
            holder[key] = spoil_text(holder[key].encode(), chance).decode("utf-8", "replace")
        case _:
            holder[key] = copy.deepcopy(chance.choice(_VALUES))


def _deep(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value
