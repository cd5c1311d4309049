"""Record a full grid of one workload's settings, twice: a table for `search_quality.py`.

Every configuration trains for a moment in a process that stays (`gputune tune`'s own trials, with
a fixed and short measuring time); each pass has a process and an order of its own. Knobs that need
a new process, or an epoch that fills a cache, are in no recorded table.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import stdev
from typing import Any

import reporting
from search_quality import FEWEST

from gputune.api.trials.process import observe
from gputune.api.trials.resident import ResidentTrials
from gputune.api.trials.script import Script
from gputune.knobs.registry import KNOBS
from gputune.launch.command import Target, check_target
from gputune.schema.write import to_json
from gputune.search.choosing import Choice, choose_space
from gputune.search.configuring import settings
from gputune.search.space import Point, Space
from gputune.search.trying import Outcome
from gputune.session.folder import Options

WORKLOADS = Path(__file__).resolve().parent / "workloads"
TABLES = reporting.ROOT / "reports" / "tables"
AGAIN_EVERY = 40
"""After so many configurations the script as it is runs once more: what the machine itself does."""
EPOCHS = "100000"
"""The training must not end amid a trial, however short its epochs are."""


@dataclass(frozen=True)
class Recording:
    """What one workload's table is made of."""

    workload: str
    knobs: tuple[str, ...]
    limits: str
    max_batch_size: int | None = None
    """Keeps a grid, which is recorded twice, to about half an hour."""


RECORDINGS = (
    Recording(
        "table_csv.py",
        ("batch_size", "prefetch", "num_parallel_calls", "steps_per_execution"),
        "parsing lines, and Keras' calls",
    ),
    Recording(
        "photos_tfrecord.py",
        ("batch_size", "prefetch", "num_parallel_calls"),
        "decoding JPEG",
        max_batch_size=256,
    ),
    Recording(
        "text_transformer.py",
        ("batch_size", "prefetch", "num_parallel_calls", "deterministic", "private_threadpool"),
        "the model's arithmetic",
        max_batch_size=64,
    ),
)


class Grid:
    """Measures the points of a space in one process; a new one where that has ended."""

    def __init__(self, script: Script, space: Space, measure_s: float) -> None:
        self._space = space
        self._options = Options(trial=True, fit=script.fit, max_s=measure_s)
        self._trials = ResidentTrials(script)

    def close(self) -> None:
        self._trials.close()

    def measure(self, point: Point) -> Outcome:
        """One configuration; raises SystemExit where the workload takes new processes."""
        wanted = tuple(s for _, s in settings(self._space, self._space.knobs(point)))
        found = self._trials.measure(wanted, process_settings=(), options=self._options)
        if found is None and self._trials.reason:
            raise SystemExit(f"no trial without a new process: {self._trials.reason}")
        if found is None:
            return Outcome(state="failed", reason="it has no place without a new process")
        return found


def in_order(space: Space, generator: Random) -> list[Point]:
    """All points: those of one train function together, for a function takes a second to trace."""
    compiled = [
        i for i, d in enumerate(space.dimensions) if d.knob in ("batch_size", "steps_per_execution")
    ]
    groups: dict[tuple[int, ...], list[Point]] = {}
    for point in space.points():
        groups.setdefault(tuple(point[i] for i in compiled), []).append(point)
    order = list(groups.values())
    generator.shuffle(order)
    for group in order:
        generator.shuffle(group)
    return [point for group in order for point in group]


def record_pass(
    script: Script, space: Space, number: int, measure_s: float
) -> tuple[dict[Point, Outcome], list[float]]:
    """One pass: each point's outcome; and the script as it is, again and again."""
    grid = Grid(script, space, measure_s)
    found: dict[Point, Outcome] = {}
    again: list[float] = []
    began = time.monotonic()
    try:
        for count, point in enumerate(in_order(space, Random(number))):
            found[point] = grid.measure(point)
            if count % AGAIN_EVERY == 0:
                again.append(grid.measure(space.baseline).samples_per_s or math.nan)
                spent = time.monotonic() - began
                print(
                    f"pass {number}: {count}/{space.size}, {spent:.0f} s, as it is {again[-1]:.5g}",
                    flush=True,
                )
    finally:
        grid.close()
    return found, again


def row(space: Space, point: Point, passes: Sequence[Mapping[Point, Outcome]]) -> dict[str, Any]:
    """A configuration as the table has it: complete only where both passes measured it."""
    first, second = (one[point] for one in passes)
    bad = next((one for one in (first, second) if one.state != "complete"), None)
    return {
        "knobs": dict(space.knobs(point)),
        "first": first.samples_per_s,
        "second": second.samples_per_s,
        "state": "complete" if bad is None else bad.state,
    }


def noise(passes: Sequence[Mapping[Point, Outcome]]) -> float:
    """The deviation of the log ratio of the two passes, over the configurations of both."""
    logs = [
        math.log(one.samples_per_s / other.samples_per_s)
        for point, one in passes[0].items()
        if one.samples_per_s and (other := passes[1][point]).samples_per_s
    ]
    return stdev(logs)


def record(what: Recording, options: argparse.Namespace) -> dict[str, Any]:
    """The table; raises SystemExit where it would be too small, or cannot be recorded."""
    target = Target(script=str(WORKLOADS / what.workload))
    source = check_target(target)
    profile = observe(target, source, Options(max_s=8.0), timeout_s=300).profile
    script = Script(target=target, source=source, profile=profile)
    knobs = [k for k in KNOBS if k.name in what.knobs]
    choice = Choice(knobs=tuple(k.name for k in knobs), max_batch_size=what.max_batch_size)
    space = choose_space(profile, knobs, choice)
    print(what.workload, [(d.name, d.values) for d in space.dimensions], space.size, flush=True)
    if space.size < FEWEST:
        raise SystemExit(f"{what.workload}: {space.size} configurations, fewer than {FEWEST}")
    if options.plan:
        return {}
    valid = [p for p in space.points() if space.valid(p)]
    passes, again = zip(
        *(record_pass(script, space, n, options.measure_s) for n in (1, 2)), strict=True
    )
    return {
        "schema": "gputune.table",
        "version": 1,
        "name": what.workload.removesuffix(".py"),
        "limits": what.limits,
        "max_batch_size": what.max_batch_size,
        "environment": reporting.environment(),
        "measure_s": options.measure_s,
        "valid": len(valid),
        "deviation_of_log_ratio": noise(passes),
        "as_it_is_again": again,
        "profile": json.loads(to_json(profile)),
        "configurations": [row(space, point, passes) for point in space.points()],
    }


def main() -> int:
    """Record what is asked for, each into a file of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [one.workload for one in RECORDINGS]
    parser.add_argument("--workload", action="append", choices=names)
    parser.add_argument("--measure-s", type=float, default=0.3)
    parser.add_argument("--plan", action="store_true", help="only say how large the grids are")
    parser.add_argument("--out", type=Path, default=TABLES)
    options = parser.parse_args()
    os.environ["EPOCHS"] = EPOCHS
    for what in RECORDINGS:
        if options.workload and what.workload not in options.workload:
            continue
        table = record(what, options)
        if table:
            options.out.mkdir(parents=True, exist_ok=True)
            path = options.out / f"{table['name']}.json"
            text = json.dumps(table, allow_nan=False)
            for prefix in (f"{reporting.ROOT}/", str(reporting.ROOT)):
                text = text.replace(prefix, "" if prefix.endswith("/") else ".")
            path.write_text(text + "\n")  # the same wherever the repository lies
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
