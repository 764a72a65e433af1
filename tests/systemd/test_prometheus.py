"""A real Prometheus scrapes a real exporter and answers all that the dashboard and the rules ask."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.systemd.exporter import SYSTEMD, Exporter
from tests.systemd.expressions import dashboard_expressions
from tests.systemd.programs import find

SETTINGS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [vigil.rules.yml]
scrape_configs:
  - job_name: vigil
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """A client of its HTTP interface."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer; an error of Prometheus fails the test with its text."""
        url = f"{self._root}{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{query}: {error.read().decode()}")

    def ask(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        result: list[Any] = self.get("/api/v1/query", query=expression)["result"]
        return result

    def ready(self) -> bool:
        """Whether it answers at all."""
        try:
            with urllib.request.urlopen(f"{self._root}/-/ready", timeout=1):
                return True
        except OSError:
            return False

    def rules(self) -> list[dict[str, Any]]:
        """All rules with their health."""
        return [rule for group in self.get("/api/v1/rules")["groups"] for rule in group["rules"]]


def wait_for(what: str, within_s: float, done: Callable[[], object]) -> None:
    until = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < until, f"no {what} within {within_s} s"
        time.sleep(0.2)


def scraped(client: Prometheus, exporter: Exporter) -> bool:
    """Keeps the exporter at work until Prometheus has seen it do so. It starts scraping after some seconds."""
    exporter.work()
    return bool(client.ask('sum(count_over_time(up{job="vigil"}[1m])) >= 4'))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    program = find("prometheus")
    rules = (SYSTEMD / "prometheus" / "vigil.rules.yml").read_text()
    (folder / "vigil.rules.yml").write_text(rules.replace("interval: 5m", "interval: 1s"))
    exporter = Exporter()
    with exporter.served() as port:
        (folder / "prometheus.yml").write_text(SETTINGS.format(port=port))
        with started(program, folder) as client:
            wait_for("fourth scrape", 40, lambda: scraped(client, exporter))
            wait_for("recorded series", 20, lambda: client.ask("job_instance_camera:vigil_score:median_6h"))
            yield client


class started:  # noqa: N801 - a context manager
    """Prometheus as a process; ended with the block."""

    def __init__(self, program: str, folder: Path) -> None:
        port = free_port()
        self._client = Prometheus(port)
        self._folder = folder
        self._command = [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]

    def __enter__(self) -> Prometheus:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for("Prometheus", 30, self._client.ready)
        except BaseException:
            self.__exit__()
            raise
        return self._client

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder / "data", ignore_errors=True)


def test_every_panel_has_data(prometheus: Prometheus) -> None:
    empty = {title for title, expression in dashboard_expressions() if not prometheus.ask(expression)}
    assert empty == {"Restarts", "Age of the oldest alert"}, "this daemon has not restarted, and has kept no alert yet"


def test_every_rule_is_evaluated_without_error(prometheus: Prometheus) -> None:
    wrong = {rule["name"]: rule["lastError"] for rule in prometheus.rules() if rule["health"] != "ok"}
    assert wrong == {}


def test_every_rules_expression_answers(prometheus: Prometheus) -> None:
    rules = prometheus.rules()
    text = (SYSTEMD / "prometheus" / "vigil.rules.yml").read_text()
    assert len(rules) == len(re.findall(r"- (?:alert|record): ", text))
    for rule in rules:
        prometheus.ask(rule["query"])
