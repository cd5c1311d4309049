"""A recorded `tf.data` call as a reader knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputune.schema.secrets import redact
from gputune.schema.site import Frame, Site

_WORKERS = (
    "map", "from_generator", "interleave", "flat_map", "filter", "apply", "scan", "unbatch",
    "padded_batch",
)  # fmt: skip


def main_call(calls: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The call that a fused stage is named after: the one that runs the user's function."""
    for method in _WORKERS:
        for call in calls:
            if call["method"] == method:
                return call
    return calls[0] if calls else None


def label(call: Mapping[str, Any]) -> str:
    """`.map(decode)`, `.batch(32)`, `TFRecordDataset(…)`: the call without its place."""
    method = str(call["method"])
    arguments = call.get("arguments") or {}
    shown = ""
    for name in ("map_func", "generator", "predicate", "transformation_func", "reduce_func"):
        function = arguments.get(name)
        if isinstance(function, dict):
            shown = str(function.get("function"))
            break
    else:
        for name in ("batch_size", "buffer_size", "count", "filename", "file_pattern"):
            if name in arguments:
                value = arguments[name]
                shown = "AUTOTUNE" if value == -1 and name == "buffer_size" else repr(value)
                break
    dot = "" if method[:1].isupper() else "."
    return redact(f"{dot}{method}({shown})")


def site_of(call: Mapping[str, Any]) -> Site | None:
    """The call's place in the user's source."""
    return site(call.get("site"))


def site(data: Mapping[str, Any] | None) -> Site | None:
    """A Site from its JSON."""
    if not data:
        return None
    via = tuple(Frame(**_frame(frame)) for frame in data.get("via") or ())
    return Site(**_frame(data), via=via)


def _frame(data: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key: data[key] for key in ("file", "line", "function", "code") if key in data}
    if "code" in fields:
        fields["code"] = redact(str(fields["code"]))
    return fields


def chain_to_source(
    calls: Mapping[int, Mapping[str, Any]], start: int | None
) -> list[Mapping[str, Any]]:
    """The call `start` and those that it stands on, by first inputs, towards the source."""
    found: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    while start is not None and start in calls and start not in seen:
        seen.add(start)
        found.append(calls[start])
        inputs = calls[start].get("inputs") or []
        start = inputs[0] if inputs else None
    return found
