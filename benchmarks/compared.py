"""One workload as written beside the same tuned by hand: profiles that `gputune compare` reads.

The two scripts are profiled in turn, each time in a fresh process, so that whatever else the
machine does meets both. The profiles themselves are committed, and can be compared again:
`gputune compare reports/photos/before reports/photos/after`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import reporting

from gputune import api
from gputune.schema.profile import Profile

NAME = "photos"
SIDES = {"before": "photos.py", "after": "photos_tuned.py"}
EPOCHS = {"before": "15", "after": "60"}
"""The tuned script's epochs are short: it needs more of them to be measured to the end."""
FILES = (*SIDES.values(), "photo_files.py")


def profile(side: str, number: int, scripts: Path, to: Path) -> None:
    """Profile one side's script once; its JSON becomes `<side>/<number>.json`."""
    environment = {**os.environ, "EPOCHS": EPOCHS[side], "TF_CPP_MIN_LOG_LEVEL": "2"}
    target = to / side / f"{number}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "gputune", "profile", "--json", str(target), "--force",
         SIDES[side]],
        cwd=scripts, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    target.chmod(0o644)


def made(folder: Path) -> str:
    """On what the profiles were made, as they say it themselves."""
    found = [api.load(file) for side in SIDES for file in sorted((folder / side).glob("*.json"))]
    profiles = [record for record in found if isinstance(record, Profile)]
    started = sorted(profile.command.started_utc for profile in profiles)
    machine = profiles[0].environment
    return "\n".join(
        [
            f"- measured {started[0]} to {started[-1]}, {len(profiles)} profiles",
            f"- {machine.platform}, {machine.cpu_model}, {machine.cores:g} usable cores, "
            f"devices {', '.join(machine.devices)}",
            f"- Python {machine.python}, TensorFlow {machine.tensorflow}, Keras {machine.keras}, "
            f"gputune {machine.gputune}",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="0 writes the report of the profiles that are there"
    )
    parser.add_argument("--out", type=Path, default=reporting.ROOT / "reports")
    options = parser.parse_args()
    folder = options.out.resolve() / NAME
    # The scripts lie where everybody's machine may have them: their paths are in the profiles.
    scripts = Path(tempfile.gettempdir()) / "train"
    scripts.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copy(reporting.ROOT / "benchmarks" / "workloads" / file, scripts)
    for number in range(1, options.rounds + 1):
        for side in SIDES:
            profile(side, number, scripts, folder)
    # Seen from the repository, as whoever reads the report will compare them.
    table = subprocess.run(
        [sys.executable, "-m", "gputune", "compare", "--format", "md",
         f"reports/{NAME}/before", f"reports/{NAME}/after"],
        cwd=options.out.resolve().parent, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    text = f"""# Photos, as written and tuned by hand

`photos.py` and `photos_tuned.py` of `benchmarks/workloads`, profiled in turn in fresh processes by
`python benchmarks/compared.py`. The table is what `gputune compare reports/{NAME}/before
reports/{NAME}/after` says.

{made(folder)}

{table}"""
    (options.out / f"{NAME}.md").write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
