from __future__ import annotations

import re
from importlib import resources
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from daemon.commands import train
from daemon.commands.enrol import EnrolOptions, enrol
from daemon.commands.train import FRAME_SIZE, TrainOptions, footage, generated, train_command
from engines.errors import EngineError
from engines.learning.recipe import read_recipe
from engines.network.files import Network, shared_network
from engines.profile import Profile
from pipelines.errors import SourceError
from pipelines.sources.spec import parse_source
from tests.pipelines.sources.numbered import number_of, numbered_video


def options(out: Path, **changed: object) -> TrainOptions:
    usual = {"sources": (), "out": out, "recipe": None, "work": None, "as_json": False}
    return TrainOptions(**(usual | changed))  # type: ignore[arg-type]


def enrol_options(clip: Path, out: Path, network: Path) -> EnrolOptions:
    usual = {"sources_file": None, "minutes": None, "fps": None, "false_alarms_per_day": 24.0, "as_json": True}
    return EnrolOptions(sources=(str(clip),), out=out, network=network, **usual)  # type: ignore[arg-type]


@pytest.fixture
def small_recipe(tmp_path: Path) -> Path:
    small = {"pictures": 8, "photographs": 0.0, "frames": 1.0, "steps": 2, "batch": 2}
    text = resources.files("engines.learning").joinpath("recipe.toml").read_text()
    for key, value in small.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    path = tmp_path / "small.toml"
    path.write_text(text)
    return path


def test_footage_comes_by_turns_and_sparsely(tmp_path: Path) -> None:
    long = numbered_video(tmp_path / "long.mp4", 100)
    short = numbered_video(tmp_path / "short.mp4", 25)
    frames = list(footage([parse_source(str(path)) for path in (long, short)]))
    assert {frame.shape for frame in frames} == {(*FRAME_SIZE, 3)}
    assert [number_of(frame) for frame in frames] == [0, 0, 20, 20, 40, 60, 80]


def test_the_generated_scene_shows_other_views_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "FRAMES_OF_A_VIEW", 2)
    first, later, other = islice(generated(), 3)
    assert abs(first.astype(int) - later).mean() < abs(first.astype(int) - other).mean()


def test_trains_on_footage_and_writes_a_network_that_cameras_can_be_enrolled_with(
    small_recipe: Path, tmp_path: Path, normal_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript", reason="needs the learn extra")
    video = numbered_video(tmp_path / "a.mp4", 30)
    train_command(options(tmp_path / "net", sources=(str(video),), recipe=small_recipe, as_json=True))
    network = Network.load(tmp_path / "net")
    assert msgspec.json.decode(capsys.readouterr().out)["network"] == network.id
    assert network.provenance["recipe_id"] == read_recipe(small_recipe).id
    enrol(enrol_options(normal_clip, tmp_path / "a.vigil", tmp_path / "net"))
    assert Profile.load(tmp_path / "a.vigil").network.id == network.id != shared_network().id


def test_a_network_that_is_not_there_is_told_before_the_long_work(tmp_path: Path, normal_clip: Path) -> None:
    with pytest.raises(EngineError, match=r"encoder\.onnx"):
        enrol(enrol_options(normal_clip, tmp_path / "a.vigil", tmp_path / "none"))


def test_missing_footage_is_told_before_the_long_work(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.mp4"):
        train_command(options(tmp_path, sources=(str(tmp_path / "none.mp4"),)))


def test_a_bad_recipe_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("seed = 1")
    with pytest.raises(EngineError, match=r"bad\.toml"):
        train_command(options(tmp_path, recipe=tmp_path / "bad.toml"))
