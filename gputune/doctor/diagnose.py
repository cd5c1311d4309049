"""A Machine -> what is to be said about it. Pure; a cause that fails is named as not looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gputune.doctor.causes import (
    build,
    disk,
    driver,
    gpu,
    held,
    host,
    importing,
    keras,
    kernels,
    libraries,
    mig,
    profiler,
    threads,
    variables,
    versions,
    visible,
)
from gputune.doctor.machine import Machine
from gputune.schema.doctor import DoctorSection
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Unavailable

Cause = Callable[[Machine], Iterable[Finding]]

_GPU: Final = "GPU"
SECTIONS: Final[tuple[tuple[str, tuple[tuple[str, Cause], ...]], ...]] = (
    (
        _GPU,
        (
            ("gpu", gpu.seen),
            ("driver", driver.findings),
            ("visible devices", visible.findings),
            ("MIG", mig.findings),
            ("memory held by others", held.findings),
            ("kernels", kernels.findings),
            ("libraries", libraries.findings),
            ("profiler's privileges", profiler.findings),
        ),
    ),
    (
        "TensorFlow",
        (
            ("import", importing.findings),
            ("build", build.findings),
            ("versions", versions.findings),
        ),
    ),
    ("Keras", (("Keras", keras.findings),)),
    ("Environment", (("variables", variables.findings), ("threads", threads.findings))),
    ("Host", (("host", host.findings), ("disk", disk.findings))),
)
_NO_GPU_BECAUSE: Final = "cpu-only-build"
"""The one cause outside of the GPU's section for which TensorFlow sees none."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The verdict in one sentence, the findings by section, and what could not be examined."""

    verdict: str
    sections: tuple[DoctorSection, ...]
    unavailable: tuple[Unavailable, ...] = ()


def diagnose(machine: Machine) -> Diagnosis:
    """Look for every cause."""
    failed: list[Unavailable] = []
    sections = [
        DoctorSection(
            name=name,
            findings=tuple(
                finding for what, cause in causes for finding in _run(what, cause, machine, failed)
            ),
        )
        for name, causes in SECTIONS
    ]
    why = [
        one
        for section in sections
        for one in section.findings
        if section.name == _GPU or one.id == _NO_GPU_BECAUSE
    ]
    last = tuple(gpu.unexplained(machine, why))
    sections[0] = DoctorSection(name=_GPU, findings=(*sections[0].findings, *last))
    return Diagnosis(
        verdict=_verdict(machine, sections),
        sections=tuple(section for section in sections if section.findings),
        unavailable=tuple(failed),
    )


def _run(what: str, cause: Cause, machine: Machine, failed: list[Unavailable]) -> Iterator[Finding]:
    try:
        yield from tuple(cause(machine))
    except Exception as error:  # our own fault: the other causes are still worth knowing
        failed.append(Unavailable(metric=what, reason=f"{type(error).__name__}: {error}"))


def _verdict(machine: Machine, sections: Iterable[DoctorSection]) -> str:
    found = [finding for section in sections for finding in section.findings]
    problems = [one for one in found if one.severity is Severity.PROBLEM]
    warnings = [one for one in found if one.severity is Severity.WARNING]
    count = f"; {_counted(len(warnings), 'warning')}" if warnings else ""
    if problems:
        more = f" ({_counted(len(problems), 'problem')}{count})" if len(problems) > 1 else ""
        return f"{problems[0].title}{more}"
    if machine.sees_gpu:
        what = f"TensorFlow trains on {', '.join(machine.tensorflow.gpus or ())}"
    elif machine.has_gpu:
        what = "there is a GPU, which TensorFlow does not use"
    else:
        what = f"no GPU here, TensorFlow trains on {gpu.cores(machine.host.cores)}"
    return f"No problem: {what}{count}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
