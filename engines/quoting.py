"""How messages quote what came from outside: whole where it is short."""

from __future__ import annotations

MOST_SHOWN = 200
"""Characters: any path that people use is shown whole."""


def shortened(text: object, most: int = MOST_SHOWN) -> str:
    """A text of any length in at most so many characters: the middle of a longer one is left out."""
    whole, tail = str(text), most // 2
    return whole if len(whole) <= most else f"{whole[: most - tail - 1]}…{whole[-tail:]}"
