"""Which engine runs: the fastest that this machine and this version have."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engines.contract import Engine
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine, processor

Runtime = Literal["openvino", "torch", "tensorrt"]


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `[engine]` section of the settings."""

    runtime: Literal["auto", "openvino", "torch", "tensorrt"] = "auto"
    """`auto` takes the first of `candidates()` that is usable."""
    precision: Literal["auto", "f32", "bf16"] = "auto"
    """`auto` is bf16 where the processor has it, else f32."""
    threads: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Threads of the CPU engine; 0 leaves one core to the decoders."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A runtime and whether it can be chosen on this machine."""

    runtime: Runtime
    usable: bool
    why: str
    """For people: what it would run on, or what is missing."""


def candidates() -> tuple[Candidate, ...]:
    """Every runtime, fastest first, each with the reason why it can or cannot run here."""
    return (_gpu("tensorrt"), _gpu("torch"), _openvino())


def select_engine(network: Network, settings: EngineSettings) -> Engine:
    """Choose the engine for a network; it is not open yet.

    Raises `EngineError` when the runtime asked for is not usable; the text says what to do.
    """
    wanted = [each for each in candidates() if settings.runtime in ("auto", each.runtime)]
    chosen = next((each for each in wanted if each.usable), None)
    if chosen is None:
        reasons = "; ".join(f"{each.runtime}: {each.why}" for each in wanted)
        raise EngineError(
            f"no engine to run the network with ({reasons}): set the engine's runtime to auto or openvino"
        )
    return OpenVinoEngine(network, precision=settings.precision, threads=settings.threads)


def _openvino() -> Candidate:
    try:
        cpu = processor()
    except EngineError as error:
        return Candidate("openvino", usable=False, why=str(error))
    return Candidate("openvino", usable=True, why=f"{cpu.name}, {cpu.precisions[0]}")


def _gpu(runtime: Literal["torch", "tensorrt"]) -> Candidate:
    """Say what stands in the way of a runtime for GPUs: this version's code before the machine."""
    found = "installed" if importlib.util.find_spec(runtime) else "not installed"
    card = "NVIDIA driver loaded" if Path("/proc/driver/nvidia/version").exists() else "no NVIDIA driver"
    return Candidate(runtime, usable=False, why=f"this version of Vigil cannot run on it ({runtime} {found}, {card})")
