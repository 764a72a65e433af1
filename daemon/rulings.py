"""From a profile to what judges a camera by it: in each chamber one engine for each distinct network, normally one."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daemon.chambers import Chamber
from daemon.config import Camera
from daemon.profiles import Loaded
from engines.contract import Regime
from engines.detector import prepare
from engines.errors import ProfileError
from engines.profile import Profile
from engines.view import View
from pipelines.seating import Judge, Prepared

_log = logging.getLogger("vigil.build")


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What judges a camera: its profile made ready, and the engine that this needs."""

    profile_id: str
    threshold: float
    """The profile's own; a camera's setting may override it."""
    network_id: str
    input_size: tuple[int, int]
    judge: Judge
    watched: Prepared
    chamber: int
    """Where that judge sits."""
    views: Mapping[Regime, View]
    """How the picture looks in each regime while all is well; empty for stills and in a profile of an older Vigil."""
    still: bool


class Court:
    """Makes rulings. Used by one thread at a time: at the start by the main thread, then by the one that reloads."""

    def __init__(self, chambers: Sequence[Chamber], most: int) -> None:
        """Have cameras judged in `chambers`, in batches of up to `most`."""
        self._chambers = tuple(chambers)
        self._most = most
        self._judges: dict[tuple[int, str], Judge] = {}
        self._places: dict[str, int] = {}

    def rule(self, camera: Camera, loaded: Loaded) -> Ruling:
        """Have a camera judged by a profile. Raises `ProfileError`, and `EngineError` when no engine can be had."""
        profile = loaded.profile
        network = profile.network
        watched = prepare(camera.name, profile, network.id)
        if camera.threshold is not None:
            watched.retune(camera.threshold)
        place = self._place(camera.name)
        chamber = self._chambers[place]
        judge = self._judges.get((place, network.id))
        if judge is None:
            judge = self._judges[place, network.id] = chamber.judge(network, self._most)
        return Ruling(
            profile_id=loaded.id,
            threshold=profile.threshold,
            network_id=network.id,
            input_size=network.spec.input_size,
            judge=judge,
            watched=chamber.prepare(judge, watched),
            chamber=place,
            views=_views(camera.name, profile),
            still=profile.still,
        )

    def keep(self, networks: Mapping[str, str]) -> None:
        """Forget all cameras but these, by name with the network that each needs, and the engines that none needs.

        The threads that judge close an engine with its last camera.
        """
        self._places = {name: place for name, place in self._places.items() if name in networks}
        needed = {(place, networks[name]) for name, place in self._places.items()}
        self._judges = {key: judge for key, judge in self._judges.items() if key in needed}
        if (count := len(set(networks.values()))) > 1:
            _log.warning("%d different networks run side by side; enrol all cameras with one to save memory", count)

    def _place(self, camera: str) -> int:
        """The camera's own chamber; a new one goes where the fewest are."""
        taken = Counter(self._places.values())
        return self._places.setdefault(camera, min(range(len(self._chambers)), key=lambda place: taken[place]))


def _views(camera: str, profile: Profile) -> dict[Regime, View]:
    try:
        found = {regime: View.from_arrays(part.arrays) for regime, part in profile.regimes.items()}
    except (KeyError, ValueError) as error:
        raise ProfileError(f"the profile of camera {camera!r} lacks or garbles {error}: enrol it again") from error
    return {regime: view for regime, view in found.items() if view is not None}
