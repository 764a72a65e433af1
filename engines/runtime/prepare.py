"""Builds an engine into the cache, in a process of its own: ``python -m engines.runtime.prepare ORDER NETWORK``.

A build takes minutes, gigabytes and all of a compiler's bugs. In a process of its own it can be watched and ended, what
it took comes back, and the daemon goes on meanwhile. ORDER is JSON.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Final

import msgspec

from engines.contract import Engine
from engines.errors import EngineError, VigilError
from engines.network.files import Network
from engines.runtime.cache import EngineCache

_NICE: Final = 10
_GRACE_S: Final = 2.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to build."""

    runtime: str
    """`tensorrt` or `torch`."""
    precision: str
    most: int
    """The largest batch."""
    cache: str
    """The cache's folder."""


def make_gpu_engine(network: Network, order: Order) -> Engine:
    """An engine on the first GPU, not open yet. Raises `EngineError` when there is none or its runtime is missing."""
    # Imported here: each takes seconds and hundreds of megabytes, and only one of them is wanted.
    cache = EngineCache(Path(order.cache)) if order.cache else None
    try:
        if order.runtime == "tensorrt":
            from engines.runtime.tensorrt import TensorRtEngine  # noqa: PLC0415

            return TensorRtEngine(network, precision=order.precision, max_batch=order.most, cache=cache)  # type: ignore[arg-type]  # one of its literals: `select` lists them
        from engines.runtime.torch import TorchEngine  # noqa: PLC0415
    except ImportError as error:
        raise EngineError(f"{order.runtime} cannot be imported ({error}): see `vigil doctor`") from error
    device = "cuda" if order.runtime == "torch" else "cpu"
    return TorchEngine(network, device=device, precision=order.precision, most=order.most, cache=cache)  # type: ignore[arg-type]  # likewise


class Build:
    """A `gated.Building` by a process of its own."""

    def __init__(self, network: Network, order: Order) -> None:
        self._network, self._order = network, order
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def start(self) -> None:
        """Start the process. Raises `EngineError` when that fails."""
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="vigil-build-")
            path = Path(self._folder.name) / "network"
            path.write_bytes(self._network.to_bytes())
            self._errors = (Path(self._folder.name) / "errors").open("w+b")
            order = msgspec.json.encode(self._order).decode()
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-m", "engines.runtime.prepare", order, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
            )
        except OSError as error:
            self.stop()
            raise EngineError(f"the build could not be started ({error.strerror}): see the log") from error

    def finished(self) -> bool:
        """Whether the engine is in the cache. Raises `EngineError` with the last line that the process said."""
        if self._process is None:
            return True
        code = self._process.poll()
        if code is None:
            return False
        said = self._said()
        self.stop()
        if code:
            raise EngineError(said or f"the build ended with exit status {code} and said nothing")
        return True

    def stop(self) -> None:
        """End the process and forget its files."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._errors is not None:
            self._errors.close()
            self._errors = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _said(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def main(arguments: list[str]) -> int:
    """Build what the first argument orders for the network in the file of the second."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    order = msgspec.json.decode(arguments[0], type=Order)
    try:
        engine = make_gpu_engine(Network.from_bytes(Path(arguments[1]).read_bytes()), order)
        engine.open()
        engine.close()
    except VigilError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
