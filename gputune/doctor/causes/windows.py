"""A GPU that Windows lends to Linux: WSL2."""

from __future__ import annotations

from gputune.doctor.causes.lines import problem
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding


def windows(machine: Machine) -> Finding | None:
    """WSL2 (NVIDIA, «CUDA on WSL User Guide»): Windows lends its driver, Linux has none."""
    if not machine.place.wsl2:
        return None
    path = machine.cuda.path
    if machine.place.wsl_driver and not path:
        return problem(
            "wsl2-library-not-found",
            "Windows lends its driver, and the loader does not find it.",
            machine.cuda.failure,
            cure="Add /usr/lib/wsl/lib to LD_LIBRARY_PATH, or to /etc/ld.so.conf.d and run "
            "`sudo ldconfig`.",
        )
    if path and "/wsl/" not in path:
        return problem(
            "wsl2-linux-driver",
            "A Linux driver is installed inside of WSL2: it hides the one that Windows lends.",
            f"libcuda.so.1 is {path}",
            cure="Remove the Linux driver (`sudo apt purge 'libnvidia-compute-*' "
            "'nvidia-driver-*'`); the driver belongs on Windows.",
        )
    if not any(one.path == "/dev/dxg" for one in machine.hardware.files):
        return problem(
            "no-device-file", "There is no /dev/dxg, through which WSL2 reaches the GPU.",
            cure="Run `wsl --update` and `wsl --shutdown` on Windows; WSL1 has no GPU: "
            "`wsl --set-version DISTRIBUTION 2`.",
        )  # fmt: skip
    return None
