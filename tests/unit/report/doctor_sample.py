"""Doctor reports to render, made from made-up machines."""

from __future__ import annotations

from gputune.doctor.diagnose import diagnose
from gputune.doctor.machine import Machine
from gputune.schema.doctor import DoctorReport
from gputune.schema.profile import Unavailable
from tests.unit.doctor.machines import blind, laptop, workstation
from tests.unit.report import sample


def of(machine: Machine, *unavailable: Unavailable) -> DoctorReport:
    """The report of a machine."""
    diagnosis = diagnose(machine)
    return DoctorReport(
        verdict=diagnosis.verdict,
        started_utc="2026-07-29T10:11:12+00:00",
        duration_s=4.2,
        environment=sample.environment(variables=(("CUDA_VISIBLE_DEVICES", ""),)),
        sections=diagnosis.sections,
        unavailable=unavailable,
    )


def report() -> DoctorReport:
    """A GPU that a variable hides, and a warning beside it."""
    return of(
        blind(
            variables={"CUDA_VISIBLE_DEVICES": "", "TF_GPU_ALLOCATOR": "x"}, cuda={"init_code": 100}
        )
    )


def reports() -> list[DoctorReport]:
    """A sick machine, two that are well, and one that was not examined whole."""
    failed = Unavailable(metric="kernels", reason="ZeroDivisionError: by zero")
    return [report(), of(laptop()), of(workstation()), of(laptop(), failed)]
