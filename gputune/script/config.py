"""`gputune.Config`: a configuration that a script reads and puts into force itself."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass, fields
from pathlib import Path

from gputune.rewrite.toml_reader import read_config
from gputune.schema import config
from gputune.script.saying import say

_applied: tuple[config.Setting, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """The settings of a `gputune.toml`.

    At the top of a script, above the import of TensorFlow where that can be:

        import gputune
        gputune.Config.load("gputune.toml").apply()
    """

    @classmethod
    def load(cls, path: str | os.PathLike[str] = "gputune.toml") -> Config:
        """Read a configuration; raises BadConfig for a file that is missing or is none."""
        found = read_config(Path(path))
        return cls(**{field.name: getattr(found, field.name) for field in fields(found)})

    def apply(self) -> None:
        """Put the settings into force in this process, as `gputune run --config` does.

        Environment variables at once; the policy and the calls as the script comes to them. What
        cannot be in force (it comes too late, this machine has no such thing, the script has no
        place for it) is said once on standard error, and the script goes on without it. A second
        call changes nothing. Under `gputune profile`, `tune` and `run` these settings are the
        script's own, and what gputune itself asks for goes over them.
        """
        global _applied
        if _applied is not None:
            if _applied != self.settings:
                say("apply() has been called with other settings before: those stay")
            return
        _applied = self.settings
        try:
            from gputune.inject.own import Own

            own = Own(self.settings, say)
            own.put_in()
        except Exception as error:  # no script may fail for its settings
            say(f"the configuration is not in force: {type(error).__name__}: {error}")
            return
        atexit.register(own.at_exit)
