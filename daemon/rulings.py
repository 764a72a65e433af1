"""From a profile to what judges a camera by it: one engine for each distinct network, normally one for all."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from daemon.config import Camera
from daemon.profiles import Loaded
from engines.contract import Regime
from engines.detector import Detector, Watched, prepare
from engines.errors import ProfileError
from engines.profile import Profile
from engines.runtime.gated import TRIAL_FRAMES
from engines.runtime.select import EngineSettings, judges_of, select_engine
from engines.view import View
from pipelines.metrics import Metrics
from pipelines.seating import Judge

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
    watched: Watched
    views: Mapping[Regime, View]
    """How the picture looks in each regime while all is well; empty for stills and in a profile of an older Vigil."""
    still: bool


class Court:
    """Makes rulings. Used by one thread at a time: at the start by the main thread, then by the one that reloads."""

    def __init__(self, settings: EngineSettings, most: int, metrics: Metrics) -> None:
        """Engines by `settings` for batches of up to `most`; `metrics` is told of them. Raises `EngineError`."""
        self.judges = judges_of(settings)
        """How many threads may use each engine at a time."""
        self._settings = settings
        self._most = most
        self._metrics = metrics
        self._judges: dict[str, Judge] = {}

    def rule(self, camera: Camera, loaded: Loaded) -> Ruling:
        """Have a camera judged by a profile. Raises `ProfileError`, and `EngineError` when no engine can be had."""
        profile = loaded.profile
        network = profile.network
        watched = prepare(camera.name, profile, network.id)
        if camera.threshold is not None:
            watched.retune(camera.threshold)
        judge = self._judges.get(network.id)
        if judge is None:
            engine = select_engine(
                network,
                self._settings,
                most=self._most,
                callers=self.judges,
                frames=TRIAL_FRAMES,
                watcher=self._metrics,
            )
            judge = self._judges[network.id] = Judge(engine, Detector(engine, {}))
        return Ruling(
            profile_id=loaded.id,
            threshold=profile.threshold,
            network_id=network.id,
            input_size=network.spec.input_size,
            judge=judge,
            watched=watched,
            views=_views(camera.name, profile),
            still=profile.still,
        )

    def keep(self, networks: Collection[str]) -> None:
        """Forget the engines of all other networks: the threads that judge close them with their last camera."""
        self._judges = {network: judge for network, judge in self._judges.items() if network in networks}
        if len(self._judges) > 1:
            _log.warning(
                "%d different networks run side by side; enrol all cameras with one to save memory", len(self._judges)
            )


def _views(camera: str, profile: Profile) -> dict[Regime, View]:
    try:
        found = {regime: View.from_arrays(part.arrays) for regime, part in profile.regimes.items()}
    except (KeyError, ValueError) as error:
        raise ProfileError(f"the profile of camera {camera!r} lacks or garbles {error}: enrol it again") from error
    return {regime: view for regime, view in found.items() if view is not None}
