"""Every knob, by every interpreter, on every workload: is the value in force, and as fast?

For each workload, in a copy of it: a profile says where its settings have their places; then all
of them at once by `run --config`, by the patch of `apply --write`, and by the snippet (its comments
followed by hand-written code), each time profiled, and each knob looked for in `Profile.config`.
The patched script also runs bare to its end, is timed beside `run --config` in turns, and is put
back by `apply --revert`. What is done lies in a folder (`--state`), and is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import reporting
from accuracy import RunFailedError, run
from applying.cells import INTERPRETERS, Wanted, by_snippet, is_in_force, judged, wanted
from reporting import Interval, interval_text, ratio_interval

from gputune import api
from gputune.api.trials.process import Observed, observe
from gputune.knobs.registry import KNOBS
from gputune.launch.command import Target
from gputune.schema.profile import Profile
from gputune.session.folder import Options

WORKLOADS = reporting.ROOT / "benchmarks" / "workloads"
NAMES = sorted(p.stem for p in WORKLOADS.glob("*.py") if "losses" in p.read_text())
PARTS = ("cells", "speed")
CELL_S, SPEED_S = 1.0, 3.0
"""Seconds of the clean phase of a run: a cell's only has to train, the speed's is timed."""
TIMEOUT_S = 300.0
SAYS_NOTHING = 9.0
"""Ours: the upper limit of an A/A over its lower one, from which on a workload says nothing."""
PRECISION = "mixed_precision"
EQUAL = 0.05
"""Ours: a difference within 5 %, or within the half-width of the A/A, is none."""
NOISY = 0.25
"""Where the A/A alone spreads so far (half-width), nothing can be said of the workload."""


class Workload:
    """One workload in a copy of its folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        shutil.copytree(WORKLOADS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.script = folder / f"{name}.py"
        self.before = self.script.read_bytes()
        self.batch_size: int | None = None

    def observed(self, script: Path, wanted: Wanted, *, settings: bool, max_s: float) -> Observed:
        """The script as a trial: with the settings injected, or as it stands in the file."""
        cached = any(s.knob == "cache" for s in wanted.settings) and max_s == SPEED_S
        options = Options(
            trial=True, max_s=max_s, settings=wanted.settings if settings else (),
            warm_epochs=int(cached), batch_size=self.batch_size,
        )  # fmt: skip
        seen = observe(Target(script=str(script)), script, options, timeout_s=TIMEOUT_S)
        if seen.profile.steps is None:
            late = f"killed after {TIMEOUT_S:.0f} s: " if seen.ended.timed_out else ""
            raise RunFailedError(f"{late}no training was seen: {seen.error_text[-300:]}")
        return seen

    def base(self) -> Profile:
        """How the script is, by a whole profile: only that looks at repeated elements."""
        out = self.folder / "base.json"
        head = [sys.executable, "-m", "gputune", "profile", "--max-seconds", "2", "--force"]
        run([*head, "--json", str(out), str(self.script)], TIMEOUT_S, self.folder)
        found = api.load(out)
        assert isinstance(found, Profile)
        self.batch_size = found.steps.batch_size if found.steps is not None else None
        return found


def cells(workload: Workload, base: Profile, found: Wanted) -> dict[str, dict[str, Any]]:
    """For each interpreter what became of each knob."""
    made: dict[str, dict[str, Any]] = {}
    seen = workload.observed(workload.script, found, settings=True, max_s=CELL_S)
    made["run"] = judged(seen.profile, found.settings, {})
    patch = _patched(workload, found)
    try:
        refused = _refused(patch)
        seen = workload.observed(workload.script, found, settings=False, max_s=CELL_S)
        made["patch"] = judged(seen.profile, found.settings, refused)
    finally:
        workload.script.write_bytes(workload.before)
    pasted = by_snippet(workload.script, found.config(workload.script.name), base)
    other = workload.folder / f"{workload.name}_pasted.py"
    other.write_bytes(pasted.source)
    seen = workload.observed(other, found, settings=False, max_s=CELL_S)
    made["snippet"] = judged(seen.profile, found.settings, pasted.refused)
    for of_knob in made.values():
        for knob, reason in found.reasons.items():
            of_knob[knob] = {"state": "cannot be", "reason": reason}
    return made


def _patched(workload: Workload, found: Wanted) -> api.Patch:
    target = Target(script=str(workload.script))
    patch = api.plan_patch(target, found.config(workload.script.name))
    api.write_patch(target, patch)
    return patch


def _refused(patch: api.Patch) -> dict[str, str]:
    done = {one.knob for one in patch.told if one.how in ("made", "already")}
    return {
        one.knob: f"{one.where}: {one.what}".removeprefix(": ")
        for one in patch.told
        if one.how == "refused" and one.knob not in done
    }


def speed(workload: Workload, found: Wanted, rounds: int) -> dict[str, Any]:
    """The patched script bare to its end, beside `run --config` in turns, and reverted."""
    patch = _patched(workload, found)
    after = workload.script.read_bytes()
    refused = _refused(patch)
    both = Wanted(tuple(s for s in found.settings if s.knob not in refused), {})
    short = {"EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "8"}
    before = {name: os.environ.get(name) for name in short}
    os.environ.update(short)
    try:
        run([sys.executable, workload.script.name], TIMEOUT_S, workload.folder)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    rows = []
    for number in range(rounds):
        order = ["run", "patch", "run again"]
        row: dict[str, float] = {}
        for arm in order[number % 3 :] + order[: number % 3]:
            workload.script.write_bytes(after if arm == "patch" else workload.before)
            seen = workload.observed(workload.script, both, settings=arm != "patch", max_s=SPEED_S)
            rate = seen.profile.steps.samples_per_s if seen.profile.steps else None
            if rate is None:
                raise RunFailedError(f"{arm}: no throughput: {seen.error_text[-300:]}")
            missing = [s.knob for s in both.settings if not is_in_force(seen.profile, s)]
            if missing:
                raise RunFailedError(f"{arm}: not in force: {missing}")
            row[arm] = rate
        rows.append(row)
        print(f"{workload.name}, round {number + 1}: {row}", flush=True)
    workload.script.write_bytes(after)
    reverted = api.revert(Target(script=str(workload.script)))
    return {
        "rounds": rows,
        "left_out": refused,
        "ran_bare": True,
        "reverted_to_the_byte": workload.script.read_bytes() == workload.before
        and not reverted.kept
        and not list(workload.folder.glob("*gputune-backup")),
    }


def sparing(
    part: Callable[[Wanted], dict[str, Any]], workload: Workload, found: Wanted
) -> dict[str, Any]:
    """The part; without bfloat16 where the script's own arithmetic cannot have it."""
    try:
        return part(found)
    except RunFailedError as error:
        if "bfloat16" not in str(error) or not any(s.knob == PRECISION for s in found.settings):
            raise
        workload.script.write_bytes(workload.before)
        said = "the script itself fails with it: a float32 of its own meets a bfloat16"
        return part(found.without(PRECISION, said))


def compared(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The ratio of the patch to `run`, its A/A, and whether they differ."""
    ratio = ratio_interval((r["patch"], (r["run"] * r["run again"]) ** 0.5) for r in rows)
    aa = ratio_interval((r["run again"], r["run"]) for r in rows)
    noisy = aa.n < 2 or not aa.half_width <= NOISY
    near = abs(ratio.mean - 1) <= max(EQUAL, 0.0 if noisy else aa.half_width)
    equal = near or (ratio.n > 1 and ratio.low <= 1 <= ratio.high)
    said = "too noisy to say" if noisy else "equal" if equal else "DIFFERENT"
    return {"patch_over_run": ratio.as_dict(), "aa": aa.as_dict(), "verdict": said}


def _pooled_text(each: Sequence[Sequence[Mapping[str, float]]]) -> str:
    """All workloads together: one geometric mean of each, so that none counts twice."""
    said = [rows for rows in each if _ratio_spread(rows) < SAYS_NOTHING]
    if len(said) < 2:
        return "Too few workloads to say anything of all together."
    patch = ratio_interval((_mean(r, "patch"), (_mean(r, "run") * _mean(r, "run again")) ** 0.5)
                           for r in said)  # fmt: skip
    again = ratio_interval((_mean(r, "run again"), _mean(r, "run")) for r in said)
    return (
        f"All together, a workload's geometric mean being one sample (n = {patch.n}; "
        f"{len(each) - len(said)} left out, whose own A/A spreads by more than a factor of "
        f"{SAYS_NOTHING**0.5:.0f} to either side): patch / run {_text(patch.as_dict())}, A/A "
        f"{_text(again.as_dict())}."
    )


def _mean(rows: Sequence[Mapping[str, float]], arm: str) -> float:
    return math.exp(fmean(math.log(row[arm]) for row in rows))


def _ratio_spread(rows: Sequence[Mapping[str, float]]) -> float:
    """The A/A's upper limit over its lower one."""
    again = ratio_interval((r["run again"], r["run"]) for r in rows)
    return again.high / again.low if again.n > 1 and again.low > 0 else math.inf


def work(name: str, options: argparse.Namespace, state: Path, commit: str) -> None:
    """What is not done yet of one workload; what fails is kept as its problem."""
    file = state / f"{name}.json"
    kept: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    made = kept.get("commits", {})
    if options.fresh or (set(made.values()) - {commit} and not options.keep):
        kept = {"workload": name}
    todo = [part for part in options.parts if part not in kept]
    if not todo:
        return
    began = time.monotonic()
    kept.pop("problem", None)
    with tempfile.TemporaryDirectory(prefix="gputune-matrix-") as top:
        try:
            workload = Workload(name, Path(top) / "work")
            base = workload.base()
            found = wanted(base, options.knobs)
            kept["style"] = base.style
            if "cells" in todo:
                kept["cells"] = sparing(partial(cells, workload, base), workload, found)
                kept.setdefault("commits", {})["cells"] = commit
                file.write_text(json.dumps(kept, indent=1))
            if "speed" in todo:
                timed = partial(speed, workload, rounds=options.rounds)
                kept["speed"] = sparing(timed, workload, found)
                kept.setdefault("commits", {})["speed"] = commit
        except (RunFailedError, OSError, ValueError, AssertionError, api.ApplyFailed) as error:
            kept["problem"] = f"{type(error).__name__}: {error}"
    kept["took_s"] = round(time.monotonic() - began, 1)
    file.write_text(json.dumps(kept, indent=1))
    print(f"{name}: {kept.get('problem') or 'done'}, {kept['took_s']} s", flush=True)


METHOD = """\
For each workload a profile says which knobs have a place there; each is given another value \
than the script's own. All are put in at once, by `run --config`, by the patch of `apply \
--write`, and by the snippet: pasted above the script, `finish(…)` around what trains, and \
its comments followed by code of this benchmark's own (`applying/following.py`), not by the patch. \
Each time the script is profiled, and a cell is «in force» where `config` of that profile \
shows the value (at the call that is meant, where it has a line). «cannot be» has the reason \
below. A GPU's knobs are set to what TensorFlow does by itself where there is no GPU.

Speed: the patched script runs bare to the end of a short training; then `run --config`, the \
patched script, and `run --config` again take turns, each as a trial of the search measures \
it, with all settings that the patch could make. The ratio is that of the patch to the \
geometric mean of the two runs of the same round; intervals are 95 % t intervals of log \
ratios. Equal: the interval includes 1, or the ratio lies within 5 % of it or within the \
A/A's half-width; too noisy to say: the A/A's half-width is over 25 %. Afterwards `apply \
--revert`, and the file is compared byte by byte."""
_SHORT = {"in force": "✓", "cannot be": "–", "MISSING": "MISSING"}


def markdown(done: Sequence[dict[str, Any]], env: dict[str, Any]) -> str:
    """The report."""
    counted = {"in force": 0, "cannot be": 0, "MISSING": 0}
    rows, reasons = [], []
    for one in done:
        for how in INTERPRETERS if "cells" in one else ():
            of_knob = one["cells"][how]
            rows.append([one["workload"], how, *(_SHORT[of_knob[k.name]["state"]] for k in KNOBS)])
            for knob in (k.name for k in KNOBS):
                counted[of_knob[knob]["state"]] += 1
                if "reason" in of_knob[knob]:
                    reasons.append([one["workload"], how, knob, of_knob[knob]["reason"]])
    parts = [
        "# Settings by `run`, by the patch, by the snippet",
        reporting.environment_markdown(env),
        METHOD,
        f"Of {len(NAMES)} workloads {sum('cells' in one for one in done)} have their cells here, "
        f"and {sum('speed' in one for one in done)} were timed. "
        f"{counted['in force']} cells in force, "
        f"{counted['cannot be']} that cannot be, {counted['MISSING']} missing.",
        reporting.markdown_table(["workload", "by", *(k.name for k in KNOBS)], rows),
        "## As fast, and reverted",
        reporting.markdown_table(
            ["workload", "n", "patch / run", "A/A", "verdict", "ran bare", "reverted", "without"],
            [_speed_row(one) for one in done if "speed" in one],
        ),
        _pooled_text([one["speed"]["rounds"] for one in done if "speed" in one]),
    ]  # fmt: skip
    for part in PARTS:
        at = {one["workload"]: one["commits"][part] for one in done if part in one}
        if len(set(at.values())) > 1 or set(at.values()) - {env["commit"]}:
            parts.insert(4, f"Commit of the {part}: {_of_commits(at)}.")
    problems = [[one["workload"], one["problem"]] for one in done if "problem" in one]
    if problems:
        parts += ["## Problems", reporting.markdown_table(["workload", "what"], problems)]
    merged: dict[tuple[str, str], list[str]] = {}
    for workload, how, knob, reason in reasons:
        merged.setdefault((knob, reason), []).append(f"{workload} ({how})")
    parts += [
        "## Cells that cannot be, and why",
        reporting.markdown_table(
            ["knob", "why", "where"],
            [[knob, why, ", ".join(_places(where))] for (knob, why), where in merged.items()],
        ),
    ]  # fmt: skip
    return "\n\n".join(parts)


def _of_commits(at: Mapping[str, str]) -> str:
    """`51df7a7`, or each commit with its workloads."""
    if len(set(at.values())) == 1:
        return next(iter(at.values()))
    each = {c: ", ".join(n for n, of in at.items() if of == c) for c in sorted(set(at.values()))}
    return "; ".join(f"{commit} ({names})" for commit, names in each.items())


def _places(where: list[str]) -> list[str]:
    """`photos` where all three interpreters have it, else `photos (patch)`."""
    names = dict.fromkeys(place.partition(" ")[0] for place in where)
    found = []
    for name in names:
        own = [place for place in where if place.partition(" ")[0] == name]
        found += [name] if len(own) == len(INTERPRETERS) else own
    return found


def _speed_row(one: dict[str, Any]) -> list[object]:
    found = one["speed"]
    made = compared(found["rounds"])
    return [
        one["workload"], len(found["rounds"]), _text(made["patch_over_run"]), _text(made["aa"]),
        made["verdict"], "yes" if found["ran_bare"] else "NO",
        "to the byte" if found["reverted_to_the_byte"] else "NO",
        ", ".join(found["left_out"]) or "nothing",
    ]  # fmt: skip


def _text(record: Mapping[str, Any]) -> str:
    nan = float("nan")
    low, high = (nan if record[k] is None else record[k] for k in ("low", "high"))
    return interval_text(Interval(record["mean"], low, high, record["n"]), 1.0, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES, metavar="WORKLOAD")
    parser.add_argument("--knobs", nargs="+", default=(), choices=[k.name for k in KNOBS])
    parser.add_argument(
        "--parts", nargs="+", default=["cells", "speed"], choices=["cells", "speed"]
    )
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--minutes", type=float, help="begin no other workload after so long")
    parser.add_argument("--fresh", action="store_true", help="do again what is done")
    parser.add_argument("--keep", action="store_true", help="also what another commit has done")
    parser.add_argument("--report-only", action="store_true", help="of what is done")
    parser.add_argument("--state", type=Path, default=reporting.ROOT / "build" / "apply_matrix")
    parser.add_argument("--reports", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="2", EPOCHS="400", SEED="0")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(reporting.ROOT), os.environ.get("PYTHONPATH")])
    )
    options.state.mkdir(parents=True, exist_ok=True)
    env = reporting.environment()
    began = time.monotonic()
    for name in () if options.report_only else options.only:
        if options.minutes and time.monotonic() - began > 60 * options.minutes:
            print(f"not begun: {name}", flush=True)
            continue
        work(name, options, options.state, env["commit"])
    files = sorted(options.state.glob("*.json"))
    done = [json.loads(file.read_text()) for file in files]
    env["load_average_1min"] = os.getloadavg()[0]
    for one in done:
        if "speed" in one:
            one["speed"] |= compared(one["speed"]["rounds"])
    content = {"environment": env, "workloads": done}
    for path in reporting.write_report(options.reports, "apply", markdown(done, env), content):
        print(path)


if __name__ == "__main__":
    main()
