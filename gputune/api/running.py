"""`run`: train with a configuration put in, and nothing measured."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gputune.api.batch_sizes import left_as_it_is
from gputune.api.configuring import check_supported, outcome
from gputune.knobs.registry import environment_of
from gputune.launch.child import launch
from gputune.launch.cleanup import remove_leftovers
from gputune.launch.command import Target, check_target
from gputune.schema.config import Config
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import read_events


@dataclass(frozen=True)
class Ran:
    """How the script ended; `notes` are of settings that did not come into force, or not wholly."""

    exit_code: int
    notes: tuple[str, ...]


def run(
    target: Target | str | os.PathLike[str],
    arguments: tuple[str, ...] = (),
    *,
    config: Config,
    on_start: Callable[[], None] = lambda: None,
) -> Ran:
    """Run a script to its own end with the settings of a configuration.

    `target` is a script's path (with `arguments`) or a Target. Its files are its own, its standard
    streams too; nothing is timed, and no hook runs in a step. `on_start` is called once nothing
    stands in the way. Raises BadTarget for a script that cannot be started, BadConfig for a
    setting that this machine cannot have.
    """
    if not isinstance(target, Target):
        target = Target(script=os.fspath(target), arguments=tuple(arguments))
    source = check_target(target)
    settings = config.settings
    check_supported(settings)
    on_start()
    session = SessionFolder(Path(tempfile.mkdtemp(prefix="gputune-")))
    try:
        session.create(Options(full=True, measure=False, settings=settings))
        ended = launch(
            target,
            session,
            extra_environment=environment_of(settings),
            on_tick=_nothing,
            # A script that saves its work after a Ctrl-C has all the time it wants.
            interrupt_grace_s=math.inf,
        )
        events = list(read_events(session.events))
        if ended.interrupted:
            remove_leftovers(events)
    finally:
        shutil.rmtree(session.root, ignore_errors=True)
    notes = outcome(settings, events) + left_as_it_is(settings, source)
    return Ran(130 if ended.interrupted else ended.exit_code, notes)


def _nothing() -> None:
    """Nothing is looked at while the script runs."""
