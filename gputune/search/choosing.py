"""Which knobs a study searches: what the user says, then the findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gputune.knobs.knob import Domain, Knob, Place, Table
from gputune.knobs.machine import machine_of
from gputune.schema.config import Setting, Value
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile
from gputune.schema.study import KnobLeftOut
from gputune.search.ahead import findings_ahead, model_takes_it
from gputune.search.constraints import constraints
from gputune.search.space import (
    BATCH_SIZES,
    Dimension,
    Space,
    index_of,
    same,
)

_ASKING = (Severity.PROBLEM, Severity.WARNING)


class BadChoice(ValueError):
    """What the user asked for cannot be searched; `hint` says what can."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the user says about the space.

    `knobs` are the only ones to search (None: the findings choose), `exclude` those never to
    search, `fix` values to hold; `same_batch` holds the batch size as the script has it. A knob is
    named as in the Study: `num_parallel_calls` is that knob at every line,
    `num_parallel_calls@train.py:35` at one. `tied` says why the script's own source speaks against
    a knob that nobody has named.
    """

    knobs: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    fix: Mapping[str, Value] = field(default_factory=dict)
    max_batch_size: int | None = None
    same_batch: bool = False
    tied: Mapping[str, str] = field(default_factory=dict)


def parse_value(text: str) -> Value:
    """A value as a person writes it: `64`, `0.5`, `true`; anything else is a word: `AUTOTUNE`."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def choose_space(profile: Profile, knobs: Sequence[Knob], choice: Choice) -> Space:
    """The space of a study.

    The knobs that every study has, and those that a finding asks for, now or once the input is no
    longer waited for, or the model is faster. Where computation and launches are what is left of
    the step, also those that change how the model computes (rounding). Raises BadChoice for a knob
    or a value that cannot be meant.
    """
    _check(knobs, choice)
    asking = _Asking(profile)
    found = [_of_knob(knob, knob.domain(profile), profile, choice, asking) for knob in knobs]
    dimensions = tuple(d for one in found for d in one.dimensions)
    fixed = {name: value for one in found for name, value in one.fixed.items()}
    _check_names([name for one in found for name in one.names], choice)
    return Space(
        dimensions=dimensions,
        fixed=fixed,
        fixed_baseline={name: value for one in found for name, value in one.own.items()},
        fixed_places={name: place for one in found for name, place in one.places.items()},
        fixed_tables={name: one.table for one in found for name in one.fixed},
        fixed_changes={
            name: knob.changes for knob, one in zip(knobs, found, strict=True) for name in one.fixed
        },
        left_out=tuple(
            KnobLeftOut(knob=name, why=why) for one in found for name, why in one.left_out.items()
        ),
        constraints=constraints(profile, dimensions, fixed),
    )


class _Asking:
    """Which findings ask for which knobs, and why a knob is asked for at all."""

    def __init__(self, profile: Profile) -> None:
        self._now = profile.findings
        self._ahead = findings_ahead(profile)
        self._computes = model_takes_it(profile)

    def now(self, knob: Knob) -> list[Finding]:
        """The findings worth acting on that the knob can help."""
        return [f for f in self._now if _helps(knob, f)]

    def why_not(self, knob: Knob) -> str:
        """Why nothing asks for the knob, or nothing where something does."""
        ahead = any(_helps(knob, f) for f in self._ahead)
        if knob.always or self.now(knob) or ahead:
            return ""
        if knob.changes == "rounding" and self._computes:
            return ""
        helps = ", ".join(knob.addresses)
        return f"no finding asks for it{f': it helps with {helps}' if helps else ''}"


def _helps(knob: Knob, finding: Finding) -> bool:
    """Whether the finding is worth acting on, and the knob can help it."""
    return finding.severity in _ASKING and finding.id in knob.addresses


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What one knob brings to the space."""

    knob: str
    table: Table
    names: tuple[str, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    fixed: Mapping[str, Value] = field(default_factory=dict)
    own: Mapping[str, Value] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    why: str = ""
    withheld: Mapping[Value, str] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, str]:
        """The knob, or single values of it, and why."""
        if self.why or not self.dimensions:
            return {self.knob: self.why} if self.why else {}
        return {f"{self.knob}={value}": why for value, why in self.withheld.items()}


def _of_knob(
    knob: Knob, domain: Domain, profile: Profile, choice: Choice, asking: _Asking
) -> _Found:
    named = _named(knob, domain)
    held = {
        name: choice.fix.get(name, choice.fix.get(knob.name))
        for name, _ in named
        if name in choice.fix or knob.name in choice.fix
    }
    for name, value in held.items():
        _check_held(knob, name, value, domain, profile)
    found = _Found(
        knob=knob.name,
        table=knob.table,
        names=(knob.name, *(name for name, _ in named)),
        fixed=held,
        own={n: _was(p, domain) for n, p in named if n in held},
        places={n: p for n, p in named if n in held and p is not None},
    )
    free = [(name, place) for name, place in named if name not in held]
    if not free:
        return found
    why = _why_not(knob, domain, choice, asking)
    if why:
        return replace(found, why="" if held else why)
    wanted = _wanted(knob, free, choice, asking)
    first = knob.first_values(profile)
    asked = bool(asking.now(knob)) or knob.table == "knobs"
    dimensions = tuple(
        _dimension(knob, name, place, domain, first, choice, asked) for name, place in wanted
    )
    kept = tuple(d for d in dimensions if len(d.values) > 1)
    if not kept:
        return replace(found, why=domain.reason or "only one value is left to it")
    return replace(found, dimensions=kept, withheld=domain.withheld)


Named = list[tuple[str, Place | None]]


def _named(knob: Knob, domain: Domain) -> Named:
    """A name for each place: its line, and a number where two stand on one line.

    A knob of every study is turned once, and needs no line in its name.
    """
    if not domain.places or (knob.always and len(domain.places) == 1):
        return [(knob.name, domain.places[0] if domain.places else None)]
    seen: dict[str, int] = {}
    found: Named = []
    for place in domain.places:
        name = f"{knob.name}@{place.site.label()}"
        seen[name] = seen.get(name, 0) + 1
        found.append((name if seen[name] == 1 else f"{name}#{seen[name]}", place))
    return found


def _wanted(knob: Knob, free: Named, choice: Choice, asking: _Asking) -> Named:
    """The places that the user names, else those that a finding is about, else all."""
    if choice.knobs is not None:
        return [one for one in free if one[0] in choice.knobs] or free
    sites = {f.site for f in asking.now(knob) if f.site is not None}
    return [one for one in free if one[1] is not None and one[1].site in sites] or free


def _check(knobs: Sequence[Knob], choice: Choice) -> None:
    by_name = {knob.name: knob for knob in knobs}
    for name in (*(choice.knobs or ()), *choice.exclude, *choice.fix):
        if _knob_of(name) not in by_name:
            hint = f"the knobs are {', '.join(by_name)}"
            raise BadChoice(f"there is no knob {name!r}", hint)
    for name, value in choice.fix.items():
        takes = by_name[_knob_of(name)].takes
        if not takes.accepts(value):
            raise BadChoice(f"{name} cannot be {value!r}", f"it is {takes.described()}")
    if choice.max_batch_size is not None and choice.max_batch_size < 1:
        raise BadChoice("the largest batch size is below 1", "give --max-batch-size 1 or more")


def _check_names(names: Sequence[str], choice: Choice) -> None:
    """Raise BadChoice for a line that the knob has no place at."""
    for name in (*(choice.knobs or ()), *choice.fix):
        if name not in names:
            known = [n for n in names if _knob_of(n) == _knob_of(name)]
            raise BadChoice(f"there is no {name} in this script", f"there is {', '.join(known)}")


def _check_held(knob: Knob, name: str, value: Value, domain: Domain, profile: Profile) -> None:
    """Raise BadChoice for a value that neither this machine nor this script can have."""
    if same(value, domain.was):
        return
    why = knob.unsupported(value, machine_of(profile))
    if not why and not domain.values and not domain.holds:
        why = domain.reason
    if not why and domain.values and value in knob.takes.words and value not in domain.values:
        why = domain.withheld.get(value, "it is none of the values that it may have here")
    if why:
        values = ", ".join(map(str, domain.values))
        hint = f"it may be {values}" if values else f"leave it out: --fix {knob.name} has no effect"
        raise BadChoice(f"{name} cannot be {value!r} for this script: {why}", hint)


def _knob_of(name: str) -> str:
    return name.partition("@")[0]


def _why_not(knob: Knob, domain: Domain, choice: Choice, asking: _Asking) -> str:
    """Why the knob is not searched, or nothing."""
    if knob.name in map(_knob_of, choice.exclude):
        return "excluded"
    if choice.knobs is not None and knob.name not in map(_knob_of, choice.knobs):
        return "not among the knobs that were asked for"
    if choice.same_batch and knob.name in BATCH_SIZES:
        return "the batch size is held as the script has it"
    if not domain.values:
        return domain.reason or "it has no values to try here"
    if choice.knobs is not None:
        return ""
    return choice.tied.get(knob.name, "") or asking.why_not(knob)


def _dimension(
    knob: Knob, name: str, place: Place | None, domain: Domain, first: Sequence[Setting],
    choice: Choice, asked: bool,
) -> Dimension:  # fmt: skip
    was = _was(place, domain)
    values = domain.values
    if knob.name in BATCH_SIZES and choice.max_batch_size is not None:
        most = choice.max_batch_size
        values = tuple(v for v in values if not isinstance(v, int) or v <= most or same(v, was))
    values = _with(values, was)
    site = place.site if place is not None else None
    setting = next((s for s in first if s.site is None or site is None or s.site == site), None)
    return Dimension(
        name=name,
        knob=knob.name,
        values=values,
        baseline=index_of(values, was) or 0,
        first=index_of(values, setting.value) if setting is not None else None,
        place=place,
        table=knob.table,
        takes_effect=knob.takes_effect,
        changes=knob.changes,
        asked=asked,
    )


def _was(place: Place | None, domain: Domain) -> Value:
    return domain.was if place is None or place.was is None else place.was


def _with(values: tuple[Value, ...], own: Value) -> tuple[Value, ...]:
    """The values and the script's own among them: a number in its place, anything else first."""
    if index_of(values, own) is not None:
        return values
    if not _number(own):
        return (own, *values)
    larger = (i for i, v in enumerate(values) if _number(v) and v > own)  # type: ignore[operator]
    numbers = [i for i, v in enumerate(values) if _number(v)]
    at = next(larger, numbers[-1] + 1 if numbers else 0)
    return (*values[:at], own, *values[at:])


def _number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
