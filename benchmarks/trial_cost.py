"""What a trial costs: gputune's two ways beside an Optuna loop that starts the script each time.

The same configurations, in turns, in one run. For each trial the seconds of the whole trial, those
under measurement (from the first step after warm-up to the last), and the difference: start-up,
data, tracing, warm-up, and what comes after the last step. gputune's clean steps are under
measurement whether they turn out steady or not, as the peer's are.

(a) `in process`: `gputune tune`'s trial in the process of the one before;
(b) `new process`: `gputune tune`'s trial in a process of its own;
(c) `Optuna`: a study as a user would write it, whose objective starts the script with its settings
    in the environment; the script skips ten steps and then measures as long as (a) did.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import reporting
from reporting import interval_text, ratio_interval, t_interval

from gputune.api.trials.measuring import Trials
from gputune.api.trials.process import observe
from gputune.api.trials.script import Script
from gputune.knobs.registry import KNOBS
from gputune.launch.command import Target, check_target
from gputune.search.choosing import Choice, choose_space
from gputune.session.folder import Options

WORKLOADS = Path(__file__).resolve().parent / "workloads"
LONGEST_S = 4.0
"""Of a trial's measurement here, steady or not: what is compared is what does not measure."""
SKIPPED_STEPS = 10
GOAL = 10.0

CLOCK = '''
import os as _os, time as _time


class _Clock(keras.callbacks.Callback):
    """Skips the first steps, measures for so many seconds, ends the training."""

    def __init__(self):
        super().__init__()
        self.seen, self.began = 0, None

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        now = _time.perf_counter()
        if self.seen == {skipped}:
            self.began, self.first = now, self.seen
        if self.began is not None and now - self.began >= float(_os.environ["WINDOW_S"]):
            steps = self.seen - self.first
            if steps:
                print("RATE", steps * int(_os.environ["BATCH"]) / (now - self.began), flush=True)
                _os._exit(0)


'''

# What a user changes by hand to let Optuna turn the same knobs: (old text, new text).
PARTS: dict[str, list[tuple[str, str]]] = {
    "photos.py": [
        (".map(decode)\ntrain", '.map(decode, num_parallel_calls=int('
         'os.environ["PARALLEL"]))\ntrain'),
        ("train_ds.batch(BATCH_SIZE)", 'train_ds.batch(int(os.environ["BATCH"]))'
         '.prefetch(int(os.environ["PREFETCH"]))'),
        ("callbacks = [", "callbacks = [\n    _Clock(),"),
    ],
    "text_transformer.py": [
        ("seed=SEED).batch(32)", 'seed=SEED).batch(int(os.environ["BATCH"]))'),
        ("num_parallel_calls=2).prefetch(2)", 'num_parallel_calls=int(os.environ["PARALLEL"]))'
         '.prefetch(int(os.environ["PREFETCH"]))'),
        ("epochs=EPOCHS, verbose=2", "epochs=EPOCHS, verbose=2, callbacks=[_Clock()]"),
    ],
}  # fmt: skip
BATCHES, PREFETCHES, PARALLELS = (32, 64, 128), (1, 2, 4), (1, 2)


def users_script(name: str, folder: Path) -> Path:
    """The workload with a clock and with knobs from the environment; raises where it changed."""
    text = (WORKLOADS / name).read_text()
    for old, new in PARTS[name]:
        if text.count(old) < 1:
            raise ValueError(f"{name} has no {old!r} any more")
        text = text.replace(old, new, 1)
    first = "import tensorflow as tf\n"
    text = text.replace(first, first + CLOCK.format(skipped=SKIPPED_STEPS), 1)
    path = folder / name
    path.write_text(text)
    return path


def configurations(number: int) -> list[dict[str, int]]:
    """The first `number` of an order that changes every knob often."""
    found = []
    for index in range(number):
        batch = BATCHES[index % len(BATCHES)]
        prefetch = PREFETCHES[(index // len(BATCHES) + index) % len(PREFETCHES)]
        found.append({"batch_size": batch, "prefetch": prefetch,
                      "num_parallel_calls": PARALLELS[index % len(PARALLELS)]})  # fmt: skip
    return found


def named(wanted: dict[str, int], dimensions: dict[str, str]) -> dict[str, Any]:
    """The configuration with the names that the study's space has for the knobs."""
    return {dimensions[knob]: value for knob, value in wanted.items() if knob in dimensions}


class Short(Script):
    """A script whose trials measure for a short time."""

    max_s = LONGEST_S  # type: ignore[assignment]


def row(seconds: float, measured: float | None) -> dict[str, float | None]:
    """One trial: whole, measuring, the rest."""
    rest = None if measured is None else seconds - measured
    return {"whole_s": seconds, "measuring_s": measured, "rest_s": rest}


def optuna_trial(study, script: Path, wanted: dict[str, int], window_s: float) -> dict[str, Any]:
    """One trial of the peer, asked, run and told as in `study.optimize`."""
    began = time.monotonic()
    study.enqueue_trial(wanted)
    trial = study.ask()
    found = {
        "batch_size": trial.suggest_categorical("batch_size", BATCHES),
        "prefetch": trial.suggest_categorical("prefetch", PREFETCHES),
        "num_parallel_calls": trial.suggest_categorical("num_parallel_calls", PARALLELS),
    }
    extra = {
        "BATCH": str(found["batch_size"]), "PREFETCH": str(found["prefetch"]), "EPOCHS": "500",
        "PARALLEL": str(found["num_parallel_calls"]), "WINDOW_S": f"{window_s:.3f}",
        "PYTHONPATH": str(WORKLOADS), "TF_CPP_MIN_LOG_LEVEL": "2",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(script)], cwd=script.parent, env={**os.environ, **extra},
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    rate = next(
        float(said.split()[1]) for said in done.stdout.splitlines() if said.startswith("RATE")
    )
    study.tell(trial, rate)
    return {**row(time.monotonic() - began, window_s), "samples_per_s": rate}


def gputune_trial(trials: Trials, knobs: dict[str, Any]) -> dict[str, Any]:
    """One trial of gputune's; raises RuntimeError where it was not measured."""
    began = time.monotonic()
    outcome = trials.measure(knobs, None)
    if outcome.state != "complete":
        raise RuntimeError(f"{knobs}: {outcome.state}: {outcome.reason}")
    found = row(time.monotonic() - began, outcome.measured_s)
    return {**found, "samples_per_s": outcome.samples_per_s, "in_process": outcome.in_process}


def measure(name: str, number: int, folder: Path) -> dict[str, Any]:
    """Every configuration by each of the three ways, in rotating order."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    target = Target(script=str(WORKLOADS / name))
    source = check_target(target)
    profile = observe(target, source, Options(max_s=5.0), timeout_s=300).profile
    script = Short(target=target, source=source, profile=profile)
    space = choose_space(profile, KNOBS, Choice(knobs=tuple(("batch_size", "prefetch",
                                                              "num_parallel_calls"))))  # fmt: skip
    dimensions = {d.name.partition("@")[0]: d.name for d in reversed(space.dimensions)}
    peer = users_script(name, folder)
    study = optuna.create_study(direction="maximize")
    rows = []
    with Trials(script, space) as inside, Trials(script, space, resident=False) as outside:
        for index, wanted in enumerate(configurations(number)):
            knobs = named(wanted, dimensions)
            found: dict[str, Any] = {"knobs": wanted}
            found["in process"] = gputune_trial(inside, knobs)
            window = found["in process"]["measuring_s"]
            arms = ["new process", "Optuna"]
            for arm in arms if index % 2 else reversed(arms):
                if arm == "Optuna":
                    found[arm] = optuna_trial(study, peer, wanted, window)
                else:
                    found[arm] = gputune_trial(outside, knobs)
            rows.append(found)
            print(name, index, {a: found[a] for a in ("in process", *arms)}, flush=True)
    return {"workload": name, "searched": list(dimensions.values()), "rows": rows}


ARMS = ("in process", "new process", "Optuna")


def summary(part: dict[str, Any]) -> dict[str, Any]:
    """Means and ratios; the first in-process trial, which starts the process, stands apart."""
    rows, later = part["rows"], part["rows"][1:]

    def ratio(of: list[dict[str, Any]], key: str, arm: str) -> dict[str, Any]:
        return ratio_interval((r["Optuna"][key], r[arm][key]) for r in of).as_dict()

    totals = {arm: sum(r[arm]["rest_s"] for r in rows) for arm in ARMS}
    return {
        "rest_s": {arm: t_interval(r[arm]["rest_s"] for r in later).as_dict() for arm in ARMS},
        "whole_s": {arm: t_interval(r[arm]["whole_s"] for r in later).as_dict() for arm in ARMS},
        "measuring_s": median(r["in process"]["measuring_s"] for r in rows),
        "first_rest_s": {arm: rows[0][arm]["rest_s"] for arm in ARMS},
        "rest_ratio": {arm: ratio(later, "rest_s", arm) for arm in ARMS[:2]},
        "whole_ratio": {arm: ratio(later, "whole_s", arm) for arm in ARMS[:2]},
        "rest_ratio_of_all_trials": {a: totals["Optuna"] / totals[a] for a in ARMS[:2]},
        "rate_ratio": ratio_interval(
            (r["in process"]["samples_per_s"], r["new process"]["samples_per_s"]) for r in rows
        ).as_dict(),
    }


def _text(one: dict[str, Any], digits: int = 2) -> str:
    nan = float("nan")
    low, high = (nan if one[k] is None else one[k] for k in ("low", "high"))
    return interval_text(reporting.Interval(one["mean"], low, high, one["n"]), 1.0, digits)


def markdown(parts: list[dict[str, Any]], env: dict[str, Any]) -> str:
    """The report."""
    lines = ["# What a trial costs", reporting.environment_markdown(env), __doc__ or ""]
    for part in parts:
        found = part["summary"]
        header = ["way", "seconds that do not measure [95 %]", "of the first trial",
                  "times fewer than Optuna's [95 %]", "over all trials",
                  "whole trial, s [95 %]", "times shorter than Optuna's [95 %]"]  # fmt: skip
        rows = []
        for arm in ARMS:
            peer = arm == "Optuna"
            rows.append([
                arm, _text(found["rest_s"][arm]), f"{found['first_rest_s'][arm]:.2f}",
                None if peer else _text(found["rest_ratio"][arm]),
                None if peer else f"{found['rest_ratio_of_all_trials'][arm]:.2f}",
                _text(found["whole_s"][arm]),
                None if peer else _text(found["whole_ratio"][arm]),
            ])  # fmt: skip
        met = "met" if found["rest_ratio"]["in process"]["mean"] >= GOAL else "**missed**"
        lines += [
            f"## {part['workload']}",
            f"{len(part['rows'])} configurations of {', '.join(part['searched'])}; at most "
            f"{LONGEST_S:.0f} s of measuring a trial, steady or not; the median "
            f"trial measured for {found['measuring_s']:.2f} s. Goal: at least {GOAL:.0f} times "
            f"fewer seconds that do not measure, in process: {met}. The first trial is in no mean.",
            reporting.markdown_table(header, rows),
            "The same configuration in process / in a new process, samples/s: "
            f"{_text(found['rate_ratio'], 3)}.",
        ]
    return "\n\n".join(lines)


def main() -> int:
    """Measure, print, write `reports/trial_cost.*`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workload", action="append", choices=sorted(PARTS))
    parser.add_argument("--trials", type=int, default=9)
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    parts = []
    for name in options.workload or sorted(PARTS):
        with tempfile.TemporaryDirectory(prefix="gputune-trial-cost-") as folder:
            part = measure(name, options.trials, Path(folder))
        parts.append({**part, "summary": summary(part)})
        env = reporting.environment()
        text = markdown(parts, env)
        reporting.write_report(
            options.out, "trial_cost", text, {"environment": env, "rows": parts}
        )  # fmt: skip
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
