"""All causes together: the verdict, the sections, and a cause that fails."""

from __future__ import annotations

import pytest

from gputune.doctor import diagnose as module
from gputune.doctor.diagnose import diagnose
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding
from tests.unit.doctor.machines import bare_card, blind, laptop, workstation


@pytest.mark.parametrize(
    ("machine", "verdict"),
    [
        (laptop(), "No problem: no GPU here, TensorFlow trains on 8 cores."),
        (workstation(), "No problem: TensorFlow trains on NVIDIA H100."),
        (
            workstation(variables={"TF_GPU_ALLOCATOR": "x"}),
            "No problem: TensorFlow trains on NVIDIA H100; 1 warning.",
        ),
        (bare_card(), "There is an NVIDIA card, and no NVIDIA driver."),
        (
            blind(variables={"CUDA_VISIBLE_DEVICES": "7"}, libraries=()),
            "CUDA_VISIBLE_DEVICES=7: 7 names no GPU; CUDA shows no GPU at all. (2 problems)",
        ),
    ],
)
def test_the_verdict_is_the_first_problem_or_what_is_trained_on(
    machine: Machine, verdict: str
) -> None:
    assert diagnose(machine).verdict == verdict


def test_the_sections_stand_in_the_order_of_the_way_to_the_gpu() -> None:
    names = [section.name for section in diagnose(workstation()).sections]
    assert names == ["GPU", "TensorFlow", "Keras", "Environment", "Host"]


def test_no_finding_is_there_twice() -> None:
    ids = [one.id for section in diagnose(workstation()).sections for one in section.findings]
    assert len(ids) == len(set(ids))


def test_a_cause_that_fails_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(machine: Machine) -> list[Finding]:
        raise ZeroDivisionError("by zero")

    sections = ((module.SECTIONS[0][0], (("first", fails), *module.SECTIONS[0][1])),)
    monkeypatch.setattr(module, "SECTIONS", (*sections, *module.SECTIONS[1:]))
    diagnosis = diagnose(workstation())
    (one,) = diagnosis.unavailable
    assert (one.metric, one.reason) == ("first", "ZeroDivisionError: by zero")
    assert diagnosis.sections[0].findings[0].id == "gpu"
