"""Where weights are, and an environment that hides errors."""

from __future__ import annotations

import pytest

from gputune.checks.script.surroundings.judging import Weight, hidden_errors, placement
from gputune.schema.finding import Severity


def weight(name: str, device: str, size: int = 1_000_000) -> Weight:
    return Weight(name=name, size_bytes=size, device=device)


@pytest.mark.parametrize(
    ("level", "hides"), [(None, False), ("", False), ("2", False), ("3", True), (" 4 ", True)]
)
def test_a_level_from_outside_that_hides_errors(level: str | None, hides: bool) -> None:
    found = [finding.id for finding in hidden_errors(level)]
    assert found == (["log-level-hides-errors"] if hides else [])


def test_one_device_is_nothing_to_speak_of() -> None:
    assert list(placement(["CPU:0"], [weight("a", "CPU:0")], None)) == []
    assert list(placement(["CPU:0", "GPU:0"], [], None)) == []


def test_weights_on_the_gpu_are_summed_up() -> None:
    weights = [weight("a", "GPU:0"), weight("b", "GPU:0", 500_000)]
    (one,) = placement(["CPU:0", "GPU:0"], weights, None)
    assert (one.id, one.severity) == ("placement", Severity.NOTE)
    assert one.evidence[0] == "1.5 MB on GPU:0"


def test_weights_on_the_cpu_beside_a_gpu() -> None:
    devices = ["CPU:0", "GPU:0"]
    (one,) = placement(devices, [weight("a", "CPU:0"), weight("b", "CPU:0")], None)
    assert (one.id, one.severity) == ("weights-on-cpu", Severity.WARNING)
    (one,) = placement(devices, [weight("table", "CPU:0"), weight("b", "GPU:0")], None)
    assert one.severity is Severity.NOTE and "1 of the model's 2 weights" in one.title
    assert one.evidence == ("table", "1 MB on CPU:0, 1 MB on GPU:0")
