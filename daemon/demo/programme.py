"""What is shown: which cameras, how long, and what is planted where."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.simulation.scene import Planted, plan_anomalies

_TRIES = 60
"""Days looked at for one on which all kinds of anomaly have room."""
_NORMAL_DAY, _WATCHED_DAY = 100, 200
"""Seeds from which the days of normal and of watched footage are counted: no day serves as both."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A stand-in camera: its name, and the number of the view of the generated scene that it shows."""

    name: str
    view: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The sizes of a demonstration. Watching happens in real time, so `watched_s` is what one waits for."""

    cameras: tuple[Camera, ...] = (Camera("plaza", 1), Camera("street", 2), Camera("quay", 5), Camera("courtyard", 7))
    size: tuple[int, int] = (640, 360)
    fps: float = 10.0
    """Of the cameras."""
    analysed_fps: float = 5.0
    normal_s: float = 120.0
    """Normal footage that a camera is learnt from."""
    watched_s: float = 96.0
    """Length of the clip that is watched."""
    first_s: float = 5.0
    """Nothing is planted before, so that every camera is being watched by then."""
    last_s: float = 3.0
    """Nothing planted is there for so long at the end, so that the last event can end."""


@dataclass(frozen=True, slots=True)
class Day:
    """The seed of a day of a view, and what is planted on it."""

    seed: int
    planted: tuple[Planted, ...] = ()


def normal_day() -> Day:
    """The day that cameras are learnt from."""
    return Day(_NORMAL_DAY)


def watched_day(programme: Programme, view: int) -> Day:
    """The first day on which all five kinds of anomaly, one after the other with normal gaps, have room in the clip.

    Ways are longer in some views, and gaps and speeds differ by the day; nothing is looked at but the room.

    Raises:
        ValueError: There is none; a longer clip is needed.
    """
    until_s = programme.watched_s - programme.last_s
    for seed in range(_WATCHED_DAY, _WATCHED_DAY + _TRIES):
        try:
            return Day(seed, plan_anomalies(view, until_s, seed, programme.first_s))
        except ValueError as error:
            refusal = error
    raise ValueError(f"no day out of {_TRIES}: {refusal}")
