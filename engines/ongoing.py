"""What goes on counts for more than what is over at once: chance seldom makes normal things look strange for long.

Each view's surprise is averaged over about a second, and counts as far as it is as high now: nothing is told of what
is over. The norm of these is lower than the norm of the moment, and much rarer for its height. Both are brought to one
scale by how often independent peaks of normal footage get so high (peaks over threshold, see `budget`), and the larger
one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.budget import Peaks, peaks_of
from engines.calibration import SURPRISE_SCALE, Doubles, Tail, fit_surprise_tail
from engines.contract import GAP_S, Floats

ONGOING_S: Final = 1.0
"""Time constant of the average: a shorter one lets through more of what is over at once, a longer one is late."""
_LEAST: Final = 1e-3

Piece: TypeAlias = tuple[NDArray[np.intp], Doubles]
"""Which frames are of one stretch, and their times."""


@dataclass(frozen=True, slots=True)
class Ongoing:
    """How the norm of what goes on and the score of the moment become one score."""

    lasting: Tail
    """From the norm of what goes on to the score of the moment that normal peaks reach as seldom."""
    whole: Tail
    """From the larger of both to its own surprise."""

    def score(self, moment: float, lasting: float) -> float:
        """The score of a frame from the score of the moment and the norm of what goes on."""
        return self.whole.surprise_of(max(moment, self.lasting.surprise_of(lasting)))

    def scores(self, moment: Floats, lasting: Floats) -> Floats:
        """The same of arrays of one shape."""
        return self.whole.surprise(np.maximum(moment, self.lasting.surprise(lasting)))


def fit_ongoing(moment: Floats, lasting: Floats, pieces: Sequence[Piece]) -> Ongoing:
    """Calibrate on the scores of the moment and the norms of what goes on of unseen normal frames, both [n]."""
    now, slow = _peaks(moment, pieces), _peaks(lasting, pieces)
    start = np.array([max(slow.level, _LEAST)], np.float32)
    onto = np.array([max(now.level, _LEAST)], np.float32)
    tail = Tail(start, onto, slow.scale() / now.scale() * SURPRISE_SCALE, 0.0)
    larger = np.maximum(moment, tail.surprise(lasting))
    return Ongoing(tail, fit_surprise_tail(larger.astype(np.float64)))


def _peaks(scores: Floats, pieces: Sequence[Piece]) -> Peaks:
    return peaks_of([(times, scores[frames].astype(np.float64)) for frames, times in pieces], GAP_S)
