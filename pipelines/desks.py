"""Every camera's place at the publisher, and its numbers, which go on whatever comes and goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from pipelines.desk import Desk, PublishedCamera


class Desks:
    """The cameras that are published for. Belongs to one thread."""

    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id
        self._seated: dict[str, Desk] = {}
        self._former: dict[str, Desk] = {}
        """Kept so that their numbers go on, without gap or double, should they come back."""
        self._foreign: Counter[str] = Counter()
        """Alerts of cameras that were never seated."""

    def get(self, camera: str) -> Desk | None:
        """A camera's desk; None for one that is not, or no longer, published for."""
        return self._seated.get(camera)

    def __getitem__(self, camera: str) -> Desk:
        return self._seated[camera]

    def seated(self) -> Collection[Desk]:
        """All desks."""
        return self._seated.values()

    def seat(self, camera: PublishedCamera) -> None:
        """Give a camera its desk, or have it go on at its own under another profile or other settings."""
        desk = self._seated.get(camera.name) or self._former.pop(camera.name, None)
        if desk is None:
            desk = Desk(camera, self._boot_id)
            desk.alerts = self._foreign.pop(camera.name, 0)
        desk.resettle(camera)
        desk.gone_ns = None
        self._seated[camera.name] = desk

    def dismiss(self, camera: str) -> None:
        """Take a seated camera's desk away."""
        self._former[camera] = self._seated.pop(camera)

    def next_number(self, camera: str) -> int:
        """The number of a further alert of a camera, seated or not, which the caller publishes."""
        desk = self._seated.get(camera) or self._former.get(camera)
        if desk is None:
            self._foreign[camera] += 1
            return self._foreign[camera]
        desk.alerts += 1
        return desk.alerts
