"""HTML, written so that what is not markup is escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Final

_VOID: Final = frozenset({"br", "img", "line", "circle", "rect", "path", "polyline", "polygon", "meta"})


NONE: Final = "\N{EN DASH}"
"""Stands where there is no figure."""


class Html(str):
    """Markup: goes into the page as it is. Any other string is escaped."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element. ``class_`` stands for class; underscores in other names stand for hyphens; None leaves one out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-") if key != "viewBox" else key}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not children:
        return Html(f"<{name}{told}/>")
    return Html(f"<{name}{told}>{join(children)}</{name}>")


def join(children: Sequence[str]) -> Html:
    """Several pieces as one."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))


def picture(data: bytes, description: str, kind: str = "jpeg") -> Html:
    """A picture that travels inside the page."""
    return tag(
        "img", src=f"data:image/{kind};base64,{base64.b64encode(data).decode()}", alt=description, loading="lazy"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1, mark: Sequence[int] = ()) -> Html:
    """A table whose first `words` columns are text and the rest numbers; `mark` are rows to stress.

    Columns without any figure are left out.
    """
    shown = [index for index in range(len(head)) if any(row[index] != NONE for row in rows)]
    head, rows = [head[index] for index in shown], [[row[index] for index in shown] for row in rows]
    top = tag("tr", *(tag("th", one, class_=_kind(index, words)) for index, one in enumerate(head)))
    body = [
        tag(
            "tr",
            *(tag("td", one, class_=_kind(index, words)) for index, one in enumerate(row)),
            class_="mark" if number in mark else None,
        )
        for number, row in enumerate(rows)
    ]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body)), class_="wide")


def _kind(index: int, words: int) -> str:
    return "word" if index < words else "number"


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def share(value: float | None, digits: int = 3) -> str:
    """A share or an area, such as 0.987; a dash when unknown."""
    return NONE if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as per cent."""
    return NONE if value is None else f"{100 * value:.3g} %" if value < 0.01 else f"{100 * value:.1f} %"


def number(value: float | None, unit: str = "") -> str:
    """A quantity with three digits and its unit."""
    if value is None:
        return NONE
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()
