"""Does what a snippet's comments say, as a reader would: by hand, and not by gputune's patch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_ENTRY = re.compile(
    r"# (?P<place>[^#:]*?(?:\.py:\d+(?: \(called from [^)]*\))?|\(\.\.\.\)[^:]*|pipeline)): "
    r"(?P<what>.*)"
)
_ADVICE = re.compile(r"# (?P<knob>\w+) = (?P<value>\S+) \(was .*")
_DECLARED = re.compile(r'# (?P<call>gputune\.knob\("[^"]+", )(?P<value>[^)]+)\) \(was .*')
_BEGIN = "# In your own calls:"
_CALL = re.compile(r"\.(?P<method>\w+)\(.*\)", re.DOTALL)


def follow(snippet: str, source: str, name: str, end: int | None) -> tuple[str, dict[str, str]]:
    """The script with the snippet above it, and what its comments say done in it.

    `name` is the script's file name, `end` the line of the call that ends the pipeline of a loop
    (None: `fit` shows it). Returns the source, and by knob what was said that no edit was made for.
    """
    statements, _, comments = snippet.partition(_BEGIN)
    left: dict[str, str] = {}
    entries = sorted(_entries(comments), key=lambda entry: -_line(entry[0], name))
    for place, what, knobs in entries:
        changed = _followed(source, place, what, name)
        if changed is None:
            left.update(dict.fromkeys(knobs, f"{place}: {what}"))
        else:
            source = changed
    for found in _ADVICE.finditer(comments):
        changed = None
        if found["knob"] == "learning_rate":
            changed = _with_rate(source, found["value"])
        if changed is None:
            left[found["knob"]] = found[0].removeprefix("# ")
        else:
            source = changed
    for found in _DECLARED.finditer(comments):
        begin, value = re.escape(found["call"]), found["value"]
        source = re.sub(rf"({begin})[^,)]+", lambda known, new=value: known[1] + new, source)
    if "def finish(" in statements:
        source = _finished(source, end)
    return f"{statements}\n\n{source}", left


def _entries(comments: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each place, what is said of it (its lines joined), and the knobs that stand below it."""
    place, what, knobs = "", "", list[str]()
    for line in [*comments.splitlines(), "# end.py:0: "]:
        found = _ENTRY.fullmatch(line)
        if found:
            if place:
                yield place, what, knobs or [what.partition(":")[0]]
            place, what, knobs = found["place"], found["what"], []
        elif line.startswith("#   "):
            knobs.append(line[4:].partition(":")[0])
        elif line.startswith("# ") and not knobs and not _ADVICE.fullmatch(line):
            what += f" {line[2:]}"


def _line(place: str, name: str) -> int:
    found = re.match(rf"{re.escape(name)}:(\d+)", place)
    return int(found[1]) if found else 0


def _followed(source: str, place: str, what: str, name: str) -> str | None:
    line = _line(place, name)
    if what.startswith("add "):
        methods = re.findall(r"\.(\w+)\(\.\.\.\)", place)
        pairs = re.findall(r"(\w+)=([^,\s]+)", what)
        return _with_arguments(source, methods, dict(pairs))
    if not line:
        return None
    call = _CALL.match(what)
    if call is not None:
        node = _call_at(source, line, call["method"])
        return None if node is None else _replaced(source, *_behind_receiver(node), call[0])
    if what.startswith("cache: .cache()"):
        behind = re.match(r"cache: \.cache\(\) behind \.(\w+)\(", what)
        node = _call_at(source, line, behind[1] if behind else "")
        return None if node is None else _replaced(source, *_end(node), *_end(node), ".cache()")
    return None


def _calls(source: str) -> list[ast.Call]:
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _call_at(source: str, line: int, method: str = "") -> ast.Call | None:
    """The outermost call of the method whose name stands on the line."""
    for node in _calls(source):
        on_line = isinstance(node.func, ast.Attribute) and node.func.end_lineno == line
        if on_line and method in ("", node.func.attr):  # type: ignore[attr-defined]
            return node
    return None


def _end(node: ast.AST) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _behind_receiver(node: ast.Call) -> tuple[int, int, int, int]:
    return (*_end(node.func.value), *_end(node))  # type: ignore[attr-defined]


def _offset(source: str, line: int, column: int) -> int:
    """Where a place of `ast`, whose columns count bytes, is in the text."""
    lines = source.splitlines(keepends=True)
    before = lines[line - 1].encode()[:column].decode()
    return sum(map(len, lines[: line - 1])) + len(before)


def _replaced(source: str, line: int, column: int, to: int, to_column: int, text: str) -> str:
    return source[: _offset(source, line, column)] + text + source[_offset(source, to, to_column) :]


def _with_arguments(source: str, methods: list[str], values: dict[str, str]) -> str | None:
    """The source with these arguments in every call of the methods that can have them."""
    done = False
    for name, value in values.items():
        # Of several kinds of call that take it, the one that the script makes: `fit` comes last.
        for method in methods:
            count = len([n for n in _calls(source) if _is(n, method)])
            for number in range(count):
                node = [n for n in _calls(source) if _is(n, method)][number]
                source = _with_argument(source, node, name, value)
                done = True
            if count and name == "batch_size":
                break
    return source if done else None


def _is(node: ast.Call, method: str) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == method


_PLACES = {("fit", "batch_size"): 2}


def _with_argument(source: str, node: ast.Call, name: str, value: str) -> str:
    for keyword in node.keywords:
        if keyword.arg == name:
            begin = (keyword.value.lineno, keyword.value.col_offset)
            return _replaced(source, *begin, *_end(keyword.value), value)
    place = _PLACES.get((node.func.attr, name))  # type: ignore[attr-defined]
    if place is not None and place < len(node.args):
        given = node.args[place]
        return _replaced(source, given.lineno, given.col_offset, *_end(given), value)
    line, column = _end(node)
    before = source[: _offset(source, line, column) - 1].rstrip()
    comma = "" if before.endswith((",", "(")) else ", "
    return _replaced(source, line, column - 1, line, column - 1, f"{comma}{name}={value}")


def _with_rate(source: str, value: str) -> str | None:
    """Another rate for the optimizers that are written out."""
    changed, count = re.subn(
        r"(optimizers\.\w+\((?:learning_rate=)?)[-+.\deE]+", rf"\g<1>{value}", source
    )
    return changed if count else None


def _finished(source: str, end: int | None) -> str:
    """The source with `finish(…)` around what `fit` is given, or around the loop's pipeline."""
    if end is not None:
        for node in ast.walk(ast.parse(source)):
            value = getattr(node, "value", None)
            if isinstance(node, ast.Assign) and node.lineno <= end <= (node.end_lineno or 0):
                begin = (value.lineno, value.col_offset)
                source = _replaced(source, *_end(value), *_end(value), ")")
                return _replaced(source, *begin, *begin, "finish(")
        return source
    count = len([n for n in _calls(source) if _is(n, "fit") and n.args])
    for number in range(count):
        given = [n for n in _calls(source) if _is(n, "fit") and n.args][number].args[0]
        begin = (given.lineno, given.col_offset)
        source = _replaced(source, *_end(given), *_end(given), ")")
        source = _replaced(source, *begin, *begin, "finish(")
    return source
