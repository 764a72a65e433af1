"""How bodies of one size and distance move: what is slow for a car is fast for a walker, though both pass one place.

Where cars drive behind a pavement, both cover the same cells, and a place's own history allows the walker the pace and
the direction of the car. A body's feet say how far away it is, its height and width what it is. Enrolment remembers
bodies by these, each with the furthest that its like went each way; at run time a body is measured by those remembered
that are most like it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.bodies import find_bodies
from engines.contract import Floats
from engines.motion import directions

_ROWS: Final = 1.5
_COLUMNS: Final = 6.0
_SIZES: Final = 0.35
"""Feet so many cells apart, middles so many, and logarithms of height or width so far, are equally unlike. Rows count
for more than columns: in perspective, what stands in one row is about as far away."""
_LIKE: Final = 100
"""So many bodies that are most like it measure one that is remembered."""
_NEAREST: Final = 5
"""What these of its kind that are remembered were allowed is allowed to each: one is known by too few to be exact."""
_KNOWN: Final = 1500
_SEEN: Final = 12000
"""Bodies that are remembered, and those that measure them; a random choice of them where there are more."""
_OTHER_WAYS: Final = 0.2
"""As far as this share of what its like went one way, a body may go any way."""
_FLOOR: Final = 0.3
"""Pixels of displacement over the interval that sensor noise alone can make."""
_FEWEST: Final = 100
"""Bodies below which nothing can be said."""
_AT_ONCE: Final = 250

Halves = NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Paces:
    """Bodies that normally move, and how far the like of each went."""

    known: Floats
    """float32 [K, 4]: see `_placed`."""
    scale: Floats
    """float32 [K, 4], in the order of `motion.directions`."""

    def compare(self, field: Floats) -> Floats:
        """Compare displacements [CELLS, CELLS, 2].

        Returns float32 [CELLS, CELLS]: 1 where a body is as fast as any ever seen that is like it, 0 where none is.
        """
        bodies = find_bodies(field)
        if not len(bodies.moved):
            return np.zeros(field.shape[:2], np.float32)
        nearest = _squares(_placed(bodies.places), self.known).argmin(1)
        share = directions(bodies.moved) / self.scale[nearest]
        return bodies.paint(np.sqrt(np.square(share).sum(-1)))

    def compare_all(self, fields: Floats) -> Floats:
        """Compare displacements [N, CELLS, CELLS, 2]: float32 [N, CELLS, CELLS]."""
        return np.stack([self.compare(field) for field in fields])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        return {"paces.known": self.known, "paces.scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Paces:
        """The inverse of `to_arrays`."""
        return cls(arrays["paces.known"].astype(np.float32), arrays["paces.scale"].astype(np.float32))


def fit_paces(fields: Iterable[Halves]) -> Paces | None:
    """Fit to the motion of normal frames, each float16 [CELLS, CELLS, 2]; None when too little moves in them."""
    found = [find_bodies(field.astype(np.float32)) for field in fields]
    moved = np.concatenate([np.zeros((0, 2), np.float32), *(bodies.moved for bodies in found)])
    if len(moved) < _FEWEST:
        return None
    rng = np.random.default_rng(0)  # a fixed seed: the same footage makes the same model
    some = np.sort(rng.permutation(len(moved))[:_SEEN])
    seen = _placed(np.concatenate([bodies.places for bodies in found])[some])
    known = seen[np.sort(rng.permutation(len(seen))[:_KNOWN])]
    parts = directions(moved[some])
    scale = _most_of_like(known, known, _most_of_like(known, seen, parts, _LIKE), _NEAREST)
    scale += np.float32(_OTHER_WAYS) * scale.max(-1, keepdims=True) + np.float32(_FLOOR)
    return Paces(known, scale)


def _placed(places: Floats) -> Floats:
    """Bring `Bodies.places` to a space in which distance says how unlike two bodies are: float32 [K, 4]."""
    where = places[:, :2] / np.array([_ROWS, _COLUMNS], np.float32)
    return np.asarray(np.concatenate([where, np.log(places[:, 2:]) / np.float32(_SIZES)], axis=1), np.float32)


def _most_of_like(wanted: Floats, among: Floats, values: Floats, count: int) -> Floats:
    """The most, each way, of the values [m, 4] of the nearest of `among` [m, 4] to each that is wanted: [n, 4]."""
    if count >= len(among):
        return np.broadcast_to(values.max(0), (len(wanted), 4)).copy()
    made = np.empty((len(wanted), 4), np.float32)
    for at in range(0, len(wanted), _AT_ONCE):
        nearest = np.argpartition(_squares(wanted[at : at + _AT_ONCE], among), count - 1, axis=1)[:, :count]
        made[at : at + _AT_ONCE] = values[nearest].max(1)
    return made


def _squares(wanted: Floats, among: Floats) -> Floats:
    """Squared distances [n, m], each row up to a constant."""
    return np.asarray(np.einsum("mk,mk->m", among, among) - 2 * wanted @ among.T)
