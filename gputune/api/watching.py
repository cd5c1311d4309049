"""While the script runs: the sensors, and which phase it is in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gputune.sensors.averages import Window
from gputune.sensors.curves import gpu_curves, host_curves
from gputune.sensors.gpu_averages import GpuFigures, Trained, average_gpus
from gputune.sensors.host import PsutilHostSensor
from gputune.sensors.nvml import open_gpu_sensor
from gputune.sensors.protocol import GpuSensor, HostSample, HostSensor
from gputune.sensors.sampler import Sampler
from gputune.session import events
from gputune.session.folder import SessionFolder
from gputune.session.log import EventTail


class Watching:
    """Called a few times a second; starts the sensors when the script's process says its name.

    Which GPUs the script sees is known from the environment that it begins with, and better once
    it trains: a script may set CUDA_VISIBLE_DEVICES itself, or give TensorFlow a part of the GPUs.
    """

    def __init__(self, session: SessionFolder, on_phase: Callable[[str], None]) -> None:
        self._tail = EventTail(session.events)
        self._on_phase = on_phase
        self._seen: tuple[Any, ...] = (
            os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER"), (),
        )  # fmt: skip
        self._gpu: GpuSensor = _opened(self._seen)
        self._host: HostSensor | None = None
        self._pid = 0
        self._sampler: Sampler | None = None
        self._earlier: tuple[HostSample, ...] = ()

    def tick(self) -> None:
        """Read what the script's process has written since the last call."""
        for event in self._tail.new():
            if event["event"] == events.START and self._sampler is None:
                self._pid = int(event["pid"])
                self._host = PsutilHostSensor(self._pid)
                self._sample(self._host)
            elif event["event"] == events.ENVIRONMENT and "visible_devices" in event:
                self._look_again(event)
            elif event["event"] == events.PHASE:
                self._on_phase(str(event["name"]))

    def stop(self) -> None:
        """End sampling."""
        if self._sampler is not None:
            self._sampler.stop()
        self._gpu.close()

    @property
    def host_samples(self) -> tuple[HostSample, ...]:
        """All samples of the host."""
        later = self._sampler.host_samples if self._sampler is not None else ()
        return self._earlier + later

    @property
    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """What was read over time, by the figure's path in the Profile; for a picture."""
        points = self._sampler.gpu_points if self._sampler is not None else {}
        return host_curves(self.host_samples) | gpu_curves(points)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the GPUs' figures must know."""
        return self._gpu.notes

    def gpus(self, windows: Sequence[Window], trained: Trained) -> GpuFigures:
        """Each GPU over the windows, in which so much was trained, and why figures are missing."""
        if self._gpu.absent:
            return GpuFigures((), {"gpus": self._gpu.absent})
        found = average_gpus(
            self._gpu.gpus,
            self._sampler.gpu_points if self._sampler is not None else {},
            windows,
            trained,
            reasons=self._gpu.reasons,
            lost=self._gpu.lost,
        )
        if self._sampler is not None and self._sampler.gpu_failure:
            found.reasons["gpus"] = self._sampler.gpu_failure
        return found

    def host_reasons(self) -> dict[str, str]:
        """Why a figure of the host has no value, by its path in the Profile."""
        if self._host is None:
            return {"host": "the script's process was not seen"}
        if self._sampler is not None and self._sampler.failure:
            return {"host": self._sampler.failure}
        return {f"host.{metric}": reason for metric, reason in self._host.reasons.items()}

    def _look_again(self, event: Mapping[str, Any]) -> None:
        """Go over to the GPUs that the script says it sees, where they are others."""
        seen = (
            event["visible_devices"],
            event.get("device_order"),
            tuple(event.get("gpu_numbers") or ()),
        )
        if seen == self._seen or self._sampler is None or self._host is None:
            return
        self._seen = seen
        self.stop()
        self._earlier = self.host_samples
        self._gpu = _opened(seen)
        self._sample(self._host)

    def _sample(self, host: HostSensor) -> None:
        self._gpu.follow(self._pid)
        self._sampler = Sampler(self._gpu, host)
        self._sampler.start()


def _opened(seen: tuple[Any, ...]) -> GpuSensor:
    visible, order, numbers = seen
    return open_gpu_sensor(visible, order=order, only=numbers)
