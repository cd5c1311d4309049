"""The Config: settings as data, never code; what `gputune.toml` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gputune.schema.site import Site

Value = bool | int | float | str | None

DECLARED = "knob."
"""Begins the name of a setting that the script itself declares: `gputune.knob("width", 64)` is
`knob.width`. Without it a script's `batch_size` would be taken for gputune's own."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The value of one knob.

    In a Profile: the value in force and the source line that sets it (`site` is None where no
    line does, and `note` says where the value comes from). In a Config: the value to use, `was`
    the value before, and `note` why; `stage` says which call of the site's line is meant
    (`.map(decode)`), and is empty where any that the knob can be turned at is.
    """

    knob: str
    value: Value
    was: Value = None
    site: Site | None = None
    note: str = ""
    stage: str = ""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings to run a script with.

    `measured` is False where the rules proposed the settings and no run has confirmed them.
    `tf_data` settings concern the input pipeline, `policy` the process and the model (precision,
    memory, compilation, steps per execution), `knobs` those that the script itself declares with
    `gputune.knob`.
    """

    SCHEMA: ClassVar[str] = "gputune.config"
    VERSION: ClassVar[int] = 1

    script: str
    measured: bool = False
    tf_data: tuple[Setting, ...] = ()
    policy: tuple[Setting, ...] = ()
    knobs: tuple[Setting, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All settings, those of the pipeline first."""
        return (*self.tf_data, *self.policy, *self.knobs)
