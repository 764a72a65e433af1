"""Every metric's name, labels and buckets, in one place; the registry is injected.

A camera's series exist from `Metrics.camera` until `Metrics.remove_camera`, so that their number is bounded by the
number of cameras.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from engines.contract import ENGINE_STATES, REGIMES, SIGNALS, EngineInfo, EngineState, Regime, Signal, Situation
from pipelines.gate import WHYS, Why
from pipelines.journal.condition import JOURNAL_STATES, JournalState
from pipelines.replay_wire import OUTCOMES
from pipelines.tree import TreeCollector
from pipelines.types import (
    FLAGGED_BY,
    HEALTH_KINDS,
    UNFIT,
    DropCause,
    FlaggedBy,
    HealthKind,
    Phase,
    SuppressCause,
    Unfit,
)

LATENCY_BUCKETS = (
    0.002,
    0.005,
    0.01,
    0.02,
    0.035,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.5,
    1.0,
    2.5,
    5.0,
)
DEVICE_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
STAGES = ("queue", "infer", "handover", "render", "journal", "send")
"""queue: captured until taken into a batch; infer: taken until judged; handover: judged until the publisher takes
it; render: overlay and encoding; journal: until it is kept on the disk; send: into the socket. The last three happen
for alerts only."""
COMMIT_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PHASES: tuple[Phase, ...] = get_args(Phase)
DROP_CAUSES: tuple[DropCause, ...] = get_args(DropCause)
SUPPRESS_CAUSES: tuple[SuppressCause | Unfit, ...] = (*get_args(SuppressCause), *UNFIT)


class Metrics:
    """The daemon's metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        by_camera = ("camera",)

        def counter(name: str, text: str, labels: tuple[str, ...] = by_camera) -> Counter:
            return Counter(f"vigil_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, labels: tuple[str, ...] = by_camera) -> Gauge:
            return Gauge(f"vigil_{name}", text, labels, registry=registry)

        def latency(name: str, text: str, labels: tuple[str, ...] = by_camera) -> Histogram:
            return Histogram(f"vigil_{name}", text, labels, registry=registry, buckets=LATENCY_BUCKETS)

        self.received = counter("frames_received", "Frames that arrived from the camera, analysed or not.")
        self.sampled_out = counter("frames_sampled_out", "Frames left out to keep the analysed rate.")
        self.analysed = counter("frames_analysed", "Frames that got a score.")
        self.dropped = counter("frames_dropped", "Frames chosen for analysis and lost, by cause.", ("camera", "cause"))
        self.suppressed = counter("suppressed", "Verdicts kept from raising an alarm, by cause.", ("camera", "cause"))
        self.regime = gauge("regime", "1 for the regime that the camera is in.", ("camera", "regime"))
        self.transitions = counter("light_transitions", "Changes of light all over the picture.")
        self.health = gauge("camera_health", "1 while the camera has a fault of this kind.", ("camera", "kind"))
        self.health_events = counter("camera_health_events", "Faults begun, by kind.", ("camera", "kind"))
        self.gate = counter("gate_frames", "Frames by what the change gate said of them.", ("camera", "why"))
        self.admitted = gauge("admitted_share", "Share of the camera's frames that there is time to analyse.")
        self.load = gauge("engine_load", "Work asked of the engine as a share of what it can do.", ())
        self.stage = latency("stage_latency_seconds", "Time spent in each stage.", ("camera", "stage"))
        self.capture_to_verdict = latency("capture_to_verdict_seconds", "From decoded to scored, every frame.")
        self.capture_to_publish = latency("capture_to_publish_seconds", "From decoded to sent, alerts.")
        self.score = gauge("score", "Latest fused score, in units of surprise (-log10 of the normal tail).")
        self.threshold = gauge("threshold", "Score from which a frame is flagged.")
        self.uncertainty = gauge("score_uncertainty", "One standard deviation of the latest score.")
        self.signal = gauge("signal_score", "Latest score of each signal.", ("camera", "signal"))
        self.up = gauge("camera_up", "1 while frames arrive from the camera.")
        self.reconnects = counter("camera_reconnects", "Times that the stream was opened again.")
        self.restarts = counter("capture_restarts", "Times that an unexpected error made a capture thread start anew.")
        self.last_frame = gauge("camera_last_frame_timestamp_seconds", "Unix time of the last frame received.")
        self.events = counter("events", "Events begun.")
        self.event_open = gauge("event_open", "1 while an event goes on.")
        self.alerts = counter("alerts_published", "Alerts published, by phase.", ("camera", "phase"))
        self.profile = gauge("profile_info", "The profile a camera is judged by.", ("camera", "profile"))
        self.shadow_score = gauge("shadow_score", "Latest score of a profile on trial, beside vigil_score.")
        self.shadow_frames = counter(
            "shadow_frames", "Frames of a trial, by which profile flagged them.", ("camera", "flagged_by")
        )
        self.queue_depth = gauge("queue_depth", "Items waiting, by queue.", ("queue",))
        self.batch_size = Histogram(
            "vigil_batch_size", "Frames in a batch.", registry=registry, buckets=(1, 2, 4, 8, 16, 32, 64)
        )
        self.engine = gauge("engine_info", "The engine that scores.", ("runtime", "device", "precision", "model"))
        self.engine_states = gauge(
            "engine_state",
            "1 for what goes on beside scoring: a better engine is built or checked, or nothing (serving).",
            ("model", "state"),
        )
        self.engines_refused = counter(
            "engines_refused", "Engines that could not run or do not agree with float32.", ("runtime", "precision")
        )
        self.device = Histogram(
            "vigil_engine_device_seconds",
            "Time that the GPU spent on a batch, by its own clock; parts overlap. Nothing on a processor.",
            ("part",),
            registry=registry,
            buckets=DEVICE_BUCKETS,
        )
        self.reload_success = gauge("config_reload_success", "1 if the settings were read well the last time.", ())
        self.reloaded = gauge(
            "config_reload_success_timestamp_seconds", "Unix time at which settings were last read well.", ()
        )
        self.restart_needed = gauge(
            "config_restart_needed", "1 for each key of the settings file that takes effect after a restart.", ("key",)
        )
        self.amiss = gauge("degraded_parts", "Parts that do not work as they should: /health/degraded names them.", ())
        self.connections = gauge("connections", "Clients connected now.", ("listener",))
        self.refused = counter("refused", "Clients turned away or cut off, by reason.", ("listener", "reason"))
        self.journal = JournalMetrics(registry)
        self.replay = ReplayMetrics(registry)
        self.build = gauge("build_info", "Version of the daemon.", ("version",))

    def camera(self, name: str) -> CameraMetrics:
        """The series of one camera, all of them present from the start."""
        return CameraMetrics(self, name)

    def describe_engine(self, info: EngineInfo) -> None:
        """Say which engine runs a network, replacing what was said of that network before."""
        self.engine.remove_by_labels({"model": info.model})
        self.engine.labels(info.runtime, info.device, info.precision, info.model).set(1)

    def engine_state(self, info: EngineInfo, state: EngineState) -> None:
        """Say which engine runs a network, and what goes on beside that."""
        self.describe_engine(info)
        for each in ENGINE_STATES:
            self.engine_states.labels(info.model, each).set(each == state)

    def engine_refused(self, info: EngineInfo) -> None:
        """Count an engine that may not serve."""
        self.engines_refused.labels(info.runtime, info.precision).inc()

    def remove_camera(self, name: str) -> None:
        """Forget every series of a camera."""
        for metric in vars(self).values():
            if "camera" in getattr(metric, "_labelnames", ()):  # the client has no public way to ask
                metric.remove_by_labels({"camera": name})


class JournalMetrics:
    """The series of the journal, all of them present from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, label: str) -> Counter:
            return Counter(f"vigil_{name}", text, (label,), registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"vigil_{name}", text, registry=registry)

        alerts = counter("journal_alerts", "Alerts by what became of them: kept, bare, lost.", "outcome")
        self.alerts = {outcome: alerts.labels(outcome) for outcome in ("kept", "bare", "lost")}
        removed = counter("journal_removed", "Alerts removed by age or size; pictures removed to make room.", "cause")
        self.removed = {cause: removed.labels(cause) for cause in ("age", "size", "pictures")}
        self.states = Gauge("vigil_journal_state", "1 for how the journal is.", ("state",), registry=registry)
        self.waiting = gauge("journal_waiting", "Alerts that wait for the disk.")
        self.stored = gauge("journal_stored_alerts", "Alerts in the journal.")
        self.bytes = gauge("journal_stored_bytes", "Size of the journal, pictures included.")
        self.oldest = gauge("journal_oldest_timestamp_seconds", "When the oldest alert was kept; 0: there is none.")
        self.commit = Histogram(
            "vigil_journal_commit_seconds", "Time to commit a group.", registry=registry, buckets=COMMIT_BUCKETS
        )

    def state(self, state: JournalState) -> None:
        """Say how the journal is."""
        for each in JOURNAL_STATES:
            self.states.labels(each).set(each == state)


class ReplayMetrics:
    """The series of the replay, all of them present from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "vigil_replay_requests", "Requests for missed alerts, by outcome.", ("outcome",), registry=registry
        )
        self.requests = {outcome: requests.labels(outcome) for outcome in (*OUTCOMES, "abandoned")}
        self.alerts = Counter("vigil_replay_alerts", "Alerts sent again.", registry=registry)


class CameraMetrics:
    """One camera's series, bound to its name."""

    def __init__(self, metrics: Metrics, camera: str) -> None:
        self._metrics = metrics
        self.camera = camera
        self.received = metrics.received.labels(camera)
        self.sampled_out = metrics.sampled_out.labels(camera)
        self.analysed = metrics.analysed.labels(camera)
        self.dropped: dict[DropCause, Counter] = {c: metrics.dropped.labels(camera, c) for c in DROP_CAUSES}
        self.suppressed: dict[SuppressCause | Unfit, Counter] = {
            cause: metrics.suppressed.labels(camera, cause) for cause in SUPPRESS_CAUSES
        }
        self.regime: dict[Regime, Gauge] = {regime: metrics.regime.labels(camera, regime) for regime in REGIMES}
        self.transitions = metrics.transitions.labels(camera)
        self.health: dict[HealthKind, Gauge] = {kind: metrics.health.labels(camera, kind) for kind in HEALTH_KINDS}
        self.health_events: dict[HealthKind, Counter] = {
            k: metrics.health_events.labels(camera, k) for k in HEALTH_KINDS
        }
        self.gate: dict[Why, Counter] = {why: metrics.gate.labels(camera, why) for why in WHYS}
        self.admitted = metrics.admitted.labels(camera)
        self.stage = {stage: metrics.stage.labels(camera, stage) for stage in STAGES}
        self.capture_to_verdict = metrics.capture_to_verdict.labels(camera)
        self.capture_to_publish = metrics.capture_to_publish.labels(camera)
        self.score = metrics.score.labels(camera)
        self.threshold = metrics.threshold.labels(camera)
        self.uncertainty = metrics.uncertainty.labels(camera)
        self.signal: dict[Signal, Gauge] = {s: metrics.signal.labels(camera, s) for s in SIGNALS}
        self.up = metrics.up.labels(camera)
        self.reconnects = metrics.reconnects.labels(camera)
        self.restarts = metrics.restarts.labels(camera)
        self.last_frame = metrics.last_frame.labels(camera)
        self.events = metrics.events.labels(camera)
        self.event_open = metrics.event_open.labels(camera)
        self.shadow_score = metrics.shadow_score.labels(camera)
        self.shadow_frames: dict[FlaggedBy, Counter] = {
            by: metrics.shadow_frames.labels(camera, by) for by in FLAGGED_BY
        }
        self.alerts: dict[Phase, Counter] = {p: metrics.alerts.labels(camera, p) for p in PHASES}

    def see(self, situation: Situation) -> None:
        """Say what a frame was judged in, and count what that suppressed."""
        for regime, one in self.regime.items():
            one.set(regime == situation.regime)
        if situation.suppressed:
            self.suppressed["transition" if situation.enrolled else "not_enrolled"].inc()

    def describe_profile(self, profile: str) -> None:
        """Say which profile judges the camera."""
        self._metrics.profile.remove_by_labels({"camera": self.camera})
        self._metrics.profile.labels(self.camera, profile).set(1)


def process_metrics(registry: CollectorRegistry) -> None:
    """Add the figures of this process: memory, processor time, descriptors, start time and threads.

    The client's own collector knows all but the threads, which the naming rules call ``process_threads``. Those that
    begin with ``vigil_`` are of this process and all that it has started.
    """
    ProcessCollector(registry=registry)
    registry.register(TreeCollector())
    threads = Gauge("process_threads", "Number of OS threads in the process.", registry=registry)
    threads.set_function(lambda: sum(1 for _ in Path("/proc/self/task").iterdir()))
