"""`compare`: reports, or folders of the reports of repeated runs, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gputune.analysis.comparing import compare as comparing
from gputune.api.outputs import DEFAULT_FOLDER
from gputune.schema.comparison import Comparison
from gputune.schema.profile import Profile
from gputune.schema.read import UnreadableRecord, read_record
from gputune.schema.study import Study

_SPEED = "samples_per_s"


class NothingToCompare(Exception):
    """Reports that cannot be compared; `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def compare(
    paths: Sequence[str | os.PathLike[str]] = (), *, only: Sequence[str] = (),
    folder: Path = DEFAULT_FOLDER,
) -> Comparison:  # fmt: skip
    """Compare the first report with each of the others.

    A path is a report's JSON or a folder whose profiles are of repeated runs of one script; with
    none, the last two profiles of the same script in `folder` are compared. `only` are the names
    of the metrics to keep. Raises UnreadableRecord for a file that is no report, NothingToCompare
    for reports that are not of one kind, and for a metric that none of them has.
    """
    wanted = [Path(path) for path in paths] or _last_two(folder)
    if len(wanted) < 2:
        raise NothingToCompare(
            f"there is nothing to compare {wanted[0]} with", "give two reports, or none at all"
        )
    try:
        return comparing.compare([_group(path) for path in wanted], only=only)
    except ValueError as error:
        if isinstance(error, UnreadableRecord):
            raise
        raise NothingToCompare(str(error), "`gputune report FILE` shows what one holds") from error


def regression(comparison: Comparison, fraction: float) -> bool:
    """Whether a later side is surely slower than the first by `fraction` (0.05 is 5 %) or more.

    Only the interval decides: its better end has to be so much slower. Of a comparison that was
    made with `only`, every speed among them counts; else the throughput.
    """
    rows = [row for row in comparison.metrics if row.verdict == "slower" and row.ci95 is not None]
    names = {row.name for row in comparison.metrics}
    if any(name.endswith(_SPEED) for name in names):
        rows = [row for row in rows if row.name in (_SPEED, f"best.{_SPEED}")]
    found = False
    for row in rows:
        assert row.ci95 is not None
        low, high = row.ci95
        found = found or (high if row.unit == "samples/s" else 1 / low) < 1 - fraction
    return found


def _group(path: Path) -> comparing.Group:
    if not path.is_dir():
        return _of([(path, read_record(path))], str(path))
    found = [(file, read_record(file)) for file in sorted(path.glob("*.json"))]
    if not found:
        raise NothingToCompare(f"there is no report in {path}", "give a folder that holds some")
    return _of(found, str(path))


def _of(found: Sequence[tuple[Path, object]], name: str) -> comparing.Group:
    files = tuple(str(path) for path, _ in found)
    records = [record for _, record in found]
    profiles = tuple(record for record in records if isinstance(record, Profile))
    studies = tuple(record for record in records if isinstance(record, Study))
    if len(profiles) == len(records):
        scripts = sorted({profile.script for profile in profiles})
        if len(scripts) > 1:
            raise NothingToCompare(
                f"{name} holds profiles of several scripts: {', '.join(scripts)}",
                "give the files, or folders of one script each",
            )
        return comparing.Group(name=name, records=profiles, files=files)
    if len(studies) == len(records) == 1:
        return comparing.Group(name=name, records=studies, files=files)
    raise NothingToCompare(
        f"{name} holds other reports than the profiles of one script, or one study",
        "give a profile, a study, or a folder of profiles",
    )


def _last_two(folder: Path) -> list[Path]:
    """The last two profiles of the script that was profiled last, the older one first."""
    found: list[tuple[str, Path, Profile]] = []
    for file in folder.glob("*.json") if folder.is_dir() else ():
        try:
            record = read_record(file)
        except UnreadableRecord:
            continue
        if isinstance(record, Profile):
            found.append((record.command.started_utc, file, record))
    found.sort(key=lambda one: (one[0], one[1]))
    if found:
        newest = found[-1]
        same = [one for one in found if one[2].script == newest[2].script]
        if len(same) > 1:
            return [same[-2][1], same[-1][1]]
    raise NothingToCompare(
        f"there are no two profiles of one script in {folder}",
        "run `gputune profile` twice, or give two reports",
    )
