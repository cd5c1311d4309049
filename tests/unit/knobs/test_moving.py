from __future__ import annotations

import pytest

from gputune.knobs.moving import CannotMove, moving

MOVES = ("shuffle", "repeat")


@pytest.mark.parametrize(
    ("methods", "moved"),
    [
        ("", ()),
        ("map batch", ()),
        ("shuffle map", (0,)),
        ("shuffle repeat map prefetch", (0, 1)),
        ("batch shuffle map", (1,)),
        ("shuffle interleave shuffle map", (2,)),
        ("shuffle flat_map map shuffle repeat", (3, 4)),
        ("interleave shuffle map", (1,)),
        ("shuffle interleave map", ()),
        ("shuffle interleave repeat map", (2,)),
    ],
)
def test_what_moves(methods: str, moved: tuple[int, ...]) -> None:
    assert moving(methods.split(), MOVES, "cache") == moved


@pytest.mark.parametrize(
    ("methods", "stuck", "between"),
    [
        ("shuffle batch map", "shuffle", "batch"),
        ("repeat interleave shuffle map", "repeat", "interleave"),  # endless, so never full
        ("shuffle repeat interleave shuffle", "repeat", "interleave"),
        ("shuffle interleave shuffle batch map", "shuffle", "batch"),
    ],
)
def test_what_cannot_move_is_said(methods: str, stuck: str, between: str) -> None:
    with pytest.raises(CannotMove) as raised:
        moving(methods.split(), MOVES, "cache")
    assert str(raised.value) == (
        f".{stuck} stands above it, and cannot move behind .cache: .{between} is in between"
    )
