"""All facts of this machine, in one record."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from gputune.doctor.facts.disks import disk, shm_bytes
from gputune.doctor.facts.driver import ask_driver, name_processes
from gputune.doctor.facts.hardware import hardware
from gputune.doctor.facts.keras_config import with_config
from gputune.doctor.facts.packages import packages
from gputune.doctor.facts.place import place
from gputune.doctor.facts.tensorflow import ask_tensorflow
from gputune.doctor.machine import Host, Machine, signs_of_gpu
from gputune.schema.secrets import allowed_environment
from gputune.sensors.resources import affinity, memory_limit_bytes, usable_cores
from gputune.sensors.resources import usable_memory_bytes as usable_memory

IMPORT_TIMEOUT_S: Final = 120.0
"""From a slow disk, or beside other programs, an import takes tens of seconds; else three."""
_MORE_VARIABLES: Final = ("LD_LIBRARY_PATH", "KERAS_HOME")


def gather(
    *,
    folders: Sequence[Path] = (),
    timeout_s: float = IMPORT_TIMEOUT_S,
    environ: Mapping[str, str] = os.environ,
) -> Machine:
    """Ask for everything; takes as long as importing TensorFlow does, `timeout_s` at the most.

    `folders` are those whose disks are looked at; the working directory's always is. The driver
    is asked before TensorFlow, which would be one of the processes that hold a GPU.
    """
    where, seen = place(environ), hardware()
    inventory, cuda = ask_driver(environ)
    gpu = bool(signs_of_gpu(where, seen, inventory))
    tensorflow, keras, libraries = ask_tensorflow(environ, timeout_s=timeout_s, libraries=gpu)
    pids = {held.pid for device in inventory.devices for held in device.processes}
    return Machine(
        python=platform.python_version(),
        architecture=platform.machine(),
        variables=_variables(environ),
        place=where,
        hardware=seen,
        driver=inventory,
        cuda=cuda,
        tensorflow=tensorflow,
        keras=with_config(keras, environ),
        libraries=libraries,
        packages=packages(),
        host=_host(folders),
        processes=name_processes(pids),
    )


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Those that configure TensorFlow, CUDA, threads and Keras; no others are looked at."""
    more = {name: environ[name] for name in _MORE_VARIABLES if name in environ}
    return {**allowed_environment(environ), **more}


def _host(folders: Sequence[Path]) -> Host:
    limit, available = memory_limit_bytes(), psutil.virtual_memory().available
    return Host(
        cores=usable_cores(),
        affinity_cores=len(affinity()),
        memory_bytes=usable_memory(),
        available_bytes=available if limit is None else min(available, limit),
        shm_bytes=shm_bytes(),
        disks=tuple(disk(folder) for folder in (_working_directory(), *folders)),
    )


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path()
