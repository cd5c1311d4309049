"""From what was found of parts and trips to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gputune.checks.script.saving import ways
from gputune.checks.script.saving.parts import Part
from gputune.checks.script.saving.trips import Trip
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

_REGISTER = "@keras.saving.register_keras_serializable()"
_WHAT = {
    ways.KERAS: "the whole model with its optimizer",
    ways.WEIGHTS: "the weights alone: this code must make the model",
    ways.HDF5: "the older format",
    ways.SAVED_MODEL: "predicts without this code, cannot be trained on",
}
_LOWER = {
    Severity.PROBLEM: Severity.WARNING,
    Severity.WARNING: Severity.NOTE,
    Severity.NOTE: Severity.NOTE,
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is judged: `used` are the formats that the script itself writes."""

    parts: Sequence[Part]
    trips: Sequence[Trip]
    used: frozenset[str]
    dtype: str = "float32"
    no_predictions: str = ""
    loose: Sequence[str] = ()
    """Variables of TensorFlow that Keras does not save: `scale of the layer 'dense'`."""
    site: Site | None = None
    """Where the model is trained."""


def findings(seen: Seen) -> Iterator[Finding]:
    """All that is to be said; nothing where the model comes back as it was."""
    of_parts = [finding for part in seen.parts for finding in _of_part(part, seen)]
    yield from of_parts
    others = []
    for trip in seen.trips:
        finding = _of_trip(trip, seen)
        if finding is None or (trip.format in ways.WHOLE and _explained(trip, seen)):
            continue
        if trip.format in seen.used or (trip.format == ways.KERAS and not seen.used):
            yield finding
        elif trip.format != ways.HDF5:  # of which nobody here wants anything
            others.append(trip)
    yield from _python_ops(seen)
    if others:
        yield _formats(seen)


# Parts.


def _of_part(part: Part, seen: Seen) -> Iterator[Finding]:
    whole = bool(seen.used & ways.WHOLE)
    if part.is_lambda:
        yield _lambda(part, seen, whole=whole)
        return
    if part.config_error:
        yield _no_config(part, whole=whole)
    elif part.required or part.lost:
        yield _incomplete(part, whole=whole)
    elif part.refused:
        yield _refuses(part, whole=whole)
    if not part.registered:
        yield _not_registered(part, whole=whole)


def _lambda(part: Part, seen: Seen, *, whole: bool) -> Finding:
    where = f"The Lambda layer {part.owner!r}" if part.kind == "Lambda layer" else (
        f"The {part.kind} of the layer {part.owner!r}" if part.owner else f"The {part.kind}"
    )  # fmt: skip
    evidence = ["load_model refuses Python code in a file unless it is told safe_mode=False"]
    broken = next((t.run_error for t in seen.trips if t.format == ways.KERAS and t.run_error), "")
    if broken:
        evidence.append(f"told so, the loaded model fails when it predicts: {broken}")
    severity = Severity.PROBLEM if broken else Severity.WARNING
    return Finding(
        id="lambda-not-saved",
        severity=severity if whole else _LOWER[severity],
        title=f"{where} is an anonymous function: the saved model does not load.",
        evidence=tuple(evidence),
        remedy="Use a layer or a keras.ops function for it, or write it as a function with a name "
        f"and {_REGISTER} above it.",
        site=part.site,
    )


def _no_config(part: Part, *, whole: bool) -> Finding:
    severity = Severity.PROBLEM if whole else Severity.WARNING
    return Finding(
        id="no-config",
        severity=severity,
        title=f"The {part.kind} {part.name} cannot be saved: its get_config fails.",
        evidence=(part.config_error,),
        remedy="Give it a get_config that returns {**super().get_config(), …} with every argument "
        "of its constructor as plain values, and from_config where an argument is an object.",
        site=part.site,
    )


def _incomplete(part: Part, *, whole: bool) -> Finding:
    names = (*part.required, *(name for name, _, _ in part.lost))
    evidence = []
    if part.required:
        evidence.append(
            f"its constructor needs {_and(part.required)}, which get_config does not give: it "
            "cannot be made again"
        )
    evidence += [
        f"{name} is {value} now, and {default} after loading" for name, value, default in part.lost
    ]
    entries = ", ".join(f'"{name}": self.{name}' for name in names)
    return Finding(
        id="config-incomplete",
        severity=Severity.PROBLEM if whole else Severity.WARNING,
        title=f"The {part.kind} {part.name} loses {_and(names)} when it is saved.",
        evidence=tuple(evidence),
        remedy=f"Let its get_config return {{**super().get_config(), {entries}}}"
        + (
            ", and let its constructor pass **kwargs on to super().__init__."
            if part.required
            else "."
        ),
        site=part.site,
    )


def _refuses(part: Part, *, whole: bool) -> Finding:
    return Finding(
        id="constructor-refuses",
        severity=Severity.PROBLEM if whole else Severity.WARNING,
        title=f"The {part.kind} {part.name} cannot be made again: its constructor does not take "
        f"{_and(part.refused)}.",
        evidence=("every config has these, and the constructor is called with the config",),
        remedy="Let its constructor take **kwargs, and pass them on to super().__init__(**kwargs).",
        site=part.site,
    )


def _not_registered(part: Part, *, whole: bool) -> Finding:
    what = "function" if part.is_function else "class"
    evidence = [
        f"load_model looks for a {what} among the registered ones alone, even in the script that "
        "defines it"
    ]
    if part.closed_over:
        evidence.append(
            f"it takes {_and(part.closed_over)} from the function around it, which is not saved"
        )
    of = f" of the layer {part.owner!r}" if part.owner else ""
    return Finding(
        id="not-registered",
        severity=Severity.WARNING if whole else Severity.NOTE,
        title=f"The {part.kind} {part.name}{of} is not registered: load_model does not find it.",
        evidence=tuple(evidence),
        remedy=f"Put {_REGISTER} above its definition, or load with custom_objects="
        f'{{"{part.name}": {part.name}}}.',
        site=part.site,
    )


# Trips.


def _explained(trip: Trip, seen: Seen) -> bool:
    """Whether a failing trip says no more than the findings on parts do."""
    parts = seen.parts
    unmade = any(_incomplete_parts(part) or part.config_error for part in parts)
    unfound = any(part.is_lambda or not part.registered for part in parts)
    if trip.save_error:
        return any(part.config_error for part in parts)
    if trip.compile_error:
        return any(
            part.is_lambda or not part.registered or _incomplete_parts(part)
            for part in parts
            if part.kind not in ("model", "layer")
        )
    if trip.helped_error:
        return unmade or any(part.is_lambda for part in parts)
    if trip.difference is not None and _differs(trip, seen):
        return unmade
    if trip.run_error:
        return any(part.is_lambda for part in parts)
    return bool(trip.load_error) and (unfound or unmade)


def _incomplete_parts(part: Part) -> bool:
    return bool(part.required or part.lost or part.refused)


def _of_trip(trip: Trip, seen: Seen) -> Finding | None:
    name = trip.format
    if trip.save_error:
        title = f"The model cannot be saved as {name}."
        return _finding("save-fails", title, trip.save_error, _instead(trip), trip, seen)
    if trip.load_error:
        title = f"The model saved as {name} cannot be loaded."
        error = trip.helped_error or trip.load_error
        return _finding("load-fails", title, error, _instead(trip), trip, seen)
    if trip.compile_error:
        return _finding(
            "load-needs-compile-false",
            f"The model saved as {name} loads only with compile=False.",
            trip.compile_error,
            "Save it as .keras, which holds losses and metrics as they are; or load it with "
            "compile=False, and call compile again.",
            trip,
            seen,
        )
    if trip.run_error:
        title = f"The model loaded from {name} cannot predict."
        return _finding("load-fails", title, trip.run_error, _instead(trip), trip, seen)
    if trip.difference is not None and _differs(trip, seen):
        what = "The weights" if seen.no_predictions else "The predictions"
        return _finding(
            "predictions-differ",
            f"{what} are others after saving as {name} and loading.",
            f"they differ {trip.difference.text()}",
            f"{_and(seen.loose)}: Keras saves no tf.Variable that is an attribute; make it with "
            "add_weight."
            if seen.loose
            else "Look for what is in no weight and in no config: an array kept as an attribute, "
            "or an argument that get_config lacks.",
            trip,
            seen,
        )
    return None


def _differs(trip: Trip, seen: Seen) -> bool:
    return trip.difference is not None and trip.difference.is_more_than_rounding(seen.dtype)


def _instead(trip: Trip) -> str:
    if trip.format == ways.HDF5:
        return "Save it as .keras: the older format knows functional and sequential models alone."
    if trip.format == ways.KERAS:
        return (
            "Repair what it names; until then save_weights('model.weights.h5') keeps the training."
        )
    if trip.format == ways.SAVED_MODEL:
        return (
            "Give export an input_signature, or keep Python code out of call; .keras is for Keras."
        )
    return "Make all layers in __init__ or build, so that they are there before weights are loaded."


def _finding(
    identity: str, title: str, evidence: str, remedy: str, trip: Trip, seen: Seen
) -> Finding:
    """A finding on a format: a problem where the script itself saves in it."""
    return Finding(
        id=identity,
        severity=Severity.PROBLEM if trip.format in seen.used else Severity.WARNING,
        title=title,
        evidence=(evidence,),
        remedy=remedy,
        site=seen.site,
    )


def _python_ops(seen: Seen) -> Iterator[Finding]:
    for trip in seen.trips:
        if trip.python_ops:
            used = trip.format in seen.used
            yield Finding(
                id="python-in-saved-model",
                severity=Severity.PROBLEM if used else Severity.NOTE,
                title="An exported SavedModel works in this process alone: it calls back into "
                "Python.",
                evidence=(
                    f"it has the operation {_and(trip.python_ops)} (numpy_function or "
                    "py_function), whose code is not saved",
                ),
                remedy="Write that part with TensorFlow or keras.ops operations, or do it before "
                "the model.",
                site=seen.site,
            )


def _formats(seen: Seen) -> Finding:
    """`formats-differ`: one line for each format, where one that the script does not use fails."""
    lines = tuple(f"{t.format} ({_WHAT[t.format]}): {_line(t, seen)}" for t in seen.trips)
    return Finding(
        id="formats-differ",
        severity=Severity.NOTE,
        title="Not every format brings this model back.",
        evidence=lines,
        remedy="Take .keras to go on in Keras, .weights.h5 for checkpoints of the same code, and "
        "model.export for serving.",
    )


def _line(trip: Trip, seen: Seen) -> str:
    if trip.save_error:
        return f"is not saved: {trip.save_error}"
    if trip.compile_error:
        return f"loads with compile=False alone: {trip.compile_error}"
    if trip.load_error:
        return f"is not loaded: {trip.helped_error or trip.load_error}"
    if trip.run_error:
        return f"does not predict when loaded: {trip.run_error}"
    if trip.difference is None:
        return f"loads, and was not compared: {trip.not_compared}"
    if trip.difference.relative == 0:
        return "comes back the same to the last bit"
    if _differs(trip, seen):
        return f"comes back as another: {trip.difference.text()}"
    return f"comes back the same but for rounding: {trip.difference.text()}"


def _and(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + f" and {names[-1]}"
