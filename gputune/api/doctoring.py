"""`doctor`: what keeps this machine's TensorFlow from its GPU, or from working at all."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import gputune
from gputune.api.files import prove_new, write_text
from gputune.api.outputs import OutputFailed
from gputune.api.pages import write_page
from gputune.doctor.diagnose import diagnose
from gputune.doctor.gather import IMPORT_TIMEOUT_S, gather
from gputune.doctor.machine import Machine
from gputune.schema.doctor import DoctorReport
from gputune.schema.profile import Environment
from gputune.schema.secrets import allowed_environment
from gputune.schema.write import to_json
from gputune.sensors.resources import cpu_model


@dataclass(frozen=True)
class DoctorOutputs:
    """What is written where; nothing by default. `force` allows existing files to be replaced."""

    json: Path | None = None
    html: Path | None = None
    force: bool = False

    def prepare(self) -> None:
        """Prove that the files can be written; raises OutputFailed."""
        if self.json is not None and self.json == self.html:
            raise OutputFailed(
                "--json and --html name the same file", "give each a path of its own"
            )
        for path in (self.json, self.html):
            if path is not None:
                prove_new(path, force=self.force)


def doctor(
    *,
    folders: Sequence[str | os.PathLike[str]] = (),
    timeout_s: float = IMPORT_TIMEOUT_S,
    outputs: DoctorOutputs | None = None,
) -> DoctorReport:
    """Examine this machine; takes about as long as importing TensorFlow, `timeout_s` at the most.

    `folders` are looked at beside the working directory: on which disk they are. Raises
    OutputFailed where a file cannot be written (before the examination, if that is known then).
    """
    outputs = outputs or DoctorOutputs()
    outputs.prepare()
    started, begun = datetime.now(UTC), time.perf_counter()
    machine = gather(folders=[Path(folder) for folder in folders], timeout_s=timeout_s)
    diagnosis = diagnose(machine)
    report = DoctorReport(
        verdict=diagnosis.verdict,
        started_utc=started.isoformat(timespec="seconds"),
        duration_s=time.perf_counter() - begun,
        environment=_environment(machine),
        sections=diagnosis.sections,
        unavailable=diagnosis.unavailable,
    )
    if outputs.json is not None:
        write_text(outputs.json, to_json(report), option="--json", force=outputs.force)
    if outputs.html is not None:
        name = outputs.json.name if outputs.json is not None else "doctor.json"
        write_page(report, outputs.html, json_name=name, force=outputs.force)
    return report


def _environment(machine: Machine) -> Environment:
    build = machine.tensorflow.build
    return Environment(
        gputune=gputune.__version__,
        python=machine.python,
        platform=platform.platform(),
        host=socket.gethostname(),
        cpu_model=cpu_model(),
        cores=machine.host.cores,
        memory_bytes=machine.host.memory_bytes,
        tensorflow=machine.tensorflow.version,
        keras=machine.keras.version,
        backend=machine.keras.backend,
        cuda=build.cuda_version if build is not None and build.cuda else None,
        devices=tuple(
            f"GPU:{number} ({name})" for number, name in enumerate(machine.tensorflow.gpus or ())
        ),
        variables=tuple(sorted(allowed_environment(machine.variables).items())),
    )
