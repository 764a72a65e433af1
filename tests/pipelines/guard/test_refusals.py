import logging

import pytest

from pipelines.guard import refusals
from pipelines.guard.exposure import is_exposed, is_wide
from pipelines.guard.refusals import Reason, Refusals


@pytest.fixture
def counted() -> list[Reason]:
    return []


def test_each_is_counted_and_the_first_of_a_kind_told(counted: list[Reason], caplog: pytest.LogCaptureFixture) -> None:
    door = Refusals("publish", counted.append)
    for _ in range(50):
        door.note("no_key", "10.0.0.9", "no key")
    door.note("too_long", "10.0.0.9", "100 MB")
    assert counted == ["no_key"] * 50 + ["too_long"]
    assert [record.message for record in caplog.records] == [
        "publish: refused 10.0.0.9: no key",
        "publish: refused 10.0.0.9: 100 MB",
    ]


def test_the_rest_is_told_in_sum(
    counted: list[Reason], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Refusals("publish", counted.append)
    for _ in range(50):
        door.note("no_key", "10.0.0.9", "no key")
    monkeypatch.setattr(refusals, "_WINDOW_S", 0.0)
    door.tell()
    door.tell()
    assert [record.message.replace(" 0 s", " 10 s") for record in caplog.records] == [
        "publish: refused 10.0.0.9: no key",
        "publish: refused 10.0.0.9 49 times more in 10 s: no_key",
    ]


def test_a_thousand_addresses_do_not_flood_the_log(
    counted: list[Reason], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Refusals("publish", counted.append)
    for number in range(100_000):
        door.note("no_key", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "no key")
    assert len(counted) == 100_000
    assert len(caplog.records) <= 20
    monkeypatch.setattr(refusals, "_WINDOW_S", 0.0)
    with caplog.at_level(logging.WARNING):
        door.tell()
    assert len(caplog.records) <= 41
    assert "other addresses" in caplog.records[-1].message


@pytest.mark.parametrize(
    ("endpoint", "exposed"),
    [
        ("tcp://127.0.0.1:5557", False),
        ("tcp://127.8.8.8:5557", False),
        ("tcp://[::1]:5557", False),
        ("tcp://localhost:5557", False),
        ("tcp://lo:5557", False),
        ("ipc:///run/vigil/alerts", False),
        ("tcp://*:5557", True),
        ("tcp://0.0.0.0:5557", True),
        ("tcp://[::]:5557", True),
        ("tcp://192.168.1.5:5557", True),
        ("tcp://eth0:5557", True),
        ("tcp://127.0.0.1.example.org:5557", True),
    ],
)
def test_what_others_can_reach(endpoint: str, exposed: bool) -> None:
    assert is_exposed(endpoint) is exposed


def test_an_empty_address_is_wide() -> None:
    assert is_wide("")
