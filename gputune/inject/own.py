"""Settings that the script itself asks for, with `gputune.Config.load(…).apply()`.

They are put in by the same hooks as those of `gputune run`, from inside a plain process and beside
whatever gputune watches in it: to a profile or a trial they are part of the script as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gputune import inject
from gputune.inject.declared import Declared
from gputune.inject.edits.outcome import outcome
from gputune.inject.finder import PostImportFinder
from gputune.inject.guard import Guard
from gputune.inject.late import too_late
from gputune.inject.watch import Watch
from gputune.knobs import declaring
from gputune.knobs.machine import Machine
from gputune.knobs.registry import environment_of, unsupported
from gputune.schema.config import DECLARED, Setting
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import MemoryLog

Say = Callable[[str], None]


class Own:
    """The settings of one `apply()`; `say` is told what is not in force, a line each."""

    def __init__(self, settings: Sequence[Setting], say: Say) -> None:
        self._settings = tuple(settings)
        self._say = say
        self._log = MemoryLog()
        self._watch: Watch | None = None
        self._wanted: tuple[Setting, ...] = ()

    def put_in(self) -> None:
        """Set the environment and the hooks, for what is imported already and for what will be."""
        wanted = self._wanted = self._reachable()
        if not wanted:
            return
        os.environ.update(environment_of(wanted))
        guard = Guard(self._log)
        options = Options(full=True, measure=False, settings=wanted)
        # Nothing is measured, so that nothing is written to a folder.
        watch = self._watch = Watch(SessionFolder(Path(os.devnull)), options, self._log, guard)
        os.register_at_fork(after_in_child=guard.disable_all)
        declaring.answer_with(Declared(watch, wanted, declaring.answering()).answer)
        callbacks = inject.edits_of(watch)
        here = [name for name in callbacks if name in sys.modules]
        rest = {name: call for name, call in callbacks.items() if name not in here}
        sys.meta_path.insert(0, PostImportFinder(rest))
        for name in here:
            callbacks[name](sys.modules[name])

    def _reachable(self) -> tuple[Setting, ...]:
        """The settings but for those that gputune, the machine or the hour stand against."""
        watched = inject.running()
        # What has a line, and what the script declares, is asked for behind this one's: there
        # gputune has the last word. What has none must give way here.
        over = {s.knob for s in watched.options.settings if s.site is None} if watched else set()
        over = {name for name in over if not name.startswith(DECLARED)}
        refused = {id(s): why for s, why in unsupported(self._settings, machine_at_hand())}
        kept = []
        for setting in self._settings:
            if setting.site is None and setting.knob in over:
                continue
            why = refused.get(id(setting)) or too_late(setting)
            if why:
                self._say(f"{setting.knob}: not in force: {why}")
            else:
                kept.append(setting)
        return tuple(kept)

    def at_exit(self) -> None:
        """Say what found no place, once the script is through; nothing where it never trained."""
        if self._watch is None or self._watch.edits is None:
            return
        for line in outcome(self._wanted, self._log.events):
            self._say(line)


def machine_at_hand() -> Machine:
    """The GPUs that a process here may use, by what the kernel shows.

    TensorFlow is not asked: that would start CUDA before the script has chosen its devices.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1"):
        return Machine()
    paths = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/dev/dxg")
    return Machine(gpus=int(any(os.path.exists(path) for path in paths)))
