"""A subscriber whose key is not known yet, before a real daemon that asks for keys."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from pipelines.errors import SubscribeTimeout
from pipelines.guard.allowlist import ALLOWED, REVOKED
from pipelines.guard.keyfiles import ClientKeys, KeyPair, make_pair
from pipelines.subscribe import Subscriber
from tests.daemon.running import Running
from tests.daemon.sites import Site, free_port, site, source

PATIENCE_S = 60.0


def guarded(folder: Path, profile: Path) -> tuple[Site, KeyPair, Path]:
    """Settings that ask for keys, the daemon's own, and the folder of keys."""
    here = site(folder, profile, {"a": source(f"rtsp://127.0.0.1:{free_port()}/x")})
    here.config.write_text(here.config.read_text().replace("heartbeat_s = 0.5", 'heartbeat_s = 0.5\nkeys = "keys"'))
    keys = folder / "keys"
    for part in (ALLOWED, REVOKED):
        (keys / part).mkdir(parents=True)
    return here, make_pair(keys / "server.key_secret"), keys


def heard(messages: Subscriber, within_s: float) -> bool:
    try:
        messages.receive(within_s)
    except SubscribeTimeout:
        return False
    return True


def test_it_waits_says_why_once_and_is_let_in_as_soon_as_its_key_is(tmp_path: Path, profile_file: Path) -> None:
    here, server, keys = guarded(tmp_path, profile_file)
    mine = make_pair(tmp_path / "late.key_secret")
    said: list[str] = []
    client = ClientKeys(mine, server.public)
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 1 camera", PATIENCE_S)
        with Subscriber(here.endpoint, keys=client, on_refused=said.append, again_s=0.3) as messages:
            assert not heard(messages, 3.0)
            (line,) = said
            assert "lets this end not in: its key is not, or no longer, among those allowed there; waiting" in line
            (tmp_path / "late.key").rename(keys / ALLOWED / "late.key")
            assert heard(messages, PATIENCE_S)
            (keys / ALLOWED / "late.key").rename(keys / REVOKED / "late.key")
            end = time.monotonic() + PATIENCE_S
            while len(said) == 1:
                assert time.monotonic() < end, "never turned away again"
                heard(messages, 0.3)
            (keys / REVOKED / "late.key").rename(keys / ALLOWED / "late.key")
            assert heard(messages, PATIENCE_S)
            assert len(said) == 2
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=30) == 0
