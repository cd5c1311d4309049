"""Where a recorded line is now, in a file that may have changed since: by this patch, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from gputune.rewrite.call import ARGUMENT, METHODS
from gputune.rewrite.patch.plan import Plan, Refused
from gputune.rewrite.patch.source import Source, stage_method
from gputune.schema.config import Setting
from gputune.schema.secrets import redact
from gputune.schema.site import Frame, Site

_LONGEST = 300
"""So much of a line a recorded site holds; see `inject/sites`."""
_TOKEN = re.compile(r"#.*|\"[^\"]*\"|'[^']*'|\w+|\S")
_OPEN, _CLOSE = "([{", ")]}"
_PUT_IN = ("cache", "prefetch", "shuffle", "repeat")
"""Calls that a patch puts into a chain, takes out of it, or moves in it."""
_MARKED = {"with_options": "gputune_options", "apply": "prefetch_to_device"}
"""Calls that a patch puts into a chain, known by what they are given."""
_ARGUMENTS = {ARGUMENT.get(knob, knob) for knob in METHODS}
_ADDED = re.compile(
    r"gputune_options|os\.environ\[\"TF_|\.set_dtype_policy\(|\.cache\(\S*\)\.(shuffle|repeat)\("
    r"|^\.(cache|prefetch|with_options|shuffle|repeat)\(|^\w+=[\w.]+,?$"
)
"""Lines that a patch may have put in, or from which it has taken lines."""
_WITH_THEM = 4
"""So many lines of imports, and an empty one, come with them."""


def line_now(
    source: Source, setting: Setting, has: Callable[[int], bool], *, absent: bool, moved: bool
) -> int:
    """Where the recorded line of a setting is now; raises Refused where that cannot be told.

    A line that differs from it only in what settings change counts where `has` says that what is
    wanted is there: a patch was applied before. `absent`: the recorded call itself is to be taken
    out. `moved`: something shows that the file is not as it was when it was profiled.
    """
    site = setting.site
    assert site is not None
    line, code = site.line, site.code
    if not code:
        return line
    texts = texts_of(source)
    kept = "" if absent else stage_method(setting.stage)
    exact = [number for number, text in enumerate(texts, 1) if text == code]
    alike = [n for n, text in enumerate(texts, 1) if text != code and _alike(text, code, kept)]
    said = f"«{code[:80]}»"
    if line in exact:
        if len(exact) + len(alike) == 1 or has(line):
            return line
        near = [n for n in (*exact, *alike) if 0 < abs(n - line) <= _added(texts, n)]
        if (moved and len(exact) > 1) or any(has(n) for n in near):
            raise Refused(
                f"{source.path.name} has changed since it was profiled, and {said} or what a "
                f"patch makes of it stands in it {len(exact) + len(alike)} times"
            )
        return line
    if line in alike:
        if has(line):
            return line
        raise Refused(f"{source.path.name} has no line {said} any more at {line}")
    return _elsewhere(source, line, said, exact, [n for n in (*exact, *alike) if has(n)])


def _elsewhere(source: Source, line: int, said: str, exact: list[int], done: list[int]) -> int:
    """The line of what is no longer at its place."""
    name = source.path.name
    other = [n for n in exact if n not in done]
    if done:
        nearest = min(done, key=lambda n: abs(n - line))
        if all(abs(nearest - line) < abs(n - line) for n in other):
            return nearest
        raise Refused(
            f"{name} has changed: {said} stands at {', '.join(map(str, other))}, and what a patch "
            f"makes of it at {nearest}"
        )
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise Refused(f"{name} has no line {said} any more")
    raise Refused(f"{name} has changed: {said} stands in it {len(exact)} times")


def has_moved(made: Plan, source: Source) -> bool:
    """Whether a line that the settings name is not where it was when the file was profiled."""
    texts = texts_of(source)
    for place, kept in _places(made.settings):
        if place.code and made.sources.at(place.file) is source:
            text = texts[place.line - 1] if 0 < place.line <= len(texts) else ""
            same = text == place.code or _alike(text, place.code, kept)
            if not same or (text != place.code and place.code in texts):
                return True
    return False


def _places(settings: Sequence[Setting]) -> Iterator[tuple[Site | Frame, str]]:
    for setting in settings:
        if setting.site is not None:
            yield setting.site, stage_method(setting.stage)
            yield from ((frame, "") for frame in setting.site.via)


def texts_of(source: Source) -> list[str]:
    """The lines as a site holds them."""
    return [redact(text.strip()[:_LONGEST]) for text in source.lines]


def stands_alone(code: str) -> bool:
    """Whether nothing of the line stays where the calls that settings concern are taken out."""
    return not re.search(r"\w", _without(code, ""))


def was_taken_out(source: Source, site: Site, method: str) -> bool:
    """Whether the recorded line stands there without the call of the method that it held.

    Raises Refused where it stands there both with the call and without it.
    """
    texts = texts_of(source)
    exact = [number for number, text in enumerate(texts, 1) if text == site.code]
    left = [
        number for number, text in enumerate(texts, 1)
        if f".{method}(" not in text and _alike(text, site.code, "")
    ]  # fmt: skip
    if not left:
        return False
    here = min(left, key=lambda n: abs(n - site.line))
    if all(abs(here - site.line) < abs(n - site.line) for n in exact):
        return True
    if site.line in exact and abs(here - site.line) > _added(texts, here):
        return False
    raise Refused(
        f"{source.path.name} has changed: «{site.code[:80]}» stands in it, and at {here} the same "
        f"without .{method}(…)"
    )


def _alike(text: str, code: str, kept: str) -> bool:
    """Whether two lines differ in nothing but what settings change."""
    if len(code) >= _LONGEST or not text:
        return False
    plain = _without(code, kept)
    return bool(re.search(r"\w", plain)) and _without(text, kept) == plain


@lru_cache(maxsize=50_000)
def _without(text: str, kept: str) -> str:
    """A line without what settings change; the calls of the method `kept` stay.

    The brackets at its end, too: they move up where the last line of a chain is taken out.
    """
    return " ".join(_reduced(_TOKEN.findall(text), kept)).rstrip(" )\\")


def _reduced(tokens: list[str], kept: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        called = token.isidentifier() and tokens[at + 1 : at + 2] == ["("]
        if not called:
            found.append(token)
            at += 1
            continue
        end = _closing(tokens, at + 1)
        inner = tokens[at + 2 : end]
        mark = _MARKED.get(token)
        put_in = token in _PUT_IN if mark is None else mark in inner
        if put_in and token != kept and found[-1:] == ["."] and end < len(tokens):
            found.pop()
        else:
            found += [token, "(", *_arguments(token, inner, kept), *tokens[end : end + 1]]
        at = end + 1
    return found


def _closing(tokens: list[str], opened: int) -> int:
    """The index of the bracket that closes; the end where it stands in another line."""
    depth = 0
    for at in range(opened, len(tokens)):
        depth += (tokens[at] in _OPEN) - (tokens[at] in _CLOSE)
        if depth == 0:
            return at
    return len(tokens)


def _arguments(method: str, inner: list[str], kept: str) -> list[str]:
    """The arguments of a call without those that settings give."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in inner:
        depth += (token in _OPEN) - (token in _CLOSE)
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    places = {places[method] for places in METHODS.values() if method in places}
    left = [
        _reduced(part, kept) for number, part in enumerate(parts)
        if part and number not in places and not (part[1:2] == ["="] and part[0] in _ARGUMENTS)
    ]  # fmt: skip
    return [token for part in left for token in (*part, ",")]


def _added(texts: list[str], line: int) -> int:
    """How far a patch may have moved a line."""
    found = sum(1 for text in texts[: line - 1] if _ADDED.search(text))
    return found + _WITH_THEM if found else 0
