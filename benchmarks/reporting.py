"""What the benchmarks share: the environment block, intervals, and the two report files."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import math
import os
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tensorflow", "keras", "numpy", "xprof", "typer")


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided 95 % t interval; without spread (n < 2) low and high are NaN."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Half of the interval's width, in the unit of the values."""
        return (self.high - self.low) / 2

    def as_dict(self) -> dict[str, Any]:
        """The interval for JSON: NaN becomes null."""
        low, high = (None if math.isnan(v) else v for v in (self.low, self.high))
        return {"mean": self.mean, "low": low, "high": high, "n": self.n}


def t_interval(values: Iterable[float]) -> Interval:
    """The mean of `values` with its 95 % t interval; raises ValueError for no values."""
    sample = list(values)
    if not sample:
        raise ValueError("no values")
    mean = statistics.fmean(sample)
    if len(sample) < 2:
        return Interval(mean, math.nan, math.nan, len(sample))
    from scipy.stats import t

    half = float(t.ppf(0.975, len(sample) - 1)) * statistics.stdev(sample) / math.sqrt(len(sample))
    return Interval(mean, mean - half, mean + half, len(sample))


def ratio_interval(pairs: Iterable[tuple[float, float]]) -> Interval:
    """The ratio first/second over `pairs`: geometric mean and t interval on the log ratios."""
    logs = t_interval(math.log(first / second) for first, second in pairs)
    return Interval(math.exp(logs.mean), math.exp(logs.low), math.exp(logs.high), logs.n)


def median_interval(values: Sequence[float]) -> Interval:
    """The median of `values` with its 95 % interval from order statistics (binomial, exact)."""
    from scipy.stats import binom

    ordered, n = sorted(values), len(values)
    skip = int(binom.ppf(0.025, n, 0.5))
    if skip < 1:
        return Interval(statistics.median(ordered), math.nan, math.nan, n)
    return Interval(statistics.median(ordered), ordered[skip - 1], ordered[n - skip], n)


def environment() -> dict[str, Any]:
    """The machine, the versions and the commit that the figures belong to."""
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "date_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "gpu": _gpu(),
        "python": platform.python_version(),
        "versions": versions,
        "commit": _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "load_average_1min": os.getloadavg()[0],
        "command": shlex.join(["python", *sys.argv]),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def _gpu() -> str:
    return _output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def environment_markdown(env: dict[str, Any]) -> str:
    """The environment as a Markdown list."""
    versions = ", ".join(f"{name} {v}" for name, v in env["versions"].items() if v)
    return "\n".join(
        [
            f"- date {env['date_utc']}, commit {env['commit'] or 'unknown'}",
            f"- {env['platform']}, {env['cpu']}, {env['cores']} usable cores, "
            f"GPU: {env['gpu'] or 'none'}, load average {env['load_average_1min']:.2f} at the end",
            f"- Python {env['python']}, {versions}",
            f"- command line: `{env['command']}`",
        ]
    )


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; None is shown as `n/a`, and `|` is escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    for row in rows:
        cells = ("n/a" if cell is None else str(cell).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def milliseconds(seconds: float | None, digits: int = 2) -> str | None:
    """Seconds as milliseconds without the unit; None stays None."""
    return None if seconds is None else f"{seconds * 1e3:.{digits}f}"


def interval_text(interval: Interval, scale: float = 1.0, digits: int = 2) -> str:
    """`mean [low, high]`, each multiplied by `scale`."""
    if math.isnan(interval.low):
        return f"{interval.mean * scale:.{digits}f} [no interval, n={interval.n}]"
    values = (interval.mean, interval.low, interval.high)
    mean, low, high = (f"{v * scale:.{digits}f}" for v in values)
    return f"{mean} [{low}, {high}]"


def write_report(folder: Path, name: str, markdown: str, content: dict[str, Any]) -> list[Path]:
    """Write `<name>.md` and `<name>.json` (`gputune.benchmark`, version 1) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"schema": "gputune.benchmark", "version": 1, "name": name, **content}
    paths = [folder / f"{name}.md", folder / f"{name}.json"]
    paths[0].write_text(markdown.rstrip() + "\n")
    paths[1].write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    return paths
