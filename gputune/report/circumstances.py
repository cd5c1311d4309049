"""What a profile says of copies, memory and the cost of measuring, as rows of text."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.report import figures
from gputune.report.rows import finite, reason_for
from gputune.schema.profile import Phase, Profile


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A label and what there is to say, `text` as `n/a: reason` where there is no value."""

    label: str
    text: str


def transfers(profile: Profile) -> list[Fact]:
    """Both directions of copying in a step, and what a batch needs by arithmetic."""
    found = []
    element = profile.element
    if element is not None and finite(element.expected_h2d_bytes_per_step) is not None:
        what = ", ".join(element.components)
        size = figures.size(element.expected_h2d_bytes_per_step)
        found.append(Fact(label="one batch", text=f"{size}: {what}" if what else size))
        if finite(element.narrower_bytes_per_step) is not None:
            narrow = figures.size(element.narrower_bytes_per_step)
            found.append(Fact(label="before its casts", text=narrow))
    for key, label in (("h2d", "to device"), ("d2h", "to host")):
        found.append(Fact(label=label, text=_copied(profile, key)))
    return found


def _copied(profile: Profile, key: str) -> str:
    total, spent, exposed, speed = (
        finite(getattr(profile.transfer, f"{key}_{name}"))
        for name in ("bytes_per_step", "s_per_step", "exposed_s_per_step", "bytes_per_s")
    )
    if all(value is None for value in (total, spent, exposed, speed)):
        return _none(profile, f"transfer.{key}_bytes_per_step")
    return (
        f"{figures.size(total)} a step in {figures.seconds(spent)}, of it "
        f"{figures.seconds(exposed)} that nothing hides, at {figures.byte_rate(speed)}"
    )


def memory(profile: Profile) -> list[Fact]:
    """The memory of the script and of each GPU."""
    host = profile.host
    rss = finite(host.rss_bytes)
    most = profile.environment.memory_bytes
    of = f" of {figures.size(most)}" if most else ""
    text = f"{figures.size(rss)}{of}" if rss is not None else _none(profile, "host.rss_bytes")
    found = [Fact(label="the script, at most", text=text)]
    if finite(host.rss_growth_bytes_per_step) is not None:
        grown = f"{figures.size(host.rss_growth_bytes_per_step)} a step"
        if host.rss_growth_ci95_bytes_per_step is not None:
            bounds = figures.interval_size(host.rss_growth_ci95_bytes_per_step)
            grown += f" (95% interval {bounds})"
        found.append(Fact(label="its growth", text=grown))
    for one in profile.device_memory:
        parts = (
            ("peak of the tensors", one.peak_bytes),
            ("taken from the driver", one.reserved_bytes),
            ("limit", one.limit_bytes),
            ("head-room", one.head_room_bytes),
        )
        said = [f"{label} {figures.size(value)}" for label, value in parts if value is not None]
        if one.predicted_max_batch_size is not None:
            said.append(f"room for a batch of about {figures.count(one.predicted_max_batch_size)}")
        found.append(Fact(label=f"GPU {one.index}, TensorFlow", text=", ".join(said) or "n/a"))
    found += [
        Fact(
            label=f"GPU {gpu.index}, all processes",
            text=f"{figures.size(gpu.memory_used_bytes)} of {figures.size(gpu.memory_total_bytes)}",
        )
        for gpu in profile.gpus
        if gpu.memory_used_bytes is not None
    ]
    if not profile.gpus and not profile.device_memory:
        found.append(Fact(label="GPU", text=_none(profile, "gpus")))
    return found


def cost(profile: Profile) -> str:
    """What the measuring cost the run, in one sentence."""
    measured = [phase.duration_s for phase in profile.phases if phase.name != "warmup"]
    run = figures.seconds(profile.command.duration_s)
    if not measured:
        return f"The run took {run}; nothing was measured in it."
    text = f"The run took {run}, {figures.seconds(sum(measured))} of it in the phases below."
    if profile.command.stopped_by_gputune:
        return text + " Then gputune ended the script: a training of its own goes on for longer."
    return text + " The script ran to its end."


def beside_clean(profile: Profile, phase: Phase) -> str:
    """A phase's step as a multiple of the clean one; empty where either is not known."""
    mean = finite(profile.steps.mean_s) if profile.steps is not None else None
    if mean is None or not mean or finite(phase.step_s) is None or phase.name == "clean":
        return ""
    return figures.factor((phase.step_s or 0.0) / mean)


def _none(profile: Profile, path: str) -> str:
    reason = reason_for(profile, path) or reason_for(profile, "steps")
    return f"{figures.NOT_AVAILABLE}: {reason}" if reason else figures.NOT_AVAILABLE
