"""``vigil keys``, and the settings that name what it makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.config import load_config
from daemon.errors import SettingsError
from pipelines.guard.allowlist import AllowList
from pipelines.guard.keyfiles import make_pair, read_client, read_public

CAMERA = '[[cameras]]\nname = "gate"\nsource = "rtsp://10.0.0.7/1"\nprofile = "gate.vigil"\n'


def vigil(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.vigil").touch()
    return tmp_path


def settings(folder: Path, publish: str) -> Path:
    file = folder / "vigil.toml"
    file.write_text(f"[publish]\n{publish}\n{CAMERA}")
    return file


def names(folder: Path) -> set[str]:
    allow = AllowList(folder / "keys")
    allow.reload()
    return set(allow.names.values())


def test_a_new_key_is_allowed_and_says_whom_to_trust(folder: Path) -> None:
    assert vigil("keys", "new", "control-room") == 0
    assert names(folder) == {"control-room"}
    assert (folder / "control-room.key_secret").stat().st_mode & 0o777 == 0o600
    assert (folder / "keys" / "server.key_secret").stat().st_mode & 0o777 == 0o600
    assert read_client(folder / "control-room.key_secret").server == read_public(folder / "keys" / "server.key")
    assert not list((folder / "keys" / "allowed").glob("*secret*"))


def test_a_revoked_key_is_listed_as_such(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vigil("keys", "new", "one")
    vigil("keys", "new", "two")
    assert vigil("keys", "revoke", "one") == 0
    assert names(folder) == {"two"}
    capsys.readouterr()
    vigil("keys", "list", "--json")
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["state"]) for row in rows] == [("two", "allowed"), ("one", "revoked")]


def test_a_subscriber_may_make_its_key_itself(folder: Path) -> None:
    make_pair(folder / "own.key_secret")
    assert vigil("keys", "allow", "archive", "own.key") == 0
    assert names(folder) == {"archive"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new", "../x"), "expected a name"),
        (("new", "one"), "has a key one already"),
        (("new", "three", "--out", "x"), "ends with .key_secret"),
        (("revoke", "nobody"), "no key nobody may connect"),
        (("allow", "three", "gate.vigil"), "is no key file"),
        (("list", "--keys", "elsewhere"), "is no folder of keys"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    vigil("keys", "new", "one")
    capsys.readouterr()
    assert vigil("keys", *arguments) in (1, 2)
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_settings_find_the_keys(folder: Path) -> None:
    vigil("keys", "new", "one")
    config = load_config(settings(folder, 'endpoint = "tcp://*:5557"\nkeys = "keys"'))
    assert config.keyring is not None
    assert config.keyring.folder == folder / "keys"
    assert config.keyring.pair.secret.decode() not in repr(config)


def test_the_daemons_key_may_be_a_credential(folder: Path) -> None:
    vigil("keys", "new", "one")
    (folder / "keys" / "server.key_secret").rename(folder / "server-key")
    file = settings(folder, 'keys = "keys"\nserver_key = "$CREDENTIALS_DIRECTORY/server-key"')
    assert load_config(file, {"CREDENTIALS_DIRECTORY": str(folder)}).keyring is not None


@pytest.mark.parametrize(
    ("publish", "told"),
    [
        ('endpoint = "tcp://*:5557"', "publish.endpoint: .* can be reached from other machines"),
        ('endpoint = "tcp://192.168.1.5:5557"', "open_to_all = true"),
        ('keys = "keys"', "publish.keys: .*vigil keys new"),
        ('server_key = "x"', "expected the folder of allowed keys"),
    ],
)
def test_an_address_is_not_opened_to_all_unawares(folder: Path, publish: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_config(settings(folder, publish))


def test_a_word_in_the_settings_opens_it(folder: Path) -> None:
    assert load_config(settings(folder, 'endpoint = "tcp://*:5557"\nopen_to_all = true')).keyring is None
