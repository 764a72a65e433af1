from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.config import Config, load_config
from daemon.errors import SettingsError

CAMERA = '[[cameras]]\nname = "gate"\nsource = "rtsp://10.0.0.7/stream1"\nprofile = "gate.vigil"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gate.vigil").write_bytes(b"")
    return tmp_path


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    path = folder / "vigil.toml"
    path.write_text(text)
    return load_config(path, environ or {})


def error_of(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return str(caught.value)


def test_a_camera_needs_a_name_a_source_and_a_profile_and_no_more(folder: Path) -> None:
    config = load(folder, CAMERA)
    (camera,) = config.cameras
    assert (camera.name, camera.fps, camera.transport) == ("gate", 5.0, "tcp")
    assert camera.source.label == "rtsp://10.0.0.7/stream1"
    assert camera.profile == folder / "gate.vigil"
    assert config.settings.publish.endpoint == "tcp://127.0.0.1:5557"
    assert config.settings.http.address == "127.0.0.1"


def test_paths_are_relative_to_the_settings_file(folder: Path) -> None:
    text = CAMERA.replace("rtsp://10.0.0.7/stream1", "clips/a.mp4#t=1,2")
    (camera,) = load(folder, text).cameras
    assert camera.source.location == str(folder / "clips/a.mp4")
    assert (camera.source.start_s, camera.source.end_s) == (1, 2)


def test_a_camera_overrides_single_keys_of_events(folder: Path) -> None:
    text = "[events]\ncooldown_s = 7\nmin_frames = 3\n" + CAMERA + "[cameras.events]\nmin_frames = 2\n"
    (camera,) = load(folder, text).cameras
    assert (camera.events.cooldown_s, camera.events.min_frames) == (7, 2)


def test_a_camera_has_zones_and_masks_in_shares_of_its_picture(folder: Path) -> None:
    zone = '[[cameras.zones]]\nname = "Straße 2"\npolygon = [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]\nweight = 0\n'
    mask = "[[cameras.masks]]\npolygon = [[0, 0], [0.25, 0], [0.25, 0.25]]\n"
    (camera,) = load(folder, CAMERA + zone + mask).cameras
    assert [(zone.name, zone.weight) for zone in camera.zones] == [("Straße 2", 0)]
    assert camera.masks[0].polygon == ((0, 0), (0.25, 0), (0.25, 0.25))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "vigil.toml: cameras: missing; expected at least one [[table]]"),
        ("cameras = []", "vigil.toml: cameras: expected at least one [[table]], got an empty list"),
        (CAMERA + 'fps = "fast"', 'vigil.toml: cameras[0].fps: expected a number from 0.5 to 60, got "fast"'),
        (
            CAMERA + '[[cameras.zones]]\nname = "a"\npolygon = [[0, 0], [1, 0], [1, 1.2]]',
            "vigil.toml: cameras[0].zones[0].polygon[2][1]: expected a number from 0 to 1, got 1.2",
        ),
        (
            CAMERA + '[[cameras.zones]]\nname = "a"\npolygon = [[0, 0], [1, 0], [1]]',
            "vigil.toml: cameras[0].zones[0].polygon[2]: expected [x, y], each a number from 0 to 1, got a list of 1",
        ),
        (
            CAMERA + '[[cameras.zones]]\nname = "a"\npolygon = "left"',
            'vigil.toml: cameras[0].zones[0].polygon: expected a list of [x, y], each a number from 0 to 1, got "left"',
        ),
        (
            CAMERA + '[[cameras.zones]]\nname = "a"\npolygon = [[0, 0], [1, 1], [1, 0], [0, nan]]',
            "vigil.toml: cameras[0].zones[0].polygon[3][1]: expected a number from 0 to 1, got nan",
        ),
        (
            CAMERA + "[[cameras.masks]]\npolygon = [[0, 0], [1, 1], [1, 0], [0, 1]]",
            "vigil.toml: cameras[0].masks[0].polygon: expected a line that goes round without crossing itself, "
            "got one whose sides 1 and 3 cross",
        ),
        (
            CAMERA + '[[cameras.masks]]\nname = "a"\npolygon = []',
            "vigil.toml: cameras[0].masks[0].name: unknown key; expected polygon",
        ),
        (
            CAMERA + '[[cameras.zones]]\nname = "a"\nweight = 3\npolygon = [[0, 0], [1, 1], [1, 0]]',
            "vigil.toml: cameras[0].zones[0].weight: expected a number from 0 to 2, got 3",
        ),
        (
            CAMERA + '[[cameras.zones]]\nname = " a"\npolygon = [[0, 0], [1, 1], [1, 0]]',
            "vigil.toml: cameras[0].zones[0].name: expected 1 to 64 letters, digits, spaces, dots, - or _, "
            'the first a letter or digit, got " a"',
        ),
        (CAMERA + "fsp = 5", 'vigil.toml: cameras[0].fsp: unknown key; did you mean "fps"?'),
        (CAMERA + "[htpp]\nport = 1", 'vigil.toml: htpp: unknown key; did you mean "http"?'),
        (CAMERA + "[http]\nport = 70000", "vigil.toml: http.port: expected a whole number from 0 to 65535, got 70000"),
        (CAMERA + CAMERA, 'vigil.toml: cameras[1].name: expected a name of its own, got "gate" a second time'),
        (
            CAMERA.replace('"gate"', '"a b"'),
            "vigil.toml: cameras[0].name: expected 1 to 64 letters, digits, - or _, the first a letter or digit, "
            'got "a b"',
        ),
        (CAMERA.replace('name = "gate"\n', ""), "vigil.toml: cameras[0].name: missing; expected 1 to 64 letters"),
        (CAMERA.replace("source =", "# source ="), "vigil.toml: cameras[0].source: expected either source or source_"),
        (
            CAMERA + 'source_file = "x"',
            "vigil.toml: cameras[0].source: expected either source or source_file, got both",
        ),
        (CAMERA.replace("stream1", "stream1#t=9,2"), "vigil.toml: cameras[0].source: rtsp://10.0.0.7/stream1: "),
        (
            CAMERA.replace("gate.vigil", "gone.vigil"),
            "vigil.toml: cameras[0].profile: expected a profile made by vigil",
        ),
        (CAMERA + '[cameras.events]\nmin_frames = "x"', "vigil.toml: cameras[0].events.min_frames: expected a whole"),
        ("[[cameras]\n", "vigil.toml: is not TOML: "),
        ("a = 1\na = 2\n", "(at line 2"),
    ],
)
def test_an_error_names_file_key_and_expectation_in_one_line(folder: Path, text: str, told: str) -> None:
    error = error_of(folder, text)
    assert told in error
    assert len(error.splitlines()) == 1


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_config(tmp_path / "gone.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"x\.toml: is not UTF-8 text"):
        load_config(tmp_path / "x.toml")


class TestSecrets:
    URL = "rtsp://admin:hunter2@10.0.0.7/stream1"

    def test_a_source_can_be_read_from_a_file(self, folder: Path) -> None:
        (folder / "gate.url").write_text(self.URL + "\n")
        text = CAMERA.replace('source = "rtsp://10.0.0.7/stream1"', 'source_file = "gate.url"')
        (camera,) = load(folder, text).cameras
        assert camera.source.location == self.URL
        assert "hunter2" not in camera.source.label

    def test_a_systemd_credential_is_such_a_file(self, folder: Path) -> None:
        (folder / "secret").mkdir()
        (folder / "secret" / "gate").write_text(self.URL)
        text = CAMERA.replace('source = "rtsp://10.0.0.7/stream1"', 'source_file = "$CREDENTIALS_DIRECTORY/gate"')
        config = load(folder, text, {"CREDENTIALS_DIRECTORY": str(folder / "secret")})
        assert config.cameras[0].source.location == self.URL
        assert "is set by systemd only" in error_of(folder, text)

    def test_an_empty_or_missing_one_is_an_error(self, folder: Path) -> None:
        text = CAMERA.replace('source = "rtsp://10.0.0.7/stream1"', 'source_file = "gate.url"')
        assert "cannot be read: No such file" in error_of(folder, text)
        (folder / "gate.url").write_text("\n" + self.URL)
        assert "got an empty line" in error_of(folder, text)

    @pytest.mark.parametrize("key", ["name", "fps", "transport", "profile", "nonsense"])
    def test_no_error_shows_one_wherever_it_was_written(self, folder: Path, key: str) -> None:
        lines = [line for line in CAMERA.splitlines() if not line.startswith(key)]
        text = "\n".join([*lines, f'{key} = "{self.URL}"'])
        assert "hunter2" not in error_of(folder, text)

    def test_not_even_a_malformed_file_shows_one(self, folder: Path) -> None:
        assert "hunter2" not in error_of(
            folder, f'[[cameras]]\nsource = "{self.URL}#t=9,1"\nname = "a"\nprofile="gate.vigil"'
        )
        assert "hunter2" not in error_of(folder, f"source = {self.URL}")


def assert_one_line(attempt: Callable[[], object]) -> None:
    """It works, or raises a settings error of one line."""
    error = ""
    try:
        attempt()
    except SettingsError as caught:
        error = str(caught)
    assert len(error.splitlines()) <= 1


pieces = st.sampled_from(
    ["[[cameras]]", "name", "=", '"gate"', "source", '"rtsp://u:p@h/"', "profile", '"gate.vigil"', "fps", "5", "\n",
     "[http]", "port", "[events]", "{", "}", "[", "]", "'", '"~nobody/x"', '"\\u0000"', "true", "1e999", "nan", ","]
)  # fmt: skip


@given(st.lists(pieces, max_size=30).map(" ".join) | st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file_holds_only_a_settings_error_comes_out(folder: Path, text: str) -> None:
    path = folder / "vigil.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    assert_one_line(lambda: load_config(path, {}))


@given(st.text(max_size=30), st.text(max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_paths_are(folder: Path, source: str, profile: str) -> None:
    def quoted(text: str) -> str:
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in text if not 0xD800 <= ord(letter) < 0xE000) + '"'

    text = f'[[cameras]]\nname = "a"\nsource = {quoted(source)}\nprofile = {quoted(profile)}\n'
    assert_one_line(lambda: load(folder, text))


def test_a_path_that_cannot_be_one_is_a_settings_error(folder: Path) -> None:
    assert "cameras[0].profile" in error_of(folder, CAMERA.replace("gate.vigil", "~nobody-at-all/x"))
    assert "cameras[0].profile" in error_of(folder, CAMERA.replace("gate.vigil", "a\\u0000b"))
    assert "cameras[0].source" in error_of(folder, CAMERA.replace("rtsp://10.0.0.7/stream1", "a\\u0000b"))


TEXTS = (
    'engine.cache = "{}"',
    'http.address = "{}"',
    'http.certificate = "{}"\nhttp.certificate_key = "{}"',
    'http.password_file = "{}"',
    'http.token_file = "{}"',
    'journal.folder = "~{}"',
    'log.level = "{}"',
    'publish.endpoint = "tcp://0.0.0.0:{}"',
    'publish.keys = "{}"',
    'publish.keys = "x"\npublish.server_key = "{}"',
    'replay.endpoint = "{}"',
    '"{}" = 1',
    "fps = 0x{}",
    "a.{}.b = 1\na.{}.b = 2",
    "{} = ",
)


@pytest.mark.parametrize("key", ["name", "source", "source_file", "profile", "transport"])
@pytest.mark.parametrize("value", ["a" * 70_000, "../?" * 20_000, "rt hunter2@cam/1" + "b" * 300])
def test_a_message_is_short_and_tells_no_secret_whatever_a_camera_says(folder: Path, key: str, value: str) -> None:
    lines = [line for line in CAMERA.splitlines() if not line.startswith((key, "source" if "source" in key else key))]
    check_message(folder, "\n".join([*lines, f'{key} = "{value}"']))


@pytest.mark.parametrize("text", TEXTS)
def test_a_message_is_short_whatever_is_written(folder: Path, text: str) -> None:
    check_message(folder, text.replace("{}", "a" * 70_000) + "\n" + CAMERA)


def check_message(folder: Path, text: str) -> None:
    try:
        config = load(folder, text)
    except SettingsError as error:
        told = str(error)
    else:
        told = config.cameras[0].source.label
    assert len(told) < 1_000
    assert "hunter2" not in told
