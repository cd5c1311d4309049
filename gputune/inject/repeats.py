"""Whether the elements of the input's stages come again: what a `.cache()` would stand on.

At the stopping point the stages with a function of the user's are run twice over a few elements,
from the source on, and the hashes of the elements are compared. Shuffles are left out, since they
change the order of the elements and nothing else; the second pass of a `map` begins one element
later, so that a random function whose seed starts anew with each pass is still found out.

The process is ended right after: that random streams move does not matter any more. What may
have effects beyond that (Python code, file caches, the network) is not touched. All of it runs in
a thread that is left behind when its time is over.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.chains import above, chain, changes_order, is_source
from gputune.inject.datasets import Made, Recorder, unrecorded
from gputune.inject.digest import digest
from gputune.inject.hazards import is_address
from gputune.inject.replay import REGROUPING, CannotReplay, again
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.record import Record

MOST_ELEMENTS = 256
FEWEST_ELEMENTS = 8
"""A fair coin for each element goes unnoticed in one of 2**8 cases."""
LONGEST_PASS_S = 1.5
LONGEST_S = 4.0
GRACE_S = 0.5
"""What tracing a function and one slow element may take beyond that."""
LOOKED_AT = {"map", "interleave", "flat_map"}
MOST_FILES = 4096
"""Of a list of files in random order so many are taken, in one order for both passes."""


@dataclass(frozen=True)
class Looked:
    """What was found of one call; the fields of the event `repetition`."""

    call: int
    elements: int = 0
    repeats: bool = False
    in_order: bool = False
    element_bytes: float | None = None
    elements_all: int | None = None
    per_element: bool = True
    reason: str = ""


def look(tf: ModuleType, recorder: Recorder | None, record: Record, dataset_id: int | None) -> None:
    """Write a `repetition` event for each stage with a function in the dataset's chain.

    `dataset_id` is the id of the call that made the dataset which the training was given; None
    where it was given none. Never raises, and takes some four seconds at most.
    """
    try:
        if recorder is None or dataset_id is None:
            return
        looking = _Looking(tf, recorder.living(), dataset_id, time.perf_counter() + LONGEST_S)
        thread = threading.Thread(target=looking.run, name="gputune-repeats", daemon=True)
        thread.start()
        thread.join(LONGEST_S + GRACE_S)
        available = _available_bytes()
        for looked in looking.results():
            record.write(events.REPETITION, memory_available_bytes=available, **asdict(looked))
    except Exception as error:  # the script is about to end: it ends all the same
        try:
            record.unavailable("repetitions", f"looking failed: {type(error).__name__}")
        except Exception:  # a full disk
            pass


class _Looking:
    """One look at a chain of calls, from its source to the model."""

    def __init__(
        self, tf: ModuleType, living: dict[int, tuple[Any, Made]], last: int, until: float
    ) -> None:
        self._tf = tf
        self._living = living
        self._chain = chain(living, last)
        self._until = until
        self._found: dict[int, Looked] = {}
        caches = [i for i, (_, m) in enumerate(self._chain) if m.method == "cache"]
        self._cached = caches[-1] if caches else -1
        # Of these, as the walk goes on:
        self._dataset: Any = None
        self._stop = ""
        self._reshuffled = False
        self._repeated = False
        self._per_element = True
        self._cut = False

    def run(self) -> None:
        """Look at one call after another; what fails ends the walk with a reason."""
        try:
            with unrecorded():
                for place, (living, made) in enumerate(self._chain):
                    self._step(place, living, made)
        except Exception as error:  # anything that the user's pipeline raises
            self._stop = f"an element could not be made: {type(error).__name__}"

    def results(self) -> list[Looked]:
        """One for each call that is asked for, in the order of the chain."""
        found = dict(self._found)
        why = self._stop or "the time for looking was over"
        return [
            found.get(made.id, Looked(made.id, reason=why))
            for place, (_, made) in enumerate(self._chain)
            if made.method in LOOKED_AT and place > self._cached
        ]

    def _step(self, place: int, living: Any, made: Made) -> None:
        if self._stop:
            self._found[made.id] = Looked(made.id, reason=self._stop)
            return
        if place == 0 or len(made.inputs) > 1:
            self._begin(living, made)
            return
        if made.hazard:
            self._found[made.id] = Looked(made.id, reason=made.hazard)
            self._stop = f"a stage above it must not be run again: {made.hazard}"
            return
        if made.method in LOOKED_AT and place > self._cached:
            self._look_at(made)
        self._go_on(living, made)

    def _begin(self, living: Any, made: Made) -> None:
        """At the source, or where several datasets come together."""
        stands_on = above(self._living, made)
        hazards = [m.hazard for m in stands_on if m.hazard]
        self._dataset = living
        if hazards:
            self._stop = f"a stage above it must not be run again: {hazards[0]}"
        elif any(not m.inputs and not is_source(m.method) for m in stands_on):
            self._stop = "what stands above it was not recorded"
        elif made.inputs and any(map(changes_order, stands_on)):
            self._stop = f"a shuffle stands above .{made.method}(…)"
        elif _reads_addresses(self._tf, living):
            self._stop = "a stage above it must not be run again: it reads over the network"
        elif made.inputs:
            self._stop = self._why_not_itself(living)
        elif changes_order(made):
            self._reshuffled = True
            files = list(living.take(MOST_FILES))
            self._cut = len(files) == MOST_FILES
            self._dataset = self._tf.data.Dataset.from_tensor_slices(files)

    def _look_at(self, made: Made) -> None:
        function = made.arguments.get("map_func")
        if isinstance(function, dict) and function.get("random"):
            self._found[made.id] = Looked(made.id, reason="its function names something random")
            self._stop = "it stands behind a stage with something random"
            return
        before = self._dataset
        # What comes out of an interleave in another order is no sign of anything.
        shifted = before.skip(1) if made.method == "map" else before
        try:
            looked = self._compare(
                made.id, again(self._tf, before, made), again(self._tf, shifted, made),
                shift=shifted is not before,
            )  # fmt: skip
        except CannotReplay as reason:
            looked = Looked(made.id, reason=str(reason))
        self._found[made.id] = looked
        if looked.elements and not looked.repeats:
            self._stop = "it stands behind a stage that does not repeat"

    def _go_on(self, living: Any, made: Made) -> None:
        """The dataset behind this call, without shuffles and repetitions."""
        if self._stop:
            return
        moved = self._reshuffled or self._repeated
        if made.method in REGROUPING and moved:
            what = "a shuffle" if self._reshuffled else "a repeat"
            self._stop = f"{what} stands above .{made.method}(…): its elements are others each time"
            return
        self._reshuffled = self._reshuffled or changes_order(made)
        self._repeated = self._repeated or made.method == "repeat"
        if made.method in ("batch", "unbatch"):
            self._per_element = made.method == "unbatch"
        try:
            self._dataset = again(self._tf, self._dataset, made)
        except CannotReplay as reason:
            why = str(reason) if moved else self._why_not_itself(living)
            self._stop = f"it stands behind .{made.method}(…): {why}" if why else ""
            self._dataset = living

    def _compare(self, call: int, first: Any, second: Any, *, shift: bool) -> Looked:
        """Two passes, the second of which begins one element later with `shift`."""
        one, whole = self._pass(first, MOST_ELEMENTS)
        two, _ = self._pass(second, max(len(one) - shift, 0))
        pairs = min(len(one) - shift, len(two))
        if pairs < FEWEST_ELEMENTS:
            why = f"only {max(pairs, 0)} elements could be made in the time"
            if whole:
                why = f"it has only {len(one)} elements"
            return Looked(call, reason=why)
        begin = int(shift)
        same = [h for h, _ in one[begin : begin + pairs]] == [h for h, _ in two[:pairs]]
        known = int(first.cardinality())
        return Looked(
            call,
            elements=pairs,
            repeats=same,
            in_order=same and not self._reshuffled,
            element_bytes=sum(size for _, size in one) / len(one),
            elements_all=len(one) if whole else known if known >= 0 and not self._cut else None,
            per_element=self._per_element,
        )

    def _why_not_itself(self, living: Any) -> str:
        """Why the script's own dataset cannot stand for its elements; empty where it can."""
        looked = self._compare(0, living, living, shift=False)
        return looked.reason or ("" if looked.repeats else "its elements do not repeat")

    def _pass(self, dataset: Any, most: int) -> tuple[list[tuple[bytes, int]], bool]:
        """The hash and the size in bytes of each element, and whether these were all."""
        until = min(time.perf_counter() + LONGEST_PASS_S, self._until)
        found: list[tuple[bytes, int]] = []
        # `take` makes a dataset that nothing else of ours knows.
        for element in dataset.take(most):
            found.append(digest(self._tf, element))
            if time.perf_counter() >= until:
                return found, False
        return found, len(found) < most


def _reads_addresses(tf: ModuleType, dataset: Any) -> bool:
    """Whether the source's first element is an address on the network."""
    for element in dataset.take(1):
        for tensor in tf.nest.flatten(element, expand_composites=True):
            value = tensor.numpy()
            if isinstance(value, bytes) and is_address(value):
                return True
    return False


def _available_bytes() -> int | None:
    """Memory that the machine could give without swapping (`MemAvailable`), None if not told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
