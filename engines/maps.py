"""The maps of a frame that are shown and told of: one fused, one a signal.

A view's surprise is about frames: how seldom the strongest places of a normal frame get so far. Of a place that is no
further than most frames somewhere get, it says little, and views cannot be compared by it: where hardly anything moves,
all that moves is surprising, though it is far below what is normal there. Such places are in the order of how far each
is from its own normal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from engines.contract import Floats, Signal
from engines.scoring import Fusion, Views, by_signal

_MOST_FRAMES: Final = np.float32(math.log10(2))
"""The surprise that every second normal frame reaches."""


def maps_of(fusion: Fusion, views: Views, places: tuple[int, ...]) -> tuple[Floats, Mapping[Signal, Floats]]:
    """The fused map and one a signal, [h, w], from maps [1, ...] of the views, 1 where as far as normal gets."""
    seen = {view: to_places(maps, places) for view, maps in views.items()}
    surprises = fusion.surprises(seen)
    fused = np.maximum(fusion.score(surprises)[0], _MOST_FRAMES * _furthest(seen))
    return fused, {signal: values[0] for signal, values in by_signal(surprises).items()}


def _furthest(views: Views) -> Floats:
    """How far each place is from its own normal, [h, w], by the view that says most: 1 where as far as normal gets."""
    furthest = np.max([np.nan_to_num(maps[0]) for maps in views.values()], axis=0)
    return np.asarray(np.clip(furthest, 0, 1), np.float32)


def to_places(maps: Floats, places: tuple[int, ...]) -> Floats:
    """Bring maps [N, a*h, b*w] to [N, h, w]: the strongest of each place's cells."""
    count, (height, width) = len(maps), places
    tall, wide = maps.shape[1] // height, maps.shape[2] // width
    return np.asarray(maps.reshape(count, height, tall, width, wide).max((2, 4)), np.float32)
