"""A registry filled like that of a daemon with two cameras, and the names that it exposes."""

import dataclasses
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, start_http_server

from engines.contract import DEVICE_PARTS, EngineInfo
from pipelines.metrics import CameraMetrics, Metrics, process_metrics

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
CAMERAS = ("gate", "yard")


class Exporter:
    """Metrics of a daemon that has been at work; `work` adds a second of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        process_metrics(self.registry)
        self.metrics = Metrics(self.registry)
        self.cameras = [self.metrics.camera(name) for name in CAMERAS]
        self._random = random.Random(0)
        engine = EngineInfo("openvino", "A processor", "bf16", "0123456789ab")
        self.metrics.engine_state(engine, "serving")
        self.metrics.engine_refused(dataclasses.replace(engine, precision="int8"))
        self.metrics.build.labels("0.1.0").set(1)
        self.metrics.connections.labels("publish").set(1)
        self.metrics.refused.labels("publish", "unknown_key").inc()
        self.metrics.queue_depth.labels("publish").set(1)
        self.metrics.reload_success.set(1)
        self.metrics.reloaded.set_to_current_time()
        self.metrics.restart_needed.labels("engine.threads").set(1)
        self.metrics.journal.state("ok")
        self.work()

    def work(self) -> None:
        """One second of two cameras at 5 frames a second, an alert each, and a few drops."""
        self.metrics.batch_size.observe(2)
        self.metrics.journal.commit.observe(0.01)
        self.metrics.journal.stored.inc(2)
        self.metrics.journal.bytes.inc(100_000)
        self.metrics.replay.alerts.inc()
        for series in (self.metrics.journal.alerts, self.metrics.journal.removed, self.metrics.replay.requests):
            for counted in series.values():
                counted.inc()
        for part in DEVICE_PARTS:
            self.metrics.device.labels(part).observe(0.001)
        for camera in self.cameras:
            self._frames(camera)
            camera.describe_profile("ba9876543210")
            camera.up.set(1)
            camera.regime["day"].set(1)
            camera.last_frame.set_to_current_time()
            camera.events.inc()
            camera.event_open.set(1)
            camera.reconnects.inc()
            camera.shadow_score.set(0.3)
            for counter in camera.shadow_frames.values():
                counter.inc()
            camera.restarts.inc()
            camera.health["black"].set(1)
            for counter in (
                *camera.health_events.values(),
                *camera.alerts.values(),
                *camera.dropped.values(),
                *camera.suppressed.values(),
            ):
                counter.inc()

    def _frames(self, camera: CameraMetrics) -> None:
        camera.received.inc(15)
        camera.sampled_out.inc(10)
        camera.threshold.set(4)
        for _ in range(5):
            camera.analysed.inc()
            camera.score.set(self._random.expovariate(1))
            camera.uncertainty.set(0.1)
            for gauge in camera.signal.values():
                gauge.set(self._random.expovariate(1))
            for histogram in (camera.capture_to_verdict, camera.capture_to_publish, *camera.stage.values()):
                histogram.observe(self._random.expovariate(20))

    def text(self) -> str:
        """What a scrape returns."""
        return generate_latest(self.registry).decode()

    def names(self) -> set[str]:
        """The names of all series, such as ``vigil_batch_size_bucket``."""
        return set(re.findall(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)", self.text(), re.MULTILINE))

    @contextmanager
    def served(self) -> Iterator[int]:
        """Serve it on a free loopback port, which is yielded."""
        server, thread = start_http_server(0, addr="127.0.0.1", registry=self.registry)
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
