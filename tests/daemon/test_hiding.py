"""Passwords typed as arguments, and crashes. The long form is ``python -m benchmarks.secrets``."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.daemon.running import ROOT, Running

SECRETS = ("Zq9secret", "Zq9token")


@pytest.mark.parametrize("command", ["enrol", "score"])
def test_a_password_among_the_arguments_is_soon_in_no_list_of_processes(tmp_path: Path, command: str) -> None:
    with socket.socket() as camera:
        camera.bind(("127.0.0.1", 0))
        camera.listen()  # connects, and then says nothing
        url = f"rtsp://warden:{SECRETS[0]}@127.0.0.1:{camera.getsockname()[1]}/x?token={SECRETS[1]}"
        more = {"enrol": ["--minutes", "1"], "score": ["--profile", "none.vigil"]}[command]
        with Running(["daemon", command, url, *more, "--out", tmp_path / "x"]) as running:
            process = Path(f"/proc/{running.process.pid}")
            end = time.monotonic() + 30
            while b"***" not in (shown := (process / "cmdline").read_bytes()) and running.process.poll() is None:
                assert time.monotonic() < end
                time.sleep(0.01)
            if command == "enrol":
                assert b"***@127.0.0.1" in shown
                for file in ("cmdline", "environ"):
                    assert not [secret for secret in SECRETS if secret.encode() in (process / file).read_bytes()]
            running.ends(within_s=60)
    assert "better put it into a file" in running.stderr
    assert not [secret for secret in SECRETS if secret in running.stderr]


def test_the_arguments_arrive_as_they_were_typed(tmp_path: Path) -> None:
    program = "import sys, daemon.hiding; print(daemon.hiding.arguments())"
    typed = ["enrol", "rtsp://warden:Zq9se cret@h/ä", "--out", str(tmp_path)]
    for words in (typed, ["version"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{words}\n"


def test_a_crash_prints_no_secret() -> None:
    program = (
        "import daemon.hiding\n"
        "daemon.hiding.crash_without_secrets()\n"
        f"raise RuntimeError('cannot open rtsp://warden:{SECRETS[0]}@h/x?token={SECRETS[1]}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: cannot open rtsp://***@h/x?token=***" in done.stderr
    assert not [secret for secret in SECRETS if secret in done.stderr]


@pytest.mark.parametrize(
    "words",
    [("subscribe",), ("evaluate", "--profile", "x"), ("keys", "revoke"), ("doctor",)],
)
def test_no_error_of_a_command_shows_a_secret(words: tuple[str, ...]) -> None:
    url = f"rtsp://warden:{SECRETS[0]}@h/x?token={SECRETS[1]}"
    command = [sys.executable, "-m", "daemon", *words, url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert "***" in done.stderr
    assert not [secret for secret in SECRETS if secret in done.stderr + done.stdout]
