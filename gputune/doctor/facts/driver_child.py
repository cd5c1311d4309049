"""Runs in a child: what NVIDIA's driver says, through NVML and through CUDA's own library."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import asdict
from typing import Final

from gputune.doctor.facts.asking import Teller
from gputune.doctor.facts.loaded import path_of
from gputune.sensors.nvml import driver_inventory

LIBRARY: Final = "libcuda.so.1"


def main(fd: int) -> None:
    """Tell `inventory`, then `cuda`."""
    teller = Teller(fd)
    teller.begin("nvml")
    teller.tell(inventory=asdict(driver_inventory()))
    teller.begin("cuda")
    try:
        cuda = ctypes.CDLL(LIBRARY)
    except OSError as error:
        teller.tell(cuda={"failure": str(error)})
        return
    path = path_of(LIBRARY)
    teller.tell(cuda={"path": path, "failure": "cuInit did not return"})
    code = int(cuda.cuInit(0))
    number, count = ctypes.c_int(), ctypes.c_int()
    spoken = cuda.cuDriverGetVersion(ctypes.byref(number)) == 0 and number.value
    counted = code == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0
    teller.tell(
        cuda={
            "path": path,
            "init_code": code,
            "version": [number.value // 1000, number.value % 1000 // 10] if spoken else None,
            "devices": count.value if counted else None,
        }
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
