"""Clips: coded like a camera's stream, with the truth beside them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.errors import SourceError, SourceRefused
from pipelines.simulation.encode import Encoder, encode_scene
from pipelines.simulation.scene import Scene, plan_anomalies
from pipelines.simulation.sidecar import ClipTruth, frame_instances, load_masks, load_truth


def test_a_clip_has_a_key_frame_each_second_and_no_reordering(planted_clip: tuple[Path, ClipTruth]) -> None:
    with av.open(str(planted_clip[0])) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert len(packets) == 180
    assert [i for i, packet in enumerate(packets) if packet.is_keyframe] == list(range(0, 180, 15))
    assert all(packet.pts == packet.dts for packet in packets)


def test_a_clip_shows_the_scene(clip: Path) -> None:
    scene = Scene(3, seed=1, size=(160, 96))
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in {3, 20}:
                error = frame.to_ndarray(format="rgb24").astype(int) - scene.frame(index)
                assert np.abs(error).mean() < 8


def test_the_truth_beside_a_clip_is_that_of_the_scene(planted_clip: tuple[Path, ClipTruth]) -> None:
    path, written = planted_clip
    truth = load_truth(path)
    assert truth == written
    masks = load_masks(path, truth)
    scene = Scene(5, seed=1, anomalies=plan_anomalies(5, 120, seed=1), size=(160, 96))
    assert truth.flagged.any()
    assert not truth.flagged.all()
    for index in (0, 60, 100, 179):
        expected = scene.truth(index)
        assert truth.flagged[index] == expected.flagged
        assert frame_instances(truth, index) == expected.instances
        np.testing.assert_array_equal(masks.get(index, np.zeros((96, 160))), expected.mask)


def test_the_truth_tells_what_is_planted_at_a_time(planted_clip: tuple[Path, ClipTruth]) -> None:
    _, truth = planted_clip
    first = truth.planted[0]
    assert truth.during((first.first_s + first.last_s) / 2) == (first,)
    assert truth.during(first.first_s - 0.5) == ()
    assert truth.during(first.first_s - 0.5, slack_s=1.0) == (first,)


def test_progress_is_told_for_every_frame(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    encode_scene(
        Scene(5, 1, size=(96, 64)), tmp_path / "a.mp4", 0.4, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(i, 6) for i in range(1, 7)]


def test_a_clip_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot write video"):
        Encoder(tmp_path / "absent" / "a.mp4", (96, 64), 15)


def test_a_clip_without_truth_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="not the truth of a clip"):
        load_truth(tmp_path / "a.mp4")
