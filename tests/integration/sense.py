"""Watches the GPUs of this machine for a while, and prints what came of it as JSON.

    python sense.py START:END …

The windows are in seconds since the driver was opened. Each is averaged by itself, as if 100 steps
of 8 samples had been trained in it.
"""

import json
import os
import sys
import time
from dataclasses import asdict

import pynvml  # noqa: F401  (before the clock is read)

from gputune.sensors.gpu_averages import Trained, average_gpus
from gputune.sensors.nvml import open_gpu_sensor
from gputune.sensors.sampler import Sampler

windows = [tuple(map(float, one.split(":"))) for one in sys.argv[1:]]
begun = time.perf_counter()
sensor = open_gpu_sensor(
    os.environ.get("CUDA_VISIBLE_DEVICES"), order=os.environ.get("CUDA_DEVICE_ORDER")
)
sensor.follow(os.getpid())
sampler = Sampler(sensor)
sampler.start()
last = max(end for _, end in windows)
time.sleep(max(0.0, begun + last + 0.1 - time.perf_counter()))
sampler.stop()
sensor.close()
figures = [
    average_gpus(
        sensor.gpus,
        sampler.gpu_points,
        [(begun + start, begun + end)],
        Trained(steps=100, batch_size=8),
        reasons=sensor.reasons,
        lost=sensor.lost,
    )
    for start, end in windows
]
print(
    json.dumps(
        {
            "absent": sensor.absent,
            "failure": sampler.gpu_failure,
            "windows": [{"gpus": list(map(asdict, f.gpus)), "why": f.reasons} for f in figures],
        }
    )
)
