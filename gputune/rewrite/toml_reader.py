"""`gputune.toml` -> Config, strictly: what is not understood is an error, never left out.

Standard library only: a script may read its own configuration.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gputune.knobs.declared import named
from gputune.knobs.declaring import NAME, RESERVED
from gputune.knobs.knob import Knob, Table
from gputune.knobs.registry import BY_NAME, KNOBS
from gputune.report.literal import literal
from gputune.rewrite.toml import CALLS, OF_A_CALL, WAS
from gputune.schema.config import DECLARED, Config, Setting
from gputune.schema.site import Frame, Site

MOST_BYTES: Final = 1_000_000
"""Ours: a thousand times the size of a large configuration; a larger file is none."""
_HEADER: Final = {"schema": str, "version": int, "script": str, "measured": bool}
_TABLES: Final[tuple[Table, ...]] = ("tf_data", "policy", "knobs")
_MAKE: Final = "`gputune profile train.py` writes one"
_LONGEST: Final = 80


class BadConfig(ValueError):
    """A file that is no configuration; `what` says why, `hint` what to do about it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.add_note(f"hint: {hint}")  # for who reads a traceback
        self.what = what
        self.hint = hint


def read_config(path: Path) -> Config:
    """Read a configuration; raises BadConfig for a file that is missing or is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        said = getattr(error, "strerror", None) or error
        raise BadConfig(
            f"cannot read {path}: {said}", f"give the path of a gputune.toml; {_MAKE}"
        ) from None
    if len(raw) > MOST_BYTES:
        raise BadConfig(
            f"{path} is larger than {MOST_BYTES} bytes", f"this is no gputune.toml; {_MAKE}"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadConfig(f"{path} is not UTF-8 text", f"this is no gputune.toml; {_MAKE}") from None
    return parse_config(text, name=str(path))


def parse_config(text: str, *, name: str = "the configuration") -> Config:
    """The configuration in a text; raises BadConfig, and nothing else."""
    try:
        body = tomllib.loads(text.removeprefix("\ufeff"))  # some editors begin with it
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of 5000 digits
        said = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise BadConfig(
            f"{name} is not valid TOML: {_shown(said)}",
            "mend that place; strings stand in double quotes",
        ) from None
    return _Reader(name).config(body)


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name

    def config(self, body: Mapping[str, Any]) -> Config:
        self._header(body)
        for key in body:
            if key not in (*_HEADER, *_TABLES):
                self._unknown_table(key)
        tables = {table: tuple(self._table(table, body.get(table, {}))) for table in _TABLES}
        return Config(
            script=body.get("script", ""),
            measured=body.get("measured", False),
            tf_data=tables["tf_data"],
            policy=tables["policy"],
            knobs=tables["knobs"],
        )

    def _fail(self, what: str, hint: str) -> BadConfig:
        return BadConfig(f"{self._name}: {what}", hint)

    def _header(self, body: Mapping[str, Any]) -> None:
        for key, kind in _HEADER.items():
            if key in body and type(body[key]) is not kind:
                word = {str: "text", int: "an integer", bool: "true or false"}[kind]
                raise self._fail(f"{key} is {_shown(body[key])}", f"{key} is {word}")
        schema, version = body.get("schema", Config.SCHEMA), body.get("version", Config.VERSION)
        if schema != Config.SCHEMA:
            raise self._fail(
                f"schema is {_shown(schema)}", f'give a file whose schema is "{Config.SCHEMA}"'
            )
        if version > Config.VERSION:
            raise self._fail(
                f"it was written by a newer gputune (version {_shown(version)})",
                "read it with a newer gputune",
            )
        if version < 1:
            raise self._fail(f"version is {_shown(version)}", f"version is {Config.VERSION}")

    def _unknown_table(self, key: str) -> None:
        if key in BY_NAME:
            raise self._fail(
                f"{key} stands outside of the tables", f"put it below [{BY_NAME[key].table}]"
            )
        raise self._fail(
            f"unknown key {_shown(key)}",
            f"known are {', '.join(_HEADER)}, [tf_data], [policy] and [knobs]",
        )

    def _table(self, table: Table, body: Any) -> Iterator[Setting]:
        if not isinstance(body, dict):
            raise self._fail(f"{table} is {_shown(body)}", f"[{table}] is a table of settings")
        yield from self._settings(table, body, f"[{table}]", None, "")
        calls = body.get(CALLS, [])
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            raise self._fail(
                f"[{table}] {CALLS} is {_shown(calls)}", f"a call begins with [[{table}.{CALLS}]]"
            )
        seen: set[tuple[Site, str, str]] = set()
        for number, call in enumerate(calls, 1):
            where = f"[[{table}.{CALLS}]] number {number}"
            site, stage = self._site(call, where), self._text(call, "stage", where, "")
            for setting in self._settings(table, call, where, site, stage):
                key = (site, stage, setting.knob)
                if key in seen and stage:
                    raise self._fail(
                        f"{where}: {setting.knob} of {stage} in line {site.line} is set twice",
                        "leave one of them",
                    )
                seen.add(key)
                yield setting

    def _settings(
        self, table: Table, body: Mapping[str, Any], where: str, site: Site | None, stage: str
    ) -> Iterator[Setting]:
        known = OF_A_CALL if site is not None else frozenset({CALLS, WAS})
        before = body.get(WAS, {})
        if not isinstance(before, dict):
            raise self._fail(
                f"{where} {WAS} is {_shown(before)}",
                f"{WAS} is a table: {WAS} = {{ prefetch = 2 }}",
            )
        knobs = [key for key in body if key not in known]
        for key in before:
            if key not in knobs:
                raise self._fail(
                    f"{where} {WAS} has {_shown(key)}, which is not set",
                    "leave it out, or set the knob",
                )
            if not _is_value(before[key]):
                raise self._fail(
                    f"{where} {WAS} of {key} is {_shown(before[key])}", "give the value alone"
                )
        if site is not None and not knobs:
            raise self._fail(f"{where} sets nothing", "add a setting to it, or leave it out")
        for key in knobs:
            knob = self._knob(table, key, where)
            self._check(knob, body[key], where, site)
            yield Setting(
                knob=knob.name, value=body[key], was=before.get(key), site=site, stage=stage
            )

    def _knob(self, table: Table, key: str, where: str) -> Knob:
        if table == "knobs":
            return self._declared(key, where)
        knob = BY_NAME.get(key)
        if knob is None:
            names = [knob.name for knob in KNOBS if knob.table == table and knob.edits]
            close = difflib.get_close_matches(key[:_LONGEST], [k.name for k in KNOBS], n=1)
            hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(names)}"
            raise self._fail(f"{where} has the unknown setting {_shown(key)}", hint)
        if knob.table != table:
            raise self._fail(
                f"{where} has {key}, which belongs to [{knob.table}]", f"move it to [{knob.table}]"
            )
        if not knob.edits:
            raise self._fail(
                f"{where} has {key}, which only you can do",
                "change the code, and leave it out here",
            )
        return knob

    def _declared(self, key: str, where: str) -> Knob:
        """The script says which there are and what they take; the file knows their form alone."""
        if not NAME.fullmatch(key) or key in RESERVED:
            raise self._fail(
                f"{where} has the knob {_shown(key)}, which no script can declare",
                "a knob's name is a letter, then letters, digits, _ . or -",
            )
        return named(f"{DECLARED}{key}")

    def _check(self, knob: Knob, value: Any, where: str, site: Site | None) -> None:
        if not _is_value(value) or not knob.takes.accepts(value):
            raise self._fail(
                f"{where} {knob.name} is {_shown(value)}",
                f"{knob.name} takes {knob.takes.described()}",
            )
        if knob.needs_site and site is None:
            raise self._fail(
                f"{where} {knob.name} does not say where",
                f"put it below [[{knob.table}.{CALLS}]], with the file and line of the call",
            )

    def _site(self, call: Mapping[str, Any], where: str) -> Site:
        via = call.get("called_from", [])
        if not isinstance(via, list) or not all(isinstance(frame, dict) for frame in via):
            raise self._fail(
                f"{where} called_from is {_shown(via)}",
                'called_from is a list of { file = "…", line = 1 }',
            )
        for frame in via:
            self._only(frame, ("file", "line", "code"), f"{where} called_from")
        frames = tuple(Frame(**self._place(frame, f"{where} called_from")) for frame in via)
        return Site(**self._place(call, where), via=frames)

    def _place(self, body: Mapping[str, Any], where: str) -> dict[str, Any]:
        line = body.get("line")
        if type(line) is not int or line < 0:
            said = "has no line" if line is None else f"line is {_shown(line)}"
            raise self._fail(f"{where} {said}", "line is the number of the call's line")
        file = self._text(body, "file", where, None)
        return {"file": file, "line": line, "code": self._text(body, "code", where, "")}

    def _text(self, body: Mapping[str, Any], key: str, where: str, default: str | None) -> str:
        value = body.get(key, default)
        if isinstance(value, str):
            return value
        said = f"has no {key}" if value is None else f"{key} is {_shown(value)}"
        raise self._fail(f"{where} {said}", f"{key} is text, in double quotes")

    def _only(self, body: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for key in body:
            if key not in known:
                raise self._fail(f"{where} has the unknown key {_shown(key)}", "leave it out")


def _is_value(value: Any) -> bool:
    """Whether it is one plain value: no list, no table, no date."""
    return isinstance(value, bool | int | float | str)


def _shown(value: Any) -> str:
    """A value in an error: short, on one line."""
    try:
        text = value if isinstance(value, str) else _spelled(value)
    except (ValueError, RecursionError):  # an integer of 5000 digits
        text = "something very long"
    text = literal(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else str(value)
