"""The rows of the dashboard: what each panel asks, and why one would look at it."""

from __future__ import annotations

from panels import CAMERA, DAEMON, PanelBuilder, Query, Steps, Text, density, lines, number, stacked, states
from queries import increased, quantile, quantiles, rate

LATENCY: Steps = ((None, "green"), (0.25, "orange"), (0.5, "red"))
"""The target of 0.25 s, and what VigilLatencyCritical calls critical."""
PLAIN: Steps = ((None, "text"),)
ANY_IS_BAD: Steps = ((None, "green"), (1, "red"))


def overview() -> list[PanelBuilder]:
    """Whether all is well, at a glance."""
    dropped = f"sum({rate('vigil_frames_dropped_total')})"
    analysed = f"sum({rate('vigil_frames_analysed_total')})"
    lost = f"sum(1 - vigil_camera_up{{{CAMERA}}})"
    firing = 'sum(ALERTS{alertname=~"Vigil.*", alertstate="firing"}) or vector(0)'
    return [
        number(
            Text("Daemons not answering", "Targets of the scrape job that Prometheus cannot reach."),
            f"sum(1 - up{{{DAEMON}}})",
            ANY_IS_BAD,
            3,
        ),
        number(Text("Cameras live", "Cameras that deliver frames."), f"sum(vigil_camera_up{{{CAMERA}}})", PLAIN, 3),
        number(
            Text("Cameras lost", "Cameras that deliver none; each is tried again without end."), lost, ANY_IS_BAD, 3
        ),
        number(Text("Analysed", "Frames that got a score, all cameras together.", "cps"), analysed, PLAIN, 3),
        number(
            Text(
                "Dropped",
                "Share of the frames chosen for analysis that got no score. Sampling is no drop.",
                "percentunit",
            ),
            f"{dropped} / ({dropped} + {analysed})",
            ((None, "green"), (0.01, "orange"), (0.05, "red")),
            3,
        ),
        number(
            Text("p99 to verdict", "1 frame in 100 takes longer from decoded to scored. The target is 0.25 s.", "s"),
            quantile(0.99, "vigil_capture_to_verdict_seconds"),
            LATENCY,
            3,
        ),
        number(
            Text("Events open", "Events that go on now."),
            f"sum(vigil_event_open{{{CAMERA}}})",
            ((None, "green"), (1, "orange")),
            3,
        ),
        number(Text("Rules firing", "Alert rules of Vigil that fire: see docs/operations.md."), firing, ANY_IS_BAD, 3),
        states(
            Text("Cameras", "When each camera delivered frames."),
            Query(f"vigil_camera_up{{{CAMERA}}}", "{{camera}}"),
            {"0": ("lost", "red"), "1": ("live", "green")},
        ),
        states(
            Text("Events", "When an event was open at each camera."),
            Query(f"vigil_event_open{{{CAMERA}}}", "{{camera}}"),
            {"0": ("quiet", "transparent"), "1": ("event", "orange")},
        ),
        states(
            Text("Faults", "When a camera's stream or picture had a fault, by kind: see the operator's manual."),
            Query(f"vigil_camera_health{{{CAMERA}}} == 1", "{{camera}} {{kind}}"),
            {"1": ("fault", "purple")},
        ),
        stacked(
            Text("Faults begun an hour", "By kind. One that comes and goes all day is a cable, a lamp, a web."),
            [Query(f"sum by (kind) (increase(vigil_camera_health_events_total{{{CAMERA}}}[1h]))", "{{kind}}")],
        ),
        stacked(
            Text("Events begun an hour", "By camera. Compare with the false-alarm budget given at enrolment."),
            [Query(f"sum by (camera) (increase(vigil_events_total{{{CAMERA}}}[1h]))", "{{camera}}")],
        ),
        lines(
            Text("Alerts published an hour", "By phase of the event: begin, update, end."),
            [Query(f"sum by (phase) (increase(vigil_alerts_published_total{{{CAMERA}}}[1h]))", "{{phase}}")],
        ),
    ]


def trials() -> list[PanelBuilder]:
    """Profiles on trial: a new one beside the one that counts."""
    return [
        lines(
            Text("Profile on trial: scores", "What a new profile says of the frames, beside what the old one does."),
            [
                Query(f"vigil_shadow_score{{{CAMERA}}}", "new {{camera}}"),
                Query(f"vigil_score{{{CAMERA}}} and on (camera) vigil_shadow_score{{{CAMERA}}} > 0", "old {{camera}}"),
            ],
        ),
        stacked(
            Text("Profile on trial: flagged", "Frames a second by which of the two profiles flagged them."),
            [Query(f"sum by (flagged_by) ({rate('vigil_shadow_frames_total')})", "{{flagged_by}}")],
        ),
    ]


def latency() -> list[PanelBuilder]:
    """How long a frame takes, and where."""
    stage = "vigil_stage_latency_seconds"
    return [
        lines(
            Text(
                "Capture to verdict", "From decoded to scored, every frame. The dashed lines are the alert rules'.", "s"
            ),
            quantiles("vigil_capture_to_verdict_seconds"),
            steps=LATENCY,
        ),
        lines(
            Text("Capture to publish", "From decoded to sent, alerts only: empty while there are none.", "s"),
            quantiles("vigil_capture_to_publish_seconds"),
            steps=LATENCY,
        ),
        lines(
            Text(
                "p99 by stage",
                "queue: waiting for a batch; infer: scoring; handover: waiting for the publisher; "
                "render, journal (the disk) and send: alerts only.",
                "s",
            ),
            [Query(quantile(0.99, stage, "stage"), "{{stage}}")],
            width=8,
        ),
        lines(
            Text(
                "p99 by camera",
                "From decoded to scored. One slow camera among quick ones has a stage of its own to blame.",
                "s",
            ),
            [Query(quantile(0.99, "vigil_capture_to_verdict_seconds", "camera"), "{{camera}}")],
            width=8,
        ),
        density(
            Text("Spread", "How many frames took how long from decoded to scored.", "s"),
            f"sum by (le) (increase(vigil_capture_to_verdict_seconds_bucket{{{CAMERA}}}[$__rate_interval]))",
            width=8,
        ),
    ]


def scores() -> list[PanelBuilder]:
    """What the detector says of all cameras, to compare them."""
    return [
        lines(
            Text("Score as a share of the threshold", "1 and above is flagged.", "percentunit"),
            [Query(f"vigil_score{{{CAMERA}}} / vigil_threshold{{{CAMERA}}}", "{{camera}}")],
            steps=((None, "green"), (1, "red")),
        ),
        lines(
            Text(
                "Drift: median score of 6 hours",
                "At most about 0.3 where the profile fits; above 1 the ordinary has become unusual and the "
                "camera should be enrolled again. Recorded by vigil.rules.yml.",
            ),
            [Query(f"job_instance_camera:vigil_score:median_6h{{{CAMERA}}}", "{{camera}}")],
            steps=((None, "green"), (1, "orange")),
        ),
    ]


def one_camera() -> list[PanelBuilder]:
    """What the detector says of one camera; the row comes once for each camera chosen."""
    score = f"vigil_score{{{CAMERA}}}"
    return [
        lines(
            Text(
                "Score",
                "Latest score in units of surprise (3: one normal frame in a thousand), its standard deviation, and "
                "the threshold from which a frame is flagged.",
            ),
            [
                Query(score, "score"),
                Query(f"{score} + vigil_score_uncertainty{{{CAMERA}}}", "score + 1 sd"),
                Query(f"vigil_threshold{{{CAMERA}}}", "threshold"),
            ],
        ),
        lines(
            Text(
                "Signals",
                "What each signal alone says: unlike in looks (latent, reconstruction) or in motion. Same unit.",
            ),
            [Query(f"vigil_signal_score{{{CAMERA}}}", "{{signal}}")],
        ),
    ]


def frames() -> list[PanelBuilder]:
    """What comes in, and what becomes of it."""
    unchanged = rate("vigil_gate_frames_total", f'{CAMERA}, why="unchanged"')
    unchanged = f"sum by (camera) ({unchanged})"
    return [
        lines(
            Text("Frames", "Received from the cameras, left out by sampling, analysed.", "cps"),
            [
                Query(f"sum({rate('vigil_frames_received_total')})", "received"),
                Query(f"sum({rate('vigil_frames_sampled_out_total')})", "sampled out"),
                Query(f"sum({rate('vigil_frames_analysed_total')})", "analysed"),
            ],
            width=8,
        ),
        lines(
            Text("Analysed by camera", "Should be the rate set for the camera.", "cps"),
            [Query(f"sum by (camera) ({rate('vigil_frames_analysed_total')})", "{{camera}}")],
            width=8,
        ),
        stacked(
            Text(
                "Drops by cause",
                "shed: more is asked of the engine than it can do; replaced: a newer frame came before the batch; "
                "stale: waited too long; queue_full: the publisher is behind, alerts may be lost; corrupt: the decoder "
                "refused it.",
                "cps",
            ),
            [Query(f"sum by (cause) ({rate('vigil_frames_dropped_total')})", "{{cause}}")],
            width=8,
        ),
        lines(
            Text(
                "Drops by camera",
                "Even among cameras when the machine is short of power; one camera alone when its link is bad.",
                "cps",
            ),
            [Query(f"sum by (camera) ({rate('vigil_frames_dropped_total')})", "{{camera}}")],
            width=6,
        ),
        stacked(
            Text("Reconnections", "Streams opened again, by camera."),
            [Query(increased("vigil_camera_reconnects_total"), "{{camera}}")],
            width=6,
        ),
        stacked(
            Text(
                "Capture threads started anew", "After an error that was not expected: each one is worth a bug report."
            ),
            [Query(increased("vigil_capture_restarts_total"), "{{camera}}")],
            width=6,
        ),
        lines(
            Text("Age of the last frame", "Seconds since each camera's last frame.", "s"),
            [Query(f"time() - (vigil_camera_last_frame_timestamp_seconds{{{CAMERA}}} > 0)", "{{camera}}")],
            width=6,
        ),
        stacked(
            Text(
                "Change gate",
                "unchanged: the last result was used again; all others were computed. first: after a start or an "
                "outage; changed: something differs; settling and refresh: nothing does, but the result had aged.",
                "cps",
            ),
            [Query(f"sum by (why) ({rate('vigil_gate_frames_total')})", "{{why}}")],
        ),
        lines(
            Text("Saved by camera", "Share of the frames that did not have to be computed.", "percentunit"),
            [Query(f"{unchanged} / sum by (camera) ({rate('vigil_gate_frames_total')})", "{{camera}}")],
        ),
        lines(
            Text("Regime", "1 for the regime that each camera is in: day, or infrared, which shows no colour."),
            [Query(f"vigil_regime{{{CAMERA}}} == 1", "{{camera}} {{regime}}")],
        ),
        stacked(
            Text("Changes of light", "Lamps, clouds, exposure, infrared: changes all over the picture, by camera."),
            [Query(increased("vigil_light_transitions_total"), "{{camera}}")],
        ),
        stacked(
            Text("Suppressed", "Verdicts kept from raising an alarm, by cause: see the operator's manual."),
            [Query(increased("vigil_suppressed_total", "cause"), "{{cause}}")],
        ),
        lines(
            Text("Load", "Work asked of the engine as a share of what it can do. Above 1 frames are shed."),
            [Query(f"vigil_engine_load{{{DAEMON}}}", "{{instance}}")],
            steps=((None, "green"), (1, "red")),
        ),
        lines(
            Text(
                "Kept by camera",
                "Share of its frames that there is time to analyse: 100 % unless the load is too much, and then the "
                "same for all cameras of one priority.",
                "percentunit",
            ),
            [Query(f"vigil_admitted_share{{{CAMERA}}}", "{{camera}}")],
        ),
    ]
