"""The Config: settings as data, never code; what `gputune.toml` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gputune.schema.notebook import Shown
from gputune.schema.site import Site

if TYPE_CHECKING:
    import pandas as pd

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
class Config(Shown):
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

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas, a row a setting: `table`, `knob`, `value`, `was`, `site`, `note`.

        `table` is that of `gputune.toml`, `site` the line as text, or None.
        """
        import pandas as pd  # here: what only reads the record must not wait for it

        columns = ["table", "knob", "value", "was", "site", "note"]
        rows = [
            [table, one.knob, one.value, one.was, one.site.label() if one.site else None, one.note]
            for table, settings in (
                ("tf_data", self.tf_data),
                ("policy", self.policy),
                ("knobs", self.knobs),
            )
            for one in settings
        ]
        return pd.DataFrame(rows, columns=pd.Index(columns), dtype=object)
