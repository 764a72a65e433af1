"""The demonstration from beginning to end."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from daemon.demo.child import Child
from daemon.demo.folder import Folder
from daemon.demo.programme import Programme
from daemon.demo.site import Ports, cameras_playing, count_frames, daemon_running, settings_text
from daemon.demo.studio import Shot, Studio
from daemon.demo.tally import Outcome, Summary, latencies, quantile, shortcomings, tally
from daemon.demo.telling import Teller
from daemon.demo.wall import save_pictures
from daemon.demo.watching import Listener, listen
from daemon.errors import EXIT_FAILED, EXIT_OK
from pipelines.simulation.sidecar import load_truth
from pipelines.subscribe import Subscriber

_TICK_S = 0.1


class Show:
    """Renders, learns, watches, listens, and tells what came of it."""

    def __init__(self, programme: Programme, folder: Folder, *, keep: bool) -> None:
        self._programme = programme
        self._folder = folder
        self._keep = keep
        self._names = [camera.name for camera in programme.cameras]
        self._cores = len(os.sched_getaffinity(0))
        self._teller = Teller(self._names)
        self._seconds: dict[str, float] = {}
        self._lapped = time.monotonic()

    def run(self) -> int:
        """Do it all; returns the exit code.

        Raises:
            VigilError: A part failed; says which log to read.
        """
        self._folder.prepare()
        with Studio(self._programme, self._shots()) as studio:
            self._render_normal(studio)
            self._lap("rendering")
            self._learn(studio)
            self._lap("learning")
            self._render_rest(studio)
            self._lap("rendering the rest")
        return self._watch()

    def _shots(self) -> list[Shot]:
        """Normal footage first: learning waits for it."""
        cameras, folder, programme = self._programme.cameras, self._folder, self._programme
        normal = [
            Shot(view=one.view, watched=False, seconds=programme.normal_s, fps=programme.analysed_fps,
                 path=folder.normal(one.name), log=folder.log(f"render-{one.name}-normal"))
            for one in cameras
        ]  # fmt: skip
        watched = [
            Shot(view=one.view, watched=True, seconds=programme.watched_s, fps=programme.fps,
                 path=folder.watched(one.name), log=folder.log(f"render-{one.name}-watched"))
            for one in cameras
        ]  # fmt: skip
        return normal + watched

    def _render_normal(self, studio: Studio) -> None:
        width, height = self._programme.size
        self._teller.step(
            f"Render ordinary footage of {len(self._names)} cameras: {', '.join(self._names)}",
            f"{self._programme.normal_s:.0f} s each, {width}x{height} at {self._programme.analysed_fps:g} frames/s: "
            "people, shadows, clouds, sensor noise, H.264",
        )
        paths = [self._folder.normal(name) for name in self._names]
        with self._teller.bars() as bars:
            tasks = {path: bars.add_task(path.name, total=studio.total[path]) for path in paths}

            def show() -> None:
                for path, task in tasks.items():
                    bars.update(task, completed=studio.done[path])

            studio.finish(paths, self._cores, show)

    def _learn(self, studio: Studio) -> None:
        self._teller.step(
            "Learn what is normal at each place of each view",
            "nobody labels anything; meanwhile what is to be watched is rendered: another day, with planted anomalies",
        )
        for name in self._names:
            source, profile = self._folder.normal(name), self._folder.profile(name)
            arguments = [
                "enrol", str(source), "--fps", f"{self._programme.analysed_fps:g}",
                "--false-alarms-per-day", f"{self._programme.false_alarms_per_day:g}", "--out", str(profile),
            ]  # fmt: skip
            self._teller.command(f"vigil {' '.join(arguments)}")
            with Child(f"vigil enrol of {name}", ["daemon", *arguments], None) as child:
                while child.code is None:
                    studio.step(max(1, self._cores - 1))
                    time.sleep(_TICK_S)
                child.require_success()

    def _render_rest(self, studio: Studio) -> None:
        paths = [self._folder.watched(name) for name in self._names]
        with self._teller.bars() as bars:
            task = bars.add_task("the clips to be watched", total=sum(studio.total[p] for p in paths))
            studio.finish(paths, self._cores, lambda: bars.update(task, completed=sum(studio.done[p] for p in paths)))

    def _watch(self) -> int:
        programme, folder, ports = self._programme, self._folder, Ports.pick()
        folder.settings.write_text(settings_text(programme, folder, ports))
        self._teller.step("Start the daemon, then the cameras", "it starts with every camera dark, and waits for them")
        self._teller.command(f"vigil run --config {folder.settings}")
        with (
            daemon_running(folder, ports) as daemon,
            Subscriber(ports.endpoint) as messages,
            cameras_playing(programme, folder, ports) as (cameras, playing),
        ):
            self._teller.line(f"ready: alerts at {ports.endpoint}, metrics at {ports.metrics}")
            self._lap("starting")
            truths = {name: load_truth(folder.watched(name)) for name in self._names}
            listener = Listener(playing, truths, folder.alerts, self._teller.alert, self._teller.state)
            self._listen(messages, listener, (daemon, cameras))
            outcomes = tally(listener.heard, truths, count_frames(ports, self._names))
            if not self._keep:
                self._stop(daemon)
            self._lap("watching")
            passed = self._conclude(listener, outcomes)
            if self._keep:
                self._hold(ports, (daemon, cameras))
                self._stop(daemon)
        return EXIT_OK if passed else EXIT_FAILED

    def _listen(self, messages: Subscriber, listener: Listener, needed: Sequence[Child]) -> None:
        whole_s = self._programme.watched_s
        self._teller.step(f"Watch for {whole_s:.0f} s", "each alert as it arrives over ZeroMQ")
        self._teller.command(f"vigil subscribe {messages.endpoint}")
        with self._teller.bars() as bars:
            task = bars.add_task("seconds watched", total=round(whole_s))

            def each_time() -> None:
                for child in needed:
                    child.require_alive()
                bars.update(task, completed=int(whole_s - max(0.0, listener.until_s - time.time())))

            listen(messages, listener, each_time)

    def _stop(self, daemon: Child) -> None:
        """SIGTERM; anything but an orderly end is a failure."""
        code = daemon.stop()
        daemon.require_success()
        self._teller.line(f"the daemon stopped on SIGTERM with exit code {code}")

    def _conclude(self, listener: Listener, outcomes: tuple[Outcome, ...]) -> bool:
        """Write and tell what came of it; says whether it was good enough."""
        taken, short = latencies(listener.heard), shortcomings(outcomes)
        summary = Summary(
            passed=not short,
            shortcomings=short,
            cameras=outcomes,
            latency_p50_ms=quantile(taken, 0.5),
            latency_p99_ms=quantile(taken, 0.99),
            seconds=self._seconds,
        )
        folder = self._folder
        clips = {name: folder.watched(name) for name in self._names}
        save_pictures(listener, clips, outcomes, folder.wall, folder.best)
        folder.summary.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
        self._teller.summary(summary, folder)
        return summary.passed

    def _hold(self, ports: Ports, needed: Sequence[Child]) -> None:
        """Leave everything running until Ctrl-C."""
        self._teller.step("Daemon and cameras go on until Ctrl-C", "the clips begin again and again")
        self._teller.line(f"metrics: {ports.metrics}   alerts: vigil subscribe {ports.endpoint}")
        with suppress(KeyboardInterrupt):
            while True:
                for child in needed:
                    child.require_alive()
                time.sleep(_TICK_S)

    def _lap(self, what: str) -> None:
        """Note how long a part took."""
        now = time.monotonic()
        self._seconds[what], self._lapped = round(now - self._lapped, 1), now
