"""The demonstration from beginning to end."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from daemon.demo.child import Child
from daemon.demo.folder import Folder
from daemon.demo.programme import Camera, Programme
from daemon.demo.site import Ports, cameras_playing, count_frames, daemon_running, settings_text
from daemon.demo.tally import Outcome, Summary, latencies, quantile, shortcomings, tally
from daemon.demo.telling import Teller
from daemon.demo.wall import save_pictures
from daemon.demo.watching import Listener, listen
from daemon.demo.workshop import Job, Workshop
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
        self._teller = Teller(self._names)
        self._seconds: dict[str, float] = {}
        self._lapped = time.monotonic()

    def run(self) -> int:
        """Do it all; returns the exit code.

        Raises:
            VigilError: A part failed; says which log to read.
        """
        self._folder.prepare()
        plan = self._plan()
        with Workshop([job for part in plan for job in part], len(os.sched_getaffinity(0))) as workshop:
            self._render(workshop, plan[0])
            self._lap("rendering")
            self._learn(workshop, plan[1], plan[2])
            self._lap("learning")
        return self._watch()

    def _plan(self) -> tuple[list[Job], list[Job], list[Job]]:
        """Rendering normal footage, learning from it, rendering what is watched: the first comes first."""
        names, folder = self._names, self._folder
        normal = [self._rendering(camera, folder.normal(camera.name)) for camera in self._programme.cameras]
        learnt = [
            Job(
                name=f"vigil enrol of {name}",
                arguments=["daemon.demo.learn", *self._enrolment(name)],
                log=folder.log(f"enrol-{name}"),
                needs=[job],
            )
            for name, job in zip(names, normal, strict=True)
        ]
        watched = [self._rendering(camera, folder.watched(camera.name)) for camera in self._programme.cameras]
        return normal, learnt, watched

    def _rendering(self, camera: Camera, path: Path) -> Job:
        programme = self._programme
        watched = path == self._folder.watched(camera.name)
        seconds, fps = (programme.watched_s, programme.fps) if watched else (programme.normal_s, programme.analysed_fps)
        width, height = programme.size
        arguments: list[str | Path] = [
            "daemon.demo.render", path, f"--view={camera.view}", f"--seconds={seconds:g}", f"--fps={fps:g}",
            f"--width={width}", f"--height={height}",
        ]  # fmt: skip
        if watched:
            arguments += ["--plant", *(f"{at_s:g}" for at_s in programme.planted_s)]
        log = self._folder.log(f"render-{path.stem}")
        return Job(name=f"the rendering of {path.name}", arguments=arguments, log=log)

    def _enrolment(self, name: str) -> list[str]:
        """Arguments of the command that learns a camera."""
        programme, folder = self._programme, self._folder
        return [
            str(folder.normal(name)), f"--fps={programme.analysed_fps:g}",
            f"--false-alarms-per-day={programme.false_alarms_per_day:g}", f"--out={folder.profile(name)}",
        ]  # fmt: skip

    def _render(self, workshop: Workshop, normal: Sequence[Job]) -> None:
        width, height = self._programme.size
        self._teller.step(
            f"Render ordinary footage of {len(self._names)} cameras: {', '.join(self._names)}",
            f"{self._programme.normal_s / 60:g} minutes each, {width}x{height}: people, shadows, clouds, sensor noise, "
            "H.264",
        )
        with self._teller.bars() as bars:
            workshop.finish(normal, self._teller.follow(bars, dict(zip(self._names, normal, strict=True))))

    def _learn(self, workshop: Workshop, learnt: Sequence[Job], watched: Sequence[Job]) -> None:
        self._teller.step(
            "Learn what is normal at each place of each view",
            "nobody labels anything; meanwhile what is to be watched is rendered: another day, with planted anomalies",
        )
        for name in self._names:
            self._teller.command(f"vigil enrol {' '.join(self._enrolment(name))}")
        with self._teller.bars() as bars:
            rows = dict(zip(self._names, learnt, strict=True))
            rows |= {f"{name}, to be watched": job for name, job in zip(self._names, watched, strict=True)}
            workshop.finish([*learnt, *watched], self._teller.follow(bars, rows))
        for job in learnt:
            self._teller.line("\n   ".join(job.said))

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
            passed = self._conclude(listener, outcomes, ports)
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

    def _conclude(self, listener: Listener, outcomes: tuple[Outcome, ...], ports: Ports) -> bool:
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
        self._teller.summary(summary, folder, ports.metrics)
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
