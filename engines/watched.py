"""One camera as the detector follows it: what it is judged by, and its last moments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from engines.allowance import Allowance
from engines.contract import Floats, Pixels, Regime, Situation
from engines.departed import Departed, of_present
from engines.desk import Desk
from engines.lasting import SETTLED_S, LastingLatent, Standing
from engines.light import Light
from engines.motion import CELLS, MotionHistory
from engines.normality import Lasting, Moving, Normality
from engines.ongoing import ONGOING_S
from engines.place import Room
from engines.scoring import Smoother, View, statistic
from engines.steady import Steady
from engines.stills import statistic_of_stills
from engines.sudden import Sudden
from engines.surroundings import Seen, Surroundings
from engines.unrest import Unrest
from engines.zoning import Cells, Hidden, Zoning

_STILL: Final = Seen(Situation(), "day", jolted=False, switching=False, begins=False)


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """What a frame of one regime is judged by."""

    normality: Normality
    threshold: float
    light: Light | None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame as far as views that need a history ask for it."""

    time_s: float
    strange: Mapping[View, Floats]
    """What `Moving.compare` says of its motion; empty where that was not measured."""
    white: Floats
    """float32 [h, w, D]: see `place.Memory.white`."""
    unlike: Floats
    """float32 [h, w]: how far from normal each place looks, 1 where as far as normal frames get."""

    def strange_by(self, view: View) -> Floats | None:
        """The map, float32 [h, w], of one view of motion."""
        return self.strange[view][0] if view in self.strange else None


@dataclass(slots=True, eq=False)
class Watched:
    """A camera's normality and its last moments."""

    standards: Mapping[Regime, Standard]
    """By regime, the one that most is known of first."""
    still: bool
    surroundings: Surroundings
    override: float | None = None
    """A threshold that stands for those of all regimes."""
    zoning: Zoning | None = None
    """How much places count; None: all alike."""
    learnt: Hidden | None = None
    """What was hidden when the camera was enrolled."""
    seen: Cells | None = None
    """bool, one a pixel of the regenerated picture: what no mask hides; None: all of it."""
    motion: MotionHistory = field(default_factory=MotionHistory)
    steady: Steady = field(default_factory=Steady)
    steady_bodies: Steady = field(default_factory=Steady)
    departed: Departed = field(default_factory=Departed)
    unrest: Unrest = field(default_factory=Unrest)
    lasting: LastingLatent = field(default_factory=LastingLatent)
    standing: Standing = field(default_factory=Standing)
    sudden: Sudden = field(default_factory=Sudden)
    smoother: Smoother = field(default_factory=Smoother)
    ongoing: Smoother = field(default_factory=lambda: Smoother(ONGOING_S))
    allowances: dict[View, Allowance] = field(default_factory=dict)
    entered: bool = False
    """Whether the camera has come from another regime into one that was enrolled."""
    changed_s: float = -math.inf
    """When the light was last seen to change."""

    @property
    def standard(self) -> Standard:
        """What most is known of."""
        return next(iter(self.standards.values()))

    def retune(self, threshold: float) -> None:
        """Flag frames from another score on, whatever the regime; the profile's own gives each regime its own again."""
        self.override = None if threshold == self.standard.threshold else threshold

    def rezone(self, zoning: Zoning | None) -> None:
        """Have places count by other weights from the next frame on; behind other masks, that frame begins anew."""
        before = None if self.zoning is None else self.zoning.hidden
        self.zoning = None if zoning is None else replace(zoning, learnt=self.learnt)
        hidden = None if zoning is None else zoning.hidden
        unchanged = before is None if hidden is None else hidden.alike(before)
        if unchanged:
            return
        self.standards = {
            regime: replace(one, light=None if one.light is None else one.light.behind(hidden))
            for regime, one in self.standards.items()
        }
        pictured = self.standard.normality.reconstruction.picture.shape
        self.seen = None if hidden is None else hidden.seen(*pictured[:2])
        self.surroundings.hide(hidden)
        self.forget()

    def threshold_of(self, standard: Standard) -> float:
        """The score from which frames that are judged by a standard are flagged."""
        return standard.threshold if self.override is None else self.override

    def look(self, time_s: float, pixels: Pixels) -> Seen:
        """What the next frame is seen in, and which standard it is judged by. Unrelated pictures have one light."""
        if self.still:
            return _STILL
        return self.surroundings.observe(time_s, pixels)

    def move(self, time_s: float, pixels: Pixels, seen: Seen, desk: Desk) -> Floats | None:
        """The displacements [CELLS, CELLS, 2] of the next frame, before it is judged; None when they mean nothing."""
        if seen.jolted:
            self.motion.forget()
        return self.motion.observe(time_s, pixels, desk.flow)

    def enter(self, seen: Seen) -> None:
        """Drop what else the light has made void, before the frame is judged."""
        if seen.jolted or seen.begins:
            self.steady.forget()
            self.steady_bodies.forget()
            self.sudden.forget()
        if seen.begins:
            self.departed.forget()
            self.unrest.forget()
            self.lasting.forget()
            self.standing.bridge()
            self.smoother.forget()
            self.ongoing.forget()
            self.allowances.clear()
            self.entered = seen.situation.enrolled

    def allow(self, time_s: float, view: View, maps: Floats, *, changing: bool, switching: bool) -> Allowance:
        """What a view is allowed beside what is normal, now that its map [1, h, w] is this."""
        allowance = self.allowances.setdefault(view, Allowance(self.entered))
        allowance.step(time_s, maps[0], changing=changing, switching=switching)
        return allowance

    def in_time(self, moving: Moving, frame: Frame, around: Seen, room: Room) -> dict[View, Floats]:
        """Maps [1, ...] of the views that need a history, NaN where it is too short; takes the frame into it."""
        time_s = frame.time_s
        if around.situation.changing:
            self.changed_s = time_s
        present = self.departed.step(time_s, frame.unlike)
        strange = self.steady.step(time_s, frame.strange_by("motion"))
        noise = None
        if strange is not None and not around.situation.enrolled:
            noise = self.unrest.step(time_s, strange)
        maps: dict[View, Floats] = {"motion": _moved(strange, noise, present)}
        if moving.paces is not None:
            hasty = self.steady_bodies.step(time_s, frame.strange_by("motion-bodies"))
            maps["motion-bodies"] = _moved(hasty, noise, present)
        if moving.lasting is not None:
            maps["appearance-lasting"] = self._standing(
                moving.lasting, time_s, frame.white, room, switching=around.switching
            )
        return maps

    def _standing(self, lasting: Lasting, time_s: float, white: Floats, room: Room, *, switching: bool) -> Floats:
        """The map of what is strange now and was some seconds ago, [1, h, w].

        The average of whitened latents is the whitened average, and whitening is done for the memory anyway.
        """
        mean = self.lasting.step(time_s, white)
        if mean is None:
            self.standing.step(time_s, None)
            return _unmeasured(*white.shape[:2])
        both = lasting.memory.distances_white((mean[None], self.lasting.brief[None]), room)
        slow, brief = (one[0] / lasting.scale for one in both)
        changing = time_s - self.changed_s < SETTLED_S
        allowed = self.allow(time_s, "appearance-lasting", slow[None], changing=changing, switching=switching).by
        if allowed is not None:
            slow, brief = slow / allowed, brief / allowed
        # A picture of no regime tells nothing of what stands.
        least = None if switching else self.standing.step(time_s, slow)
        if least is None:
            return _unmeasured(*white.shape[:2])
        return np.asarray(np.minimum(least, brief), np.float32)[None]

    def statistics(self, time_s: float, raw: Mapping[View, Floats]) -> dict[View, float]:
        """The statistic of each view's map [1, ...], smoothed."""
        now = {view: statistic(maps, view)[0] for view, maps in raw.items()}
        if self.standard.normality.moving is None:
            now["appearance-latent"] = statistic_of_stills(raw["appearance-latent"])[0]
        if "motion-bodies" in now:
            now["motion-bodies"] = np.float32(self.sudden.step(time_s, float(now["motion-bodies"])))
        values = np.array(list(now.values()), np.float32)
        smoothed = values if self.still else self.smoother.step(time_s, values)
        return dict(zip(now, smoothed.tolist(), strict=True))

    def average(self, time_s: float, surprises: Floats) -> Floats:
        """What goes on of a frame's surprises, of any fixed shape."""
        return np.asarray(np.minimum(self.ongoing.step(time_s, surprises), surprises), np.float32)

    def hold(self, until_s: float, *, changed: bool) -> None:
        """Take in that the last frame was there until this time; `changed`: the next one differs."""
        self.motion.hold(until_s)
        self.steady.hold(until_s)
        self.steady_bodies.hold(until_s)
        self.departed.hold(until_s)
        self.lasting.hold(until_s)
        self.surroundings.hold(until_s)
        if changed:  # else the statistics moved from the last to the next, and did not stand
            self.smoother.hold(until_s)
            self.ongoing.hold(until_s)

    def forget(self) -> None:
        """Begin anew, as after an outage."""
        self.motion.forget()
        self.steady.forget()
        self.steady_bodies.forget()
        self.departed.forget()
        self.unrest.forget()
        self.sudden.forget()
        self.lasting.forget()
        self.standing.forget()
        self.smoother.forget()
        self.ongoing.forget()
        self.surroundings.forget()
        self.allowances.clear()


def _moved(strange: Floats | None, noise: Floats | None, present: Floats) -> Floats:
    """A map of motion, [1, CELLS, CELLS], as far as it counts."""
    if strange is None:
        return _unmeasured(CELLS, CELLS)
    return of_present((strange if noise is None else strange / noise)[None], present[None])


def _unmeasured(height: int, width: int) -> Floats:
    return np.full((1, height, width), math.nan, np.float32)
