"""Which of several settings carries a gain: each by itself, and all, beside the script as written.

`python benchmarks/apart.py photos_tuned.py batch_size=64 jit_compile=true` profiles the workload,
puts the settings where the search would, and lets fresh processes take turns. `reports/apart.md` is
written anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import reporting
from outcome import MEASURE_S, NAMES, WORKLOADS, Arm, in_turns, with_settings
from reporting import interval_text, ratio_interval

from gputune.api.trials.process import observe
from gputune.knobs.registry import KNOBS
from gputune.launch.command import Target, check_target
from gputune.schema.config import Setting
from gputune.search.choosing import Choice, choose_space, parse_value
from gputune.search.configuring import settings
from gputune.session.folder import Options

AS_WRITTEN, AGAIN, TOGETHER = "as written", "as written again (A/A)", "all together"


def placed(name: str, wanted: dict[str, str]) -> tuple[Setting, ...]:
    """The settings where the search would put them."""
    target = Target(script=str(WORKLOADS / name))
    profile = observe(target, check_target(target), Options(max_s=5.0), timeout_s=300).profile
    fixed = {knob: parse_value(value) for knob, value in wanted.items()}
    space = choose_space(profile, KNOBS, Choice(knobs=tuple(wanted), fix=fixed))
    made = tuple(one for _, one in settings(space, {**space.baseline_knobs, **space.fixed}))
    missing = set(wanted) - {one.knob for one in made}
    if missing:
        raise SystemExit(f"{name} has no place for {', '.join(sorted(missing))}")
    return made


def main() -> int:
    """Measure, print, write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", choices=NAMES)
    parser.add_argument("settings", nargs="+", metavar="KNOB=VALUE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    wanted = dict(one.partition("=")[::2] for one in options.settings)
    made = placed(options.workload, wanted)
    written = Arm(options.workload)
    arms = {AS_WRITTEN: written}
    arms |= {f"{one.knob}={one.value}": with_settings(written, (one,)) for one in made}
    arms |= {TOGETHER: with_settings(written, made), AGAIN: written}
    rows = in_turns(arms, options.rounds)
    ratios = {
        arm: ratio_interval((r[arm], r[AS_WRITTEN]) for r in rows)
        for arm in arms
        if arm != AS_WRITTEN
    }
    env = reporting.environment()
    text = "\n\n".join([
        f"# Which setting carries the gain of `{options.workload}`",
        reporting.environment_markdown(env),
        f"Fresh processes in turns, {options.rounds} rounds, at most {MEASURE_S:.0f} s of clean "
        "steps each; samples/s over the script as written, 95 % t intervals on the logarithms.",
        reporting.markdown_table(
            ("setting", "ratio [95 %]"), [(k, interval_text(v)) for k, v in ratios.items()]
        ),
    ])  # fmt: skip
    content = {
        "environment": env, "workload": options.workload, "rounds": rows,
        "ratios": {arm: ratio.as_dict() for arm, ratio in ratios.items()},
    }  # fmt: skip
    for path in reporting.write_report(options.out, "apart", text, content):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
