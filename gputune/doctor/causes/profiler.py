"""Whether TensorFlow's profiler may look at the GPU."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.doctor.causes.lines import good, warning
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding


def findings(machine: Machine) -> Iterator[Finding]:
    """`profiler-privileges`: whether the driver keeps its counters to administrators.

    NVIDIA («CUPTI_ERROR_INSUFFICIENT_PRIVILEGES»): from CUDA 10.2 on, tracing works all the same,
    and counters do not. So it is a warning.
    """
    restricted = machine.hardware.counters_for_administrators
    if not machine.has_gpu or restricted is None:
        return
    if not restricted or machine.place.administrator:
        who = "everybody" if not restricted else "this process, which has CAP_SYS_ADMIN"
        yield good("profiler-privileges", f"The driver lets {who} use the GPU's counters.")
        return
    cure = (
        "Where a trace has no GPU in it: an administrator writes `options nvidia "
        "NVreg_RestrictProfilingToAdminUsers=0` into /etc/modprobe.d/nvidia-profiling.conf and "
        "restarts"
    )
    if machine.place.container:
        cure += " the host, or starts the container with `--cap-add SYS_ADMIN`"
    yield warning(
        "profiler-privileges",
        "The driver keeps the GPU's counters to administrators; tracing may be refused, too.",
        "RmProfilingAdminOnly is 1 in /proc/driver/nvidia/params, and this process has no "
        "CAP_SYS_ADMIN",
        cure=f"{cure}.",
    )
