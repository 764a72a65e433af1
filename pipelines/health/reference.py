"""The view that a camera's frames are compared with: the regime's own, of the profile or learnt in its first minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from engines.contract import Pixels, Regime
from engines.light import BLOCKS, blocks_of
from engines.regime import RegimeWatch
from engines.view import Look, View, fit_view
from engines.zoning import Hidden, of_seen, seen_blocks

_SPARSE: Final = 4
"""Of so many rows and columns one is looked at for colour: blocks are much larger."""
_LEARN_S: Final = 60.0
_LEARN_EVERY_S: Final = 2.5
"""A look takes 0.1 MB until the view is learnt, and there are many cameras."""
_FOLLOW_EVERY_S: Final = 1.0
_FOLLOW_S: Final = 1800.0
"""The view follows the seasons and the sun: half an hour of another picture becomes most of it."""


class References:
    """Keeps a camera's usual view in each regime. Belongs to the camera's thread."""

    def __init__(self, views: Mapping[Regime, View], hidden: Hidden | None = None) -> None:
        """`views` are the profile's, of the whole picture or of one behind the same masks."""
        self._watch = RegimeWatch()
        self._hidden = hidden
        self._seen = seen_blocks(hidden, BLOCKS)
        self._kept = {regime: Reference(view, hidden) for regime, view in views.items()}
        self.regime: Regime = "day"

    def enter(self, now_s: float, pixels: Pixels) -> None:
        """Find out which regime a frame, uint8 [H, W, 3], is of; one that shows the view, or all that is known yet."""
        blocks = blocks_of(np.ascontiguousarray(pixels[::_SPARSE, ::_SPARSE]))
        self.regime = self._watch.observe(now_s, of_seen(blocks, self._seen))

    @property
    def own(self) -> View | None:
        """The regime's own view; None while it is being learnt."""
        kept = self._kept.get(self.regime)
        return None if kept is None else kept.view

    @property
    def other(self) -> View | None:
        """The view of another regime, which tells where edges are; None if none is known."""
        views = (kept.view for regime, kept in self._kept.items() if regime != self.regime)
        return next((view for view in views if view is not None), None)

    def observe(self, now_s: float, look: Look) -> None:
        """Take in the frame that was entered, which is well."""
        if not self._watch.wavers:
            self._kept.setdefault(self.regime, Reference(None, self._hidden)).observe(now_s, look)

    def forget(self) -> None:
        """The stream was interrupted: the next frame tells the regime."""
        self._watch.forget()


class Reference:
    """Keeps one usual view."""

    def __init__(self, view: View | None, hidden: Hidden | None) -> None:
        self._hidden = hidden
        self.view = None if view is None else view.behind(hidden)
        """None while it is being learnt."""
        self._looks: list[Look] = []
        self._learnt_s = 0.0
        self._last_s: float | None = None

    def observe(self, now_s: float, look: Look) -> None:
        """Take in a frame that is well."""
        every_s = _LEARN_EVERY_S if self.view is None else _FOLLOW_EVERY_S
        if self._last_s is not None and now_s - self._last_s < every_s:
            return
        passed_s = 0.0 if self._last_s is None else min(now_s - self._last_s, 2 * every_s)
        self._last_s = now_s
        if self.view is None:
            self._learn(passed_s, look)
        elif self.view.structured:
            self.view = self.view.followed(look, passed_s / _FOLLOW_S)

    def _learn(self, passed_s: float, look: Look) -> None:
        self._looks.append(look)
        self._learnt_s += passed_s
        if self._learnt_s >= _LEARN_S:
            self.view = fit_view(self._looks, still_s=0.0).behind(self._hidden)
            self._looks = []
