"""Sides of reports -> one Comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gputune.analysis.comparing import differences, metrics
from gputune.analysis.comparing.judging import judge
from gputune.schema.comparison import Comparison, MetricCompared, Side, SideDifference
from gputune.schema.profile import Profile
from gputune.schema.study import Study

HEADLINE = ("samples_per_s", "step.median_s", "best.samples_per_s")
"""The first of these that both sides have is what the verdict is about."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The records of one side: all profiles, or one study. Not empty."""

    name: str
    records: tuple[Profile, ...] | tuple[Study, ...]
    files: tuple[str, ...] = ()


def compare(groups: Sequence[Group], *, only: Sequence[str] = ()) -> Comparison:
    """Compare the first group with each of the others; `only` are the metrics to keep.

    Raises ValueError for fewer than two groups, for profiles beside studies, and for a name in
    `only` that no side has.
    """
    if len(groups) < 2:
        raise ValueError("a comparison needs two sides")
    kinds = {type(group.records[0]) for group in groups}
    if len(kinds) > 1:
        raise ValueError("a profile and a study cannot be compared")
    rows = tuple(
        row for index in range(1, len(groups)) for row in _rows(groups[0], groups[index], index)
    )
    unknown = [name for name in only if name not in {row.name for row in rows}]
    if unknown:
        raise ValueError(f"no metric of these reports is named {unknown[0]}")
    return Comparison(
        verdict=_said(groups, rows),
        sides=tuple(_side(group) for group in groups),
        metrics=tuple(row for row in rows if not only or row.name in only),
        environment_differences=_all(groups, "environment"),
        script_differences=_all(groups, "script"),
        knob_differences=_all(groups, "knobs"),
        notes=tuple(_notes(groups)),
    )


def _rows(before: Group, after: Group, side: int) -> list[MetricCompared]:
    first, second = metrics.over(before.records), metrics.over(after.records)
    found = []
    for name in dict.fromkeys([*first, *second]):
        old, new = first.get(name), second.get(name)
        known = old or new
        assert known is not None
        old_values = old.values if old is not None else ()
        new_values = new.values if new is not None else ()
        if not old_values and not new_values:
            continue
        judged = judge(old_values, new_values, known.words)
        found.append(
            MetricCompared(
                side=side,
                name=name,
                unit=known.unit,
                before_processes=len(old_values),
                after_processes=len(new_values),
                **asdict(judged),
            )
        )
    return found


def _side(group: Group) -> Side:
    first = group.records[0]
    sha = first.identity.script_sha256 if isinstance(first, Study) else first.command.script_sha256
    return Side(
        name=group.name, kind="study" if isinstance(first, Study) else "profile",
        script=first.script, script_sha256=sha, processes=len(group.records),
        verdict=first.verdict, files=group.files,
    )  # fmt: skip


def _all(groups: Sequence[Group], what: str) -> tuple[SideDifference, ...]:
    return tuple(
        row
        for index in range(1, len(groups))
        for row in _between(groups[0], groups[index], index, what)
    )


def _between(before: Group, after: Group, side: int, what: str) -> tuple[SideDifference, ...]:
    first, second = before.records[0], after.records[0]
    if isinstance(first, Study) and isinstance(second, Study):
        if what == "knobs":
            return differences.of_recommendations(first, second, side)
        return differences.of_studies(first, second, side) if what == "script" else ()
    look = {
        "environment": differences.of_environments,
        "script": differences.of_scripts,
        "knobs": differences.of_knobs,
    }[what]
    old = [record for record in before.records if isinstance(record, Profile)]
    new = [record for record in after.records if isinstance(record, Profile)]
    return look(old, new, side)


def _said(groups: Sequence[Group], rows: Sequence[MetricCompared]) -> str:
    """One sentence for each side: what is faster, by how much, how sure."""
    said = []
    for index in range(1, len(groups)):
        mine = {row.name: row for row in rows if row.side == index and row.ratio is not None}
        row = next((mine[name] for name in HEADLINE if name in mine), None)
        name = groups[index].name
        if row is None or row.ratio is None:
            said.append(f"{name}: no speed was measured on both sides.")
            continue
        ratio = row.ratio if row.unit == "samples/s" else 1 / row.ratio
        times = f"{ratio:.3g} times the throughput of {groups[0].name}"
        if row.verdict == "inconclusive":
            said.append(f"{name}: inconclusive, {times} as measured; {row.reason}.")
        elif row.verdict == "same":
            said.append(f"{name}: the same; {row.reason}.")
        else:
            said.append(f"{name} is {row.verdict}: {times} ({row.reason}).")
    return " ".join(said)


def _batches(group: Group) -> set[int | None]:
    return {
        record.steps.batch_size
        for record in group.records
        if isinstance(record, Profile) and record.steps is not None
    }


def _notes(groups: Sequence[Group]) -> list[str]:
    found = []
    for group in groups:
        hashes = {
            record.command.script_sha256 for record in group.records if isinstance(record, Profile)
        }
        if len(hashes) > 1:
            found.append(f"{group.name} holds runs of scripts that differ")
        if _batches(group) != _batches(groups[0]):
            found.append(
                f"{group.name} has other batch sizes: its steps are other steps, compare samples/s"
            )
        loose = [
            record
            for record in group.records
            if isinstance(record, Profile) and record.steps and record.steps.stable is False
        ]
        if loose:
            found.append(f"{group.name}: {len(loose)} of {len(group.records)} runs were not steady")
    return found
