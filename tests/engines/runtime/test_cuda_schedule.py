"""The order in which frames pass through the ring, whatever the sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engines.runtime.cuda_schedule import Step, largest_piece, pieces, schedule, sizes_up_to

counts = st.integers(0, 300)
largest = st.sampled_from((1, 2, 4, 8, 16, 32))
slots = st.integers(1, 5)


@given(counts, largest)
def test_pieces_cover_every_frame_once_in_sizes_that_have_a_graph(count: int, most: int) -> None:
    cut = pieces(count, most)
    assert [frame for start, size in cut for frame in range(start, start + size)] == list(range(count))
    assert {size for _, size in cut} <= set(sizes_up_to(most))


@given(counts, largest, slots)
def test_a_slot_is_drained_before_it_is_filled_again_and_in_the_end(count: int, most: int, ring: int) -> None:
    held: dict[int, Step] = {}
    drained = 0
    for step in schedule(count, most, ring):
        assert 0 <= step.slot < ring
        if step.what == "fill":
            assert step.slot not in held
            held[step.slot] = step
        else:
            filled = held.pop(step.slot)
            assert (filled.start, filled.size) == (step.start, step.size)
            drained += step.size
    assert not held
    assert drained == count


@given(counts, largest, slots)
def test_the_host_waits_only_when_the_ring_is_full_or_all_is_given(count: int, most: int, ring: int) -> None:
    held, left = 0, len(pieces(count, most))
    for step in schedule(count, most, ring):
        if step.what == "drain":
            assert held == ring or left == 0
            held -= 1
        else:
            held, left = held + 1, left - 1


@given(st.integers(1, 300), slots)
def test_a_full_batch_fills_the_ring(most: int, ring: int) -> None:
    size = largest_piece(most, ring)
    assert size in sizes_up_to(most)
    assert len(pieces(most, size)) >= min(most, ring)


def test_two_slots_take_turns() -> None:
    told = [(step.what, step.slot, step.start, step.size) for step in schedule(13, 4, 2)]
    assert told == [
        ("fill", 0, 0, 4),
        ("fill", 1, 4, 4),
        ("drain", 0, 0, 4),
        ("fill", 0, 8, 4),
        ("drain", 1, 4, 4),
        ("fill", 1, 12, 1),
        ("drain", 0, 8, 4),
        ("drain", 1, 12, 1),
    ]
