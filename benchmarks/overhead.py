"""What gputune costs: its hooks, the clean step, its peer's callback beside it, and `--help`.

(a) the hooks, in microseconds a step, alternating blocks in one process;
(b) the clean step under `gputune profile --full` beside the bare script, alternating processes,
    for steps of about 1, 10 and 100 ms, beside an A/A (bare against bare) of the same size;
(c) Keras' TensorBoard callback with `profile_batch` on an input-bound script: its steps' ratio,
    and what XProf says of the script (needs the package `tensorboard`);
(d) `gputune --help` beside the `--help` of a bare typer program.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import reporting
from accuracy import RunFailedError, calibrate, run
from reporting import interval_text, median_interval, ratio_interval, t_interval

HERE = Path(__file__).resolve().parent / "constructions"
STEPS_S = (0.001, 0.010, 0.100)
HOOK_GOAL_S = 20e-6
WARMUP_STEPS = 10
FIRST_PROFILED, LAST_PROFILED = 60, 90
TYPER_PROGRAM = '''\
import typer

app = typer.Typer()


@app.command()
def main(script: str, steps: int = 10):
    """A program that does nothing."""


app()
'''


def step_loops(calibration: dict[str, float], step_s: float) -> int:
    """Matrix products that bring the model's step to about `step_s`."""
    return max(1, round((step_s - calibration["model_base_s"]) / calibration["model_loop_s"]))


def measure_hooks(options, calibration, folder: Path) -> dict[str, Any]:
    """Part (a)."""
    out = folder / "hooks.json"
    loops = [str(step_loops(calibration, step_s)) for step_s in STEPS_S]
    command = [sys.executable, str(HERE / "hook_cost.py"), "--out", str(out)]
    command += ["--pairs", str(options.pairs), "--model-loops", *loops]
    environ_path = os.pathsep.join(
        part for part in (str(reporting.ROOT), os.environ.get("PYTHONPATH")) if part
    )
    run(["env", f"PYTHONPATH={environ_path}", *command], 600)
    record = json.loads(out.read_text())

    def differences(pairs):
        return t_interval(other - bare for bare, other in pairs)

    rows = [
        {
            "step_s": median(bare for bare, _ in model["hooked"]),
            "hooks_s": differences(model["hooked"]).as_dict(),
            "aa_s": differences(model["aa"]).as_dict(),
            "ratio": ratio_interval((b, a) for a, b in model["hooked"]).as_dict(),
            "aa_ratio": ratio_interval((b, a) for a, b in model["aa"]).as_dict(),
        }
        for model in record["models"]
    ]
    nothing = differences(record["nothing"])
    return {"nothing_s": nothing.as_dict(), "ok": nothing.high <= HOOK_GOAL_S, "rows": rows}


def script_step_s(clock: Path, first: int = WARMUP_STEPS, last: int | None = None) -> float:
    """Median seconds a step from `first` to `last` by the script's own clock."""
    times = json.loads(clock.read_text())[first:last]
    return median(after - before for before, after in itertools.pairwise(times))


def bare_step_s(command: list[str], folder: Path) -> float:
    """The script's own median step, run bare."""
    clock = folder / "clock.json"
    run([sys.executable, *command, "--clock", str(clock)], 300)
    return script_step_s(clock)


def profiled_step_s(command: list[str], folder: Path) -> tuple[float, float | None]:
    """The script's own median step under gputune, and the step that gputune reports."""
    clock, out = folder / "clock.json", folder / "profile.json"
    head = [sys.executable, "-m", "gputune", "profile", "--full", "--force", "--json", str(out)]
    run([*head, "-o", str(folder), *command, "--clock", str(clock)], 300)
    steps = json.loads(out.read_text()).get("steps") or {}
    return script_step_s(clock), steps.get("median_s")


def measure_clean_step(step_s: float, options, calibration, folder: Path) -> dict[str, Any]:
    """One row of part (b): rounds of bare, gputune, bare, in rotating order."""
    steps = max(60, round(options.script_s / step_s))
    loops = step_loops(calibration, step_s)
    command = [str(HERE / "fast_input.py"), "--model-loops", str(loops), "--steps", str(steps)]
    rounds = []
    for number in range(options.rounds):
        order = ["bare", "gputune", "again"]
        order = order[number % 3 :] + order[: number % 3]
        row: dict[str, float | None] = {}
        for what in order:
            if what == "gputune":
                row[what], row["reported"] = profiled_step_s(command, folder)
            else:
                row[what] = bare_step_s(command, folder)
        rounds.append(row)
        print(f"(b) {step_s * 1e3:.0f} ms, round {number + 1}: {row}", flush=True)
    ratio = ratio_interval((row["gputune"], row["bare"]) for row in rounds)
    aa = ratio_interval((row["again"], row["bare"]) for row in rounds)
    both = [(row["reported"], row["bare"]) for row in rounds if row["reported"]]
    return {
        "asked_step_s": step_s,
        "bare_step_s": median(row["bare"] for row in rounds),
        "gputune_ratio": ratio.as_dict(),
        "reported_ratio": ratio_interval(both).as_dict() if both else None,
        "aa_ratio": aa.as_dict(),
        "ok": len(rounds) > 1 and aa.low <= ratio.mean <= aa.high,
        "rounds": rounds,
    }


def measure_tensorboard(options, calibration, folder: Path) -> dict[str, Any]:
    """Part (c): the callback's ratio, whole run and while profiling, and XProf's diagnosis."""
    if importlib.util.find_spec("tensorboard") is None:
        reason = "the package tensorboard is missing, and Keras' callback fails without it: "
        hint = "pip install --no-deps --target DIR tensorboard, and PYTHONPATH=DIR"
        return {"unavailable": reason + hint}
    loops = step_loops(calibration, 0.010)
    command = [str(HERE / "cpp_sleep.py"), "--model-loops", str(loops), "--batch", "16"]
    command += ["--sleep-us", "1200", "--steps", "200"]
    clock, rounds, said = folder / "clock.json", [], {}
    for number in range(options.rounds):
        logs = folder / f"tensorboard-{number}"
        bare = bare_step_s(command, folder)
        whole_bare = _whole_run_s(clock)
        extra = ["--clock", str(clock), "--tensorboard", str(logs)]
        span = f"{FIRST_PROFILED},{LAST_PROFILED}"
        run([sys.executable, *command, *extra, "--profile-batch", span], 300)
        row = {"bare_s": bare, "whole_ratio": _whole_run_s(clock) / whole_bare}
        row["profiled_s"] = script_step_s(clock, FIRST_PROFILED, LAST_PROFILED - 1)
        row["unprofiled_s"] = script_step_s(clock, LAST_PROFILED + 5)
        rounds.append(row)
        print(f"(c) round {number + 1}: {row}", flush=True)
        said = said or xprof_says(logs)
    pairs = {
        "whole_run_ratio": [(row["whole_ratio"], 1.0) for row in rounds],
        "profiled_step_ratio": [(row["profiled_s"], row["bare_s"]) for row in rounds],
        "unprofiled_step_ratio": [(row["unprofiled_s"], row["bare_s"]) for row in rounds],
    }
    ratios = {name: ratio_interval(values).as_dict() for name, values in pairs.items()}
    step_s = median(row["bare_s"] for row in rounds)
    return {"bare_step_s": step_s, **ratios, "xprof": said, "rounds": rounds}


def _whole_run_s(clock: Path) -> float:
    """Seconds from the end of the warm-up to the last step, profiling and its saving included."""
    times = json.loads(clock.read_text())
    return times[-1] - times[WARMUP_STEPS]


XPROF = """
import json, sys
from xprof.convert import raw_to_tool_data
for tool in ("overview_page", "input_pipeline_analyzer"):
    data, _ = raw_to_tool_data.xspace_to_tool_data(sys.argv[2:], tool, {})
    for table in json.loads(data):
        for name, value in (table.get("p") or {}).items():
            if name in ("steptime_ms_average", "input_conclusion", "statement", "bottleneck"):
                print(json.dumps([tool, name, value]), file=open(sys.argv[1], "a"))
"""


def xprof_says(logs: Path) -> dict[str, str]:
    """The step time and the diagnosis of XProf's overview and input pipeline pages."""
    traces = [str(path) for path in logs.rglob("*.xplane.pb")]
    if not traces:
        return {"problem": "the callback wrote no trace"}
    out = logs / "xprof.jsonl"
    try:
        run([sys.executable, "-c", XPROF, str(out), *traces], 120)
    except RunFailedError as error:
        return {"problem": str(error)}
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return {f"{tool}.{name}": value for tool, name, value in lines}


def measure_help(options, folder: Path) -> dict[str, Any]:
    """Part (d)."""
    bare = folder / "bare_typer.py"
    bare.write_text(TYPER_PROGRAM)
    commands = {
        "gputune": [sys.executable, "-m", "gputune", "--help"],
        "typer": [sys.executable, str(bare), "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(options.help_runs + 1):
        names = list(commands) if number % 2 else list(reversed(commands))
        for name in names:
            start = time.perf_counter()
            subprocess.run(commands[name], cwd=reporting.ROOT, capture_output=True, check=True)
            if number:
                times[name].append(time.perf_counter() - start)
    pairs = zip(times["gputune"], times["typer"], strict=True)
    medians = {f"{name}_s": median_interval(values).as_dict() for name, values in times.items()}
    return {**medians, "ratio": ratio_interval(pairs).as_dict()}


def _text(record: dict[str, Any], scale: float = 1.0, digits: int = 3) -> str:
    nan = float("nan")
    low, high = (nan if record[k] is None else record[k] for k in ("low", "high"))
    return interval_text(reporting.Interval(record["mean"], low, high, record["n"]), scale, digits)


def _hooks_markdown(part: dict[str, Any]) -> str:
    header = ["step, ms", "hooks, µs [95 %]", "A/A, µs", "ratio [95 %]", "A/A ratio"]
    rows = [
        [
            reporting.milliseconds(row["step_s"]),
            _text(row["hooks_s"], 1e6, 1),
            _text(row["aa_s"], 1e6, 1),
            _text(row["ratio"], 1, 4),
            _text(row["aa_ratio"], 1, 4),
        ]
        for row in part["rows"]
    ]
    goal = f"Around a function that does nothing: {_text(part['nothing_s'], 1e6, 2)} µs a step"
    verdict = "met" if part["ok"] else "**missed**"
    return f"{goal} (goal ≤ 20: {verdict}).\n\n{reporting.markdown_table(header, rows)}"


def _clean_markdown(part: list[dict[str, Any]]) -> str:
    header = ["bare step, ms", "under gputune / bare [95 %]", "gputune's own figure / bare"]
    header += ["A/A: bare / bare", "within the A/A"]
    rows = [
        [
            reporting.milliseconds(row["bare_step_s"]),
            _text(row["gputune_ratio"]),
            _text(row["reported_ratio"]) if row["reported_ratio"] else None,
            _text(row["aa_ratio"]),
            "yes" if row["ok"] else "**no**",
        ]
        for row in part
    ]
    return reporting.markdown_table(header, rows)


def _tensorboard_markdown(part: dict[str, Any]) -> str:
    rows = [
        [name.replace("_", " "), _text(part[name])]
        for name in ("whole_run_ratio", "profiled_step_ratio", "unprofiled_step_ratio")
    ]
    said = "\n".join(f"- `{name}`: {value!r}" for name, value in part["xprof"].items())
    step = reporting.milliseconds(part["bare_step_s"])
    table = reporting.markdown_table(["with the callback / bare", "ratio [95 %]"], rows)
    return f"The bare step is {step} ms, bound by its input.\n\n{table}\n\nXProf says:\n\n{said}"


def _help_markdown(part: dict[str, Any]) -> str:
    gputune, bare = _text(part["gputune_s"], 1e3, 0), _text(part["typer_s"], 1e3, 0)
    ratio = _text(part["ratio"], 1, 2)
    return f"`gputune --help` {gputune} ms, a bare typer program {bare} ms (medians), ratio {ratio}"


PARTS = {
    "a": ("(a) The hooks, in one process", "hooks", _hooks_markdown),
    "b": ("(b) The clean step, in processes of their own", "clean_step", _clean_markdown),
    "c": ("(c) Keras' TensorBoard callback on the same machine", "tensorboard",
          _tensorboard_markdown),
    "d": ("(d) `--help`", "help", _help_markdown),
}  # fmt: skip


def write(found: dict[str, Any], options) -> None:
    """Write both report files with what has been measured until now."""
    env = reporting.environment()
    parts = ["# What gputune costs", reporting.environment_markdown(env)]
    for title, name, render in PARTS.values():
        if name not in found:
            continue
        part = found[name]
        gone = isinstance(part, dict) and "unavailable" in part
        parts += [f"## {title}", f"n/a: {part['unavailable']}" if gone else render(part)]
    content = {
        "environment": env,
        "options": {k: str(v) for k, v in vars(options).items() if k != "out"},
        "rows": [{"part": name, "result": part} for name, part in found.items()],
    }
    reporting.write_report(options.out, "overhead", "\n\n".join(parts), content)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default="abcd", help="which parts to run")
    parser.add_argument("--pairs", type=int, default=20, help="block pairs of (a)")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of processes, (b) and (c)")
    parser.add_argument("--script-s", type=float, default=4.0, help="training of a script in (b)")
    parser.add_argument("--help-runs", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="4 pairs, 2 rounds, 6 runs")
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.rounds, options.help_runs = 4, 2, 6
    return options


def main() -> int:
    """Run the parts; what fails is written as unavailable with its reason."""
    options, found = parse(), {}
    with tempfile.TemporaryDirectory(prefix="gputune-overhead-") as name:
        folder = Path(name)
        calibration = calibrate(folder) if set(options.parts) & set("abc") else {}
        measures = {
            "a": lambda: measure_hooks(options, calibration, folder),
            "b": lambda: [measure_clean_step(s, options, calibration, folder) for s in STEPS_S],
            "c": lambda: measure_tensorboard(options, calibration, folder),
            "d": lambda: measure_help(options, folder),
        }
        for letter in sorted(set(options.parts) & set(measures)):
            key = PARTS[letter][1]
            try:
                found[key] = measures[letter]()
            except (RunFailedError, subprocess.SubprocessError, OSError, ValueError) as error:
                found[key] = {"unavailable": f"{type(error).__name__}: {error}"}
            print(f"({letter}) {json.dumps(found[key])[:400]}", flush=True)
            write(found, options)
    return 1 if any("unavailable" in part for part in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
