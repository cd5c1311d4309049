"""What `gputune check` finds in the workloads, which have no mistake: every problem is a false one.

Each workload runs once under the check, in a folder of its own. A warning or a note is not a false
alarm by itself; all are listed, for a person to judge.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import reporting

WORKLOADS = reporting.ROOT / "benchmarks" / "workloads"
NO_TRAINING = {"photo_files", "table_file"}
TIMEOUT_S = 600


def check(script: Path, folder: Path, data: Path) -> dict[str, Any]:
    """One workload: what was found, how long it took, and what lies in its folder after it."""
    work = folder / script.stem
    work.mkdir()
    report = folder / f"{script.stem}.json"
    env = {**os.environ, "WORKLOAD_DATA": str(data), "EPOCHS": "20", "TF_CPP_MIN_LOG_LEVEL": "2"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "gputune", "check", "--json", str(report), str(script)],
        cwd=work, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if not report.is_file():
        raise RuntimeError(f"{script.name}: {done.stderr[-2000:]}")
    body = json.loads(report.read_text(encoding="utf-8"))
    return {
        "workload": script.stem,
        "exit_code": done.returncode,
        "seconds": seconds,
        "style": body["style"],
        "steps": body["steps"],
        "epochs": body["epochs"],
        "findings": [
            {key: finding[key] for key in ("severity", "id", "title")}
            for finding in body["findings"]
        ],
        "not_run": {c["name"]: c["reason"] for c in body["checks"] if c["state"] == "not-run"},
        "left_behind": sorted(str(p.relative_to(work)) for p in work.rglob("*")),
    }


def report_text(rows: list[dict[str, Any]], env: dict[str, Any]) -> str:
    """The report's Markdown."""
    problems = [f for row in rows for f in row["findings"] if f["severity"] == "problem"]
    table = reporting.markdown_table(
        ("workload", "style", "steps", "seconds", "problems", "warnings and notes", "not run"),
        [
            (
                row["workload"],
                row["style"],
                row["steps"],
                f"{row['seconds']:.0f}",
                sum(f["severity"] == "problem" for f in row["findings"]),
                "; ".join(
                    f"{f['severity']} {f['id']}: {f['title']}"
                    for f in row["findings"]
                    if f["severity"] != "problem"
                ),
                "; ".join(f"{name}: {reason}" for name, reason in row["not_run"].items()),
            )
            for row in rows
        ],
    )
    listed = "\n".join(f"- {f['id']}: {f['title']}" for f in problems) or "- none"
    return f"""# Precision of gputune check

The workloads have no mistake that a check should find, so every problem below is a false one.

- False problems: {len(problems)}, in {len(rows)} workloads.
- Files that a workload left in its folder: {sum(len(row["left_behind"]) for row in rows)}.

{reporting.environment_markdown(env)}

## Problems

{listed}

## Workloads

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="these workloads alone")
    parser.add_argument("--data", type=Path, help="where the workloads' data lie or are put")
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    scripts = [
        path
        for path in sorted(WORKLOADS.glob("*.py"))
        if path.stem not in NO_TRAINING and (not options.only or path.stem in options.only)
    ]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = options.data or folder / "data"
        for script in scripts:
            rows.append(check(script, folder, data))
            print(json.dumps(rows[-1]), flush=True)
    env = reporting.environment()
    content = {"environment": env, "rows": rows}
    for path in reporting.write_report(
        options.out, "check_precision", report_text(rows, env), content
    ):
        print(path)


if __name__ == "__main__":
    main()
