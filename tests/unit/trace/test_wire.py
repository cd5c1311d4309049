"""The wire format, walked, against protobuf's own classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.trace import wire, xplane

NUMBERS = st.integers(0, 2**63 - 1)
EVENTS = st.lists(st.tuples(NUMBERS, NUMBERS, st.text(max_size=200)), max_size=30)
LINES_TAG, EVENTS_TAG = 0x1A, 0x22


def a_line(events: list[tuple[int, int, str]], *, stamp: int = 9, size: int = 4) -> bytes:
    line = xplane.messages().XLine(name="n", id=3, timestamp_ns=stamp, duration_ps=size)
    for start, length, text in events:
        event = line.events.add(metadata_id=1, offset_ps=start, duration_ps=length)
        event.stats.add(metadata_id=2, str_value=text)
    return bytes(line.SerializeToString())


@given(EVENTS, st.integers(1, 400))
def test_pieces_are_messages_that_hold_the_events_in_order(
    events: list[tuple[int, int, str]], longest: int
) -> None:
    data = b"\xff" + a_line(events) + b"\xff"  # what stands around it is not looked at
    rest, ranges, count = wire.pieces(data, 1, len(data) - 1, EVENTS_TAG, longest=longest)
    kind = xplane.messages().XLine
    read = [event for start, end in ranges for event in kind.FromString(data[start:end]).events]
    assert count == len(read) == len(events)
    assert [(one.offset_ps, one.duration_ps, one.stats[0].str_value) for one in read] == events
    head = kind.FromString(rest)
    assert (head.name, head.id, head.timestamp_ns, head.duration_ps, len(head.events)) == (
        "n", 3, 9, 4, 0,
    )  # fmt: skip


def test_no_piece_is_longer_than_asked_by_more_than_an_event() -> None:
    data = a_line([(1, 1, "x" * 50)] * 100)
    _, ranges, _ = wire.pieces(data, 0, len(data), EVENTS_TAG, longest=500)
    assert len(ranges) > 5
    assert max(end - start for start, end in ranges) < 500 + 70


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_take_parts_the_fields_from_the_rest(contents: list[bytes]) -> None:
    data = b"".join(b"\x08\x07" + b"\x1a" + _varint(len(content)) + content for content in contents)
    rest, found = wire.take(data, 0, len(data), LINES_TAG)
    assert [data[start:end] for start, end in found] == contents
    assert rest == b"\x08\x07" * len(contents)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@given(st.integers(0, 2**64 - 1))
def test_numbers_of_any_length(number: int) -> None:
    data = _varint(number) + b"\x55"
    assert wire.varint(data, 0, len(data)) == (number, len(data) - 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",  # a number that does not end
        b"\x80" * 11,
        b"\x1a\x05ab",  # a field that ends behind the message
        b"\x09\x00\x00",  # eight bytes, of which two are there
        b"\x0d\x00",
        b"\x02\x00",  # the field number 0
        b"\x0b",  # a group
        b"\x22\x7f",
        b"\x22",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    for tag in (LINES_TAG, EVENTS_TAG):
        with pytest.raises(wire.Malformed):
            wire.take(data, 0, len(data), tag)
        with pytest.raises(wire.Malformed):
            wire.pieces(data, 0, len(data), tag, longest=100)


@given(st.binary(max_size=60))
def test_any_bytes_are_walked_or_refused(data: bytes) -> None:
    for walk in (
        lambda: wire.take(data, 0, len(data), LINES_TAG),
        lambda: wire.pieces(data, 0, len(data), EVENTS_TAG, longest=10),
    ):
        try:
            walk()
        except wire.Malformed:
            continue


@given(st.binary(max_size=200))
def test_any_bytes_are_a_trace_or_refused(data: bytes) -> None:
    try:
        trace = xplane.parse(data)
        for plane in trace.planes:
            for line in plane.lines:
                list(line.events())
    except xplane.UnreadableTrace as error:
        assert error.hint
