"""The dashboard's row on what is kept: the journal of alerts, and the replay from it."""

from __future__ import annotations

from panels import DAEMON, PanelBuilder, Query, Text, lines, stacked, states
from queries import quantile


def hourly(metric: str, label: str) -> str:
    """How often something has happened in an hour, by a label."""
    return f"sum by ({label}) (increase({metric}{{{DAEMON}}}[1h]))"


def journal() -> list[PanelBuilder]:
    """Whether alerts are kept, how many, and who asked for them again."""
    return [
        states(
            Text(
                "Journal",
                "ok; short of room: pictures are given up; keeps nothing: the disk is full, read-only, fails or hangs. "
                "Alerts are published in any case.",
            ),
            Query(
                f'2 * max by (instance) (vigil_journal_state{{{DAEMON}, state=~"full|read-only|stalled|failing"}}) '
                f'+ max by (instance) (vigil_journal_state{{{DAEMON}, state=~"no-pictures|making-room"}})',
                "{{instance}}",
            ),
            {"0": ("ok", "green"), "1": ("short of room", "orange"), "2": ("keeps nothing", "red")},
        ),
        lines(
            Text("Size of the journal", "Pictures included; [journal] most_gb bounds it.", "bytes"),
            [Query(f"vigil_journal_stored_bytes{{{DAEMON}}}", "{{instance}}")],
            width=4,
        ),
        lines(
            Text("Age of the oldest alert", "How far back the journal goes; [journal] keep_days bounds it.", "s"),
            [Query(f"time() - (vigil_journal_oldest_timestamp_seconds{{{DAEMON}}} > 0)", "{{instance}}")],
            width=4,
        ),
        lines(
            Text("Alerts in the journal", "[journal] keep_days and most_gb bound them."),
            [
                Query(f"vigil_journal_stored_alerts{{{DAEMON}}}", "stored {{instance}}"),
                Query(f"vigil_journal_waiting{{{DAEMON}}}", "waiting for the disk {{instance}}"),
            ],
            width=4,
        ),
        stacked(
            Text("Alerts by what became of them, an hour", "kept; bare: kept without pictures; lost: not kept at all."),
            [Query(hourly("vigil_journal_alerts_total", "outcome"), "{{outcome}}")],
            width=8,
        ),
        lines(
            Text("Time to commit", "How long the disk takes for a group of alerts; it is part of their latency.", "s"),
            [
                Query(quantile(share, "vigil_journal_commit_seconds", selector=DAEMON), f"p{share * 100:g}")
                for share in (0.5, 0.99)
            ],
            width=8,
        ),
        stacked(
            Text("Removed an hour", "By age or size, as set; pictures: of old alerts, to make room on a full disk."),
            [Query(hourly("vigil_journal_removed_total", "cause"), "{{cause}}")],
            width=8,
        ),
        stacked(
            Text(
                "Requests for missed alerts an hour",
                "By outcome. more and done are pages that were sent; refused: malformed; abandoned: nobody read it.",
            ),
            [Query(hourly("vigil_replay_requests_total", "outcome"), "{{outcome}}")],
            width=12,
        ),
        stacked(
            Text("Alerts sent again an hour", "To subscribers that had missed them."),
            [Query(f"sum by (instance) (increase(vigil_replay_alerts_total{{{DAEMON}}}[1h]))", "{{instance}}")],
            width=12,
        ),
    ]
