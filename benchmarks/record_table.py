"""Record a full grid of one workload's settings, twice: a table for `search_quality.py`.

Every configuration trains for a moment in a process that stays (`gputune tune`'s own trials, with
a fixed and short measuring time); each pass has a process and an order of its own. Knobs that need
a new process, or an epoch that fills a cache, are in no recorded table. `--add 2` records two more
passes of a table that is there: where one reading says little, the mean of several says more.
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
from typing import Any

import numpy as np
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
    """A configuration as the table has it: complete only where every pass measured it."""
    bad = next((one[point] for one in passes if one[point].state != "complete"), None)
    return {
        "knobs": dict(space.knobs(point)),
        "rates": [one[point].samples_per_s for one in passes],
        "state": "complete" if bad is None else bad.state,
    }


def deviation(rows: Sequence[Mapping[str, Any]]) -> float:
    """Of the log ratio of two readings of a configuration, beside what whole passes differ by."""
    logs = np.log([r["rates"] for r in rows if all(r["rates"])])
    rest = logs - logs.mean(axis=0) - logs.mean(axis=1, keepdims=True) + logs.mean()
    count, passes = rest.shape
    return math.sqrt(2.0 * float((rest**2).sum()) / ((count - 1) * (passes - 1)))


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
    if options.add:
        return added(what, script, space, options)
    return _table(what, space, options.measure_s) | {
        "profile": json.loads(to_json(profile)),
        **_recorded(script, space, (1, 2), options.measure_s),
    }


def added(
    what: Recording, script: Script, space: Space, options: argparse.Namespace
) -> dict[str, Any]:
    """The table that is there with more passes; raises SystemExit where its grid is another."""
    path = options.out / f"{Path(what.workload).stem}.json"
    kept: dict[str, Any] = json.loads(path.read_text())
    rows = {json.dumps(one["knobs"]): one for one in kept["configurations"]}
    first = len(kept["as_it_is_again"]) + 1
    measure_s = kept["measure_s"]
    if list(rows) != [json.dumps(dict(space.knobs(p))) for p in space.points()]:
        raise SystemExit(f"{path} has other configurations than {what.workload} has now")
    more = _recorded(script, space, range(first, first + options.add), measure_s)
    for one in more["configurations"]:
        known = rows[json.dumps(one["knobs"])]
        known["rates"] += one["rates"]
        known["state"] = known["state"] if known["state"] != "complete" else one["state"]
    kept["as_it_is_again"] += more["as_it_is_again"]
    kept["deviation_of_log_ratio"] = deviation(kept["configurations"])
    kept.setdefault("added", []).append(
        {"passes": options.add, "environment": reporting.environment()}
    )
    return kept


def _recorded(
    script: Script, space: Space, numbers: Sequence[int], measure_s: float
) -> dict[str, Any]:
    passes, again = zip(*(record_pass(script, space, n, measure_s) for n in numbers), strict=True)
    rows = [row(space, point, passes) for point in space.points()]
    several = {"deviation_of_log_ratio": deviation(rows)} if len(passes) > 1 else {}
    return {"as_it_is_again": list(again), **several, "configurations": rows}


def _table(what: Recording, space: Space, measure_s: float) -> dict[str, Any]:
    return {
        "schema": "gputune.table",
        "version": 2,
        "name": what.workload.removesuffix(".py"),
        "limits": what.limits,
        "max_batch_size": what.max_batch_size,
        "environment": reporting.environment(),
        "measure_s": measure_s,
        "valid": sum(space.valid(p) for p in space.points()),
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
    parser.add_argument("--add", type=int, default=0, metavar="N", help="N passes to a table")
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
