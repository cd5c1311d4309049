"""The event log of a made-up training, whose times are known because they are made up."""

from __future__ import annotations

from typing import Any

from gputune.analysis.run import FitRun, Run, read_run
from gputune.session import events


class Training:
    """Writes what a watched `fit` would have written; time stands still between the calls.

    Every call lasts exactly as long as it is told to, from the end of the one before it.
    """

    def __init__(self, *, fit: int = 1, t: float = 100.0, **begin: Any) -> None:
        self.fit = fit
        self.t = t
        self.epoch = 0
        self.steps_per_call = int(begin.get("steps_per_execution", 1))
        fields = {"input_kind": "tf.data", "steps_per_execution": 1, "batch_size": 32, **begin}
        self.events: list[dict[str, Any]] = []
        self.write(events.FIT_BEGIN, t=t, **fields)
        self.write(events.EPOCH_BEGIN, epoch=0, t=t)

    def write(self, kind: str, **fields: Any) -> Training:
        self.events.append({"event": kind, "fit": self.fit, **fields})
        return self

    def calls(
        self, phase: str, *seconds: float, block: int = 0, between_s: float = 0.0
    ) -> Training:
        """Calls of so many seconds each, of which `between_s` lie before the train function."""
        rows = []
        for duration in seconds:
            end = self.t + duration
            rows.append(
                [self.t + between_s, end, end, self.steps_per_call, self.epoch, phase, block]
            )
            self.t = end
        return self.write(events.STEPS, rows=rows)

    def next_epoch(self, *, iterations: int | None = None, gap_s: float = 0.0) -> Training:
        counted = {} if iterations is None else {"iterations": iterations}
        self.write(events.EPOCH_END, epoch=self.epoch, t=self.t, **counted)
        self.t += gap_s
        self.epoch += 1
        return self.write(events.EPOCH_BEGIN, epoch=self.epoch, t=self.t)

    def clean_ends(self, since: float | None, *, stable: bool = True, reason: str = "") -> Training:
        return self.write(events.CLEAN_END, since=since, t=self.t, stable=stable, reason=reason)

    def pairs(
        self, held_s: float, real_s: list[float], *, calls: int = 3, between_s: float = 0.0
    ) -> Training:
        """A held and a real block for each number in `real_s`, with a settling call before each."""
        for block, real in enumerate(real_s):
            self.calls(events.SETTLE, held_s, block=block)
            self.calls(events.HELD, *[held_s] * calls, block=block, between_s=between_s)
            self.calls(events.SETTLE, real, block=block)
            self.calls(events.REAL, *[real] * calls, block=block)
        return self

    @property
    def run(self) -> Run:
        return read_run(self.events)

    @property
    def seen(self) -> FitRun:
        return self.run.fits[0]


def call(
    number: int, method: str, *, name: str | None = None, inputs: tuple[int, ...] = (),
    line: int = 1, direct: bool = True, outer: int | None = None, python: bool = False,
    **arguments: Any,
) -> dict[str, Any]:  # fmt: skip
    """One recorded `tf.data` call; `name` as gputune gives it unless the method takes none."""
    return {
        "event": events.DATASET_CALL,
        "id": number,
        "method": method,
        "name": name,
        "ours": name is not None,
        "site": {"file": "/work/train.py", "line": line, "direct": direct},
        "inputs": list(inputs),
        "arguments": arguments,
        "python": python,
        "outer": outer,
    }


def node(
    number: int, op: str, *inputs: int, ms: float = 0.0, elements: int = 0, buffered: int = 0,
    **parameters: float,
) -> dict[str, Any]:  # fmt: skip
    """A node of the iterator's model, as the child writes it."""
    return {
        "id": number,
        "name": op,
        "inputs": list(inputs),
        "processing_time_ns": round(ms * 1e6),
        "num_elements": elements,
        "buffered_elements": buffered,
        "parameters": {
            name: {"value": value, "tunable": True, "max": 64} for name, value in parameters.items()
        },
    }
