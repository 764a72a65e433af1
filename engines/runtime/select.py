"""Which engine runs: the fastest that this machine has and that says what the reference says."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from engines.contract import Engine, EngineInfo
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache
from engines.runtime.gated import TRIAL_FRAMES, GatedEngine, Option, Watcher
from engines.runtime.openvino import OpenVinoEngine, Precision, processor
from engines.runtime.parity import Agreement, compare, expect, failed
from engines.runtime.pictures import trial_pictures
from engines.runtime.prepare import Build, Order, make_gpu_engine

_log = logging.getLogger("vigil.engine")

Runtime = Literal["openvino", "torch", "tensorrt"]
_DRIVER: Final = Path("/proc/driver/nvidia/version")
_MOST: Final = 8
_MOST_JUDGES: Final = 4
"""Beyond so many, threads mostly wait for the interpreter's lock."""
_JUDGED_SHARE: Final = 0.75
"""Of the cores; judging a frame costs three times what decoding does until the next one."""


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `[engine]` section of the settings."""

    runtime: Literal["auto", "openvino", "torch", "tensorrt"] = "auto"
    """`auto` takes the first of `candidates()` that is usable and passes parity."""
    precision: Literal["auto", "f32", "bf16", "f16", "int8"] = "auto"
    """`auto` is bf16 on a processor that has it, f16 on a GPU, else f32."""
    threads: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Threads of the CPU engine; 0 leaves one core to the decoders. There is at least one a judge."""
    streams: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    """Frames that the CPU engine computes side by side; 0 is one for two threads, and at least one a judge."""
    judges: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0
    """Threads or processes that judge frames side by side; 0 is as many as `judges_of` says."""
    judge_in: Literal["auto", "threads", "processes"] = "auto"
    """Whether those are threads of the daemon, or processes of their own, which use all cores at some 100 MB each;
    `auto` is processes from nine cameras on. One judge alone is a thread, whatever is set."""
    cache: str = "auto"
    """Folder of compiled engines; `auto` is systemd's CacheDirectory, else the user's; `off` keeps none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A runtime and whether it can be chosen on this machine."""

    runtime: Runtime
    usable: bool
    why: str
    """For people: what it would run on, or what is missing."""
    forcible: bool
    """Whether a setting can force it, though it would not be chosen."""


def candidates() -> tuple[Candidate, ...]:
    """Every runtime, fastest first, each with the reason why it can or cannot run here."""
    return (_tensorrt(), _torch(), _openvino())


def judges_of(settings: EngineSettings) -> int:
    """How many threads are to judge frames with these settings on this machine.

    On a processor as many as set, or one a core but for what decoding takes, and no more than gain anything. A GPU
    computes a batch at once, and its context belongs to one thread, whatever is set.
    """
    if any(each.runtime != "openvino" for each in _chosen(settings)):
        if settings.judges > 1:
            _log.warning("TensorRT and torch have one judge: [engine] judges = %d is not followed", settings.judges)
        return 1
    cores = len(os.sched_getaffinity(0))
    return settings.judges or min(_MOST_JUDGES, math.ceil(cores * _JUDGED_SHARE))


def select_engine(
    network: Network,
    settings: EngineSettings,
    *,
    most: int = _MOST,
    callers: int = 1,
    frames: int = 0,
    watcher: Watcher | None = None,
) -> Engine:
    """Choose the engine for a network and batches of up to `most`; it is not open yet.

    It answers by the reference until a faster one has agreed with that: on pictures made by rule while it opens, or
    with `frames` > 0 on so many frames that come in. `callers` threads may use it at a time; more than one only where
    `judges_of` says so. `watcher` is told. Raises `EngineError` when the runtime or the precision asked for is not
    usable; the text says what to do.
    """
    options = list(_options(network, settings, most, callers))
    # While others are tried, threads take turns at the reference: a stream for each would be memory for moments.
    reference = _on_openvino(network, settings, "f32", 1 if options else callers)
    if options and callers > 1:
        options.append(_option(_on_openvino(network, settings, "f32", callers)))
    if not options and watcher is None:
        return reference
    return GatedEngine(reference, options, frames=frames, watcher=watcher)


def try_engines(network: Network, settings: EngineSettings) -> list[Agreement]:
    """Ask every engine that could be chosen, on pictures made by rule, the fastest first; the reference last.

    Engines that take minutes to build are left out: they are asked when a daemon has built them. Raises
    `EngineError` as `select_engine` does, and when the reference itself fails.
    """
    options = [each for each in _options(network, settings, _MOST, 1) if each.build is None]
    reference = OpenVinoEngine(network, precision="f32", threads=settings.threads, cache=_cache(settings))
    reference.open()
    expected = expect(reference, trial_pictures(TRIAL_FRAMES, network.spec.input_size))
    found = []
    for option in options:
        try:
            engine = option.make()
            engine.open()
            found.append(compare(engine, expected, option.batches))
            engine.close()
        except EngineError as error:
            found.append(failed(option.info, str(error)))
    found.append(compare(reference, expected, (1,)))
    reference.close()
    return found


def cache_folder(settings: EngineSettings) -> Path | None:
    """Where compiled engines are kept, or None for nowhere."""
    if settings.cache == "off":
        return None
    if settings.cache != "auto":
        return Path(settings.cache).expanduser()
    given = os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given) / "engines"
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(home).expanduser() / "vigil" / "engines"
    except RuntimeError:  # the home of nobody
        return None


def _cache(settings: EngineSettings) -> EngineCache | None:
    folder = cache_folder(settings)
    return None if folder is None else EngineCache(folder)


def _options(network: Network, settings: EngineSettings, most: int, callers: int) -> Iterator[Option]:
    """What could serve in place of the reference, the fastest first. Raises `EngineError` when asked in vain."""
    for each in _chosen(settings):
        if each.runtime == "openvino":
            yield from _on_cpu(network, settings, callers)
        else:
            yield from _on_gpu(network, settings, each, most)


def _chosen(settings: EngineSettings) -> list[Candidate]:
    """The runtimes that may be used. Raises `EngineError` when there is none."""
    wanted = [each for each in candidates() if settings.runtime in ("auto", each.runtime)]
    chosen = [each for each in wanted if each.usable or (settings.runtime != "auto" and each.forcible)]
    if not chosen:
        reasons = "; ".join(f"{each.runtime}: {each.why}" for each in wanted)
        raise EngineError(
            f"no engine to run the network with ({reasons}): set the engine's runtime to auto or openvino"
        )
    return chosen


def _on_openvino(network: Network, settings: EngineSettings, precision: Precision, callers: int) -> OpenVinoEngine:
    return OpenVinoEngine(
        network,
        precision=precision,
        threads=settings.threads,
        streams=settings.streams,
        callers=callers,
        cache=_cache(settings),
    )


def _on_cpu(network: Network, settings: EngineSettings, callers: int) -> Iterator[Option]:
    for precision in _cpu_precisions(network, settings.precision):
        yield _option(_on_openvino(network, settings, precision, callers))


def _option(engine: OpenVinoEngine) -> Option:
    return Option(engine.info, partial(_same, engine), batches=(1,))


def _cpu_precisions(network: Network, wanted: str) -> Sequence[Precision]:
    """What to try before float32, the fastest first, each followed by what is more precise."""
    able = [each for each in processor().precisions if each != "f32"]
    if wanted == "auto":
        # int8 gains a tenth over bf16 and costs agreement, half over float32: see README.md.
        return able or (["int8"] if network.int8 is not None else [])
    if wanted == "int8":
        return ["int8", *able]
    if wanted == "bf16":
        return ["bf16"]
    if wanted == "f32":
        return []
    raise EngineError("the CPU has no f16 arithmetic: set the engine's precision to auto, bf16, f32 or int8")


def _on_gpu(network: Network, settings: EngineSettings, candidate: Candidate, most: int) -> Iterator[Option]:
    folder, batches = cache_folder(settings), tuple(size for size in (1, 2, 4, 8, 16, 32, 64) if size < most)
    for precision in _gpu_precisions(network, settings.precision, candidate):
        order = Order(
            runtime=candidate.runtime if candidate.usable else "torch-cpu",
            precision=precision,
            most=most,
            cache=str(folder or ""),
        )
        build = Build(network, order) if folder is not None and candidate.usable else None
        info = EngineInfo(candidate.runtime, candidate.why, precision, network.id)
        yield Option(info, partial(make_gpu_engine, network, order), (*batches, most), build)


def _gpu_precisions(network: Network, wanted: str, candidate: Candidate) -> Sequence[str]:
    if not candidate.usable:  # torch on a processor
        return ["f32" if wanted == "auto" else wanted]
    if wanted == "auto":
        return ["f16", "f32"]
    network.files(wanted)  # refused before anything is built
    return {"int8": ["int8", "f16"], "f16": ["f16"], "bf16": ["bf16"], "f32": ["f32"]}[wanted]


def _same(engine: OpenVinoEngine) -> Engine:
    return engine


def _openvino() -> Candidate:
    try:
        cpu = processor()
    except EngineError as error:
        return Candidate("openvino", usable=False, why=str(error), forcible=False)
    return Candidate("openvino", usable=True, why=f"{cpu.name}, {cpu.precisions[0]}", forcible=True)


def _torch() -> Candidate:
    """Torch on a GPU; on a processor it is the slowest, and only for comparisons."""
    if not _installed("torch", "onnx"):
        return Candidate("torch", usable=False, why="torch and onnx are not installed", forcible=False)
    if not _DRIVER.exists():
        return Candidate("torch", usable=False, why="no NVIDIA driver; slow on a processor", forcible=True)
    import torch  # noqa: PLC0415 - seconds and 150 MB, and only where there is a GPU

    if not torch.cuda.is_available():
        return Candidate("torch", usable=False, why="this build of torch sees no CUDA device", forcible=True)
    return Candidate("torch", usable=True, why=torch.cuda.get_device_name(), forcible=True)


def _tensorrt() -> Candidate:
    missing = [name for name in ("tensorrt", "pycuda") if not _installed(name)]
    if not _DRIVER.exists():
        missing.append("an NVIDIA driver")
    if missing:
        return Candidate("tensorrt", usable=False, why=f"{' and '.join(missing)} missing", forcible=False)
    return Candidate("tensorrt", usable=True, why="TensorRT on the first NVIDIA GPU", forcible=True)


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)
