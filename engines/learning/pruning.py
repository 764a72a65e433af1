"""Structured pruning of the decoder's trunk: whole channels go, and a short recovery training makes good for them.

Channels of a residual trunk cannot go one layer at a time: what is added must match. So a group of slices is followed
through the graph, a channel of which is worth the size of all its slices together (Fang et al., DepGraph, CVPR 2023),
and the least go. The recovery is distillation: the pruned decoder learns to say what the whole one says. The encoder
is not touched: its latents are what places are remembered by. The bottleneck is one 1x1 convolution: there is nothing
to gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from engines.contract import Floats, Pixels, Progress
from engines.errors import EngineError
from engines.learning.losses import feature_square, picture_absolute
from engines.learning.onnx_files import constants, replace_constants
from engines.network.files import Network
from engines.runtime.graph import OnnxModule
from engines.runtime.openvino import OpenVinoEngine

_PICTURE: Final = 4.0
"""Weight of the picture's error against the features'."""
_BATCH: Final = 8
_RATE: Final = 2e-3
_MULTIPLE: Final = 8
"""Channels are kept by so many: vectors of a processor and tensor cores of a GPU are as wide."""

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Slice:
    """Where the channels of a group lie in one weight."""

    weight: str
    axis: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Channels that can only go together."""

    channels: int
    slices: list[Slice] = field(default_factory=list)
    depthwise: list[str] = field(default_factory=list)
    """Names of convolutions whose number of groups is the number of channels."""

    def worth(self, weights: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The size of each channel's slices, each weight counting alike."""
        total = np.zeros(self.channels)
        for each in self.slices:
            rows = np.moveaxis(weights[each.weight], each.axis, 0)[each.offset : each.offset + self.channels]
            squares = np.square(rows.reshape(self.channels, -1), dtype=np.float64).sum(1)
            total += squares / max(float(squares.mean()), 1e-12)
        return total


def prune_decoder(network: Network, keep: float) -> Network:
    """Keep the share `keep` of the trunk's channels, those that are worth most; nothing is trained.

    Raises `EngineError` when the decoder has no trunk that can be followed, or nothing would be left of it.
    """
    model = onnx.load_model_from_string(network.decoder)
    weights, group = constants(model), follow_trunk(model)
    count = round(keep * group.channels / _MULTIPLE) * _MULTIPLE
    if not 0 < count <= group.channels:
        raise EngineError(f"keeping {keep:.0%} of {group.channels} channels is not possible: keep at least an eighth")
    kept = np.sort(np.argsort(-group.worth(weights), kind="stable")[:count])
    for each in group.slices:
        weights[each.weight] = _cut(weights[each.weight], each, kept, group.channels)
    replace_constants(model, {each.weight: weights[each.weight] for each in group.slices})
    for node in model.graph.node:
        if node.name in group.depthwise:
            next(a for a in node.attribute if a.name == "group").i = count
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return replace(network, decoder=model.SerializeToString(deterministic=True), int8=None)


def follow_trunk(model: onnx.ModelProto) -> Group:
    """Follow the output channels of the first convolution through the graph. Raises `EngineError`."""
    weights, nodes = constants(model), list(model.graph.node)
    first = next((node for node in nodes if node.op_type == "Conv"), None)
    if first is None:
        raise EngineError("the decoder has no convolution to prune: export it again")
    group, inside = Group(weights[first.input[1]].shape[0]), {first.output[0]: 0}
    _cut_outputs(group, first)
    for node in nodes[nodes.index(first) + 1 :]:
        if any(name in inside for name in node.input):
            _follow(node, group, inside, nodes)
    return group


def _follow(
    node: onnx.NodeProto,
    group: Group,
    inside: dict[str, int],
    nodes: list[onnx.NodeProto],
) -> None:
    """Note what a node does to the group; `inside` maps the tensors that carry it to where it begins in them."""
    if node.op_type in ("Relu", "Add"):
        inside[node.output[0]] = 0
    elif node.op_type == "Concat":
        if node.input[0] not in inside:
            raise EngineError("the decoder joins its trunk behind something else: it cannot be pruned")
        inside[node.output[0]] = 0
    elif node.op_type == "Conv" and _is_depthwise(node):
        _cut_outputs(group, node)
        group.depthwise.append(node.name)
        inside[node.output[0]] = 0
    elif node.op_type == "Conv":
        group.slices.append(Slice(node.input[1], 1))
        if any(each.op_type == "Add" and _adds(each, node.output[0], inside) for each in nodes):
            _cut_outputs(group, node)
            inside[node.output[0]] = 0
    else:
        raise EngineError(f"the decoder's trunk goes through {node.op_type}: it cannot be pruned")


def _adds(node: onnx.NodeProto, made: str, inside: dict[str, int]) -> bool:
    return made in node.input and any(name in inside for name in node.input if name != made)


def _is_depthwise(node: onnx.NodeProto) -> bool:
    return any(each.name == "group" and each.i > 1 for each in node.attribute)


def _cut_outputs(group: Group, node: onnx.NodeProto) -> None:
    group.slices.extend(Slice(name, 0) for name in node.input[1:])


def _cut(weight: NDArray[Any], where: Slice, kept: NDArray[np.intp], channels: int) -> NDArray[Any]:
    """Keep some of the group's channels, and all that lies beside it."""
    rest = np.arange(where.offset + channels, weight.shape[where.axis])
    return np.take(weight, np.concatenate([np.arange(where.offset), where.offset + kept, rest]), where.axis)


def recover(
    pruned: Network, teacher: Network, pixels: Pixels, *, steps: int, seed: int = 0, report: Report | None = None
) -> Network:
    """Train the pruned decoder to say what the teacher's says of frames uint8 [N, H, W, 3].

    Batches of 8, Adam (Kingma and Ba, ICLR 2015) with a cosine schedule, on one thread. Equal inputs give equal
    networks on one machine.
    """
    lessons = _lessons(teacher, pixels)
    module = OnnxModule(pruned.decoder)
    trained = _trainable(module)
    optimiser = torch.optim.Adam(trained.values(), _RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = torch.Generator().manual_seed(seed)
    with _one_thread():
        for step in range(steps):
            loss = _loss(module, lessons, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
            schedule.step()
            if report is not None:
                report(Progress(step + 1, steps, f"recover, loss {float(loss.detach()):.4f}"))
    model = onnx.load_model_from_string(pruned.decoder)
    replace_constants(model, {name: parameter.detach().numpy() for name, parameter in trained.items()})
    return replace(pruned, decoder=model.SerializeToString(deterministic=True))


def _trainable(module: OnnxModule) -> dict[str, torch.nn.Parameter]:
    """Make parameters of a module's weights: by their names in the file."""
    made = {}
    for name, buffer in module.names.items():
        tensor = getattr(module, buffer)
        if tensor.is_floating_point():
            delattr(module, buffer)
            made[name] = torch.nn.Parameter(tensor)
            module.register_parameter(buffer, made[name])
    return made


def _loss(module: OnnxModule, lessons: tuple[Tensor, Tensor, Tensor], rng: torch.Generator) -> Tensor:
    """How far a batch's answers are from the teacher's."""
    chosen = torch.randint(len(lessons[0]), (_BATCH,), generator=rng)
    latent, features, picture = (each[chosen].float() for each in lessons)
    made = dict(zip(module.outputs, module(_spoilt(latent, rng)), strict=True))
    return feature_square(made["features"], features) + _PICTURE * picture_absolute(made["picture"], picture)


@contextmanager
def _one_thread() -> Iterator[None]:
    """More would wait for each other longer than they compute, and their sums differ in the last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _spoilt(latent: Tensor, rng: torch.Generator) -> Tensor:
    """Latents as they come from a memory: a little off."""
    return latent + 0.1 * torch.randn(latent.shape, generator=rng)


def _lessons(teacher: Network, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
    """Latents and what the teacher makes of them, in float16."""
    engine = OpenVinoEngine(teacher, precision="f32")
    engine.open()
    made: list[tuple[Floats, Floats, Floats]] = []
    for at in range(len(pixels)):
        latent = engine.encode(pixels[at : at + 1]).latent
        decoded = engine.decode(latent)
        made.append((latent, decoded.features, decoded.picture))
    engine.close()
    first, second, third = zip(*made, strict=True)
    return _halves(first), _halves(second), _halves(third)


def _halves(parts: tuple[Floats, ...]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.float16))
