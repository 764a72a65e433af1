"""Frames as RFC 27 (https://rfc.zeromq.org/spec/27) has them."""

import zmq
from hypothesis import given
from hypothesis import strategies as st
from zmq.utils import z85

from pipelines.guard.zap import ENDPOINT, read_question, turn_away, welcome

PUBLIC, _ = zmq.curve_keypair()
ASKED = [b"1.0", b"17", b"publish", b"10.0.0.9", b"", b"CURVE", z85.decode(PUBLIC)]


def test_a_question_is_read() -> None:
    question = read_question(ASKED)
    assert question is not None
    assert (question.id, question.domain, question.address, question.key) == (b"17", "publish", "10.0.0.9", PUBLIC)


def test_only_curve_shows_a_key() -> None:
    for asked in ([*ASKED[:5], b"NULL"], [*ASKED[:5], b"PLAIN", b"user", b"password"], [*ASKED[:6], b"short"]):
        question = read_question(asked)
        assert question is not None
        assert question.key is None


def test_answers_have_the_six_frames_of_the_rfc() -> None:
    question = read_question(ASKED)
    assert question is not None
    assert welcome(question, "gate key") == [b"1.0", b"17", b"200", b"OK", b"gate key", b""]
    assert turn_away(b"17", "no") == [b"1.0", b"17", b"400", b"no", b"", b""]
    assert ENDPOINT == "inproc://zeromq.zap.01"


@given(st.lists(st.binary(max_size=40), max_size=9) | st.lists(st.sampled_from(ASKED), max_size=9))
def test_whatever_is_asked_is_read_or_not_understood(frames: list[bytes]) -> None:
    question = read_question(frames)
    if question is not None:
        assert frames[0] == b"1.0"
        assert question.key is None or len(question.key) == 40
