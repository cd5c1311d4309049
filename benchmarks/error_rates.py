"""How often the verdict of `gputune compare` is wrong, on simulated processes.

Each process has a throughput drawn from a log-normal distribution around its side's true one; the
deviation is the noise from process to process. Simulated: the truth is known because it is made up.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from random import Random

import reporting

from gputune.analysis.comparing.judging import judge
from gputune.analysis.comparing.metrics import RATE

RATIOS = (1.0, 1.02, 1.05, 1.1)
NOISES = (0.01, 0.02, 0.05, 0.1)
RUNS = (3, 6, 12)


def cell(ratio: float, noise: float, runs: int, pairs: int) -> dict[str, float]:
    """The shares of the verdicts, and of the intervals that cover the truth."""
    counts = {"faster": 0, "slower": 0, "same": 0, "inconclusive": 0, "covered": 0}
    for seed in range(pairs):
        draw = Random(f"{ratio} {noise} {runs} {seed}")
        before = [math.exp(draw.gauss(0, noise)) for _ in range(runs)]
        after = [ratio * math.exp(draw.gauss(0, noise)) for _ in range(runs)]
        found = judge(before, after, RATE)
        counts[found.verdict] += 1
        assert found.ci95 is not None
        counts["covered"] += found.ci95[0] <= ratio <= found.ci95[1]
    return {name: count / pairs for name, count in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    rows = [
        {"ratio": ratio, "noise": noise, "runs": runs, **cell(ratio, noise, runs, options.pairs)}
        for ratio in RATIOS
        for noise in NOISES
        for runs in RUNS
    ]
    env = reporting.environment()
    names = ("covered", "faster", "slower", "same", "inconclusive")
    table = reporting.markdown_table(
        ("true ratio", "noise", "runs a side", "interval covers it", *names[1:]),
        [
            (row["ratio"], f"{row['noise']:.0%}", row["runs"], *(f"{row[n]:.1%}" for n in names))
            for row in rows
        ],
    )
    null = [row for row in rows if row["ratio"] == 1.0]
    shares = [row["faster"] + row["slower"] for row in null]
    alarms = sum(shares) / len(shares)
    found = next(r for r in rows if (r["ratio"], r["noise"], r["runs"]) == (1.05, 0.02, 6))
    covered = [row["covered"] for row in rows]
    text = f"""# Error rates of the verdict

Simulated: {options.pairs} pairs of sides in each row, throughputs log-normal around the truth.

- With no true difference `faster` or `slower` is said in {alarms:.1%} of the pairs over all
  {len(null)} rows; by row in {min(shares):.1%} to {max(shares):.1%}
  (a row's standard error is 0.5 points).
- A true difference of 5 % at 2 % noise with 6 runs a side is found in {found["faster"]:.1%}.
- The 95 % interval covers the true ratio in {min(covered):.1%} to {max(covered):.1%}.

{reporting.environment_markdown(env)}

{table}
"""
    content = {"environment": env, "pairs": options.pairs, "rows": rows}
    for path in reporting.write_report(options.out, "error_rates", text, content):
        print(path)


if __name__ == "__main__":
    main()
