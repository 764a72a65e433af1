"""What Vigil says TensorRT's classes are, held to what they are."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from mypy import api as mypy

from engines.errors import EngineError
from engines.runtime import tensorrt_api
from engines.runtime.tensorrt_api import load_tensorrt

CLASSES = {
    "Builder": "Builder",
    "BuilderConfig": "IBuilderConfig",
    "NetworkDefinition": "INetworkDefinition",
    "Parser": "OnnxParser",
    "Profile": "IOptimizationProfile",
    "Tensor": "ITensor",
    "Runtime": "Runtime",
    "Engine": "ICudaEngine",
    "ExecutionContext": "IExecutionContext",
}
"""Vigil's name, TensorRT's name."""
USED = """
from engines.runtime import tensorrt_api as api
import tensorrt as trt

{functions}

trt.MemoryPoolType.WORKSPACE, trt.BuilderFlag.TF32, trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
trt.ExecutionContextAllocationStrategy.USER_MANAGED, trt.TensorIOMode.INPUT, trt.DataType.UINT8, trt.DataType.FLOAT
trt.Builder(trt.Logger()), trt.OnnxParser(trt.INetworkDefinition(), trt.Logger()), trt.Runtime(trt.Logger())
trt.Dims([1, 2]), trt.ITimingCache().serialize(), trt.ParserError().desc()
"""


HELPERS = {
    "BuilderFlag",
    "DataType",
    "Dims",
    "ExecutionContextAllocationStrategy",
    "IHostMemory",
    "ILogger",
    "ITimingCache",
    "Logger",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "ParserError",
    "TensorIOMode",
}


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classes in use out of `tensorrt-stubs`, whose file as a whole is no Python that mypy can read.

    Types of the other classes count as unknown, so that mypy has little to read.
    """
    installed = Path(sys.prefix) / "stubs" / "tensorrt_bindings" / "tensorrt.pyi"
    if not installed.exists():
        pytest.skip("tensorrt-stubs is not installed beside the environment (make check does it)")
    blocks = re.split(r"^(?=class )", installed.read_text(), flags=re.MULTILINE)
    wanted = {*CLASSES.values(), *HELPERS}
    kept = [block for block in blocks if re.split(r"\W", block.removeprefix("class "))[0] in wanted]
    assert len(kept) == len(wanted)
    folder = tmp_path_factory.mktemp("stubs")
    header = "# mypy: ignore-errors\nimport typing\nimport typing_extensions\nimport collections.abc\n"
    (folder / "tensorrt.pyi").write_text(
        header + "".join(kept).replace("channel_axis: int)", "channel_axis: int = ...)")
    )
    return folder


def test_types_are_those_of_tensorrt_10(stubs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = CLASSES.items()
    functions = "\n".join(f"def of_{ours}(it: trt.{theirs}) -> api.{ours}: return it" for ours, theirs in pairs)
    use = stubs / "use.py"
    use.write_text(USED.format(functions=functions))
    monkeypatch.setenv("MYPYPATH", f"{stubs}:{Path(tensorrt_api.__file__).parents[2]}")
    options = ["--config-file=", "--explicit-package-bases", "--follow-imports=silent", "--cache-dir", str(stubs)]
    told, trouble, status = mypy.run([*options, "--no-error-summary", str(use)])
    assert (told, trouble, status) == ("", "", 0)


@pytest.mark.parametrize("ours", sorted(CLASSES))
def test_members_are_those_of_the_tensorrt_that_is_here(ours: str) -> None:
    try:
        module: Any = load_tensorrt("tensorrt_rtx").module
    except EngineError as error:
        pytest.skip(str(error))
    theirs = getattr(module, CLASSES[ours])
    described = getattr(tensorrt_api, ours)
    members = {name for name in (*vars(described), *described.__annotations__) if not name.startswith("_")}
    assert members
    assert {name for name in members if not hasattr(theirs, name)} == set()
