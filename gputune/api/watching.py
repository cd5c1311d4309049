"""While the script runs: the sensors, and which phase it is in."""

from __future__ import annotations

import os
from collections.abc import Callable

from gputune.sensors.host import PsutilHostSensor
from gputune.sensors.nvml import open_gpu_sensor
from gputune.sensors.protocol import GpuInfo, GpuSample, GpuSensor, HostSample, HostSensor
from gputune.sensors.sampler import Sampler
from gputune.session import events
from gputune.session.folder import SessionFolder
from gputune.session.log import EventTail


class Watching:
    """Called a few times a second; starts the sensors when the script's process says its name."""

    def __init__(self, session: SessionFolder, on_phase: Callable[[str], None]) -> None:
        self._tail = EventTail(session.events)
        self._on_phase = on_phase
        self._gpu: GpuSensor = open_gpu_sensor(os.environ.get("CUDA_VISIBLE_DEVICES"))
        self._host: HostSensor | None = None
        self._sampler: Sampler | None = None

    def tick(self) -> None:
        """Read what the script's process has written since the last call."""
        for event in self._tail.new():
            if event["event"] == events.START and self._sampler is None:
                self._host = PsutilHostSensor(int(event["pid"]))
                self._sampler = Sampler(self._gpu, self._host)
                self._sampler.start()
            elif event["event"] == events.PHASE:
                self._on_phase(str(event["name"]))

    def stop(self) -> None:
        """End sampling."""
        if self._sampler is not None:
            self._sampler.stop()
        self._gpu.close()

    @property
    def gpus(self) -> tuple[GpuInfo, ...]:
        """The GPUs that the script can see."""
        return self._gpu.gpus

    @property
    def gpu_samples(self) -> tuple[GpuSample, ...]:
        """All samples of the GPUs."""
        return self._sampler.gpu_samples if self._sampler is not None else ()

    @property
    def host_samples(self) -> tuple[HostSample, ...]:
        """All samples of the host."""
        return self._sampler.host_samples if self._sampler is not None else ()

    def reasons(self) -> dict[str, str]:
        """Why a metric has no value, by its path in the Profile."""
        found = {}
        for metric, reason in self._gpu.reasons.items():
            found["gpus" if metric == "gpus" else f"gpus.{metric}"] = reason
        if self._host is None:
            found["host"] = "the script's process was not seen"
        elif self._sampler is not None and self._sampler.failure:
            found["host"] = self._sampler.failure
        else:
            found.update({f"host.{m}": r for m, r in self._host.reasons.items()})
        return found
