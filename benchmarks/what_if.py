"""How right gputune's «what could be won» is: each «if» is predicted, then made true by hand.

For each case rounds of processes alternate: the script as it is, the script with the condition
made true by hand, the script as it is once more (the A/A), and `gputune profile` of the script as
it is. The steps are timed by the script's own clock, bare, without gputune. What is compared is a
ratio: the predicted and the measured speedup of the same round.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import reporting
from accuracy import RunFailedError, calibrate, run
from overhead import step_loops
from reporting import Interval, interval_text, ratio_interval

HERE = Path(__file__).resolve().parent / "constructions"
# As gputune words them (gputune/schema/conditions.py), which is not imported here.
INPUT_READY = "the input were always ready"
HOST_FREE = "launches and Python took no time"
LOSS_SELDOM = "the script did not wait for its own loss at every step (steps_per_execution=32)"
INPUT_AND_HOST_FREE = "the input were always ready, and launches and Python took no time"
WARMUP_CALLS = 10
TOLERANCE = {"measured": 0.05, "model": 0.10}
"""How far predicted / measured may lie from 1, by what the prediction stands on. Where the A/A of
the case spreads wider than that, its half-width counts."""
PROFILED_S = 60.0
"""How long the script would train by itself under `gputune profile`, which ends it earlier."""
NOISY = 0.25
"""Where the A/A alone spreads so far (half-width), nothing can be said of the case."""
MANY = 32
NEARLY_FREE = 256
"""So many steps a call leave next to nothing of the host's fixed cost."""


@dataclass(frozen=True)
class Case:
    """`script` and `arguments` as they are; `made_true` is the command that makes `condition` true.

    `step_s` is about how long a step takes, for the length of the runs.
    """

    name: str
    condition: str
    script: str
    arguments: tuple[str, ...]
    made_true: tuple[str, ...]
    steps_per_call: int
    step_s: float


def cases(calibration: dict[str, float]) -> list[Case]:
    """The cases, with loops for this machine."""

    def model(step_s: float) -> tuple[str, ...]:
        return ("--model-loops", str(step_loops(calibration, step_s)))

    def maps(element_s: float) -> tuple[str, ...]:
        return ("--loops", str(max(1, round(element_s / calibration["input_loop_s"]))))

    def ready(name: str, script: str, step_s: float, *arguments: str) -> Case:
        return Case(name, INPUT_READY, script, arguments, ("ready.py", script), 1, step_s)

    def many(name: str, condition: str, steps: int, step_s: float, *arguments: str) -> Case:
        script = "fast_input.py"
        return Case(name, condition, script, arguments, (script,), steps, step_s)

    light = ("--model-loops", "0")
    busy = (*model(0.001), *maps(20e-6))
    return [
        ready("a serial map of 0.5 ms", "cpu_map.py", 0.02, *model(0.005), *maps(0.5e-3)),
        ready("a sleep of 0.5 ms in C++", "cpp_sleep.py", 0.02, *model(0.005), "--sleep-us", "500"),
        ready("an input that is fast enough", "fast_input.py", 0.01, *model(0.010)),
        many("a model of next to nothing", LOSS_SELDOM, MANY, 0.001, *light),
        many("a model of 1 ms", LOSS_SELDOM, MANY, 0.001, *model(0.001)),
        many("a model of 10 ms", LOSS_SELDOM, MANY, 0.010, *model(0.010)),
        many("a model of next to nothing", HOST_FREE, NEARLY_FREE, 0.001, *light),
        Case(
            "a map of 20 µs, a model of 1 ms", INPUT_AND_HOST_FREE, "cpu_map.py", busy,
            ("ready.py", "cpu_map.py"), NEARLY_FREE, 0.002,
        ),
    ]  # fmt: skip


def bare_step_s(command: list[str], steps_per_call: int, folder: Path) -> float:
    """Mean seconds a step by the script's own clock, the first calls left out."""
    clock = folder / "clock.json"
    extra = ["--clock", str(clock), "--steps-per-execution", str(steps_per_call)]
    run([sys.executable, *command, *extra], 300)
    times = json.loads(clock.read_text())[WARMUP_CALLS:]
    return (times[-1] - times[0]) / ((len(times) - 1) * steps_per_call)


def predicted(case: Case, folder: Path) -> dict[str, Any]:
    """What `gputune profile` says of the condition, with its own clean step."""
    out = folder / "profile.json"
    head = [sys.executable, "-m", "gputune", "profile", "--force", "--json", str(out)]
    steps = str(max(400, round(PROFILED_S / case.step_s)))
    script = [str(HERE / case.script), *case.arguments, "--steps", steps]
    run([*head, "-o", str(folder), *script, "--clock", str(folder / "unused.json")], 240)
    record = json.loads(out.read_text())
    for what in record["what_if"]:
        if what["if"] == case.condition:
            return {**what, "reported_step_s": record["steps"]["mean_s"]}
    raise RunFailedError(f"the profile has no price for «{case.condition}»")


def one_round(case: Case, number: int, options, folder: Path) -> dict[str, Any]:
    """Each command once, in an order that turns from round to round."""
    calls = max(40, round(options.script_s / case.step_s / case.steps_per_call))
    steps = ["--steps", str(calls * case.steps_per_call)]
    real = [str(HERE / case.script), *case.arguments, *steps]
    script, *rest = case.made_true
    changed = [str(HERE / script), *rest, *case.arguments, *steps]
    order = ["real", "made_true", "again", "predicted"]
    order = order[number % 4 :] + order[: number % 4]
    row: dict[str, Any] = {}
    for what in order:
        if what == "predicted":
            row[what] = predicted(case, folder)
        elif what == "made_true":
            row[what] = bare_step_s(changed, case.steps_per_call, folder)
        else:
            row[what] = bare_step_s(real, 1, folder)
    return row


def measure(case: Case, options, folder: Path) -> dict[str, Any]:
    """One row of the report."""
    rounds: list[dict[str, Any]] = []
    problem = ""
    try:
        for number in range(options.rounds):
            rounds.append(one_round(case, number, options, folder))
            print(f"{case.name}, round {number + 1}: {rounds[-1]}", flush=True)
    except (RunFailedError, OSError, ValueError, KeyError) as error:
        problem = f"{type(error).__name__}: {error}"
    row: dict[str, Any] = {**asdict(case), "rounds": rounds, "problem": problem, "ok": False}
    if not rounds:
        return row
    # The two runs of the script as it is stand around the others: their mean is the real step.
    real = [fmean((r["real"], r["again"])) for r in rounds]
    measured = ratio_interval((step, r["made_true"]) for step, r in zip(real, rounds, strict=True))
    said = ratio_interval((r["predicted"]["speedup"], 1.0) for r in rounds)
    off = ratio_interval(
        (r["predicted"]["speedup"], step / r["made_true"])
        for step, r in zip(real, rounds, strict=True)
    )
    aa = ratio_interval((r["again"], r["real"]) for r in rounds)
    basis = rounds[0]["predicted"]["basis"]
    tolerance = TOLERANCE[basis.split(":")[0]]
    noisy = aa.n < 2 or not aa.half_width <= NOISY
    if not noisy:
        tolerance = max(tolerance, aa.half_width)
    bound = "at most" in basis
    right = off.mean >= 1 - tolerance if bound else abs(off.mean - 1) <= tolerance
    return {
        **row,
        "basis": basis,
        "real_step_s": fmean(real),
        "measured_speedup": measured.as_dict(),
        "predicted_speedup": said.as_dict(),
        "predicted_over_measured": off.as_dict(),
        "aa_ratio": aa.as_dict(),
        "tolerance": tolerance,
        "bound": bound,
        "noisy": noisy,
        "ok": right and not noisy,
    }


METHOD = """\
Truth: the script with the condition made true by hand, timed by its own clock, without gputune; \
the speedup is the real step divided by that. «The input were always ready» is made true with one \
batch of the same input, held in memory; «the script did not wait for its own loss» with \
`steps_per_execution=32`; a free host, which nobody can make, nearly with `steps_per_execution=256`.
All intervals are 95 % t intervals over the rounds, on log ratios. Right: predicted / measured \
within 5 % of 1 where the prediction is measured, within 10 % where it is a model, or within the \
half-width of the A/A where that is wider. A prediction that says «at most» is right where no more \
was measured; how much less, the column shows. Where the A/A spreads by more than 25 % nothing is \
said. Cases that miss are listed, never dropped.

Not here: hidden copies. They are priced only where TensorFlow uses a GPU, and this was measured \
without one."""


def _text(record: dict[str, Any]) -> str:
    nan = float("nan")
    low, high = (nan if record[k] is None else record[k] for k in ("low", "high"))
    return interval_text(Interval(record["mean"], low, high, record["n"]), 1.0, 3)


def _cells(row: dict[str, Any]) -> list[object]:
    if "measured_speedup" not in row:
        return [row["condition"], row["name"], *[None] * 5, row["problem"]]
    verdict = "yes" if row["ok"] else "too noisy to say" if row["noisy"] else "**no**"
    if row["ok"] and row["bound"]:
        verdict = "yes, as a bound"
    return [
        row["condition"],
        row["name"],
        reporting.milliseconds(row["real_step_s"]),
        _text(row["predicted_speedup"]),
        _text(row["measured_speedup"]),
        _text(row["predicted_over_measured"]),
        _text(row["aa_ratio"]),
        f"{verdict} {row['problem']}".rstrip(),
    ]


def write(rows: list[dict[str, Any]], options, calibration: dict[str, float]) -> None:
    """Write both report files with what has been measured until now."""
    env = reporting.environment()
    header = ["if", "script", "step, ms", "predicted speedup", "measured speedup"]
    header += ["predicted / measured", "A/A", "within tolerance"]
    missed = ", ".join(f"{row['name']} («{row['condition']}»)" for row in rows if not row["ok"])
    right = sum(row["ok"] for row in rows)
    parts = [
        "# What could be won: predicted, and made true",
        METHOD,
        reporting.environment_markdown(env),
        f"**{right} of {len(rows)} within tolerance.** Missed: {missed or 'none'}.",
        reporting.markdown_table(header, (_cells(row) for row in rows)),
    ]
    content = {
        "environment": env,
        "options": {k: str(v) for k, v in vars(options).items() if k != "out"},
        "calibration": calibration,
        "rows": rows,
    }
    reporting.write_report(options.out, "what_if", "\n\n".join(parts), content)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--script-s", type=float, default=6.0, help="training of a bare script")
    parser.add_argument("--only", help="only cases with this in their condition or name")
    parser.add_argument("--quick", action="store_true", help="2 rounds")
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 2
    return options


def main() -> int:
    """Run the cases; 0 if all are within tolerance."""
    options = parse()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="gputune-what-if-") as name:
        folder = Path(name)
        calibration = calibrate(folder)
        chosen = cases(calibration)
        if options.only:
            chosen = [c for c in chosen if options.only in f"{c.condition} {c.name}"]
        for case in chosen:
            rows.append(measure(case, options, folder))
            print(" | ".join(str(cell) for cell in _cells(rows[-1])), flush=True)
            write(rows, options, calibration)
    return 0 if rows and all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
