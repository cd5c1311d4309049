"""How right gputune's input wait and its culprit are, on constructions with a measured truth.

For each case the oracle (constructions/oracle.py, which uses nothing of gputune) measures in two
processes, then `gputune profile` the script, then the oracle in two more, so that a drift of the
machine hits both, and so that it is known how far processes of the same code lie apart. Cases
that miss are listed, never dropped; the report is written after every case.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import reporting
from constructions import cases, load
from reporting import Interval, milliseconds, t_interval

HERE = Path(__file__).resolve().parent / "constructions"
TOLERANCE_FRACTION, TOLERANCE_S = 0.03, 0.3e-3
MUST_NAME_FRACTION, MUST_NOT_NAME_FRACTION = 0.10, 0.05
"""Above the first share of the step a culprit must be named; below the second none may be."""
FOREIGN_FRACTION = 0.10
"""A block is disturbed where other processes took more than this share of the cores."""
LEAST_PAIRS = 6
PARTS = 4
"""Processes of the oracle for a case, half of them before gputune's; `python` twice on the same
script gives waits that differ by more than the blocks of one process do."""
SCRIPT_S = 60.0
"""How long a script would train by itself, about; gputune ends it earlier."""


class RunFailedError(Exception):
    """A process of the benchmark ended badly."""


@dataclass(frozen=True)
class Truth:
    """What the oracle saw, seconds: `wait` over its processes, and the steps of the two sides."""

    wait: Interval
    real_s: float
    held_s: float
    parts_s: tuple[float, ...]
    """The wait in each of the oracle's processes."""
    traces_in_blocks: int
    pairs: int
    pairs_disturbed: int
    """Pairs with a block in which other processes took too much; left out where enough remain."""


def run(command: list[str], timeout_s: float, cwd: Path = reporting.ROOT) -> int:
    """Run `command` quietly; returns its exit code, raises RunFailedError with its last words."""
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryFile("w+") as log:
        try:
            done = subprocess.run(
                command, stdout=log, stderr=log, timeout=timeout_s, cwd=cwd, env=environ
            )
        except subprocess.TimeoutExpired as error:
            raise RunFailedError(f"timed out after {timeout_s:.0f} s") from error
        if done.returncode:
            log.seek(0)
            words = " / ".join(log.read().strip().splitlines()[-3:])
            raise RunFailedError(f"exit {done.returncode}: {words[-400:]}")
    return done.returncode


def calibrate(folder: Path) -> dict[str, float]:
    """Seconds for a matrix product in the model and in a map, on this machine now."""
    out = folder / "calibration.json"
    run([sys.executable, str(HERE / "calibrate.py"), "--out", str(out)], 180)
    return json.loads(out.read_text())


def oracle_part(case: cases.Case, first: str, options, folder: Path, same=False) -> dict[str, Any]:
    """One process of the oracle; `first` is the side that begins."""
    out = folder / f"oracle-{case.number}-{first}.json"
    command = [sys.executable, str(HERE / "oracle.py"), "--script", case.script.name]
    command += ["--out", str(out), "--pairs", str(options.pairs), "--first", first]
    command += ["--settle-s", str(case.settle_s), "--measure-s", str(options.measure_s)]
    command += ["--foreign-fraction", str(FOREIGN_FRACTION)]
    command += ["--same"] if same else []
    run([*command, "--", *case.arguments], 300)
    return json.loads(out.read_text())


def truth_of(parts: list[dict[str, Any]]) -> Truth:
    """The interval over the processes of the oracle, each the mean of its block pairs.

    Pairs with a disturbed block are left out where LEAST_PAIRS others remain, some of each
    process: what other processes took is known without looking at the step, so the choice cannot
    flatter.
    """
    pairs: dict[tuple[int, int], dict[str, dict[str, float]]] = {}
    for number, part in enumerate(parts):
        for block in part["blocks"]:
            pairs.setdefault((number, block["pair"]), {})[block["side"]] = block
    quiet = {
        key: pair
        for key, pair in pairs.items()
        if all(block["foreign_fraction"] <= FOREIGN_FRACTION for block in pair.values())
    }
    in_each_part = len({key[0] for key in quiet}) == len(parts)
    used = quiet if len(quiet) >= LEAST_PAIRS and in_each_part else pairs
    waits = {key: pair["real"]["step_s"] - pair["held"]["step_s"] for key, pair in used.items()}
    by_part = [fmean(wait for key, wait in waits.items() if key[0] == n) for n in range(len(parts))]
    return Truth(
        wait=t_interval(by_part),
        real_s=fmean(pair["real"]["step_s"] for pair in used.values()),
        held_s=fmean(pair["held"]["step_s"] for pair in used.values()),
        parts_s=tuple(by_part),
        traces_in_blocks=sum(part["traces_in_blocks"] for part in parts),
        pairs=len(used),
        pairs_disturbed=len(pairs) - len(quiet),
    )


def foreign_clock() -> tuple[float, float]:
    """Now, and the CPU seconds that neither this process nor its ended children have used."""
    ours = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), load.busy_s() - sum(u.ru_utime + u.ru_stime for u in ours)


def foreign_fraction(before: tuple[float, float], after: tuple[float, float]) -> float:
    """The share of all cores that other processes took between two readings."""
    return max(0.0, (after[1] - before[1]) / ((after[0] - before[0]) * (os.cpu_count() or 1)))


def profile(case: cases.Case, folder: Path) -> dict[str, Any]:
    """gputune's Profile of the case, as JSON."""
    out = folder / f"profile-{case.number}.json"
    steps = max(200, round(SCRIPT_S / max(case.compute_s, case.input_s)))
    command = [sys.executable, "-m", "gputune", "profile", "--json", str(out), "-o", str(folder)]
    command += [str(case.script), *case.arguments, "--steps", str(steps)]
    run(command, 240)
    return json.loads(out.read_text())


def named_lines(record: dict[str, Any]) -> list[tuple[str, int]]:
    """(file, line) of every site and caller that an input-bound finding names."""
    lines = []
    for finding in record.get("findings", []):
        site = finding.get("site")
        if finding["id"] == "input-bound" and finding["severity"] != "good" and site:
            lines += [(f["file"], f["line"]) for f in (site, *site.get("via", []))]
    return lines


def culprit_verdict(case: cases.Case, truth: Truth, record: dict[str, Any]) -> tuple[bool, str]:
    """Whether the culprit is named where it must be, and not named where there is none."""
    findings = record.get("findings", [])
    bound = any(f["id"] == "input-bound" and f["severity"] != "good" for f in findings)
    right = any(
        Path(file).name == case.script.name and line in case.culprits
        for file, line in named_lines(record)
    )
    share = truth.wait.low / truth.real_s if truth.wait.n > 1 else truth.wait.mean / truth.real_s
    if case.culprits and right:
        return True, "named"
    if case.culprits and share >= MUST_NAME_FRACTION:
        return False, "named another line" if bound else "not named"
    if bound and (case.culprits or truth.wait.mean / truth.real_s < MUST_NOT_NAME_FRACTION):
        return False, "named another line" if case.culprits else "blamed the input"
    return True, "rightly none" if not bound else "input-bound, as measured"


def measure_case(case: cases.Case, options, folder: Path) -> dict[str, Any]:
    """One row: half of the oracle's processes, gputune, the other half, and the verdicts."""
    begun, parts, record, problem, foreign = time.monotonic(), [], {}, "", None
    sides = [("real", "held")[number % 2] for number in range(PARTS)]
    try:
        parts += [oracle_part(case, side, options, folder) for side in sides[: PARTS // 2]]
        before = foreign_clock()
        try:
            record = profile(case, folder)
        except (RunFailedError, OSError, ValueError) as error:
            problem = f"gputune: {error}"
        foreign = foreign_fraction(before, foreign_clock())
        parts += [oracle_part(case, side, options, folder) for side in sides[PARTS // 2 :]]
    except RunFailedError as error:
        problem = f"oracle: {error}"
    row: dict[str, Any] = {
        "case": case.number,
        "kind": case.kind,
        "script": case.script.name,
        "arguments": list(case.arguments),
        "culprit_lines": list(case.culprits),
        "problem": problem,
        "foreign_fraction_during_profile": foreign,
        "ok": False,
    }
    if len(parts) == PARTS:
        row |= judge(case, truth_of(parts), record)
    return row | {"took_s": time.monotonic() - begun}


def judge(case: cases.Case, truth: Truth, record: dict[str, Any]) -> dict[str, Any]:
    """The figures of a row, all in seconds, and whether they agree."""
    half = truth.wait.half_width if truth.wait.n > 1 else 0.0
    tolerance_s = max(TOLERANCE_FRACTION * truth.real_s, TOLERANCE_S, half)
    # Prediction interval of one more process, from the t interval of the mean of n.
    another_half_s = half * (1 + truth.wait.n) ** 0.5
    row = {
        "step_s": truth.real_s,
        "held_step_s": truth.held_s,
        "oracle_wait_s": truth.wait.as_dict(),
        "oracle_processes_s": list(truth.parts_s),
        "traces_in_blocks": truth.traces_in_blocks,
        "pairs": truth.pairs,
        "pairs_disturbed": truth.pairs_disturbed,
        "tolerance_s": tolerance_s,
        "another_process_s": another_half_s,
    }
    if not record:
        return row | {"wait_ok": False, "culprit_ok": False, "culprit": "no profile"}
    breakdown, steps = record.get("breakdown") or {}, record.get("steps") or {}
    wait_s = breakdown.get("input_wait_s")
    difference_s = None if wait_s is None else wait_s - truth.wait.mean
    wait_ok = difference_s is not None and abs(difference_s) <= tolerance_s
    culprit_ok, culprit = culprit_verdict(case, truth, record)
    return row | {
        "gputune_wait_s": wait_s,
        "gputune_ci95_wait_s": breakdown.get("ci95_input_wait_s"),
        "gputune_step_mean_s": steps.get("mean_s"),
        "gputune_step_median_s": steps.get("median_s"),
        "difference_s": difference_s,
        "like_another_process": difference_s is not None
        and abs(difference_s) <= max(tolerance_s, another_half_s),
        "wait_ok": wait_ok,
        "culprit_ok": culprit_ok,
        "culprit": culprit,
        "named": [f"{Path(file).name}:{line}" for file, line in named_lines(record)],
        "ok": wait_ok and culprit_ok,
    }


def measure_aa(options, calibration: dict[str, float], folder: Path) -> list[dict[str, Any]]:
    """The oracle against itself: held steps on both sides, for three lengths of the step."""
    rows = []
    for number, compute_s in enumerate((0.003, 0.010, 0.030)):
        loops = (compute_s - calibration["model_base_s"]) / calibration["model_loop_s"]
        arguments = ("--model-loops", str(max(1, round(loops))))
        case = cases.Case(
            -number, "A/A", HERE / "cpp_sleep.py", arguments, (), compute_s, 0.0, 1, 0.3
        )
        sides = [("real", "held")[number % 2] for number in range(PARTS)]
        truth = truth_of([oracle_part(case, side, options, folder, same=True) for side in sides])
        row = {"step_s": truth.real_s, "difference_s": truth.wait.as_dict()}
        row |= {"pairs": truth.pairs, "pairs_disturbed": truth.pairs_disturbed}
        rows.append(row | {"asked_step_s": compute_s})
        print(f"A/A {compute_s * 1e3:.0f} ms: {reporting.interval_text(truth.wait, 1e3, 3)} ms")
    return rows


def _interval(record: dict[str, Any]) -> str:
    nan = float("nan")
    low, high = (nan if record[k] is None else record[k] for k in ("low", "high"))
    return reporting.interval_text(Interval(record["mean"], low, high, record["n"]), 1e3)


def _cells(row: dict[str, Any]) -> list[object]:
    verdict = "yes" if row["ok"] else "**no**"
    parameters = " ".join(row["arguments"])
    if "step_s" not in row:
        return [row["case"], row["kind"], parameters, *[None] * 8, row["problem"], verdict]
    ci95 = row.get("gputune_ci95_wait_s")
    foreign = row["foreign_fraction_during_profile"]
    gputune = milliseconds(row.get("gputune_wait_s"))
    if gputune and ci95:
        gputune += f" [{milliseconds(ci95[0])}, {milliseconds(ci95[1])}]"
    return [
        row["case"],
        row["kind"],
        parameters,
        milliseconds(row["step_s"]),
        _interval(row["oracle_wait_s"]),
        gputune,
        milliseconds(row.get("difference_s")),
        milliseconds(row["tolerance_s"]),
        milliseconds(row["another_process_s"]),
        "yes" if row["wait_ok"] else "**no**",
        None if foreign is None else f"{100 * foreign:.0f} %",
        row["problem"] or row["culprit"],
        verdict,
    ]


def summary(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Counts over all rows, those that failed included."""
    return {
        "cases": len(rows),
        "ok": sum(row["ok"] for row in rows),
        "wait_within_tolerance": sum(bool(row.get("wait_ok")) for row in rows),
        "wait_like_another_process_of_the_oracle": sum(
            bool(row.get("like_another_process")) for row in rows
        ),
        "culprit_right": sum(bool(row.get("culprit_ok")) for row in rows),
        "without_a_measurement": sum(bool(row["problem"]) for row in rows),
        "with_disturbed_oracle_pairs": sum(bool(row.get("pairs_disturbed")) for row in rows),
        "wait_decided_by_oracle_half_width": sum(
            bool(row.get("wait_ok")) and not _tight(row) for row in rows
        ),
    }


def _tight(row: dict[str, Any]) -> bool:
    """Whether the row is within 3 % or 0.3 ms, the oracle's own uncertainty left out."""
    return abs(row["difference_s"]) <= max(TOLERANCE_FRACTION * row["step_s"], TOLERANCE_S)


def oracle_against_itself(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """How many of the oracle's processes pass gputune's own test against the other three.

    Returns (passed, all). It is the rate that a perfect profiler would have on this machine.
    """
    passed = judged = 0
    for row in rows:
        waits = row.get("oracle_processes_s") or []
        for number, wait_s in enumerate(waits):
            others = t_interval(waits[:number] + waits[number + 1 :])
            least_s = max(TOLERANCE_FRACTION * row["step_s"], TOLERANCE_S)
            judged += 1
            passed += abs(wait_s - others.mean) <= max(least_s, others.half_width)
    return passed, judged


METHOD = """\
Truth: the oracle alternates blocks of real steps and of steps whose batch is always ready, in one
process, with the same compiled function and Keras' loop on both sides, and without gputune's
code; two of its processes run before `gputune profile`, two after. The interval is the 95 % t
interval over its four processes. A block in which other processes took over 10 % of the cores is
run again, a few times at most, and its pair is left out where enough others remain.

Right: |gputune − oracle| ≤ max(3 % of the step, 0.3 ms, half the oracle's interval), and the
culprit's line named by `input-bound` (its site or a caller) where the wait is surely ≥ 10 % of
the step; none named where the wait is < 5 %. All times in ms. gputune is one process, and
processes of the same code differ: «another process» is the 95 % prediction half-width within
which one more process of the oracle itself would lie; a miss beyond it is gputune's own. Others'
load: the share of the cores that other processes took while gputune measured; above 10 % the
whole case was measured again (`--redo`), whatever it had shown."""


def redo(options) -> int:
    """Measure again, of the run in the JSON, the cases that other processes disturbed.

    Which ones is told by their load alone, as with the oracle's blocks. Without any the report
    is only written again.
    """
    record = json.loads((options.out / f"{options.name}.json").read_text())
    options.seed, rows, calibration = record["seed"], record["rows"], record["calibration"]
    drawn = {case.number: case for case in cases.draw(options.seed, len(rows), calibration)}
    for position, row in enumerate(rows):
        if (row["foreign_fraction_during_profile"] or 0.0) > FOREIGN_FRACTION:
            with tempfile.TemporaryDirectory(prefix="gputune-accuracy-") as name:
                rows[position] = measure_case(drawn[row["case"]], options, Path(name))
            rows[position]["measured_again"] = True
            print(" | ".join(str(cell) for cell in _cells(rows[position])), flush=True)
    write(rows, record["aa"], options, calibration, record["environment"])
    return 0


def write(rows, aa, options, calibration, env=None) -> None:
    """Write both report files with what has been measured until now."""
    env, counts = env or reporting.environment(), summary(rows)
    header = ["case", "kind", "parameters", "step", "oracle [95 %]", "gputune [95 %]"]
    header += [
        "difference",
        "tolerance",
        "another process",
        "wait ok",
        "others' load",
        "culprit",
        "ok",
    ]
    aa_rows = [[milliseconds(r["step_s"]), _interval(r["difference_s"])] for r in aa]
    missed = [f"{row['case']} ({row['kind']})" for row in rows if not row["ok"]]
    missed_text = ", ".join(missed) or "none"
    counted = "; ".join(f"{name.replace('_', ' ')}: {n}" for name, n in counts.items())
    passed, judged = oracle_against_itself(rows)
    parts = [
        "# Accuracy of the input wait and of the culprit",
        METHOD,
        reporting.environment_markdown(env) + f"\n- seed {options.seed}",
        f"**{counted}.** Missed: {missed_text}.",
        f"The control: of the oracle's own processes, each judged as gputune is against the other "
        f"three of its case, {passed} of {judged} are within the tolerance "
        f"({passed / max(judged, 1):.0%}; gputune: "
        f"{counts['wait_within_tolerance'] / max(counts['cases'], 1):.0%}).",
        reporting.markdown_table(header, (_cells(row) for row in rows)),
        "## A/A: the oracle with held steps on both sides",
        reporting.markdown_table(["step", "difference [95 %]"], aa_rows),
    ]
    content = {
        "environment": env,
        "seed": options.seed,
        "options": {k: str(v) for k, v in vars(options).items() if k != "out"},
        "calibration": calibration,
        "summary": counts,
        "oracle_against_itself": {"within_tolerance": passed, "processes": judged},
        "rows": rows,
        "aa": aa,
    }
    reporting.write_report(options.out, options.name, "\n\n".join(parts), content)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="lengths are drawn from it")
    parser.add_argument("--cases", type=int, default=len(cases.TEMPLATES))
    parser.add_argument("--only", help="only kinds with this in their name")
    parser.add_argument("--quick", action="store_true", help="8 cases, 2 pairs a process, no A/A")
    parser.add_argument("--pairs", type=int, default=3, help="block pairs in each of the processes")
    parser.add_argument("--measure-s", type=float, default=0.8, help="seconds of a block")
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    parser.add_argument("--name", default="accuracy", help="of the report's files")
    parser.add_argument("--redo", action="store_true", help="again what others disturbed")
    options = parser.parse_args()
    if options.quick:
        options.cases, options.pairs = min(options.cases, 8), 2
    return options


def main() -> int:
    """Run the cases; 0 if all are right."""
    options = parse()
    if options.redo:
        return redo(options)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="gputune-accuracy-") as name:
        folder = Path(name)
        calibration = calibrate(folder)
        chosen = cases.draw(options.seed, options.cases, calibration)
        chosen = [case for case in chosen if not options.only or options.only in case.kind]
        print(f"seed {options.seed}, {len(chosen)} cases, calibration {calibration}", flush=True)
        aa = [] if options.quick or options.only else measure_aa(options, calibration, folder)
        for case in chosen:
            row = measure_case(case, options, folder)
            rows.append(row)
            cells = [str(cell) for cell in _cells(row)]
            print(" | ".join(cells), f"({row['took_s']:.0f} s)", flush=True)
            write(rows, aa, options, calibration)
    print(summary(rows))
    return 0 if rows and all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
