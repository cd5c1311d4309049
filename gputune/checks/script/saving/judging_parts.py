"""From one custom part of a model to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.checks.script.saving import ways
from gputune.checks.script.saving.parts import Part
from gputune.checks.script.saving.seen import Seen, listed
from gputune.schema.finding import Finding, Severity

_REGISTER = "@keras.saving.register_keras_serializable()"
_LOWER = {
    Severity.PROBLEM: Severity.WARNING,
    Severity.WARNING: Severity.NOTE,
    Severity.NOTE: Severity.NOTE,
}


def of_part(part: Part, seen: Seen) -> Iterator[Finding]:
    """What keeps one custom class or function from being saved and found again."""
    whole = bool(seen.used & ways.WHOLE)
    if part.is_lambda:
        yield _lambda(part, seen, whole=whole)
        return
    # Who saves weights alone needs no config; of who saves nothing here that is not known.
    severity = Severity.PROBLEM if whole else Severity.NOTE if seen.used else Severity.WARNING
    if part.config_error:
        yield _no_config(part, severity)
    elif part.required or part.lost:
        yield _incomplete(part, severity)
    elif part.refused:
        yield _refuses(part, severity)
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


def _no_config(part: Part, severity: Severity) -> Finding:
    return Finding(
        id="no-config",
        severity=severity,
        title=f"The {part.kind} {part.name} cannot be saved: its get_config fails.",
        evidence=(part.config_error,),
        remedy="Give it a get_config that returns {**super().get_config(), …} with every argument "
        "of its constructor as plain values, and from_config where an argument is an object.",
        site=part.site,
    )


def _incomplete(part: Part, severity: Severity) -> Finding:
    names = (*part.required, *(name for name, _, _ in part.lost))
    evidence = []
    if part.required:
        evidence.append(
            f"its constructor needs {listed(part.required)}, which get_config does not give: it "
            "cannot be made again"
        )
    evidence += [
        f"{name} is {value} now, and {default} after loading" for name, value, default in part.lost
    ]
    entries = ", ".join(f'"{name}": self.{name}' for name in names)
    return Finding(
        id="config-incomplete",
        severity=severity,
        title=f"The {part.kind} {part.name} loses {listed(names)} when it is saved.",
        evidence=tuple(evidence),
        remedy=f"Let its get_config return {{**super().get_config(), {entries}}}"
        + (
            ", and let its constructor pass **kwargs on to super().__init__."
            if part.required
            else "."
        ),
        site=part.site,
    )


def _refuses(part: Part, severity: Severity) -> Finding:
    return Finding(
        id="constructor-refuses",
        severity=severity,
        title=f"The {part.kind} {part.name} cannot be made again: its constructor does not take "
        f"{listed(part.refused)}.",
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
            f"it takes {listed(part.closed_over)} from the function around it, which is not saved"
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
