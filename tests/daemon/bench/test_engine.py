"""What the engine is held against."""

from __future__ import annotations

import importlib

import numpy as np

from daemon.bench.arithmetic import Peak, cost, flop, operations
from daemon.bench.engine import opened, pass_of
from daemon.bench.figures import Bar
from engines.network.files import shared_network
from engines.runtime.core import openvino_core
from engines.runtime.select import EngineSettings, select_engine


def test_operations_are_those_of_convolutions_and_products() -> None:
    openvino_core()  # first of all: it keeps the import from calling home
    ov = importlib.import_module("openvino")
    given = ov.opset13.parameter([1, 8, 10, 10], np.float32)
    plain = ov.opset13.convolution(given, np.ones((16, 8, 3, 3), np.float32), [1, 1], [1, 1], [1, 1], [1, 1])
    grouped = ov.opset13.group_convolution(plain, np.ones((16, 1, 1, 5, 5), np.float32), [2, 2], [2, 2], [2, 2], [1, 1])
    product = ov.opset13.matmul(grouped, np.ones((5, 7), np.float32), False, False)
    expected = 2 * (16 * 100 * 8 * 9) + 2 * (16 * 25 * 25) + 2 * (16 * 5 * 7 * 5)
    assert operations(ov.Model([product], [given])) == expected


def test_a_product_of_matrices_is_a_roof_for_the_engine() -> None:
    network = shared_network()
    with opened(select_engine(network, EngineSettings(precision="f32", threads=1))) as engine:
        frame = cost(pass_of(engine, 1), 0.2)
        _, peak = Peak("f32", 1).measure(0.2)
    assert 0.05 < flop(network) / frame.cpu_s / peak < 1.2


def test_a_bar_is_met_between_its_ends_and_never_without_a_figure() -> None:
    assert Bar(row="a", what="", value=4.0, least=4.0).met
    assert not Bar(row="d", what="", value=1.1, most=1.0).met
    assert not Bar(row="e", what="", value=float("nan"), most=300.0).met
