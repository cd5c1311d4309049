"""A Config as `gputune.toml`: data that a person reads and git keeps, never code."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Final

from gputune.report.literal import literal
from gputune.rewrite.comment import header, history
from gputune.schema.config import DECLARED, Config, Setting, Value
from gputune.schema.site import Frame, Site

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
CALLS: Final = "call"
WAS: Final = "was"
OF_A_CALL: Final = frozenset({"file", "line", "code", "stage", "called_from", WAS})
"""The keys of a call's table that are no settings."""


def config_to_toml(config: Config) -> str:
    """Return the text of `gputune.toml`.

    Settings without a site are keys of `[tf_data]` and `[policy]`, and of `[knobs]` those that the
    script declares itself, where there are any; a setting of one call (its
    site is set) is a key of a `[[tf_data.call]]` or `[[policy.call]]` table that names the call's
    file and line. What the settings were before stands in the key `was`. TOML has no null, so a
    setting whose value is None stands as a comment, as does a second value of a knob that the
    table has already. A lone surrogate, which TOML cannot hold, is spelled out.
    """
    lines = [
        *header(config),
        "",
        f"schema = {_string(Config.SCHEMA)}",
        f"version = {Config.VERSION}",
        f"script = {_string(config.script)}",
        f"measured = {_value(config.measured)}",
    ]
    tables = [("tf_data", config.tf_data), ("policy", config.policy)]
    if config.knobs:
        tables.append(("knobs", config.knobs))
    for table, settings in tables:
        alone = [setting for setting in settings if setting.site is None]
        lines += ["", f"[{table}]", *_keys(alone, taken={CALLS, WAS})]
        for (site, stage), group in _by_call(settings):
            lines += ["", f"[[{table}.{CALLS}]]", *_place(site, stage)]
            lines += _keys(group, taken=OF_A_CALL)
    return "\n".join(lines) + "\n"


def _by_call(settings: Iterable[Setting]) -> list[tuple[tuple[Site, str], list[Setting]]]:
    """Group settings by their call; one line may hold two calls, and both may set one knob."""
    groups: list[tuple[tuple[Site, str], list[Setting]]] = []
    for setting in settings:
        if setting.site is None or setting.value is None:
            continue
        call = (setting.site, setting.stage)
        for known, group in groups:
            if known == call and setting.knob not in {other.knob for other in group}:
                group.append(setting)
                break
        else:
            groups.append((call, [setting]))
    return groups


def _place(site: Site, stage: str) -> Iterator[str]:
    yield f"file = {_string(site.file)}"
    yield f"line = {site.line}"
    if site.code:
        yield f"code = {_string(site.code)}"
    if stage:
        yield f"stage = {_string(stage)}"
    if site.via:
        yield f"called_from = [{', '.join(map(_frame, site.via))}]"


def _frame(frame: Frame) -> str:
    code = f", code = {_string(frame.code)}" if frame.code else ""
    return f"{{ file = {_string(frame.file)}, line = {frame.line}{code} }}"


def _keys(settings: Iterable[Setting], *, taken: Iterable[str]) -> Iterator[str]:
    used = set(taken)
    before: list[str] = []
    for setting in settings:
        name = setting.knob.removeprefix(DECLARED)
        key = _key(name)
        if setting.value is None:
            yield f"# {literal(name)}: leave it unset ({history(setting)})"
        elif name in used:
            value = literal(_value(setting.value))
            yield f"# {literal(name)} = {value} has no place here ({history(setting)})"
        else:
            used.add(name)
            yield f"{key} = {_value(setting.value)}  # {history(setting)}"
            if setting.was is not None:
                before.append(f"{key} = {_value(setting.was)}")
    if before:
        yield f"{WAS} = {{ {', '.join(before)} }}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _string(name)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)  # inf, -inf, nan are TOML's too
    return _string(str(value))


def _string(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    if "\ud800" <= char <= "\udfff":
        return f"\\\\u{ord(char):04x}"
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
