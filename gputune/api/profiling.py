"""`profile`: run a script, watch it, and say what its steps cost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gputune.api.configuring import check_supported
from gputune.api.exporting import write_tensorboard, write_traced_steps
from gputune.api.outputs import OutputFailed, Outputs, Written
from gputune.api.recording import record_of
from gputune.api.watching import Watching
from gputune.knobs.registry import environment_of, first_config
from gputune.launch.child import launch
from gputune.launch.command import Target, check_target
from gputune.launch.dry import dry_environment
from gputune.schema.config import Config
from gputune.schema.profile import Profile
from gputune.session.folder import Options, SessionFolder


@dataclass(frozen=True)
class Result:
    """What `profile` gives: the record, the first configuration, the files, the exit code.

    `config` is None where no training was measured.
    """

    profile: Profile
    config: Config | None
    written: Written

    @property
    def exit_code(self) -> int:
        """The script's own, 0 where gputune ended it as planned, 130 after Ctrl-C."""
        return self.profile.command.exit_code


def profile(
    target: Target | str | os.PathLike[str],
    arguments: tuple[str, ...] = (),
    *,
    options: Options | None = None,
    outputs: Outputs | None = None,
    config: Config | None = None,
    on_phase: Callable[[str], None] = lambda _: None,
) -> Result:
    """Run a script under measurement and write its report.

    `target` is a script's path (with `arguments`) or a Target. `on_phase` is called with `start`
    once nothing stands in the way, and with the name of each phase as it begins. With `config` the
    script is measured under its settings. Raises BadTarget for a script that cannot be started,
    BadConfig for a setting that this machine cannot have, OutputFailed where the report cannot be
    written (before the run, if that can be known then).
    """
    if not isinstance(target, Target):
        target = Target(script=os.fspath(target), arguments=tuple(arguments))
    options = options or Options()
    if config is not None:
        options = replace(options, settings=config.settings)
    outputs = outputs or Outputs()
    source = check_target(target)
    check_supported(options.settings)
    outputs.prepare()
    on_phase("start")
    session = SessionFolder(Path(tempfile.mkdtemp(prefix="gputune-")))
    try:
        session.create(options)
        started = datetime.now(UTC)
        watching = Watching(session, on_phase)
        try:
            ended = launch(
                target,
                session,
                extra_environment={
                    **({} if options.full else dry_environment(session.scratch)),
                    **environment_of(options.settings),
                },
                on_tick=watching.tick,
                script_stdout_to_stderr=outputs.to_stdout,
            )
        finally:
            watching.stop()
        record = record_of(target, source, session, options, watching, ended, started)
        why_not = _trace_out(session, options, outputs)
    finally:
        shutil.rmtree(session.root, ignore_errors=True)
    first = first_config(record) if record.steps is not None else None
    written = outputs.write(record, first, target.name)
    if outputs.chrome is not None:
        written = replace(written, chrome=None if why_not else outputs.chrome, no_chrome=why_not)
    if outputs.tensorboard is not None:
        written = replace(written, tensorboard=write_tensorboard(record, outputs.tensorboard))
    return Result(record, first, written)


def _trace_out(session: SessionFolder, options: Options, outputs: Outputs) -> str:
    """Write the traced steps while they are there; why not, where it could not be done.

    That the trace cannot be written must not cost the report.
    """
    if outputs.chrome is None:
        return ""
    try:
        return write_traced_steps(session, options.fit, outputs.chrome, force=outputs.force)
    except OutputFailed as error:
        return error.what
