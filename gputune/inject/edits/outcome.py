"""What became of each setting, from the session's events: one line for what is not in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gputune.knobs.knob import SetEnvironment
from gputune.knobs.registry import knob_of
from gputune.schema.config import DECLARED, Setting
from gputune.schema.secrets import redact
from gputune.session import events as names


def outcome(settings: Sequence[Setting], events: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What the user should know of the settings after a run, one line each.

    A setting that was put in has none. `events` are those of the session.
    """
    told: dict[int, list[Mapping[str, Any]]] = {number: [] for number in range(len(settings))}
    broken = ""
    for event in events:
        if event["event"] == names.EDIT and event.get("setting") in told:
            told[event["setting"]].append(event)
        elif event["event"] == names.HOOK_DISABLED and _is_ours(str(event.get("hook"))):
            broken = f"gputune's hook {event['hook']} failed ({redact(str(event.get('error')))})"
    lines = []
    for number, setting in enumerate(settings):
        if all(isinstance(edit, SetEnvironment) for edit in knob_of(setting).edits):
            continue  # the process was started with it
        lines += _of_one(setting, told[number], broken)
    return tuple(lines)


def _of_one(setting: Setting, told: Sequence[Mapping[str, Any]], broken: str) -> list[str]:
    def notes(how: str) -> list[str]:
        return [str(event.get("note")) for event in told if event.get("how") == how]

    undone = notes("undone")
    if undone:
        return [f"{setting.knob}: not in force: {undone[-1]}"]
    if notes("placed"):
        return [f"{setting.knob}: {note}" for note in notes("noted")]
    why = "; ".join(dict.fromkeys(notes("missed"))) or broken or _nowhere(setting)
    return [f"{setting.knob}: no place found: {why}"]


def _nowhere(setting: Setting) -> str:
    if setting.knob.startswith(DECLARED):
        return f'the script made no call gputune.knob("{setting.knob.removeprefix(DECLARED)}", …)'
    if setting.site is None:
        return "the script made no call that takes it; a loop's pipeline needs its file and line"
    stage = f" ({setting.stage})" if setting.stage else ""
    code = f" («{redact(setting.site.code[:80])}»)" if setting.site.code else ""
    return f"no such call was made at {setting.site.label()}{stage}{code}"


def _is_ours(hook: str) -> bool:
    return hook.startswith(("edits:", "import:", "bootstrap"))
