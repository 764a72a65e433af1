"""The view that a camera's frames are compared with: the profile's, or one learnt in the first minute."""

from __future__ import annotations

from typing import Final

from engines.view import Look, View, fit_view

_LEARN_S: Final = 60.0
_LEARN_EVERY_S: Final = 2.5
"""A look takes 0.1 MB until the view is learnt, and there are many cameras."""
_FOLLOW_EVERY_S: Final = 1.0
_FOLLOW_S: Final = 1800.0
"""The view follows the seasons and the sun: half an hour of another picture becomes most of it."""


class Reference:
    """Keeps one camera's usual view. Belongs to the camera's thread."""

    def __init__(self, view: View | None) -> None:
        self.view = view
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
            self.view = fit_view(self._looks, still_s=0.0)
            self._looks = []
