from __future__ import annotations

from daemon.pulse import Pulse


def test_it_is_whole_until_something_is_amiss_and_again_when_that_is_mended() -> None:
    pulse = Pulse()
    assert pulse.whole().ok
    pulse.amiss("settings", "cannot be read")
    pulse.amiss("journal", "the disk is full")
    pulse.amiss("settings", "line 3")
    assert pulse.whole().reasons == ("journal: the disk is full", "settings: line 3")
    assert pulse.whole().reason == "journal: the disk is full; settings: line 3"
    pulse.well("journal")
    pulse.well("never amiss")
    assert not pulse.whole().ok
    pulse.well("settings")
    assert pulse.whole().ok
