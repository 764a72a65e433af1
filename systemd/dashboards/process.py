"""The dashboard's row on the daemon itself: its process, its engine, its profiles."""

from __future__ import annotations

from panels import CAMERA, DAEMON, PanelBuilder, Query, Steps, Text, facts, lines, stacked, states
from queries import quantile, rate


def process() -> list[PanelBuilder]:
    """The daemon as a process."""
    batch = f"{rate('vigil_batch_size_sum', DAEMON)} / {rate('vigil_batch_size_count', DAEMON)}"
    limits: Steps = ((None, "green"), (1536 * 2**20, "orange"), (2 * 2**30, "red"))
    return [
        lines(
            Text(
                "Memory",
                "Of the daemon and its helper processes, what they share once; and what the daemon's own process has "
                "resident. The lines are MemoryHigh and MemoryMax of vigil.service.",
                "bytes",
            ),
            [
                Query(f"vigil_memory_bytes{{{DAEMON}}}", "{{instance}}"),
                Query(f"process_resident_memory_bytes{{{DAEMON}}}", "the daemon's own {{instance}}"),
            ],
            width=8,
            steps=limits,
        ),
        lines(
            Text("Processor", "Cores in use by the daemon and its helper processes, and by the daemon's own process."),
            [
                Query(rate("vigil_cpu_seconds_total", DAEMON), "{{instance}}"),
                Query(rate("process_cpu_seconds_total", DAEMON), "the daemon's own {{instance}}"),
            ],
            width=8,
        ),
        lines(
            Text(
                "Processes, threads and descriptors",
                "All are flat when all is well, however long it runs. Threads and descriptors are those of the "
                "daemon's own process.",
            ),
            [
                Query(f"vigil_processes{{{DAEMON}}}", "processes {{instance}}"),
                Query(f"process_threads{{{DAEMON}}}", "threads {{instance}}"),
                Query(f"process_open_fds{{{DAEMON}}}", "descriptors {{instance}}"),
            ],
            width=8,
        ),
        lines(Text("Frames in a batch", "Mean."), [Query(batch, "{{instance}}")], width=8),
        lines(
            Text("Queues", "Items waiting, by queue. One that stays high is behind."),
            [Query(f"vigil_queue_depth{{{DAEMON}}}", "{{queue}} {{instance}}")],
            width=8,
        ),
        lines(
            Text("Uptime", "Since the process began: a saw-tooth is a crash loop.", "s"),
            [Query(f"time() - process_start_time_seconds{{{DAEMON}}}", "{{instance}}")],
            width=8,
        ),
        facts(
            Text("Engine", "What scores, and on what."),
            f"vigil_engine_info{{{DAEMON}}}",
            ["instance", "runtime", "device", "precision", "model"],
            width=10,
        ),
        stacked(
            Text(
                "Engine at work on",
                "building or checking: a faster engine is on its way, another one serves; serving: that is over.",
            ),
            [Query(f"sum by (state) (vigil_engine_state{{{DAEMON}}})", "{{state}}")],
            width=7,
        ),
        lines(
            Text("Engines refused", "They could not run or do not agree with float32: the log has the figures."),
            [Query(f"vigil_engines_refused_total{{{DAEMON}}}", "{{runtime}} {{precision}} {{instance}}")],
            width=7,
        ),
        lines(
            Text("Clients", "Connected now, by what they are connected to: subscribers, readers of metrics."),
            [Query(f"vigil_connections{{{DAEMON}}}", "{{listener}} {{instance}}")],
            width=12,
        ),
        lines(
            Text("Clients refused", "A second, by reason; the log names each address. Anything here is worth a look."),
            [Query(f"sum by (listener, reason) ({rate('vigil_refused_total', DAEMON)})", "{{listener}} {{reason}}")],
            width=12,
        ),
        lines(
            Text("On the GPU", "Time for a batch, p99, by its own clock; parts overlap. Empty on a processor.", "s"),
            [Query(quantile(0.99, "vigil_engine_device_seconds", "part", DAEMON), "{{part}}")],
            width=8,
        ),
        facts(Text("Version", "Of the daemon."), f"vigil_build_info{{{DAEMON}}}", ["instance", "version"], width=6),
        facts(
            Text("Profiles", "The profile each camera is judged by."),
            f"vigil_profile_info{{{CAMERA}}}",
            ["instance", "camera", "profile"],
            width=10,
        ),
        states(
            Text(
                "Settings", "Whether the settings file could be read when it last changed; if not, the old ones hold."
            ),
            Query(f"vigil_config_reload_success{{{DAEMON}}}", "{{instance}}"),
            {"0": ("refused", "red"), "1": ("read", "green")},
            width=7,
        ),
        lines(
            Text("Age of the settings", "Since they were last read well.", "s"),
            [Query(f"time() - vigil_config_reload_success_timestamp_seconds{{{DAEMON}}}", "{{instance}}")],
            width=7,
        ),
        facts(
            Text("Waiting for a restart", "Keys of the settings file that differ from what runs."),
            f"vigil_config_restart_needed{{{DAEMON}}}",
            ["instance", "key"],
            width=5,
        ),
        lines(
            Text("Parts amiss", "What does not work as it should though the daemon goes on: see /health/degraded."),
            [Query(f"vigil_degraded_parts{{{DAEMON}}}", "{{instance}}")],
            width=5,
        ),
    ]
