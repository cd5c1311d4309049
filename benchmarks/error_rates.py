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
NOMINAL = 0.05
REPEATED = 20_000
"""Fresh pairs for a row that lies above 5 %: whether it does so by chance."""


def cell(ratio: float, noise: float, runs: int, pairs: int, first: int = 0) -> dict[str, float]:
    """The shares of the verdicts, and of the intervals that cover the truth.

    The pairs are numbered from `first`; each number is a pair of its own.
    """
    counts = {"faster": 0, "slower": 0, "same": 0, "inconclusive": 0, "covered": 0}
    for seed in range(first, first + pairs):
        draw = Random(f"{ratio} {noise} {runs} {seed}")
        before = [math.exp(draw.gauss(0, noise)) for _ in range(runs)]
        after = [ratio * math.exp(draw.gauss(0, noise)) for _ in range(runs)]
        found = judge(before, after, RATE)
        counts[found.verdict] += 1
        assert found.ci95 is not None
        counts["covered"] += found.ci95[0] <= ratio <= found.ci95[1]
    return {name: count / pairs for name, count in counts.items()}


def again(rows: list[dict[str, float]], pairs: int) -> list[dict[str, float]]:
    """Each row above 5 % once more, with fresh pairs that decide whether it was chance."""
    return [
        {
            "noise": row["noise"],
            "runs": row["runs"],
            "first": row["faster"] + row["slower"],
            **cell(row["ratio"], row["noise"], int(row["runs"]), REPEATED, first=pairs),
        }
        for row in rows
        if row["faster"] + row["slower"] > NOMINAL
    ]


def said_again(repeated: list[dict[str, float]]) -> str:
    """The rows above 5 %, and what fresh pairs say of them."""
    error = math.sqrt(NOMINAL * (1 - NOMINAL) / REPEATED)
    lines = [
        f"- The row of {row['noise']:.0%} noise and {row['runs']:.0f} runs a side "
        f"({row['first']:.1%}) repeated with {REPEATED:,} fresh pairs: "
        f"{row['faster'] + row['slower']:.2%} (standard error {error:.2%}); the test's own level "
        f"is {NOMINAL:.0%}."
        for row in repeated
    ]
    return "\n".join(lines) or "- No row lies above 5 %."


def covered(rows: list[dict[str, float]], runs: int) -> str:
    """The least and the most of the intervals that cover the truth, of the rows of so many runs."""
    found = [row["covered"] for row in rows if row["runs"] == runs]
    return f"{min(found):.1%} to {max(found):.1%}"


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
    repeated = again(null, options.pairs)
    text = f"""# Error rates of the verdict

Simulated: {options.pairs} pairs of sides in each row, throughputs log-normal around the truth.

- With no true difference `faster` or `slower` is said in {alarms:.1%} of the pairs over all
  {len(null)} rows; by row in {min(shares):.1%} to {max(shares):.1%}
  (a row's standard error is 0.5 points).
{said_again(repeated)}
- A true difference of 5 % at 2 % noise with 6 runs a side is found in {found["faster"]:.1%}.
- The 95 % interval covers the true ratio in {covered(rows, 6)} of the pairs with 6 runs a side,
  {covered(rows, 12)} with 12, and {covered(rows, 3)} with 3, where Welch's interval is
  somewhat too wide.

{reporting.environment_markdown(env)}

{table}
"""
    content = {"environment": env, "pairs": options.pairs, "rows": rows, "repeated": repeated}
    for path in reporting.write_report(options.out, "error_rates", text, content):
        print(path)


if __name__ == "__main__":
    main()
