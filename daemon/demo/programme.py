"""What is shown: which cameras, how long, and what is planted where."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.simulation.scene import Planted, plan_anomalies

NORMAL_DAY = 100
"""Seed of the day that cameras are learnt from."""
_WATCHED_DAY = 200
"""Seed from which the days to be watched are counted: no day serves as both."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A stand-in camera: its name, and the number of the view of the generated scene that it shows."""

    name: str
    view: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The sizes of a demonstration. Watching happens in real time, so `watched_s` is what one waits for."""

    cameras: tuple[Camera, ...] = (Camera("plaza", 1), Camera("concourse", 4), Camera("crossing", 3))
    size: tuple[int, int] = (640, 360)
    fps: float = 10.0
    """Of the cameras."""
    analysed_fps: float = 5.0
    """Also the rate at which normal footage is recorded: more would not be looked at."""
    normal_s: float = 300.0
    """Normal footage that a camera is learnt from."""
    false_alarms_per_day: float = 12.0
    """The budget that thresholds are chosen for: one in two hours and camera. Five minutes of footage cannot vouch for
    one a day."""
    watched_s: float = 100.0
    """Length of the clip that is watched."""
    first_s: float = 5.0
    """Nothing is planted before, so that every camera is being watched by then."""
    last_s: float = 3.0
    """Nothing planted is there for so long at the end, so that the last event can end."""

    @property
    def planted_s(self) -> tuple[float, float]:
        """From when until when anomalies are there."""
        return self.first_s, self.watched_s - self.last_s


@dataclass(frozen=True, slots=True)
class Day:
    """The seed of a day of a view, and what is planted on it."""

    seed: int
    planted: tuple[Planted, ...]


def watched_day(view: int, from_s: float, until_s: float, tries: int = 40) -> Day:
    """The first day on which all five kinds of anomaly, one after the other with normal gaps, have room.

    Ways are longer in some views, and gaps and speeds differ by the day; nothing is looked at but the room.

    Raises:
        ValueError: There is none among the first `tries`; more time is needed.
    """
    for seed in range(_WATCHED_DAY, _WATCHED_DAY + tries):
        try:
            return Day(seed, plan_anomalies(view, until_s, seed, from_s))
        except ValueError as error:
            refusal = error
    raise ValueError(f"no day out of {tries}: {refusal}")
