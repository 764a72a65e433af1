"""Looks for passwords of cameras in all that Vigil says, keeps and shows.

    python -m benchmarks.secrets

Addresses with passwords and tokens go through every path: check, enrol, score, evaluate, doctor, run (right password,
wrong password, nobody there), subscribe, a crash. Then logs, results, metrics, messages, every file that was written,
and the list of processes (read all the while) are searched for them, plain and in the encodings they travel in.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

from benchmarks.rig import CameraServer, clips, free_port

_RUN = os.urandom(4).hex()
"""Nobody else's secrets look like those of this run."""
RIGHT, WRONG, TOKEN = f"right/{_RUN}", f"wrong{_RUN}", f"token{_RUN}"
USER = "warden"
_SETTINGS = """
[publish]
endpoint = "tcp://127.0.0.1:{alerts}"
[http]
port = {http}
[log]
level = "debug"
format = "{format}"
"""


def forms() -> dict[bytes, str]:
    """What is searched for, and what it is."""
    found: dict[bytes, str] = {}
    for secret in (RIGHT, WRONG, TOKEN):
        found[urllib.parse.quote(secret, safe="").encode()] = f"{secret}, quoted"
        found[secret.encode()] = secret
        pair = base64.b64encode(f"{USER}:{secret}".encode())
        found[pair.rstrip(b"=")] = f"{secret}, as basic authentication"
    return found


class Search:
    """Counts what is found, and where."""

    def __init__(self) -> None:
        self.looked: Counter[str] = Counter()
        self.hits: Counter[tuple[str, str]] = Counter()
        self._forms = forms()

    def look(self, where: str, content: bytes) -> None:
        """Search one text or file."""
        self.looked[where.partition(":")[0]] += 1
        for form, what in self._forms.items():
            if form in content:
                self.hits[where, what] += 1

    def look_at_processes(self, ours: set[int]) -> None:
        """Arguments of all processes but those that typed the addresses: the shell's own, and the cameras'."""
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) not in ours:
                with contextlib.suppress(OSError):
                    self.look("processes", (folder / "cmdline").read_bytes())


class Walk:
    """Sends the addresses through the commands, in a folder of its own."""

    def __init__(self, folder: Path, search: Search) -> None:
        self.folder = folder
        self._search = search
        self.shown_s = 0.0
        """Longest that an address which was typed could be seen in the list of processes."""

    def vigil(self, *words: str, limit_s: float = 60.0) -> None:
        """A command from beginning to end; what it shows of itself counts once it has hidden it."""
        name = words[0]
        command = [sys.executable, "-m", "daemon", *words]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        watching = threading.Thread(target=self._watch, args=(process,))
        watching.start()
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate()
        watching.join()
        self._search.look(f"said: {name}", said)
        print(f"{name:12} exit {process.returncode:4}  {said.decode(errors='replace').strip().splitlines()[-1:]}")

    def run(self, settings: Path, seconds: float, end: signal.Signals, http: int, alerts: int) -> None:
        """The daemon, with a subscriber and a scraper; ended by a signal."""
        here = self.folder
        words = [sys.executable, "-m", "daemon"]
        daemon = subprocess.Popen([*words, "run", "-c", str(settings)], cwd=here, stderr=subprocess.PIPE)
        listen = ["subscribe", f"tcp://127.0.0.1:{alerts}", "--json", "--save", f"alerts-{settings.stem}"]
        listener = subprocess.Popen([*words, *listen], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(1.0)
            for page in ("metrics", "health/live", "health/ready", "health/degraded"):
                with contextlib.suppress(OSError):
                    url = f"http://127.0.0.1:{http}/{page}"
                    self._search.look(f"page: {page}", urllib.request.urlopen(url, timeout=5).read())
            self._search.look_at_processes({os.getpid()})
        daemon.send_signal(end)
        _, said = daemon.communicate(timeout=30)
        listener.send_signal(signal.SIGINT)
        heard, _ = listener.communicate(timeout=30)
        self._search.look(f"said: run {settings.stem}", said)
        self._search.look(f"messages: {settings.stem}", heard)
        lines, messages = len(said.splitlines()), len(heard.splitlines())
        print(f"run          exit {daemon.returncode:4}  {settings.stem}: {lines} lines of log, {messages} messages")

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        began, folder = time.monotonic(), Path(f"/proc/{process.pid}")
        with contextlib.suppress(OSError):
            while any(form in (folder / "cmdline").read_bytes() for form in forms()):
                self.shown_s = max(self.shown_s, time.monotonic() - began)
                time.sleep(0.005)
        while process.poll() is None:
            with contextlib.suppress(OSError):
                self._search.look("processes", (folder / "environ").read_bytes())
            self._search.look_at_processes({os.getpid()})
            time.sleep(0.2)


def address(server: CameraServer, password: str, port: int | None = None) -> str:
    """A camera's address with a user, a password and a token in it."""
    quoted = urllib.parse.quote(password, safe="")
    return f"rtsp://{USER}:{quoted}@127.0.0.1:{port or server.port}/cam0?token={TOKEN}"


def walk(server: CameraServer, profile: Path, folder: Path, search: Search) -> None:
    """Every command, with every address."""
    one = Walk(folder, search)
    right, wrong = address(server, RIGHT), address(server, WRONG)
    nobody = address(server, RIGHT, free_port())
    raw = f"rtsp://{USER}:{RIGHT}@127.0.0.1:{server.port}/cam0"
    (folder / "list").write_text(right + "\n")
    secret_files = {folder / "list"}
    for what in (right, wrong, nobody, raw):
        one.vigil("enrol", what, "--minutes", "0.05", "--out", "x.vigil")
    one.vigil("enrol", "--sources-file", "list", "--minutes", "0.05", "--out", "y.vigil")
    one.vigil("score", wrong, "--profile", str(profile), "--out", "scores.csv")
    one.vigil("score", right, "--profile", str(profile), "--out", "scores.csv", limit_s=15)
    one.vigil("evaluate", right, "--profile", str(profile))
    one.vigil("subscribe", f"tcp://{USER}:{RIGHT}@127.0.0.1:{free_port()}", "--timeout", "1")
    one.vigil("doctor")
    ends = (("right", right, signal.SIGTERM), ("wrong", wrong, signal.SIGABRT), ("nobody", nobody, signal.SIGTERM))
    for number, (name, what, end) in enumerate(ends):
        file = folder / f"{name}.source"
        file.write_text(what + "\n")
        secret_files.add(file)
        alerts, http = free_port(), free_port()
        text = _SETTINGS.format(alerts=alerts, http=http, format=("text", "json")[number % 2])
        text += f'[[cameras]]\nname = "cam0"\nsource_file = "{file.name}"\nprofile = "{profile}"\nthreshold = 0.001\n'
        (folder / f"{name}.toml").write_text(text)
        one.vigil("check", "--config", f"{name}.toml")
        one.run(folder / f"{name}.toml", 12.0, end, http, alerts)
    for file in folder.rglob("*"):
        if file.is_file() and file not in secret_files:
            search.look(f"files: {file.relative_to(folder)}", file.read_bytes())
    print(f"typed addresses could be seen in the list of processes for {one.shown_s:.2f} s at most")


def main() -> None:
    """Exit code 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="clips and profiles are kept here, to be used again")
    options = parser.parse_args()
    work = (options.work or Path(tempfile.mkdtemp(prefix="vigil-"))).absolute()
    server, search = CameraServer(clips(work, 1)), Search()
    server.start()
    try:
        server.tell(f"faults cam0 {json.dumps({'account': f'{USER}:{RIGHT}'})}")
        with tempfile.TemporaryDirectory() as folder:
            walk(server, work / "view0.vigil", Path(folder), search)
    finally:
        server.kill()
    for where, count in sorted(search.looked.items()):
        print(f"looked into {where:10} {count} times")
    for (where, what), count in search.hits.items():
        print(f"FOUND {what} in {where}, {count} times")
    print("not one hit" if not search.hits else f"{sum(search.hits.values())} hits")
    sys.exit(1 if search.hits else 0)


if __name__ == "__main__":
    main()
