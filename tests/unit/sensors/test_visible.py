"""CUDA_VISIBLE_DEVICES against the driver's list."""

from __future__ import annotations

import pytest

from gputune.sensors.visible import BUS_ORDER, Physical, choose, in_cuda_order

A = Physical(index=0, names=("GPU-aaaa1111",))
B = Physical(index=1, names=("GPU-aabb2222",))
C = Physical(index=2, names=("GPU-cccc3333",))
D = Physical(index=3, names=("GPU-dddd4444",))
MIG = Physical(index=None, names=("MIG-eeee5555", "MIG-GPU-dddd4444/1/0"), part_of=3)
MIG_2 = Physical(index=None, names=("MIG-ffff6666", "MIG-GPU-dddd4444/2/0"), part_of=3)
ALL = (A, B, C, D, MIG, MIG_2)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, (A, B, C, MIG)),
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
        ("MIG-eeee5555", (MIG,)),
        ("MIG-GPU-dddd4444/2/0", (MIG_2,)),
        ("3", (MIG,)),  # of a divided GPU CUDA shows the first instance
        ("GPU-dddd", (MIG,)),
        ("0,0", (A,)),
        ("²", ()),
    ],
)
def test_the_devices_are_those_that_cuda_shows(
    visible: str | None, expected: tuple[Physical, ...]
) -> None:
    assert choose(visible, ALL) == expected


SLOW = Physical(index=0, names=("GPU-1",), model="slow", speed=1.0)
FAST = Physical(index=1, names=("GPU-2",), model="fast", speed=9.0)
PART = Physical(index=None, names=("MIG-3",), part_of=1, model="fast part")


def numbers(devices: tuple[Physical, ...]) -> list[int | None]:
    return [device.index for device in devices]


def test_cuda_numbers_the_fastest_first_unless_told_to_go_by_the_bus() -> None:
    assert numbers(in_cuda_order((SLOW, FAST, PART), None)) == [1, 0, None]
    assert in_cuda_order((SLOW, FAST, PART), None)[2].part_of == 0
    assert in_cuda_order((SLOW, FAST, PART), BUS_ORDER) == (SLOW, FAST, PART)


def test_without_known_speeds_or_with_one_model_the_bus_s_order_stands() -> None:
    unknown = Physical(index=0, names=("GPU-1",), model="slow")
    same = Physical(index=0, names=("GPU-1",), model="fast", speed=1.0)
    assert in_cuda_order((unknown, FAST), None) == (unknown, FAST)
    assert in_cuda_order((same, FAST), None) == (same, FAST)


def test_every_gpu_is_shown_in_the_order_of_the_numbers() -> None:
    assert [one.names for one in choose(None, in_cuda_order((SLOW, FAST), None))] == [
        FAST.names,
        SLOW.names,
    ]
