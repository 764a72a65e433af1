import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.config import CameraSettings, Config, Settings, load_config
from daemon.probes import HttpSettings
from pipelines.guard.keyfiles import make_pair
from pipelines.publish import PublishSettings
from pipelines.replay import ReplaySettings
from tests.certificates import make_certificate
from tests.systemd.exporter import ROOT, SYSTEMD

EXAMPLE = SYSTEMD / "vigil.toml"
SECTIONS = ("events", "health")
"""Tables that a camera may have of its own."""
KEY = re.compile(r"^#([\w.\[]+[\] =])", re.MULTILINE)
"""A key or table that is written as an example only."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The example where an operator would have put it, with the profiles and the secret that it names."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "car-park").write_text("rtsp://viewer:secret@192.168.1.21/stream2\n")
    text = EXAMPLE.read_text()
    (tmp_path / "keys").mkdir()
    make_pair(tmp_path / "keys" / "server.key_secret")
    for profile in re.findall(r'^profile = "/var/lib/vigil/(.+)"', text, re.MULTILINE):
        (tmp_path / profile).touch()
    (tmp_path / "credentials" / "http-token").write_text("a token\n")
    (tmp_path / "credentials" / "http-password").write_text("prometheus:a password\n")
    make_certificate(tmp_path / "http.pem", tmp_path / "http.key")
    file = tmp_path / "vigil.toml"
    file.write_text(text.replace("/var/lib/vigil/", f"{tmp_path}/").replace("/etc/vigil/", f"{tmp_path}/"))
    return file


def load(file: Path) -> Config:
    return load_config(file, environ={})


def test_the_example_loads_as_it_is(installed: Path) -> None:
    cameras = load(installed).cameras
    assert [camera.name for camera in cameras] == ["entrance", "car-park"]
    assert "secret" not in str([camera.source.label for camera in cameras])


def test_the_values_shown_are_the_defaults(installed: Path) -> None:
    settings = load(installed).settings
    only_cameras = Settings(cameras=settings.cameras)
    assert settings == only_cameras
    entrance, car_park = settings.cameras
    names = {"name", "source", "source_file", "profile"}
    defaults = [f for f in CameraSettings.__struct_fields__ if f not in names]
    assert [getattr(entrance, f) for f in defaults] == [getattr(car_park, f) for f in defaults]


def test_the_keys_that_are_examples_only_load_too(installed: Path) -> None:
    text = installed.read_text()
    assert KEY.findall(text)
    installed.write_text(KEY.sub(r"\1", text))
    entrance, car_park = load(installed).cameras
    assert entrance.threshold == 4.5
    assert car_park.events.min_frames == 3
    assert car_park.health.ignore == ("moved",)
    assert [(zone.name, zone.weight) for zone in car_park.zones] == [("street", 0)]
    assert len(car_park.masks) == 1


def test_every_key_of_every_settings_struct_is_in_the_example() -> None:
    written = tomllib.loads(KEY.sub(r"\1", EXAMPLE.read_text()))
    cameras: dict[str, Any] = {}
    for camera in written.pop("cameras"):
        cameras |= camera
    for section in SECTIONS:  # the keys of [events] and [health] again
        cameras.pop(section)
    assert set(paths(written)) | {f"cameras.{key}" for key in cameras} == set(known())


def paths(table: Mapping[str, Any], start: str = "") -> Iterator[str]:
    """``engine.runtime`` and so on, of a parsed file."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from paths(value, f"{start}{key}.")
        else:
            yield start + key


def known(struct: type[msgspec.Struct] = Settings, start: str = "") -> Iterator[str]:
    """The same, of the settings that the daemon knows."""
    for field in msgspec.structs.fields(struct):
        if field.name == "cameras":
            yield from known(CameraSettings, "cameras.")
        elif isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from known(field.type, f"{start}{field.name}.")
        elif start + field.name not in {f"cameras.{section}" for section in SECTIONS}:
            yield start + field.name


@pytest.mark.parametrize("file", ["systemd/prometheus/prometheus.yml", "docs/operations.md"])
def test_addresses_told_elsewhere_are_the_defaults(file: str) -> None:
    told = set(re.findall(r"127\.0\.0\.1:(\d+)", (ROOT / file).read_text())) - {"9093"}  # the Alertmanager's
    sockets = (PublishSettings().endpoint, ReplaySettings().endpoint)
    assert told <= {str(HttpSettings().port), *(endpoint.rpartition(":")[2] for endpoint in sockets)}
    assert str(HttpSettings().port) in told
