"""Versions that do not fit together, by what TensorFlow's own metadata asks for."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.doctor.causes.lines import good, problem, warning
from gputune.doctor.machine import Machine
from gputune.doctor.requirement import Requirement, parse
from gputune.schema.finding import Finding

_CUDA = "and-cuda"


def findings(machine: Machine) -> Iterator[Finding]:
    """`versions` where all fit; `versions-do-not-fit`, `nvidia-packages` where some do not.

    A package of the extra `and-cuda` that is not there at all is no fault: the libraries may come
    from elsewhere. It is looked at only on a machine with a GPU.
    """
    wanted = [one for one in map(parse, machine.packages.requirements) if one is not None]
    if not wanted:
        return
    plain = [one for one in wanted if not one.extra]
    faults = list(_faults(machine, plain, absent=True))
    if faults:
        # Where TensorFlow imports, what does not fit may still never be reached.
        kind = warning if machine.tensorflow.version is not None else problem
        yield kind(
            "versions-do-not-fit",
            f"{len(faults)} of the packages that TensorFlow needs do not fit it."
            if len(faults) > 1
            else "A package that TensorFlow needs does not fit it.",
            *_told(faults), cure=_install(faults),
        )  # fmt: skip
    else:
        yield good("versions", f"The {len(plain)} packages that TensorFlow needs fit it.")
    if machine.has_gpu:
        yield from _nvidia(machine, [one for one in wanted if one.extra == _CUDA])


def _nvidia(machine: Machine, wanted: list[Requirement]) -> Iterator[Finding]:
    faults = list(_faults(machine, wanted, absent=False))
    if faults:
        yield warning(
            "nvidia-packages",
            "The nvidia-* packages are not of the versions that TensorFlow asks for.",
            *_told(faults),
            cure=f"{_install(faults)}. Another framework in the same environment (PyTorch) may ask "
            "for the others: give each an environment of its own.",
        )


_Fault = tuple[Requirement, str]


def _faults(machine: Machine, wanted: list[Requirement], *, absent: bool) -> Iterator[_Fault]:
    """What is asked for, and the version that is there in its place; none is an empty one."""
    for one in wanted:
        version = machine.packages.installed.get(one.name)
        if version is None:
            if absent:
                yield one, ""
        elif one.holds(version) is False:
            yield one, version


def _told(faults: list[_Fault]) -> Iterator[str]:
    for requirement, version in faults:
        there = f"{version} is installed" if version else "it is not installed"
        yield f"{requirement} is asked for; {there}"


def _install(faults: list[_Fault]) -> str:
    return "pip install " + " ".join(f"'{requirement}'" for requirement, _ in faults)
