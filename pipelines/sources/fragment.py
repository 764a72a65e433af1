"""W3C media fragments, temporal dimension: ``#t=2.5,9`` picks [2.5, 9) seconds of a source.

Media Fragments URI 1.0 (basic), W3C Recommendation 2012, section 4.2.1, normal play time: seconds,
``mm:ss`` or ``hh:mm:ss``, each with a decimal part; an ``npt:`` prefix may stand before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engines.quoting import shortened
from pipelines.errors import SourceRefused

_SECONDS = re.compile(r"\d{1,9}(?:\.\d*)?", re.ASCII)
_CLOCK = re.compile(r"(?:(?P<hours>\d{1,6}):)?(?P<minutes>[0-5]?\d):(?P<seconds>[0-5]\d(?:\.\d*)?)", re.ASCII)
_SHOWN = 60
_EXPECTED = "expected #t=START,END in seconds or mm:ss, such as #t=2.5,9 or #t=,1:30"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part [start_s, end_s) of a source, in seconds from its beginning; no end means all the rest."""

    start_s: float = 0.0
    end_s: float | None = None


WHOLE = Stretch()


def split_fragment(text: str) -> tuple[str, str | None]:
    """Part a source into its location and the value of its ``t`` dimension, None when it has none."""
    location, mark, fragment = text.rpartition("#")
    if not mark:
        return text, None
    if "@" in fragment:  # of a password, rather than of the media
        return text, None
    times = [value for name, equals, value in (p.partition("=") for p in fragment.split("&")) if equals and name == "t"]
    return (location, times[-1]) if times else (text, None)  # of several, the last one counts (section 4.2)


def parse_stretch(value: str) -> Stretch:
    """Read the value of a ``t`` dimension, such as ``2.5,9``; raises SourceRefused when it is malformed."""
    begin, comma, end = value.removeprefix("npt:").partition(",")
    if not begin and not end:
        raise SourceRefused(f"malformed fragment #t={shortened(value, _SHOWN)}: {_EXPECTED}")
    if comma and not end:
        raise SourceRefused(f"malformed fragment #t={shortened(value, _SHOWN)}: no end after the comma; {_EXPECTED}")
    start_s = _seconds(begin, value) if begin else 0.0
    end_s = _seconds(end, value) if end else None
    if end_s is not None and end_s <= start_s:
        raise SourceRefused(f"malformed fragment #t={shortened(value, _SHOWN)}: it ends before it begins; {_EXPECTED}")
    return Stretch(start_s, end_s)


def _seconds(time: str, value: str) -> float:
    if _SECONDS.fullmatch(time):
        return float(time)
    clock = _CLOCK.fullmatch(time)
    if clock is None:
        raise SourceRefused(
            f"malformed fragment #t={shortened(value, _SHOWN)}: {shortened(time, _SHOWN)!r} is no time; {_EXPECTED}"
        )
    return int(clock["hours"] or 0) * 3600 + int(clock["minutes"]) * 60 + float(clock["seconds"])
