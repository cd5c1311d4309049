"""Where a statement of ours stands in a script: late enough for its names, before the work."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from gputune.rewrite.patch.names import bound, bound_anywhere, bound_at_top, is_free
from gputune.rewrite.patch.plan import Refused
from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.sources import Sources
from gputune.rewrite.patch.tops import head_end, import_end, of_tensorflow, run_end, top_of
from gputune.rewrite.patch.work import sets_variables, work_begins

_OF_KERAS = ("KERAS", "TF_", "CUDA")


def place_of(
    sources: Sources, source: Source, spellings: Mapping[str, str], start: int = 0
) -> tuple[int, str | None]:
    """The index before which a statement is put, and what it calls by the names bound there.

    Behind the imports of TensorFlow, or behind the import of a name of `spellings` (a module,
    and what is called of it) where that comes later; never behind the first work. None for a
    name that has to be imported.
    """
    limit = work_begins(sources, source)
    place = max(head_end(source.module), start, min(import_end(source.module), limit))
    names = bound_at_top(source)
    for module, rest in spellings.items():
        for index, name, what in names:
            if what == module and index < place:
                return place, name + rest
    for index, name, what in names:
        if what in spellings and place <= index < limit:
            return min(run_end(source.module, index + 1), limit), name + spellings[what]
    return place, None


def keras_place(
    sources: Sources, source: Source, spellings: Mapping[str, str]
) -> tuple[int, str, str]:
    """The place for a call of Keras', the call, and the import that it needs or nothing.

    What the environment says to Keras and TensorFlow is left in front of it; raises Refused.
    """
    limit = work_begins(sources, source)
    early = [
        index for index in range(limit)
        if sets_variables(sources, source, index, _OF_KERAS) is not None
    ]  # fmt: skip
    place, call = place_of(sources, source, spellings, early[-1] + 1 if early else 0)
    for index in range(place, len(source.module.body)):
        if sets_variables(sources, source, index, ("KERAS",)) is not None:
            raise Refused(
                "what is set there for Keras comes behind the first use of TensorFlow: set the "
                "policy behind both, before the model is built",
                f"{source.path.name}:{_line(source, index)}",
            )
    if call is not None:
        return place, call, ""
    module, line = _import_of_keras(sources, source)
    name = line.rpartition(" ")[2]
    if not is_free(source, name) and bound_anywhere(source).get(name) != module:
        raise Refused(f"the name {name} is something else here: set the policy by hand")
    return place, name + spellings[module], line


def _import_of_keras(sources: Sources, source: Source) -> tuple[str, str]:
    """What Keras the script has, and the import of it."""
    for node in [*source.found(cst.Import), *source.found(cst.ImportFrom)]:
        assert isinstance(node, cst.Import | cst.ImportFrom)
        index = top_of(source, node)
        plain = index is not None and isinstance(
            source.module.body[index], cst.SimpleStatementLine | cst.Try
        )
        if of_tensorflow(node) and not plain:
            raise Refused(
                "TensorFlow is imported there, not at the top of the file: set the policy behind "
                "that, before the model is built",
                source.label(node),
            )
    roots = {what.partition(".")[0] for what in bound(source).values()}
    roots &= {"keras", "tf_keras", "tensorflow"}
    if not roots:
        for one in sources.own():
            roots |= {what.partition(".")[0] for what in bound_anywhere(one).values()}
    if "tf_keras" in roots:
        return "tf_keras", "import tf_keras"
    if "tensorflow" in roots and "keras" not in roots:
        return "tensorflow.keras", "from tensorflow import keras"
    return "keras", "import keras"


def described(source: Source, place: int) -> str:
    """Where a place is, for people."""
    name = source.path.name
    if place == import_end(source.module):
        return f"{name}, behind the imports"
    if place == 0:
        return f"{name}, at the top"
    return f"{name}, behind line {source.positions[source.module.body[place - 1]].end.line}"


def _line(source: Source, index: int) -> int:
    return int(source.positions[source.module.body[index]].start.line)
