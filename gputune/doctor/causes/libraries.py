"""CUDA's libraries, each by name: missing, not loading, or of another version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.lines import dotted, good, listed, note, problem, warning
from gputune.doctor.cuda import Wanted, wanted
from gputune.doctor.machine import Library, Machine
from gputune.doctor.requirement import numeric, parse
from gputune.schema.finding import Finding

INSTALL: Final = "pip install 'tensorflow[and-cuda]=={version}'"
_USES: Final = {
    "libcupti": "without it no profiler sees the GPU's kernels and copies",
    "libnccl": "without it several GPUs cannot train one model",
    "libnvrtc": "without it some of cuDNN's faster convolutions are left out",
}


def findings(machine: Machine) -> Iterator[Finding]:
    """One line for all that are in order, and one for each kind of fault."""
    build, found = machine.tensorflow.build, machine.libraries
    if build is None or not build.cuda or found is None or not machine.has_gpu:
        return
    every = wanted(build.cuda_version, build.cudnn_version)
    if not every:
        yield note(
            "libraries", "CUDA's libraries were not looked for: which ones CUDA "
            f"{build.cuda_version} has is not known here.",
        )  # fmt: skip
        return
    by_name = {one.name: one for one in found}
    missing = [one for one in every if not by_name.get(one.file, Library(name="")).path]
    missing = [one for one in missing if not by_name.get(one.file, Library(name="")).error]
    # A library that does not load for want of one that is missing is told with that one.
    failing = [
        one for one in found if one.error and not any(gone.file in one.error for gone in missing)
    ]  # fmt: skip
    yield from _missing(machine, [one for one in missing if one.required], every)
    yield from _optional(machine, [one for one in missing if not one.required], every)
    yield from _failing(machine, failing)
    yield from _cudnn(machine, by_name)
    if not missing and not failing:
        yield good("libraries", _all_there(found))


def _all_there(found: tuple[Library, ...]) -> str:
    ways = {
        "loaded": "by TensorFlow",
        "packages": "from the nvidia-* packages",
        "system": "from the system",
    }
    how = sorted({ways.get(one.by, f"from {one.by}") for one in found})
    return f"All {len(found)} of CUDA's libraries load, {listed(how)}."


def _missing(machine: Machine, gone: list[Wanted], every: tuple[Wanted, ...]) -> Iterator[Finding]:
    if not gone:
        return
    required = [one for one in every if one.required]
    which = (
        f"None of the {len(required)} CUDA libraries that TensorFlow needs is found."
        if len(gone) == len(required)
        else f"TensorFlow's CUDA libraries are not all found: {listed(w.file for w in gone)}."
    )
    kind = problem if not machine.sees_gpu else warning
    yield kind(
        "library-missing", which, *(f"{one.file}: of the package {one.wheel}" for one in gone),
        *_where(machine), cure=f"{_install(machine)} brings them all.",
    )  # fmt: skip


def _optional(machine: Machine, gone: list[Wanted], every: tuple[Wanted, ...]) -> Iterator[Finding]:
    if all(one in gone for one in every if not one.required) and not machine.sees_gpu:
        return  # nothing is installed at all, and that is said already
    several = len(machine.driver.gpus) > 1
    told = [one for one in gone if several or not one.file.startswith("libnccl")]
    if told:
        yield warning(
            "library-missing-optional", f"Not found: {listed(one.file for one in told)}.",
            *(f"{one.file}: {_USES[one.file.partition('.')[0]]}" for one in told),
            cure=f"{_install(machine)}, or pip install {' '.join(one.wheel for one in told)}.",
        )  # fmt: skip


def _failing(machine: Machine, failing: list[Library]) -> Iterator[Finding]:
    for one in failing:
        foreign = one.by == "LD_LIBRARY_PATH"
        kind = warning if machine.sees_gpu else problem
        yield kind(
            "library-wrong", f"{one.name} is found, and does not load.",
            *filter(None, [one.path, one.error]),
            cure=(
                "It stands in LD_LIBRARY_PATH, which goes before TensorFlow's own packages: take "
                "that folder out of it."
                if foreign
                else f"Install it again, with all that it needs: {_install(machine)}."
            ),
        )  # fmt: skip


def _cudnn(machine: Machine, by_name: dict[str, Library]) -> Iterator[Finding]:
    """CuDNN must be of the major version, and of the minor version or a newer one.

    So TensorFlow checks when it opens it («matching major version and equal or higher minor»). The
    version that it was built with is the one that its own metadata asks of the wheel.
    """
    library = next((one for name, one in by_name.items() if name.startswith("libcudnn.")), None)
    if library is None or library.version is None:
        return
    needs = None
    for text in machine.packages.requirements:
        requirement = parse(text)
        if requirement is not None and requirement.name.startswith("nvidia-cudnn-"):
            needs = next((n for sign, n in requirement.limits if sign == ">="), None)
    version = None if needs is None else numeric(needs)
    if version is None or library.version[:2] >= version[:2]:
        return
    shadows = library.by == "LD_LIBRARY_PATH"
    yield problem(
        "library-wrong",
        f"cuDNN {dotted(library.version)} is older than the {dotted(version[:2])} that TensorFlow "
        "was built with: convolutions and recurrent layers fail.",
        library.path,
        cure="It stands in LD_LIBRARY_PATH, before TensorFlow's own packages: take that folder "
        "out of it."
        if shadows
        else f"{_install(machine)} brings the right one.",
    )


def _where(machine: Machine) -> tuple[str, ...]:
    path = machine.variable("LD_LIBRARY_PATH")
    looked = "looked for in the nvidia-* packages beside TensorFlow and where the loader looks"
    return (f"{looked}, LD_LIBRARY_PATH={path}" if path else looked,)


def _install(machine: Machine) -> str:
    version = machine.packages.installed.get("tensorflow") or machine.tensorflow.version
    return INSTALL.format(version=version or "…")
