"""What tensors hold of each GPU's memory, as TensorFlow itself counts it.

The script's own peak is set back for it only in the mode that ends the script: under `--full` a
script may go on to print its peak.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.datasets import unrecorded
from gputune.inject.held import CannotHold, hold
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.record import Record
    from gputune.inject.stepper import Stepper

LONGEST_ANEW_S = 10.0
"""A batch of another size may be traced or compiled anew where the first call took no longer."""
_CALLS = 2
"""The second one finds all that the first one set up: its peak is that of training."""
_MIB = 2**20


class NotMeasured(Exception):
    """Why a second batch size could not be tried; the message is the reason."""


class DeviceMemory:
    """The memory of the script's GPUs over one training; does nothing without a GPU."""

    def __init__(self, tf: ModuleType, record: Record, *, may_reset: bool) -> None:
        self._tf = tf
        self._record = record
        self._may_reset = may_reset
        self._reset = False

    def begin(self) -> None:
        """The clean phase begins: from here on the peak counts."""
        if self._may_reset:
            for number in range(self._count()):
                self._tf.config.experimental.reset_memory_stats(f"GPU:{number}")
                self._reset = True

    def read(self) -> None:
        """Write a `device_memory` event with each GPU's figures; the last one counts."""
        devices = list(self._devices())
        if devices:
            since = "clean phase" if self._reset else "start"
            self._record.write(events.DEVICE_MEMORY, peak_since=since, devices=devices)

    def two_sizes(
        self, stepper: Stepper, held: Any, *, compiled: bool, first_call_s: float | None
    ) -> None:
        """Train on the held batch and on half of it, and write the peak of each.

        After all else: the script is ended next. `held` is the iterator over the held batch,
        `compiled` says that XLA compiles the step for each shape.
        """
        count = self._count()
        if not count:
            return
        points: list[list[int]] = []
        reason = ""
        try:
            if count > 1:
                raise NotMeasured("several GPUs share the batch")
            if held is None or not stepper.can_call_aside or stepper.fetches_in_python:
                raise NotMeasured("the script's own step takes no batch of another size")
            half, sizes = self._half(stepper.iterator, held, compiled, first_call_s)
            for iterator, size in zip((half, held), sizes, strict=True):
                points.append([size, self._peak_of(stepper, iterator)])
        except (NotMeasured, CannotHold) as why:
            reason = str(why)
        except Exception as error:  # a model that takes one batch size only, or no memory left
            reason = f"a batch of half the size failed: {type(error).__name__}"
        self._record.write(events.BATCH_MEMORY, points=points, reason=reason)

    def _peak_of(self, stepper: Stepper, iterator: Any) -> int:
        experimental = self._tf.config.experimental
        for number in range(_CALLS):
            if number + 1 == _CALLS:
                experimental.reset_memory_stats("GPU:0")
            stepper.call_aside(iterator)
        self._tf.test.experimental.sync_devices()
        return int(experimental.get_memory_info("GPU:0")["peak"])

    def _half(
        self, iterator: Any, held: Any, compiled: bool, first_call_s: float | None
    ) -> tuple[Any, tuple[int, int]]:
        """An endless iterator over half of the held batch, and the sizes of half and whole."""
        tf = self._tf
        element, spec = held.get_next(), held.element_spec
        flat = tf.nest.flatten(element, expand_composites=True)
        if len(flat) != len(tf.nest.flatten(element)) or not all(tf.is_tensor(t) for t in flat):
            raise NotMeasured("the batch has parts that are no plain tensors")
        sizes = {int(t.shape[0]) for t in flat if t.shape.rank}
        if len(sizes) != 1 or (size := sizes.pop()) < 2:
            raise NotMeasured("the batch cannot be cut in halves")
        open_size = all(s.shape[0] is None for s in tf.nest.flatten(spec) if s.shape.rank)
        if (compiled or not open_size) and not (first_call_s or 0.0) <= LONGEST_ANEW_S:
            raise NotMeasured(
                "the step would be traced or compiled anew for another batch size: its first call "
                f"took {first_call_s:.0f} s"
            )
        cut = tf.nest.map_structure(lambda t: t[: size // 2] if t.shape.rank else t, element)
        if open_size:
            return hold(tf, iterator, cut), (size // 2, size)
        with unrecorded():
            return iter(tf.data.Dataset.from_tensors(cut).repeat()), (size // 2, size)

    def _count(self) -> int:
        return len(self._tf.config.list_logical_devices("GPU"))

    def _devices(self) -> Iterator[dict[str, Any]]:
        config = self._tf.config
        count = self._count()
        if not count:
            return
        forced = os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH", "").lower() in ("1", "true")
        settings: list[tuple[Any, bool | None]] = []
        for physical in config.get_visible_devices("GPU"):
            growth = True if forced else config.experimental.get_memory_growth(physical)
            logical = config.get_logical_device_configuration(physical) or [None]
            settings += [(getattr(one, "memory_limit", None), growth) for one in logical]
        for number in range(count):
            known = settings[number] if len(settings) == count else (None, None)
            info = config.experimental.get_memory_info(f"GPU:{number}")
            yield {
                "index": number,
                "current_bytes": int(info["current"]),
                "peak_bytes": int(info["peak"]),
                "limit_bytes": int(known[0]) * _MIB if known[0] else None,
                "growth": known[1],
            }
