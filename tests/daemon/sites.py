"""Settings files, and the addresses of the daemon that runs by them."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Site:
    """A settings file and its addresses."""

    config: Path
    endpoint: str
    http: int

    def samples(self) -> dict[tuple[str, str], float]:
        """Every scraped sample of one label or none, by name and label."""
        return {
            (sample.name, next(iter(sample.labels.values()), "")): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
            if len(sample.labels) <= 1
        }

    def text(self) -> str:
        """What a scrape returns."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def health(self, page: str) -> int:
        return self.page(page)[0]

    def page(self, page: str) -> tuple[int, str]:
        """Status and body of a health page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/health/{page}", timeout=5) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def site(folder: Path, profile: Path, sources: dict[str, str], more: str = "", judge_in: str = "threads") -> Site:
    port, http, replay = free_port(), free_port(), free_port()
    endpoint = f"tcp://127.0.0.1:{port}"
    journal = f'[journal]\nfolder = "{folder}/journal"\n'
    text = (
        f'[publish]\nendpoint = "{endpoint}"\nheartbeat_s = 0.5\n[http]\nport = {http}\n[engine]\njudges = 2\n'
        f'judge_in = "{judge_in}"\n'
        f'[replay]\nendpoint = "tcp://127.0.0.1:{replay}"\n{"" if "[journal]" in more else journal}{more}\n'
    )
    for name, source in sources.items():
        text += f'[[cameras]]\nname = "{name}"\n{source}\nprofile = "{profile}"\n'
    config = folder / "vigil.toml"
    config.write_text(text)
    return Site(config, endpoint, http)


def source(url: str | Path) -> str:
    return f'source = "{url}"'
