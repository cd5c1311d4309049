"""The session folder: where what is in it, and who may read it.

Layout:

    options.json     what the child was asked to do (parent -> child, written before the start)
    events.jsonl     what the child saw (child -> parent, append-only; see `events`)
    trace/           the logdir of TensorFlow's profiler
    scratch/         where dry mode sends what the script writes through Keras and TensorFlow
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gputune.schema.config import Setting
from gputune.schema.site import site_of

ENVIRONMENT_VARIABLE = "GPUTUNE_SESSION"
"""Names the session folder to the child; removed from its environment at once."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the parent asks of the child."""

    full: bool = False
    """Let the script run to its end: no held batch, no drain, no dry mode."""
    fit: int | None = None
    """Analyse this `fit` (1 is the first); None: the first that trains long enough."""
    steps: int | None = None
    """End the clean phase after this many training steps, stable or not."""
    max_s: float = 20.0
    """End the clean phase after this many seconds of training, stable or not."""
    trace_steps: int = 10
    settings: tuple[Setting, ...] = ()
    """What to change of the script while it runs; see `inject/edits`."""
    measure: bool = True
    """Watch and time the training; without it nothing but the settings is put in."""
    trial: bool = False
    """A trial of the search: end the script once its clean phase is over, and with its parent."""
    loss_after_steps: int | None = None
    """In a trial: end after so many steps from the first, for the loss that they come to."""
    warm_epochs: int = 0
    """In a trial: measure after so many whole epochs; a cache is filled in the first."""
    batch_size: int | None = None
    """In a trial: the batch that the first profile saw, for where the trial cannot see it itself
    (a `PyDataset`, a generator: only a held batch shows theirs)."""
    incumbent_samples_per_s: float | None = None
    """In a trial: end early where the training clearly stays below this."""
    control_fd: int | None = None
    """In a trial: the child's end of the control channel; `fit` is served to it, see
    `inject/trials`."""
    seed_offset: int = 0
    """Added to what the script seeds Python, NumPy and TensorFlow with; the guard's seeds."""
    checks: tuple[str, ...] = ()
    """Look for mistakes with these checks, and end the script after its first training steps."""
    break_hook: str | None = None
    """Test-only: the named hooks (`dry:*`) raise at every call; the script must survive it."""


@dataclass(frozen=True)
class SessionFolder:
    """The paths of one session."""

    root: Path

    @property
    def options(self) -> Path:
        """The child's orders."""
        return self.root / "options.json"

    @property
    def events(self) -> Path:
        """The child's log."""
        return self.root / "events.jsonl"

    @property
    def trace(self) -> Path:
        """The profiler's logdir."""
        return self.root / "trace"

    @property
    def scratch(self) -> Path:
        """Where dry mode sends the script's files."""
        return self.root / "scratch"

    def create(self, options: Options) -> None:
        """Make the folder, for its owner alone, and write the child's orders."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.scratch.mkdir(mode=0o700, exist_ok=True)
        self.options.touch(mode=0o600)
        self.options.write_text(json.dumps(asdict(options)), encoding="utf-8")

    def read_options(self) -> Options:
        """The child's orders, read back."""
        orders = json.loads(self.options.read_text(encoding="utf-8"))
        settings = tuple(setting_of(setting) for setting in orders.pop("settings", ()))
        checks = tuple(orders.pop("checks", ()))
        return Options(**orders, settings=settings, checks=checks)


def setting_of(body: Mapping[str, Any]) -> Setting:
    """A Setting from its JSON."""
    return Setting(**{**body, "site": site_of(body["site"])})
