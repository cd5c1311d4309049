"""CUDA_VISIBLE_DEVICES against the driver's list."""

from __future__ import annotations

import pytest

from gputune.sensors.visible import Physical, choose

A = Physical(index=0, names=("GPU-aaaa1111",))
B = Physical(index=1, names=("GPU-aabb2222",))
C = Physical(index=2, names=("GPU-cccc3333",))
MIG = Physical(index=None, names=("MIG-dddd4444", "MIG-GPU-cccc3333/1/0"))
ALL = (A, B, C, MIG)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, (A, B, C)),
        ("0", (A,)),
        ("2,0", (C, A)),
        (" 1 , 2 ", (B, C)),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", (A,)),  # what follows an invalid entry is hidden
        ("0,7,1", (A,)),
        ("NoDevFiles", ()),
        ("GPU-cccc3333", (C,)),
        ("GPU-cc", (C,)),
        ("GPU-aa", ()),  # ambiguous
        ("GPU-aab,0", (B, A)),
        ("MIG-dddd4444", (MIG,)),
        ("MIG-GPU-cccc3333/1/0", (MIG,)),
        ("0,0", (A,)),
        ("²", ()),
    ],
)
def test_the_devices_are_those_that_cuda_shows(
    visible: str | None, expected: tuple[Physical, ...]
) -> None:
    assert choose(visible, ALL) == expected
