"""From what was found of parts and trips to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.checks.script.saving import ways
from gputune.checks.script.saving.judging_parts import of_part
from gputune.checks.script.saving.seen import Seen, listed
from gputune.checks.script.saving.trips import Trip
from gputune.schema.finding import Finding, Severity

_WHAT = {
    ways.KERAS: "the whole model with its optimizer",
    ways.WEIGHTS: "the weights alone: this code must make the model",
    ways.HDF5: "the older format",
    ways.SAVED_MODEL: "predicts without this code, cannot be trained on",
}


def findings(seen: Seen) -> Iterator[Finding]:
    """All that is to be said; nothing where the model comes back as it was."""
    of_parts = [finding for part in seen.parts for finding in of_part(part, seen)]
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


def _explained(trip: Trip, seen: Seen) -> bool:
    """Whether a failing trip says no more than the findings on parts do."""
    parts = seen.parts
    unmade = any(part.is_incomplete or part.config_error for part in parts)
    unfound = any(part.is_lambda or not part.registered for part in parts)
    if trip.save_error:
        return any(part.config_error for part in parts)
    if trip.compile_error:
        return any(
            part.is_lambda or not part.registered or part.is_incomplete
            for part in parts
            if part.kind not in ("model", "layer")
        )
    if trip.helped_error:
        return unmade or any(part.is_lambda for part in parts)
    if trip.difference is not None and _differs(trip, seen):
        return any(
            part.is_incomplete for part in parts if part.kind in ("model", "layer") or part.owner
        )
    if trip.run_error:
        return any(part.is_lambda for part in parts)
    return bool(trip.load_error) and (unfound or unmade)


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
            f"{listed(seen.loose)}: Keras saves no tf.Variable that is an attribute; make it with "
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
                    f"it has the operation {listed(trip.python_ops)} (numpy_function or "
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


def not_compared(seen: Seen) -> str:
    """Why some formats could not be compared, or nothing."""
    return "; ".join(
        f"{trip.format} was not compared: {trip.not_compared}"
        for trip in seen.trips
        if trip.not_compared
    )
