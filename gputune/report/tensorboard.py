"""A profile as TensorBoard's scalars and texts. Pure: bytes of an event file, no TensorFlow.

The curves are scalars whose step is the millisecond since the training began; every single figure
is a scalar at step 0, so that the runs of a log folder stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from gputune.report.event_file import Event, Scalar, Text, event_file
from gputune.report.figures import seconds
from gputune.report.markdown import escaped
from gputune.report.rows import finite, parts, run_text
from gputune.schema.frame import scalars
from gputune.schema.profile import Profile

_TOP: Final = "gputune/"
_FIGURES: Final = (
    "steps.", "breakdown.", "ceilings.", "host.", "gpus[", "compute.", "transfer.",
    "device_memory[", "device_activity[", "startup.", "between_epochs.",
)  # fmt: skip
_NO_FIGURES: Final = ("index", "samples", "ci95")


def render_tensorboard(profile: Profile) -> bytes:
    """Return the content of an event file; its first event is the version that readers look for."""
    return event_file([*_curves(profile), *_figures(profile), *_texts(profile)], began(profile))


def began(profile: Profile) -> float:
    """When the run began, in seconds since 1970; 0 where the profile does not say it."""
    try:
        at = datetime.fromisoformat(profile.command.started_utc)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _curves(profile: Profile) -> Iterator[Event]:
    for series in profile.series:
        for t_s, value in zip(series.t_s, series.value, strict=False):
            if finite(t_s) is not None and finite(value) is not None:
                tag = f"{_TOP}over_time/{_tag(series.name)}"
                yield Event(t_s, round(t_s * 1000), Scalar(tag, value))


def _figures(profile: Profile) -> Iterator[Event]:
    for path, value, _ in scalars(profile):
        if not path.startswith(_FIGURES) or isinstance(value, bool):
            continue
        field = path.rsplit(".", 1)[-1]
        if isinstance(value, int | float) and not field.startswith(_NO_FIGURES):
            yield Event(0.0, 0, Scalar(_TOP + _tag(path), float(value)))


def _texts(profile: Profile) -> Iterator[Event]:
    lines = [f"**{escaped(profile.verdict)}**", "", escaped(run_text(profile)), ""]
    lines += [
        f"- {escaped(part.label)}: {seconds(part.seconds)}"
        for part in parts(profile)
        if part.seconds is not None
    ]
    yield Event(0.0, 0, Text(f"{_TOP}verdict", "\n".join(lines)))
    if profile.findings:
        yield Event(0.0, 0, Text(f"{_TOP}findings", "\n".join(_findings(profile))))
    machine = profile.environment
    known = (
        ("gputune", machine.gputune), ("Python", machine.python),
        ("TensorFlow", machine.tensorflow), ("Keras", machine.keras), ("CUDA", machine.cuda),
        ("platform", machine.platform), ("host", machine.host), ("CPU", machine.cpu_model),
        ("devices", ", ".join(machine.devices)),
    )  # fmt: skip
    listed = [f"- {label}: {escaped(value)}" for label, value in known if value]
    yield Event(0.0, 0, Text(f"{_TOP}environment", "\n".join(listed)))


def _findings(profile: Profile) -> Iterator[str]:
    for finding in profile.findings:
        yield f"#### {finding.severity.value}: {escaped(finding.title)}"
        yield ""
        if finding.site is not None:
            yield f"- at {escaped(finding.site.label())}"
        yield from (f"- {escaped(sentence)}" for sentence in finding.evidence)
        if finding.remedy:
            yield f"- **Do:** {escaped(finding.remedy)}"
        yield ""


def _tag(path: str) -> str:
    """A path of the profile as TensorBoard groups it: `host/cpu_percent`, `gpus/0/power_w`."""
    plain = path.replace("[", "/").replace("]", "").replace(".", "/")
    return "".join(sign if sign.isalnum() or sign in "/_-" else "_" for sign in plain)
