"""What gputune's hooks cost for a step, directly: bare and hooked calls in alternating blocks.

In one process, on one compiled function and a batch that is always ready, for models of several
lengths, beside an A/A (bare against bare) of the same size; and around a function that does
nothing, where the microseconds can be seen without the noise of a real step.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import keras
from oracle import held

Step = Callable[[Any], Any]


# --- The only place that knows gputune's inside: connect it to `gputune.inject` here. -----------
HOOKS = ("step:before", "step:after", "step:callbacks", "measurement")
NEVER_ENOUGH = 10**12


def as_hooked_class(function: Step, tf: Any, watch: Any) -> Step:
    """The call of a compiled function within `fit`, through the hooks on the class of all.

    The hooks on the class itself would be on the bare side, too.
    """
    from gputune.inject.loops import Loops

    loops = Loops(tf, watch)
    watch.in_fit = 1
    count = getattr(function, "experimental_get_tracing_count", int)

    def called(iterator):
        before = count()
        result = loops.call(function, "function", function, (iterator,), {})
        assert count() >= before
        return result

    return called


def hooked(function: Step, steps_per_execution: int = 1) -> Step:
    """`function` as it runs in the clean phase of `gputune profile`, for as long as it is called.

    Its rows and windows are written to a log, as there, and the hook on the end of Keras'
    callbacks runs, too. `healthy()` of the outcome says that no hook has failed and gone quiet.
    """
    import tensorflow as tf
    import wrapt

    from gputune.inject.guard import Guard
    from gputune.inject.measurement import Measurement
    from gputune.inject.stepper import Stepper
    from gputune.inject.watch import Watch
    from gputune.session.folder import Options
    from gputune.session.log import EventLog

    log = EventLog(Path(tempfile.mkdtemp(prefix="gputune-hooks-")) / "events.jsonl")
    guard = Guard(log)
    watch = Watch(None, Options(full=True, steps=NEVER_ENOUGH), log, guard)
    stepper = Stepper(watch, 1, steps_per_execution)
    stepper.follow(
        Measurement(
            watch, tf, stepper, epochs=None, total_calls=None, own_profiler=None, dataset=None
        ).plan()
    )
    stepper.epoch_begins(0)
    wrapped = stepper.wrap(as_hooked_class(function, tf, watch))

    def batch_end(original, instance, args, kwargs):
        original(*args, **kwargs)
        guard.run("step:callbacks", stepper.callbacks_done)

    callbacks = wrapt.FunctionWrapper(lambda batch: None, batch_end)

    def step(iterator):
        result = wrapped(iterator)
        callbacks(0)
        return result

    step.healthy = lambda: all(guard.enabled(hook) for hook in HOOKS)
    return step


def hooked_train_function(model: keras.Model) -> Step:
    """The compiled train function of `model` with gputune's hooks around it."""
    return hooked(model.train_function, int(model.steps_per_execution))


# -------------------------------------------------------------------------------------------------


def block_s(step: Step, iterator: Any, calls: int) -> float:
    """Seconds for one of `calls` calls; the logs become numbers, as Keras' loop makes them."""
    start = time.perf_counter()
    for _ in range(calls):
        for value in (step(iterator) or {}).values():
            float(value)
    return (time.perf_counter() - start) / calls


def alternate(
    bare: Step, other: Step, iterator: Any, pairs: int, block: float
) -> list[list[float]]:
    """[bare, other] seconds a call for each pair of blocks, in the order A B B A."""
    calls = max(3, round(block / max(block_s(side, iterator, 5) for side in (bare, other))))
    rows = []
    for pair in range(pairs):
        order = (0, 1) if pair % 2 == 0 else (1, 0)
        times = [0.0, 0.0]
        for side in order:
            times[side] = block_s((bare, other)[side], iterator, calls)
        rows.append(times)
    if not getattr(other, "healthy", lambda: True)():
        raise RuntimeError("a hook failed and disabled itself: this is not its cost")
    return rows


def measure_model(loops: int, options: argparse.Namespace) -> dict[str, Any]:
    """The pairs for a model with `loops` products a step: hooked against bare, and A/A."""
    args = common.arguments(None, lambda _: None).parse_args(["--model-loops", str(loops)])
    model, data = common.build_model(args), held(common.rows().batch(args.batch))
    model.fit(data, steps_per_epoch=3, epochs=1, verbose=0)
    bare, other, iterator = model.train_function, hooked_train_function(model), iter(data)
    return {
        "loops": loops,
        "hooked": alternate(bare, other, iterator, options.pairs, options.block_s),
        "aa": alternate(bare, bare, iterator, options.pairs, options.block_s),
    }


def main():
    """Measure and write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model-loops", type=int, nargs="+", default=[1, 60, 600])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--block-s", type=float, default=0.5)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)

    def nothing(_):
        return None

    record = {
        "nothing": alternate(nothing, hooked(nothing), None, options.pairs, 0.02),
        "models": [measure_model(loops, options) for loops in options.model_loops],
    }
    options.out.write_text(json.dumps(record))


if __name__ == "__main__":
    main()
