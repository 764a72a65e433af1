"""The expressions that the dashboard asks, as a Prometheus gets them from Grafana."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.systemd.exporter import SYSTEMD

_VARIABLES = {"$__rate_interval": "10s", "$__interval": "10s", "$job": "vigil", "$instance": ".*", "$camera": ".*"}


def dashboard() -> dict[str, Any]:
    """The dashboard as it stands in the repository."""
    loaded: dict[str, Any] = json.loads((SYSTEMD / "dashboards" / "vigil.json").read_text())
    return loaded


def panels() -> Iterator[dict[str, Any]]:
    """Every panel, also those inside closed rows; no rows."""
    for panel in dashboard()["panels"]:
        inner = panel["panels"] if panel["type"] == "row" else [panel]
        yield from inner


def dashboard_expressions() -> list[tuple[str, str]]:
    """Title and expression of every query, with the variables filled in."""
    asked = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
    asked += [(mark["name"], mark["expr"]) for mark in dashboard()["annotations"]["list"]]
    return [(title, fill(expression)) for title, expression in asked]


def fill(expression: str) -> str:
    """Put values in place of Grafana's variables."""
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def metric_names(text: str) -> set[str]:
    """Names of metrics of the daemon in an expression or a rules file."""
    return set(re.findall(r"\b(?:vigil|process)_[a-z0-9_]+", re.sub(r"job_instance\w*:[\w:]+", "", text)))


def recorded_names(text: str) -> set[str]:
    """Names of recorded series."""
    return set(re.findall(r"\bjob_instance\w*:[\w:]+", text))
