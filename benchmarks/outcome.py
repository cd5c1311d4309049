"""What `gputune tune` makes of each workload: the script as written beside the script tuned.

Each workload is tuned by the command that a user would type. Afterwards, in a run of its own, the
script as written (twice, for an A/A) and the script with the `gputune.toml` that was recommended
take turns in fresh processes. What is reported is the ratio of these runs, not the search's figure
nor the confirmation's. The script tuned by hand (`photos_tuned.py`) takes turns with them, where
there is one: how much of what a person gained does the tuner find?
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import reporting
from reporting import Interval, interval_text, ratio_interval, t_interval

from gputune.api.configuring import load_config
from gputune.api.trials.process import observe
from gputune.launch.command import Target, check_target
from gputune.schema.config import Config, Setting
from gputune.search.outcomes import outcome_of
from gputune.session.folder import Options

WORKLOADS = Path(__file__).resolve().parent / "workloads"
NAMES = (
    "photos.py", "photos_tuned.py", "photos_tfrecord.py", "interleave_tfrecord.py",
    "digits_numpy.py", "table_csv.py", "generator.py", "pydataset.py", "text_transformer.py",
    "two_fits.py", "cli_args.py", "custom_train_step.py", "custom_loop.py", "eager_loop.py",
    "gan.py", "mirrored.py",
)  # fmt: skip
BY_HAND = {"photos.py": "photos_tuned.py"}
ARGUMENTS = {"cli_args.py": ("--output", os.devnull)}
MEASURE_S = 6.0
GOAL_RECOVERED = 0.9


def tuned(name: str, folder: Path, budget: str) -> dict[str, Any]:
    """The study of one workload, and the configuration that it recommends (None: none)."""
    study, toml = folder / "study.json", folder / "gputune.toml"
    command = [
        sys.executable, "-m", "gputune", "tune", "--fresh", "--force", "--seed", "0",
        "--budget", budget, "-o", str(folder), "--json", str(study), str(WORKLOADS / name),
        *ARGUMENTS.get(name, ()),
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3600)
    if not study.exists():
        raise RuntimeError(f"exit {done.returncode}: {done.stderr[-600:]}")
    body = json.loads(study.read_text())
    found = toml if toml.exists() else None
    (profile,) = folder.glob("*.study.profile.json")
    steps = json.loads(profile.read_text())["steps"] or {}
    return {"study": body, "toml": found, "took_s": time.monotonic() - began,
            "exit_code": done.returncode, "batch_size": steps.get("batch_size")}  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """What takes turns: a workload with settings; with a cache it is measured once that is full."""

    workload: str
    settings: tuple[Setting, ...] = ()
    cached: bool = False
    batch_size: int | None = None
    """As the study's first profile saw it: of a `PyDataset` no trial sees it."""


def rate(arm: Arm) -> float:
    """Samples/s of one fresh process; raises RuntimeError where it was not measured."""
    name = arm.workload
    target = Target(script=str(WORKLOADS / name), arguments=tuple(ARGUMENTS.get(name, ())))
    options = Options(
        trial=True, max_s=MEASURE_S, warm_epochs=int(arm.cached), settings=arm.settings,
        batch_size=arm.batch_size,
    )  # fmt: skip
    outcome = outcome_of(observe(target, check_target(target), options, timeout_s=300).seen())
    if outcome.samples_per_s is None:
        raise RuntimeError(f"{name}: {outcome.state}: {outcome.reason}")
    return outcome.samples_per_s


def in_turns(arms: Mapping[str, Arm], count: int) -> list[dict[str, float]]:
    """Samples/s by arm for each round, forwards and backwards."""
    found = []
    for number in range(count):
        order = list(arms) if number % 2 == 0 else list(reversed(arms))
        found.append({arm: rate(arms[arm]) for arm in order})
        print(number, {k: round(v, 1) for k, v in found[-1].items()}, flush=True)
    return found


def with_settings(written: Arm, settings: tuple[Setting, ...]) -> Arm:
    cached = any(s.knob == "cache" and s.value != "none" for s in settings)
    return replace(written, settings=settings, cached=cached)


def rounds(written: Arm, config: Config | None, count: int) -> list[dict[str, float]]:
    """As written, tuned, by hand (where there is such a script), and as written once more."""
    arms = {"as written": written}
    if config is not None:
        arms["tuned"] = with_settings(written, config.settings)
    if written.workload in BY_HAND:
        arms["by hand"] = Arm(BY_HAND[written.workload], cached=True)
    arms["as written again"] = written
    return in_turns(arms, count)


def written(row: dict[str, float]) -> float:
    return math.sqrt(row["as written"] * row["as written again"])


def recovered(rows: list[dict[str, float]]) -> Interval | None:
    """Which share of the gain by hand the tuned script has, on the logarithms."""
    if not rows or "by hand" not in rows[0] or "tuned" not in rows[0]:
        return None
    return t_interval(
        math.log(r["tuned"] / written(r)) / math.log(r["by hand"] / written(r)) for r in rows
    )


def knobs_of(study: dict[str, Any]) -> dict[str, Any]:
    """What the recommended configuration changes."""
    best = study.get("best") or study.get("best_same_batch") or {}
    return dict(best.get("changed") or best.get("knobs") or {})


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One row of the report."""
    with tempfile.TemporaryDirectory(prefix="gputune-outcome-") as folder:
        env = reporting.environment()
        row: dict[str, Any] = {
            "workload": name, "problem": "", "commit": env["commit"],
            "budget": options.budgets.get(name, options.budget),
            "load_average_1min": env["load_average_1min"],
        }  # fmt: skip
        try:
            found = tuned(name, Path(folder), row["budget"])
            study = found["study"]
            config = load_config(found["toml"]) if found["toml"] is not None else None
            row |= {
                "verdict": study["verdict"], "trials": len(study["trials"]),
                "took_s": found["took_s"], "confirmation": study["confirmation"],
                "recommended": [
                    {"knob": s.knob, "value": s.value,
                     "line": f"{Path(s.site.file).name}:{s.site.line}" if s.site else ""}
                    for s in (config.settings if config is not None else ())
                ],
            }  # fmt: skip
            print(name, row["verdict"], row["recommended"], flush=True)
            worth = config is not None or name in BY_HAND
            arm = Arm(name, batch_size=found["batch_size"])
            row["rounds"] = rounds(arm, config, options.rounds) if worth else []
        except (RuntimeError, OSError, KeyError, subprocess.SubprocessError) as error:
            row["problem"] = f"{type(error).__name__}: {error}"[:800]
            print(name, row["problem"], flush=True)
    rows = row.get("rounds") or []
    if rows and "tuned" in rows[0]:
        row["ratio"] = ratio_interval((r["tuned"], written(r)) for r in rows).as_dict()
    if rows:
        row["again"] = ratio_interval(
            (r["as written again"], r["as written"]) for r in rows
        ).as_dict()
    share = recovered(rows)
    if share is not None:
        row["recovered"] = share.as_dict()
    return row


def _text(one: dict[str, Any] | None) -> str | None:
    if one is None:
        return None
    low, high = (math.nan if one[k] is None else one[k] for k in ("low", "high"))
    return interval_text(Interval(one["mean"], low, high, one["n"]))


def markdown(rows: list[dict[str, Any]], env: dict[str, Any], options: argparse.Namespace) -> str:
    """The report."""
    table = []
    for row in rows:
        settings = ", ".join(
            f"{s['knob']}={s['value']}" + (f" ({s['line']})" if s["line"] else "")
            for s in row.get("recommended", ())
        )
        table.append((
            row["workload"], row["problem"] or row["verdict"], settings or "nothing",
            _text(row.get("ratio")), _text(row.get("again")), row.get("trials"),
            f"{row['took_s']:.0f} of {row['budget']}" if "took_s" in row else None,
            row["commit"], f"{row['load_average_1min']:.1f}",
        ))  # fmt: skip
    bad = [r["workload"] for r in rows if (r.get("ratio") or {"low": 2.0})["low"] <= 1.0]
    lines = [
        "# What tuning gains",
        reporting.environment_markdown(env),
        __doc__ or "",
        f"{options.rounds} rounds afterwards, {MEASURE_S:.0f} s of clean steps at most in each "
        "process. No GPU. Ratios are of samples/s, with 95 % t intervals on the logarithms. Each "
        "row was made at its own commit; the load is that of the machine just before.",
        reporting.markdown_table(
            ("workload", "the study's answer", "recommended", "tuned / as written [95 %]",
             "A/A [95 %]", "trials", "study, s", "commit", "load before"), table,
        ),
        "Recommended configurations whose interval contains 1 or lies below: "
        + (", ".join(bad) if bad else "none") + ".",
    ]  # fmt: skip
    for row in rows:
        if "recovered" in row:
            share = row["recovered"]
            met = "met" if share["mean"] >= GOAL_RECOVERED else "**missed**"
            lines.append(
                f"`{row['workload']}`, tuned, has {_text(share)} of what "
                f"`{BY_HAND[row['workload']]}` gains over it (on the logarithms; goal "
                f"{GOAL_RECOVERED:.0%}: {met})."
            )
    mean_s = fmean([r["took_s"] for r in rows if "took_s" in r] or [math.nan])
    lines.append(f"A study took {mean_s:.0f} s in the mean.")
    return "\n\n".join(lines)


def _budget(text: str) -> tuple[str, str]:
    name, _, budget = text.partition("=")
    if name not in NAMES or not budget:
        raise argparse.ArgumentTypeError("WORKLOAD=BUDGET, as photos.py=5m")
    return name, budget


def main() -> int:
    """Measure, print, write `reports/outcome.*` after each workload; `--keep` goes on with one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workload", action="append", choices=NAMES)
    parser.add_argument("--budget", default="15m", help="of each study")
    parser.add_argument("--budget-of", type=_budget, action="append", default=[])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument(
        "--keep", action="store_true",
        help="keep the rows that are there; those of the workloads named are made anew",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    options.budgets = dict(options.budget_of)
    rows: dict[str, dict[str, Any]] = {}
    kept = options.out / "outcome.json"
    if options.keep and kept.exists():
        rows = {row["workload"]: row for row in json.loads(kept.read_text())["rows"]}
    for name in options.workload or [name for name in NAMES if name not in rows]:
        rows[name] = measure(name, options)
        env, found = reporting.environment(), list(rows.values())
        content = {"environment": env, "rows": found}
        reporting.write_report(options.out, "outcome", markdown(found, env, options), content)
    print(kept.with_suffix(".md").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
