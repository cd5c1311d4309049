"""What the rules on the GPU ask of a profile, and how they write its figures."""

from __future__ import annotations

from collections.abc import Iterable

from gputune.rules.thresholds import IDLE_FRACTION_OF_BUSIEST
from gputune.schema.gpu import DeviceActivity, Gpu
from gputune.schema.profile import Breakdown, Profile
from gputune.schema.site import Site


def trains_on_gpu(profile: Profile) -> bool:
    """Whether a training was seen and TensorFlow had a GPU for it."""
    if profile.steps is None:
        return False
    devices = profile.environment.devices
    if devices:
        return any("GPU" in device for device in devices)
    return profile.breakdown is not None and profile.breakdown.device == "gpu"


def gpu_parts(profile: Profile) -> Breakdown | None:
    """The breakdown where its computation is that of a GPU."""
    parts = profile.breakdown
    return parts if parts and parts.device == "gpu" and trains_on_gpu(profile) else None


def share(profile: Profile, seconds: float | None) -> float | None:
    """So many seconds as a share of the clean step."""
    steps = profile.steps
    if seconds is None or steps is None or not steps.mean_s:
        return None
    return seconds / steps.mean_s


def compute_share(profile: Profile) -> float | None:
    """The share of the step in which a GPU computes."""
    parts = gpu_parts(profile)
    return None if parts is None else share(profile, parts.device_compute_s)


def copies_share(profile: Profile) -> float | None:
    """The share of the step in which copies to the GPU ran and nothing hid them."""
    parts = gpu_parts(profile)
    return None if parts is None else share(profile, parts.h2d_exposed_s)


def activity_by_index(profile: Profile) -> dict[int, float]:
    """How busy each of several GPUs was, as a fraction of the time, from one source for them all.

    Empty for a single GPU, and where no source knows them all.
    The trace comes first: it knows the script's own work from another process's.
    """
    by_trace = {a.index: a.busy_fraction for a in profile.device_activity}
    by_driver = {g.index: g.utilization_percent for g in profile.gpus}
    for found, whole in ((by_trace, 1.0), (by_driver, 100.0)):
        known = {index: value / whole for index, value in found.items() if value is not None}
        if len(known) == len(found) >= 2:
            return known
    return {}


def idle_indices(profile: Profile) -> tuple[int, ...]:
    """The GPUs that have no part in the training, beside one that has."""
    busy = activity_by_index(profile)
    least = IDLE_FRACTION_OF_BUSIEST * max(busy.values(), default=0.0)
    return tuple(sorted(index for index, value in busy.items() if value < least))


def working_gpus(profile: Profile) -> tuple[Gpu, ...]:
    """The driver's view of the GPUs that train; none where TensorFlow has none."""
    if not trains_on_gpu(profile):
        return ()
    idle = idle_indices(profile)
    return tuple(gpu for gpu in profile.gpus if gpu.index not in idle)


def working_devices(profile: Profile) -> tuple[DeviceActivity, ...]:
    """The trace's view of the same GPUs."""
    if not trains_on_gpu(profile):
        return ()
    idle = idle_indices(profile)
    return tuple(a for a in profile.device_activity if a.index not in idle)


def capability(profile: Profile) -> tuple[int, int] | None:
    """The lowest compute capability of the GPUs that train; None where one is not known."""
    found = [_version(gpu.compute_capability) for gpu in working_gpus(profile)]
    known = [version for version in found if version is not None]
    return min(known) if known and len(known) == len(found) else None


def _version(text: str | None) -> tuple[int, int] | None:
    major, _, minor = (text or "").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def largest(values: Iterable[float | None]) -> float | None:
    """The largest of those that are known."""
    return max((value for value in values if value is not None), default=None)


def fit_site(profile: Profile) -> Site | None:
    """Where the analysed training stands in the script."""
    return next((fit.site for fit in profile.fits if fit.analysed), None)


def gpu_label(profile: Profile, index: int) -> str:
    """`GPU 0 (NVIDIA A100)`, or `GPU 0` where the driver was not asked."""
    name = next((gpu.name for gpu in profile.gpus if gpu.index == index), "")
    return f"GPU {index} ({name})" if name else f"GPU {index}"


def ms(seconds: float) -> str:
    """Milliseconds, three digits; microseconds below one."""
    return f"{seconds * 1e6:.3g} µs" if 0 < seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def megabytes(size: float) -> str:
    """Decimal megabytes, as rates are given in."""
    return f"{size / 1e6:,.3g} MB" if size < 1e9 else f"{size / 1e6:,.0f} MB"


def gibibytes(size: float) -> str:
    """Binary gigabytes, as memory is sold."""
    return f"{size / 2**30:.3g} GiB"


def rate(bytes_per_s: float) -> str:
    """Decimal gigabytes per second."""
    return f"{bytes_per_s / 1e9:.3g} GB/s"
