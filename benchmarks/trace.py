"""How much memory and time `gputune trace` takes for large traces, beside XProf on the same files.

For each size a synthetic trace of known truth is written into a temporary folder
(`constructions/big_trace.py`), and read in processes of their own, in turn: `gputune trace FILE
--json` and, where the package `xprof` is installed (`pip install xprof`), XProf's overview page.
Peak memory is the process's resident set as the system counts it, time is wall-clock, from the
start of the process to its end. gputune's figures are compared with the truth: a fast wrong answer
is a failure.

XProf needs some thirty times the file's size: its address space is limited to `--xprof-gib`, so
that it fails by itself and does not take the machine with it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import reporting
from reporting import ratio_interval

HERE = Path(__file__).resolve().parent
GOAL_TIMES_SIZE = 3.0
GOAL_FROM_BYTES = 500_000_000
"""Below, the interpreter and the libraries (some 150 MB) are most of it: shown, and no goal."""
GIB = 2**30
XPROF = """
import sys
from xprof.convert import raw_to_tool_data
data, _ = raw_to_tool_data.xspace_to_tool_data(sys.argv[1:], "overview_page", {})
assert data
"""


def measured(command: list[str], *, timeout_s: float, limit_bytes: int = 0) -> dict[str, Any]:
    """Run a process to its end: its wall time, processor time, peak resident memory, exit code."""

    def limit() -> None:
        if limit_bytes:
            resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))

    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    paths = [str(reporting.ROOT), environ.get("PYTHONPATH", "")]
    environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=log, env=environ, preexec_fn=limit
        )
        used = _wait(process, start + timeout_s)
        wall = time.perf_counter() - start
        log.seek(0)
        said = log.read().strip().splitlines()
    exit_code = process.returncode
    return {
        "wall_s": wall,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
        "exit_code": exit_code,
        "said": said[-1][-200:] if exit_code and said else "",
    }


def _wait(process: subprocess.Popen[bytes], until: float) -> Any:
    """The resources that the process used; killed where it does not end in time."""
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return used
        if time.perf_counter() > until:
            process.kill()
            until = float("inf")
        time.sleep(0.02)


def gputune(file: Path, out: Path, timeout_s: float) -> dict[str, Any]:
    """`gputune trace` on a file."""
    command = [sys.executable, "-m", "gputune", "trace", str(file)]
    return measured([*command, "--json", str(out), "--force"], timeout_s=timeout_s)


def xprof(file: Path, options: argparse.Namespace) -> dict[str, Any]:
    """XProf's overview page of a file, from a folder of its own: it keeps what it computed."""
    with tempfile.TemporaryDirectory(dir=file.parent) as name:
        link = Path(name) / file.name
        link.hardlink_to(file)
        return measured(
            [sys.executable, "-c", XPROF, str(link)],
            timeout_s=options.timeout_s,
            limit_bytes=int(options.xprof_gib * GIB),
        )


def wrong(report: dict[str, Any], truth: dict[str, Any]) -> list[str]:
    """What of gputune's report is not the truth of the construction."""
    problems = []
    devices = report["devices"]
    if len(devices) != truth["gpus"]:
        problems.append(f"{len(devices)} GPUs")
    for device in devices:
        whole, steps = device["capture"], device["steps"]
        first = steps[0] if steps else {}
        pairs = {
            "steps": (len(steps), truth["steps"]),
            "kernels": (whole["kernel_count"], truth["kernels_per_gpu"]),
            "kernel_s": (_ns(whole["kernel_s"]), _ns(truth["kernel_s_per_gpu"])),
            "h2d_bytes": (whole["h2d_bytes"], truth["h2d_bytes_per_gpu"]),
            "h2d_exposed_s": (_ns(whole["h2d_exposed_s"]), _ns(truth["h2d_exposed_s_per_gpu"])),
            "idle_input_s": (_ns(first.get("idle_input_s")), _ns(truth["idle_input_s_per_step"])),
            "launch": (_ns(whole["launch_delay_median_s"]), _ns(truth["launch_delay_s"])),
        }
        problems += [
            f"{device['name']} {name}: {got}, not {expected}"
            for name, (got, expected) in pairs.items()
            if got != expected
        ]
    return problems


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


def measure(megabytes: float, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One size: the file, and the rounds in alternating order."""
    file, out = folder / "host.xplane.pb", folder / "report.json"
    builder = [sys.executable, str(HERE / "constructions" / "big_trace.py"), str(file)]
    made = subprocess.run([*builder, str(megabytes)], capture_output=True, text=True, check=True)
    truth = json.loads(made.stdout)
    compare = "xprof" in options.beside
    rounds = []
    for number in range(options.rounds):
        row: dict[str, Any] = {}
        for what in ("gputune", "xprof") if number % 2 else ("xprof", "gputune"):
            if what == "gputune":
                row[what] = gputune(file, out, options.timeout_s)
                text = out.read_text() if out.is_file() else "{}"
                row["wrong"] = wrong(json.loads(text), truth) if not row[what]["exit_code"] else []
            elif compare:
                row[what] = xprof(file, options)
                # What does not fit once does not fit again.
                compare = not row[what]["exit_code"]
        rounds.append(row)
        print(f"{megabytes:.0f} MB, round {number + 1}: {json.dumps(row)}", flush=True)
    file.unlink()
    return {"asked_mb": megabytes, "truth": truth, **summed(rounds, truth["bytes"])}


def summed(rounds: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """The medians of the rounds, and the ratio of the two where both came to an end."""
    found: dict[str, Any] = {"bytes": size, "rounds": rounds}
    for what in ("gputune", "xprof"):
        runs = [row[what] for row in rounds if what in row]
        ended = [run for run in runs if run["exit_code"] == 0]
        found[what] = {
            "runs": len(runs),
            "failed": next((run for run in runs if run["exit_code"]), None),
            "wall_s": median(run["wall_s"] for run in ended) if ended else None,
            "cpu_s": median(run["cpu_s"] for run in ended) if ended else None,
            "peak_bytes": max(run["peak_bytes"] for run in ended) if ended else None,
        }
    both = [row for row in rounds if "xprof" in row and not row["xprof"]["exit_code"]]
    pairs = [(row["xprof"]["wall_s"], row["gputune"]["wall_s"]) for row in both]
    found["wall_ratio"] = ratio_interval(pairs).as_dict() if pairs else None
    peak = found["gputune"]["peak_bytes"]
    found["wrong"] = [problem for row in rounds for problem in row["wrong"]]
    small = size < GOAL_FROM_BYTES
    found["ok"] = (
        peak is not None and not found["wrong"] and (small or peak <= GOAL_TIMES_SIZE * size)
    )
    return found


def markdown(found: list[dict[str, Any]], options: argparse.Namespace) -> str:
    """The tables of the report."""
    header = ["file, MB", "events", "program", "wall, s", "ms per MB", "processor, s"]
    header += ["peak memory, MB", "× the file", "runs"]
    rows, words = [], []
    for part in found:
        for what in ("gputune", "xprof"):
            run = part[what]
            if run["runs"]:
                rows.append(_row(part, what, run))
                failed = run["failed"]
                if failed is not None:
                    words.append(_failure(part, what, failed, options))
        ratio = part["wall_ratio"]
        if ratio is not None:
            words.append(
                f"- {part['bytes'] / 1e6:.0f} MB: XProf takes {ratio['mean']:.1f} times gputune's "
                f"wall time ({ratio['n']} pairs)."
            )
        goal = "met" if part["ok"] else "**missed**"
        truth = "every figure is the truth" if not part["wrong"] else "; ".join(part["wrong"][:3])
        words.append(f"- {part['bytes'] / 1e6:.0f} MB: {_goal(part['bytes'])}: {goal}; {truth}.")
    return f"{reporting.markdown_table(header, rows)}\n\n" + "\n".join(words)


def _goal(size: int) -> str:
    if size < GOAL_FROM_BYTES:
        return "right (no goal for the memory: the libraries are most of it)"
    return f"right, and peak memory ≤ {GOAL_TIMES_SIZE:.0f} × the file"


def _row(part: dict[str, Any], what: str, run: dict[str, Any]) -> list[object]:
    size = part["bytes"]
    name = {"gputune": "`gputune trace`", "xprof": "XProf, overview page"}[what]
    wall, peak = run["wall_s"], run["peak_bytes"]
    return [
        f"{size / 1e6:.0f}",
        f"{part['truth']['events']:,}",
        name,
        None if wall is None else f"{wall:.1f}",
        None if wall is None else f"{wall / size * 1e9:.0f}",
        None if wall is None else f"{run['cpu_s']:.1f}",
        None if peak is None else f"{peak / 1e6:.0f}",
        None if peak is None else f"{peak / size:.2f}",
        run["runs"],
    ]


def _failure(
    part: dict[str, Any], what: str, failed: dict[str, Any], options: argparse.Namespace
) -> str:
    limit = f" (limited to {options.xprof_gib:.0f} GiB of address space)" if what == "xprof" else ""
    said = f": {failed['said']}" if failed["said"] else ""
    return (
        f"- {part['bytes'] / 1e6:.0f} MB: {what}{limit} ended with {failed['exit_code']} after "
        f"{failed['wall_s']:.0f} s, at {failed['peak_bytes'] / 1e9:.1f} GB resident{said}"
    )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=float, nargs="+", default=[100.0, 1000.0], help="MB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", nargs="*", default=["xprof"], help="give nothing for none")
    parser.add_argument("--xprof-gib", type=float, default=16.0)
    parser.add_argument("--timeout-s", type=float, default=560.0, help="of one process")
    parser.add_argument("--folder", type=Path, help="where the files are made")
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    if "xprof" in options.beside and importlib.util.find_spec("xprof") is None:
        print("xprof is not installed (pip install xprof): gputune is measured alone", flush=True)
        options.beside = []
    return options


def main() -> int:
    """Measure every size; 1 where a goal is missed."""
    options, found = parse(), []
    folder = Path(tempfile.mkdtemp(prefix="gputune-trace-", dir=options.folder))
    try:
        for megabytes in options.sizes:
            found.append(measure(megabytes, options, folder))
            env = reporting.environment()
            absent = "" if "xprof" in options.beside else "XProf is not installed: n/a.\n\n"
            parts = ["# What reading a large trace costs", reporting.environment_markdown(env)]
            parts.append(
                "Synthetic traces of four GPUs, written for this run. Each run is a process of its "
                "own from start to end, XProf's on a folder of its own, so that neither finds what "
                "an earlier run kept."
            )
            content = {
                "environment": env,
                "options": {k: str(v) for k, v in vars(options).items() if k != "out"},
                "rows": found,
            }
            text = "\n\n".join([*parts, absent + markdown(found, options)])
            reporting.write_report(options.out, "trace", text, content)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(part["ok"] for part in found) else 1


if __name__ == "__main__":
    sys.exit(main())
