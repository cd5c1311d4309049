"""How near to the true best a search comes in 10, 15 and 25 trials, beside what else there is.

Searches are replayed on tables: computed ones, from the stated model of a training step in
`simulated_step.py`, and ones recorded from real scripts (`--recorded FOLDER`). Each table is
searched with many seeds by gputune, by random search, by Optuna's TPE as a user would write it,
and in the order of a full grid.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

import numpy as np
import optuna
import reporting
from simulated_step import (
    DEFAULTS,
    EARLY,
    Machine,
    drawn,
    meanings,
    missing_bytes,
    profile_of,
    rate,
)

import gputune.search.heuristics
from gputune.knobs.registry import KNOBS, with_knobs
from gputune.rules.engine import find
from gputune.schema.profile import Profile
from gputune.search.choosing import Choice, choose_space
from gputune.search.keeping import InMemory
from gputune.search.space import Space
from gputune.search.stopping import budget
from gputune.search.study import Searching, search
from gputune.search.trying import Outcome

AFTER = (10, 15, 25)
KNOBS_OF_A_TABLE = (
    "batch_size", "prefetch", "memory_growth", "mixed_precision", "num_parallel_calls", "cache",
    "interleave", "deterministic", "steps_per_execution", "jit_compile",
)  # fmt: skip
LATE_TABLES = 6
FEWEST = 500
GOAL_MEDIAN, GOAL_P5 = 0.97, 0.92


@dataclass(frozen=True)
class Table:
    """A table to search: `measure` gives what one trial would show, `truth` what is so.

    `space` has every knob, `chosen` those that gputune searches. `best` is the truth of the best
    configuration.
    """

    name: str
    kind: str
    limits: str
    space: Space
    chosen: Space
    best: float
    best_knobs: Mapping[str, Any]
    measure: Callable[[Mapping[str, Any], Random], Outcome]
    truth: Callable[[Mapping[str, Any]], float]
    late: bool = False
    note: str = ""
    """How it was recorded."""
    noise: float = 0.0
    """The deviation of a share, from the noise of what scores: none where a model does."""


def profiled(machine: Machine) -> Profile:
    """The profile with its findings, by gputune's own rules."""
    seen = profile_of(machine)
    return replace(seen, findings=tuple(with_knobs(f) for f in find(seen)))


def computed(machine: Machine, late: bool = False) -> Table:
    """The table of a machine: no configuration is measured twice the same; the truth is the model.

    The best is found by computing the model, which has no noise, at every configuration.
    """
    seen = profiled(machine)
    knobs = [k for k in KNOBS if k.name in KNOBS_OF_A_TABLE]
    space = choose_space(seen, knobs, Choice(knobs=tuple(k.name for k in knobs)))
    chosen = choose_space(seen, knobs, Choice())

    def meaning(values: Mapping[str, Any]) -> dict[str, float]:
        found = dict(DEFAULTS)
        for name, value in {**space.baseline_knobs, **values}.items():
            found |= meanings(machine, name.partition("@")[0], value)
        return found

    def truth(values: Mapping[str, Any]) -> float:
        if not space.valid(space.point({**space.baseline_knobs, **values}) or ()):
            return math.nan
        return float(rate(machine, meaning(values)))

    def measure(values: Mapping[str, Any], noise: Random) -> Outcome:
        exact = truth(values)
        if math.isnan(exact):
            missing = float(missing_bytes(machine, meaning(values)))
            if missing <= 0:
                return Outcome(state="failed", reason="more steps a call than an epoch has")
            return Outcome(state="infeasible", reason="out of memory", shortfall_bytes=missing)
        return Outcome(
            state="complete", samples_per_s=exact * math.exp(noise.gauss(0.0, machine.noise)),
            noise_fraction=machine.noise, duration_s=0.001,
        )  # fmt: skip

    best, best_knobs = _best(machine, space)
    return Table(
        machine.name, "computed (simulated)", machine.limits, space, chosen, best, best_knobs,
        measure, truth, late,
    )  # fmt: skip


def _best(machine: Machine, space: Space) -> tuple[float, dict[str, Any]]:
    """The best of the whole table, all at once: each dimension is an axis of an array."""
    found: dict[str, Any] = dict(DEFAULTS)
    count = len(space.dimensions)
    for axis, dimension in enumerate(space.dimensions):
        shape = [1] * count
        shape[axis] = len(dimension.values)
        each = [meanings(machine, dimension.knob, value) for value in dimension.values]
        for key in each[0]:
            found[key] = np.array([m[key] for m in each]).reshape(shape)
    for name, value in space.baseline_knobs.items():
        for key, meant in meanings(machine, name.partition("@")[0], value).items():
            found.setdefault(key, meant)
    rates = np.asarray(rate(machine, found))
    flat = np.argsort(np.where(np.isnan(rates), -1.0, rates), axis=None)[::-1]
    for index in flat:
        point = tuple(int(i) for i in np.unravel_index(index, rates.shape))
        if space.valid(point):
            return float(rates[point]), space.knobs(point)
    raise ValueError("no configuration is valid")


def recorded(path: Path) -> list[Table]:
    """A table that was recorded from a real script, several times: a view for each recording.

    `{"schema": "gputune.table", "version": 2, "name", "limits", "profile": a Profile's JSON,
    "max_batch_size": the largest recorded, or null for all that the search would try,
    "configurations": [{"knobs": {…}, "rates": samples/s or null of each recording,
    "state": "complete" | "infeasible" | "failed"}, …]}`. In each view the search is replayed on
    one recording; the true best is the best of the geometric mean of one half of them, that one
    included; and all is scored on the geometric mean of the other half.
    """
    from gputune.schema.read import parse_record

    body = json.loads(path.read_text())
    if body.get("schema") != "gputune.table" or body.get("version") != 2:
        raise SystemExit(f"{path} is no table of gputune's")
    rows = body["configurations"]
    if len(rows) < FEWEST:
        raise SystemExit(f"{path} has {len(rows)} configurations, fewer than {FEWEST}")
    seen = parse_record(json.dumps(body["profile"]), name=str(path))
    assert isinstance(seen, Profile)
    knobs = [k for k in KNOBS if any(k.name == name.partition("@")[0] for name in rows[0]["knobs"])]
    largest = body.get("max_batch_size")
    names = tuple(k.name for k in knobs)
    space = choose_space(seen, knobs, Choice(knobs=names, max_batch_size=largest))
    chosen = choose_space(seen, knobs, Choice(max_batch_size=largest))
    by_key = {_key(row["knobs"]): row for row in rows}
    complete = [row for row in rows if row["state"] == "complete"]

    def row_of(values: Mapping[str, Any]) -> Mapping[str, Any]:
        return by_key.get(_key({**space.baseline_knobs, **values}), {"state": "failed"})

    def view(first: int) -> Table:
        count = len(complete[0]["rates"])
        order = [(first + n) % count for n in range(count)]
        choosing, scoring = order[: (count + 1) // 2], order[(count + 1) // 2 :]

        def measure(values: Mapping[str, Any], noise: Random) -> Outcome:
            row = row_of(values)
            if row["state"] != "complete":
                return Outcome(state=row["state"], reason="as recorded")
            return Outcome(state="complete", samples_per_s=row["rates"][first], duration_s=0.001)

        def truth(values: Mapping[str, Any]) -> float:
            row = row_of(values)
            return _mean(row, scoring) if row["state"] == "complete" else math.nan

        best = max(complete, key=lambda row: _mean(row, choosing))
        return Table(
            body["name"], "recorded", body["limits"], space, chosen, truth(best["knobs"]),
            best["knobs"], measure, truth, late=True, note=_recorded_how(body), noise=_noise(body),
        )  # fmt: skip

    return [view(first) for first in range(len(complete[0]["rates"]))]


def _mean(row: Mapping[str, Any], which: Sequence[int]) -> float:
    return math.exp(fmean(math.log(row["rates"][n]) for n in which))


def _recorded_how(body: Mapping[str, Any]) -> str:
    env, rows = body["environment"], body["configurations"]
    failed = sum(row["state"] != "complete" for row in rows)
    count = len(rows[0]["rates"])
    return (
        f"commit {env['commit']}, {env['date_utc'][:10]}, {env['cores']} usable cores, "
        f"{count} passes, {body['measure_s']} s a configuration in each; two readings of a "
        f"configuration differ by a deviation of {body['deviation_of_log_ratio']:.0%} (of "
        f"the log ratio), so the share of a single choice, scored in {count // 2} of {count} "
        f"passes, by {_noise(body):.0%}; {failed} of {len(rows)} configurations were not measured "
        "in each"
    )


def _noise(body: Mapping[str, Any]) -> float:
    """Of the ratio of two choices, each the mean of the passes that score."""
    scoring = len(body["configurations"][0]["rates"]) // 2
    return float(body["deviation_of_log_ratio"]) / math.sqrt(scoring)


def _key(knobs: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, json.dumps(value)) for name, value in knobs.items()))


class Replay:
    """A table's answers, with the noise of one seed."""

    def __init__(self, table: Table, seed: int) -> None:
        self._table = table
        self._noise = Random(f"{table.name} {seed}")

    def measure(self, knobs: Mapping[str, Any], incumbent: float | None = None) -> Outcome:
        return self._table.measure(knobs, self._noise)


Path25 = list[tuple[Mapping[str, Any], Outcome]]


def by_gputune(table: Table, seed: int, trials: int) -> Path25:
    return _gputune(table, seed, trials, table.chosen)


def _gputune(table: Table, seed: int, trials: int, space: Space) -> Path25:
    store = InMemory(space)
    what = Searching(space=space, budget=budget(trials=trials, total_s=1e9), seed=seed)
    found = search(Replay(table, seed), store, what)
    return [(t.knobs, t.outcome) for t in found.tried]


def by_chance(table: Table, seed: int, trials: int) -> Path25:
    generator, replay = Random(seed), Replay(table, seed)
    found: Path25 = []
    seen = set()
    while len(found) < trials:
        point = tuple(generator.randrange(len(d.values)) for d in table.space.dimensions)
        if point not in seen:
            seen.add(point)
            knobs = table.space.knobs(point)
            found.append((knobs, replay.measure(knobs)))
    return found


def by_grid(table: Table, seed: int, trials: int) -> Path25:
    replay = Replay(table, seed)
    order = itertools.product(*(range(len(d.values)) for d in table.space.dimensions))
    all_knobs = (table.space.knobs(point) for point in itertools.islice(order, trials))
    return [(knobs, replay.measure(knobs)) for knobs in all_knobs]


class TrialFailed(Exception):
    """As a training script fails: the study catches it and goes on."""


def by_tpe(table: Table, seed: int, trials: int) -> Path25:
    """Optuna as its tutorial has it: every setting categorical, a failure is caught."""
    return _tpe(table, seed, trials, table.space)


def by_tpe_in_the_same_space(table: Table, seed: int, trials: int) -> Path25:
    return _tpe(table, seed, trials, table.chosen)


def _tpe(table: Table, seed: int, trials: int, space: Space) -> Path25:
    replay = Replay(table, seed)
    found: Path25 = []

    def objective(trial: optuna.Trial) -> float:
        point = tuple(
            trial.suggest_categorical(d.name, list(range(len(d.values)))) for d in space.dimensions
        )
        knobs = space.knobs(point)
        outcome = replay.measure(knobs)
        found.append((knobs, outcome))
        if outcome.samples_per_s is None:
            raise TrialFailed(outcome.reason)
        return outcome.samples_per_s

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials, catch=(TrialFailed,))
    return found


METHODS: dict[str, Callable[[Table, int, int], Path25]] = {
    "gputune": by_gputune,
    "random": by_chance,
    "Optuna TPE": by_tpe,
    "full grid": by_grid,
    "Optuna TPE, gputune's space": by_tpe_in_the_same_space,
}


def shares(table: Table, path: Path25, after: Sequence[int]) -> list[float]:
    """The truth of what measured best so far over the true best; the script as it is counts for
    every method, since its user has it."""
    own = table.truth(table.space.baseline_knobs)
    found = []
    for count in after:
        measured = [(o.samples_per_s, k) for k, o in path[:count] if o.state == "complete"]
        top = max(measured, key=lambda m: m[0] or 0.0, default=None)
        reached = table.truth(top[1]) if top is not None else own
        found.append(max(reached, own) / table.best)
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(np.asarray(values), percent))


def run_table(views: Sequence[Table], seeds: int, methods: Sequence[str]) -> dict[str, Any]:
    """Each method's shares; of a table that was recorded several times, the seeds take turns."""
    found: dict[str, Any] = {}
    for name in methods:
        began = time.perf_counter()
        turns = [(seed, views[seed % len(views)]) for seed in range(seeds)]
        paths = [METHODS[name](table, seed, AFTER[-1]) for seed, table in turns]
        each = [shares(t, path, AFTER) for (_, t), path in zip(turns, paths, strict=True)]
        found[name] = {
            str(count): {
                "median": median(s[i] for s in each),
                "p5": percentile([s[i] for s in each], 5),
            }
            for i, count in enumerate(AFTER)
        }
        found[name]["trials_median"] = median(len(p) for p in paths)
        found[name]["seconds_a_study"] = (time.perf_counter() - began) / seeds
    return found


def describe(views: Sequence[Table]) -> dict[str, Any]:
    table = views[0]
    return {
        "table": table.name,
        "kind": table.kind,
        "limits": table.limits,
        "late": table.late,
        "note": table.note,
        "noise": table.noise,
        "configurations": table.space.size,
        "searched_configurations": table.chosen.size,
        "searched": [d.name for d in table.chosen.dimensions],
        "left_out": {one.knob: one.why for one in table.chosen.left_out},
        "baseline_share": median(t.truth(t.space.baseline_knobs) / t.best for t in views),
        "best_knobs": dict(table.best_knobs),
        "best_share_of_searched_space": median(_best_of_searched(t) / t.best for t in views),
    }


def _best_of_searched(table: Table) -> float:
    """The best that is in the space that gputune searches."""
    own = table.space.baseline_knobs
    kept = {d.name for d in table.chosen.dimensions}
    if len(kept) == len(table.space.dimensions):
        return table.best
    best = 0.0
    for point in table.chosen.points():
        value = table.truth({**own, **table.chosen.knobs(point)})
        best = max(best, 0.0 if math.isnan(value) else value)
    return best


def heuristics_sha256() -> str:
    return hashlib.sha256(Path(gputune.search.heuristics.__file__).read_bytes()).hexdigest()


def late_machines(frozen: str, count: int) -> list[Machine]:
    """Machines drawn from the hash of the heuristics: another text, other tables."""
    return [drawn(f"drawn {n + 1}", Random(f"{frozen} {n}")) for n in range(count)]


def misses(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the goal is not reached, in words."""
    found = []
    for row in rows:
        ours = row["shares"]["gputune"]
        at = ours[str(AFTER[-1])]
        for what, share, goal in (
            ("median", at["median"], GOAL_MEDIAN), ("5th percentile", at["p5"], GOAL_P5),
        ):  # fmt: skip
            if share < goal:
                noise = _of_noise(row, goal - share)
                found.append(f"{row['table']}: {what} {share:.1%} at {AFTER[-1]} trials{noise}")
        for peer in ("random", "Optuna TPE", "full grid"):
            for count in AFTER:
                mine, other = ours[str(count)]["median"], row["shares"][peer][str(count)]["median"]
                if mine < other - 0.005:
                    behind = f"behind {peer} at {count} trials ({mine:.1%}, {other:.1%})"
                    found.append(f"{row['table']}: {behind}{_of_noise(row, other - mine)}")
    return found


def _of_noise(row: Mapping[str, Any], difference: float) -> str:
    return "; the difference is below the noise of a choice" if difference < row["noise"] else ""


RECORDED_AFTER = "cdf7ba142a5b"
"""What the SHA-256 of the heuristics began with when the recorded tables were made."""
SINCE = (
    "Since then two of its rules changed: what a trial that ran out of memory rules out, and what "
    "is known of one that was ended early. Neither happens in these tables."
)


def cell(figures: Mapping[str, float]) -> str:
    return f"{figures['median'] * 100:.1f} ({figures['p5'] * 100:.1f})"


def markdown(rows: Sequence[Mapping[str, Any]], frozen: str, seeds: int, env: Any) -> str:
    def table_of(part: Sequence[Mapping[str, Any]]) -> str:
        header = ("table", "what limits it", "configurations", "script as it is", "method")
        lines = []
        for row in part:
            for n, name in enumerate(row["shares"]):
                head = (
                    (row["table"], row["limits"], row["configurations"],
                     f"{row['baseline_share'] * 100:.1f}")
                    if n == 0 else ("", "", "", "")
                )  # fmt: skip
                figures = row["shares"][name]
                lines.append((*head, name, *(cell(figures[str(c)]) for c in AFTER)))
        return reporting.markdown_table((*header, *(f"{c} trials" for c in AFTER)), lines)

    early = [r for r in rows if not r["late"]]
    late = [r for r in rows if r["late"] and r["kind"] != "recorded"]
    real = [r for r in rows if r["kind"] == "recorded"]
    missed = misses(rows)
    parts = [
        "# How near to the true best a search comes",
        reporting.environment_markdown(env),
        f"Each cell: share of the true best, in percent, of what measured best so far; median over "
        f"{seeds} seeds, in brackets the 5th percentile. For every method the script as it is "
        "counts as known. Searches see figures with noise (1 to 5 % a trial, and out of memory, "
        "and failures); the true best is found, and every choice is scored, on the same model "
        "without noise. Peers search every knob of the table; «Optuna TPE, gputune's space» is the "
        "same TPE on the knobs that the findings choose.",
        "## Computed (simulated): what the heuristics were written beside",
        "Nothing here was measured on a GPU. `benchmarks/simulated_step.py` states the model.",
        table_of(early),
        "## Computed (simulated): drawn after the heuristics were frozen",
        f"FROZEN: `gputune/search/heuristics.py` has SHA-256 `{frozen}`. The parameters of these "
        "tables are drawn from that hash, over the ranges of `simulated_step.drawn`: with another "
        "text of the heuristics they would be other tables. What they do not show: they are new "
        "draws from the family of tables that the search was developed on (`--development 1`, "
        "`2` and `3`, and the tables above), and the hash covers `heuristics.py` alone, not what "
        "chooses the knobs (`choosing.py`, `ahead.py`) or turns to TPE (`propose.py`).",
        table_of(late),
        "## Recorded from scripts on this machine, after the heuristics were frozen",
        "No model: every configuration trained in each of several passes, which have orders of "
        "their own. A search sees one pass (the seeds take turns); the true best is that of one "
        "half of the passes, this one among them; it and every choice are scored on the other "
        "half, so that nobody is paid for the luck of a reading. A share may exceed 100: what "
        "scores has noise of its own, which stands below; where it is larger than what is left of "
        "100, only the methods say something of each other.",
        f"The tables were recorded when `heuristics.py` had SHA-256 `{RECORDED_AFTER}`. {SINCE}",
        table_of(real) if real else "None is recorded yet.",
        "\n".join(f"- {r['table']}: {r['note']}" for r in real),
        f"## Goal: median at least {GOAL_MEDIAN:.0%} and 5th percentile at least {GOAL_P5:.0%} at "
        "25 trials; never behind a peer's median by more than half a percent",
        "\n".join(f"- missed: {line}" for line in missed) or "Reached on every table.",
        "## The spaces",
        "\n".join(
            f"- {r['table']}: {r['configurations']} configurations, searched "
            f"{r['searched_configurations']} ({', '.join(r['searched'])}), which hold "
            f"{r['best_share_of_searched_space']:.1%} of the true best"
            for r in rows
        ),
    ]  # fmt: skip
    return "\n\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--tables", help="only tables whose name contains this")
    parser.add_argument("--no-late", action="store_true", help="only what was written beside")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--recorded", type=Path, help="a folder of recorded tables")
    parser.add_argument("--out", type=Path, help="write search_quality.md and .json there")
    parser.add_argument("--render", type=Path, help="write the .md of this .json again")
    parser.add_argument("--development", type=int, help="drawn tables of this seed instead")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    frozen = heuristics_sha256()
    if options.render is not None:
        kept = json.loads(options.render.read_text())
        text = markdown(kept["tables"], kept["frozen_sha256"], kept["seeds"], kept["environment"])
        options.render.with_suffix(".md").write_text(text.rstrip() + "\n")
        return 0
    tables = [[computed(machine)] for machine in EARLY]
    if options.development is not None:
        seed = options.development
        tables = [[computed(m)] for m in late_machines(f"development {seed}", LATE_TABLES)]
    elif not options.no_late:
        tables += [[computed(m, late=True)] for m in late_machines(frozen, LATE_TABLES)]
    tables += [recorded(p) for p in sorted((options.recorded or Path("/nowhere")).glob("*.json"))]
    rows = []
    for views in tables:
        if options.tables and options.tables not in views[0].name:
            continue
        assert views[0].space.size >= FEWEST, views[0].name
        row = describe(views) | {"shares": run_table(views, options.seeds, options.methods)}
        rows.append(row)
        ours = {name: [cell(f[str(c)]) for c in AFTER] for name, f in row["shares"].items()}
        print(row["table"], f"own {row['baseline_share']:.2f}",
              f"space {row['best_share_of_searched_space']:.3f}", ours, flush=True)  # fmt: skip
    if options.out is not None:
        env = reporting.environment()
        text = markdown(rows, frozen, options.seeds, env)
        content = {"environment": env, "frozen_sha256": frozen, "seeds": options.seeds,
                   "tables": rows, "missed": misses(rows)}  # fmt: skip
        for path in reporting.write_report(options.out, "search_quality", text, content):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
