"""Writes vigil.json, the Grafana dashboard beside this file: ``python systemd/dashboards/build.py [--check]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import keeping
import process
import rows
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard
from panels import DAEMON, SOURCE

FILE = Path(__file__).with_name("vigil.json")
ROWS = {
    "Overview": rows.overview,
    "Latency": rows.latency,
    "Scores": rows.scores,
    "Profiles on trial": rows.trials,
    "Frames and links": rows.frames,
    "Journal": keeping.journal,
    "Process": process.process,
}


def variable(name: str, label: str, query: str, *, all_of_them: bool) -> builders.QueryVariable:
    """A drop-down filled by a query."""
    made = builders.QueryVariable(name).label(label).datasource(SOURCE).query({"query": query, "refId": name})
    made.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    if all_of_them:
        made.multi(multi=True).include_all(include_all=True).all_value(".*")
        made.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    return made


def variables() -> list[builders.DatasourceVariable | builders.QueryVariable]:
    """The drop-downs at the top."""
    up = f"vigil_camera_up{{{DAEMON}}}"
    return [
        builders.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        variable("job", "Job", "label_values(vigil_build_info, job)", all_of_them=False),
        variable("instance", "Daemon", 'label_values(vigil_build_info{job=~"$job"}, instance)', all_of_them=True),
        variable("camera", "Camera", f"label_values({up}, camera)", all_of_them=True),
    ]


def restarts() -> builders.AnnotationQuery:
    """Marks each start of a daemon in every panel."""
    started = f"changes(process_start_time_seconds{{{DAEMON}}}[$__interval]) > 0"
    return (
        builders.AnnotationQuery()
        .name("Restarts")
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color("red")
        .expr(started)
    )


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    made = builders.Dashboard("Vigil").uid("vigil").tags(["vigil", "video"]).timezone("browser").editable()
    made.description("Cameras, verdicts, latency and health of Vigil. Made by systemd/dashboards/build.py: edit that.")
    made.refresh("10s").time("now-1h", "now").tooltip(dashboard.DashboardCursorSync.CROSSHAIR).annotation(restarts())
    for each in variables():
        made.with_variable(each)
    for title, panels in ROWS.items():
        made.with_row(builders.Row(title))
        for panel in panels():
            made.with_panel(panel)
    made.with_row(each_camera())
    whole = made.build()
    number_panels(whole)
    return whole


def each_camera() -> builders.Row:
    """A closed row that Grafana repeats for each camera chosen."""
    row = builders.Row("Camera $camera").collapsed(collapsed=True).repeat("camera")
    for panel in rows.one_camera():
        row.with_panel(panel)
    return row


def number_panels(whole: dashboard.Dashboard) -> None:
    """Number rows and panels in order, so that links to them last."""
    flat: list[dashboard.Panel | dashboard.RowPanel] = []
    for each in whole.panels or []:
        flat.append(each)
        flat.extend(each.panels if isinstance(each, dashboard.RowPanel) else [])
    for index, each in enumerate(flat, start=1):
        each.id_val = index


def main(arguments: Sequence[str]) -> int:
    """Write the file, or with ``--check`` say whether it is up to date."""
    text = json.dumps(build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{FILE.name} is out of date: run python {Path(__file__).name}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
