"""Protobuf's wire format, walked without building messages.

A message is a row of fields; each is a tag (the field's number and one of four kinds) and a value
whose length the kind tells. Since repeated fields are simply concatenated, a slice of a message
that begins and ends between two fields is a message itself: so a line of a million events can be
read a few thousand at a time, with the generated classes, at a bounded memory.

Positions are offsets into the file's bytes; every range is half-open.
"""

from __future__ import annotations

Range = tuple[int, int]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Malformed(ValueError):
    """Bytes that are no message, or the beginning of one."""


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at`, and where it ends; raises Malformed where it does not end by `end`."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("a number without an end")


def _skip(data: bytes, at: int, end: int) -> int:
    """Where the field at `at` ends."""
    tag, at = varint(data, at, end)
    kind = tag & 7
    if tag < 8:
        raise Malformed("a field with the number 0")
    if kind == _VARINT:
        _, at = varint(data, at, end)
    elif kind == _BYTES:
        size, at = varint(data, at, end)
        at += size
    elif kind in (_FIXED64, _FIXED32):
        at += 8 if kind == _FIXED64 else 4
    else:
        raise Malformed("a field of an unknown kind")
    if at > end:
        raise Malformed("a field that ends behind its message")
    return at


def take(data: bytes, start: int, end: int, tag: int) -> tuple[bytes, list[Range]]:
    """The payloads of every field `tag` (one byte, of a kind with a length), and all the rest.

    The rest is a message: the one in [start, end) without these fields. Raises Malformed.
    """
    payloads: list[Range] = []
    rest: list[bytes] = []
    at = kept = start
    while at < end:
        if data[at] != tag:
            at = _skip(data, at, end)
            continue
        rest.append(data[kept:at])
        size, body = varint(data, at + 1, end)
        at = kept = body + size
        if at > end:
            raise Malformed("a field that ends behind its message")
        payloads.append((body, at))
    rest.append(data[kept:end])
    return b"".join(rest), payloads


def pieces(
    data: bytes, start: int, end: int, tag: int, *, longest: int
) -> tuple[bytes, list[Range], int]:
    """The fields `tag`, their tags included, in ranges of about `longest` bytes; see `take`.

    Returns the rest, the ranges, and the number of fields in them. Each range is a message that
    holds nothing but such fields.
    """
    ranges: list[Range] = []
    rest: list[bytes] = []
    count, at = 0, start
    first = -1  # where the open range begins
    while at < end:
        if data[at] != tag:
            if first >= 0:
                ranges.append((first, at))
                first = -1
            stop = _skip(data, at, end)
            rest.append(data[at:stop])
            at = stop
            continue
        if first < 0:
            first = at
        elif at - first >= longest:
            ranges.append((first, at))
            first = at
        # By far the most frequent path: an event, whose length is one byte or two.
        size, body = (data[at + 1], at + 2) if at + 1 < end else (0x80, at + 1)
        if size >= 0x80:
            size, body = varint(data, at + 1, end)
        at = body + size
        count += 1
    if at > end:
        raise Malformed("a field that ends behind its message")
    if first >= 0:
        ranges.append((first, at))
    return b"".join(rest), ranges, count
