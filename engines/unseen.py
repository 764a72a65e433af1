"""Scores of normal frames by a scoring that was calibrated without them: what a threshold may be fitted to.

Scores of the very frames that a calibration was fitted to are drawn to what it expects: the highest of them is as
surprising as the highest of so many should be, whatever it was. Thresholds from those let through several times the
alarms that were asked for. So each of many short blocks of time is scored by a calibration of all the others, which is
nearly the one that will run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.calibration import Doubles
from engines.holdout import FOLDS
from engines.ongoing import Piece
from engines.scoring import Fusion, Views, fit_fusion, table

_MOST_BLOCKS: Final = 16
"""Each leaves out so little that what is left is as good as all."""
_BLOCK_S: Final = 10.0
"""Shorter blocks would be scored by what happened a moment before or after in the same event."""


def unseen_scores(fusion: Fusion, statistics: Views, pieces: Sequence[Piece]) -> Doubles:
    """The fused score of each normal frame by a calibration without its block: float64 [n].

    Takes what `fusion` was calibrated on: statistics, float32 [n] a view, and the frames of each stretch of footage,
    none of stills. Weights and power stay: they are few and coarse.
    """
    count = len(next(iter(statistics.values())))
    scores = np.empty(count)
    blocks = np.arange(count) * _blocks_in(pieces) // count
    for block in np.unique(blocks):
        inside, others = blocks == block, np.flatnonzero(blocks != block)
        learnt = {view: values[others] for view, values in statistics.items()}
        without = fit_fusion(learnt, fusion.weights, fusion.power, _pieces_within(pieces, others, count))
        # All frames are scored, so that averages over time do not begin anew at each block.
        scores[inside] = table(without, (), statistics, pieces)[inside, 0]
    return scores


def _pieces_within(pieces: Sequence[Piece], some: NDArray[np.intp], count: int) -> list[Piece]:
    """The pieces of some of `count` frames, which are numbered anew."""
    numbers = np.full(count, -1, np.intp)
    numbers[some] = np.arange(len(some))
    made = [(numbers[frames], times_s) for frames, times_s in pieces]
    return [(at[at >= 0], times_s[at >= 0]) for at, times_s in made if (at >= 0).any()]


def _blocks_in(pieces: Sequence[Piece]) -> int:
    """How many blocks are made; of stills, which are independent, as many as there may be."""
    if not pieces:
        return _MOST_BLOCKS
    seconds = sum(float(times_s[-1] - times_s[0]) for _, times_s in pieces)
    return int(min(max(seconds // _BLOCK_S, FOLDS), _MOST_BLOCKS))
