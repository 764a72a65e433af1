"""Times one network in one runtime, in a process of its own and under whichever interpreter has what it needs.

    python -P benchmarks/peer_child.py export MODEL FILE.onnx
    python -P benchmarks/peer_child.py own FOLDER
    python -P benchmarks/peer_child.py versions
    python -P benchmarks/peer_child.py time RUNTIME WHAT BATCH THREADS SECONDS

`MODEL` is one of anomalib's; `own` writes Vigil's two networks as files; `WHAT` is a model, or an ONNX file (two, with
a comma). Writes one line of JSON. Weights are random, since none are downloaded: they do not change the speed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 256
_PATCHCORE_PICTURES = 200
"""Pictures that PatchCore has learnt from; a tenth of their 32 x 32 patches is kept, as by its default."""

Call = Callable[[], object]


def main(arguments: Sequence[str]) -> None:
    """Do what is asked and write a line of JSON."""
    task, *rest = arguments
    warnings.simplefilter("ignore")
    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "export": export, "own": own, "time": measure, "versions": versions,
    }  # fmt: skip
    told = tasks[task](*rest)
    print(json.dumps(told))


def export(model: str, path: str) -> dict[str, Any]:
    """Write one of anomalib's models as ONNX with a dynamic batch, as its own export does."""
    torch = importlib.import_module("torch")
    module, given = anomalib_model(model), torch.rand(1, 3, SIZE, SIZE)
    axes = {"input": {0: "batch"}}
    torch.onnx.export(module, (given,), path, input_names=["input"], dynamic_axes=axes, opset_version=17, dynamo=False)
    return {"megabytes": Path(path).stat().st_size / 1e6}


def own(folder: str) -> dict[str, Any]:
    """Write Vigil's encoder and decoder as files."""
    importlib.import_module("engines.network.files").shared_network().save(Path(folder))
    return {}


def versions() -> dict[str, Any]:
    """Of the peers that this interpreter has."""
    found = {}
    for name in ("torch", "onnxruntime", "openvino", "anomalib"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[f"peer {name}"] = metadata.version(name)
    return found


def measure(runtime: str, what: str, batch: str, threads: str, seconds: str) -> dict[str, Any]:
    """Median wall and processor time of a frame, seconds."""
    call = RUNTIMES[runtime](what, int(batch), int(threads))
    call()
    walls: list[float] = []
    cpus: list[float] = []
    until = time.perf_counter() + float(seconds)
    while len(walls) < 3 or time.perf_counter() < until:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"wall_s": statistics.median(walls) / int(batch), "cpu_s": statistics.median(cpus) / int(batch)}


def vigil(precision: str, _what: str, batch: int, threads: int) -> Call:
    """Vigil's engine: encoder and decoder."""
    engine_settings = importlib.import_module("engines.runtime.select").EngineSettings
    network = importlib.import_module("engines.network.files").shared_network()
    select = importlib.import_module("engines.runtime.select").select_engine
    engine = select(network, engine_settings(precision=precision, threads=threads))
    engine.open()
    return importlib.import_module("daemon.bench.engine").pass_of(engine, batch)  # type: ignore[no-any-return]


def torch_own(layout: str, _what: str, batch: int, threads: int) -> Call:
    """The same network as torch modules, eager; `layout` is that of weights and activations."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    recipe = importlib.import_module("engines.learning.recipe").read_recipe()
    encoder = importlib.import_module("engines.network.encoder").Encoder(recipe.shape.latent_channels, recipe.shape)
    decoder = importlib.import_module("engines.learning.assemble").build_decoder(recipe)
    form = getattr(torch, layout)
    encoder, decoder = (part.eval().to(memory_format=form) for part in (encoder, decoder))
    pixels = torch.from_numpy(_pixels(batch))
    latent = torch.rand(batch, SIZE // 8, SIZE // 8, recipe.shape.latent_channels)

    def call() -> None:
        with torch.inference_mode():
            encoder(pixels)
            decoder(latent)

    return call


def torch_anomalib(layout: str, what: str, batch: int, threads: int) -> Call:
    """One of anomalib's models, eager."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    form = getattr(torch, layout)
    module = anomalib_model(what).to(memory_format=form)
    given = torch.rand(batch, 3, SIZE, SIZE).contiguous(memory_format=form)

    def call() -> None:
        with torch.inference_mode():
            module(given)

    return call


def onnxruntime(what: str, batch: int, threads: int) -> Call:
    """ONNX files in ONNX Runtime, fully optimised, threads that do not spin."""
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    calls: list[Call] = []
    for path in what.split(","):
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        given = session.get_inputs()[0]
        calls.append(partial(session.run, None, {given.name: _input(given.shape, given.type, batch)}))
    return lambda: [call() for call in calls]


def openvino(precision: str | None, what: str, batch: int, threads: int) -> Call:
    """ONNX files in OpenVINO; without a precision in what it chooses itself."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # it calls home when imported
    core = importlib.import_module("openvino").Core()
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    if precision is not None:
        settings["INFERENCE_PRECISION_HINT"] = precision
    calls: list[Call] = []
    for path in what.split(","):
        graph = core.read_model(path)
        shape = list(graph.input(0).get_partial_shape())
        fixed = [batch, *(int(side.get_length()) for side in shape[1:])]
        graph.reshape(fixed)
        request = core.compile_model(graph, "CPU", settings).create_infer_request()
        tensor = request.get_input_tensor().data
        tensor[:] = _input(fixed, str(tensor.dtype), batch)
        calls.append(request.infer)
    return lambda: [call() for call in calls]


RUNTIMES: dict[str, Callable[[str, int, int], Call]] = {
    "vigil": partial(vigil, "auto"),
    "vigil f32": partial(vigil, "f32"),
    "torch eager, own": partial(torch_own, "contiguous_format"),
    "torch eager, own, channels last": partial(torch_own, "channels_last"),
    "torch eager": partial(torch_anomalib, "contiguous_format"),
    "torch eager, channels last": partial(torch_anomalib, "channels_last"),
    "ONNX Runtime f32": onnxruntime,
    "OpenVINO f32": partial(openvino, "f32"),
    "OpenVINO as it comes": partial(openvino, None),
}


def anomalib_model(name: str) -> Any:
    """One of anomalib's models in its usual form, ready to judge, with random weights."""
    torch = importlib.import_module("torch")
    _let_torchvision_in(torch)
    torch.manual_seed(0)
    return {"EfficientAD small": _efficient_ad, "PaDiM": _padim, "STFPM": _stfpm, "PatchCore": _patchcore,
            "Reverse distillation": _reverse_distillation}[name](torch).eval()  # fmt: skip


def _let_torchvision_in(torch: Any) -> None:
    """Its wheel from PyPI is built for CUDA; beside a torch without, it stumbles over operators nobody uses here."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def _model(name: str) -> Any:
    return importlib.import_module(f"anomalib.models.image.{name}.torch_model")


def _efficient_ad(torch: Any) -> Any:
    parts = _model("efficient_ad")
    module = parts.EfficientAdModel(teacher_out_channels=384, model_size=parts.EfficientAdModelSize.S)
    for value in module.quantiles.values():
        torch.nn.init.uniform_(value)
    return module


def _padim(torch: Any) -> Any:
    module = _model("padim").PadimModel(backbone="resnet18", pre_trained=False)
    features, places = module.n_features, (SIZE // 4) ** 2
    module.gaussian.mean = torch.rand(features, places)
    module.gaussian.inv_covariance = torch.eye(features).repeat(places, 1, 1)
    return module


def _stfpm(_torch: Any) -> Any:
    parts = _model("stfpm")
    extractor = parts.TimmFeatureExtractor
    parts.TimmFeatureExtractor = lambda **given: extractor(**{**given, "pre_trained": False})
    return parts.STFPMModel(layers=["layer1", "layer2", "layer3"], backbone="resnet18")


def _patchcore(torch: Any) -> Any:
    module = _model("patchcore").PatchcoreModel(layers=["layer2", "layer3"], backbone="resnet18", pre_trained=False)
    kept = _PATCHCORE_PICTURES * (SIZE // 8) ** 2 // 10
    module.memory_bank = torch.rand(kept, 128 + 256)
    return module


def _reverse_distillation(_torch: Any) -> Any:
    mode = importlib.import_module("anomalib.models.image.reverse_distillation.anomaly_map").AnomalyMapGenerationMode
    return _model("reverse_distillation").ReverseDistillationModel(
        backbone="resnet18",
        input_size=(SIZE, SIZE),
        layers=["layer1", "layer2", "layer3"],
        anomaly_map_mode=mode.ADD,
        pre_trained=False,
    )


def _pixels(batch: int) -> Any:
    return np.random.default_rng(7).integers(0, 256, (batch, SIZE, SIZE, 3), dtype=np.uint8)


def _input(shape: Sequence[Any], kind: str, batch: int) -> Any:
    sides = [batch, *(int(side) for side in shape[1:])]
    if "uint8" in kind or "u8" in kind:
        return _pixels(batch)
    return np.random.default_rng(7).random(sides, dtype=np.float32)


if __name__ == "__main__":
    main(sys.argv[1:])
