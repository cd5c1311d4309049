"""Inside the user's process: hooks that watch training, and never break it.

`start` is called once, by the private `sitecustomize`, before the script runs. It costs one
import finder; everything else waits until the script itself imports TensorFlow or Keras.
Until then only the standard library is imported here.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gputune.inject.guard import Guard
from gputune.session import events
from gputune.session.folder import SessionFolder
from gputune.session.log import EventLog

if TYPE_CHECKING:
    from types import FrameType

    from gputune.inject.finder import Callback
    from gputune.inject.watch import Watch
    from gputune.schema.config import Setting
    from gputune.schema.declared import DeclaredKnob

_watch: Watch | None = None


def start(session: Path) -> None:
    """Begin watching this interpreter for the session in the folder `session`.

    Raises OSError or ValueError where the session folder is unusable; the caller (the private
    `sitecustomize`) swallows that and lets the script run.
    """
    from gputune.inject import parent_death, seeds
    from gputune.inject.finder import PostImportFinder
    from gputune.inject.watch import Watch
    from gputune.knobs import declaring

    global _watch
    folder = SessionFolder(session)
    log = EventLog(folder.events)
    options = folder.read_options()
    guard = Guard(log, break_hook=options.break_hook)
    watch = Watch(folder, options, log, guard)
    log.write(
        events.START,
        t=time.perf_counter(),
        pid=os.getpid(),
        python=sys.version.split()[0],
        epoch_ns=time.time_ns(),
    )
    os.register_at_fork(after_in_child=lambda: _forget(guard, log))
    if options.trial:
        guard.run("trial:parent", parent_death.die_with_parent)
    _watch = watch
    settings = options.settings  # a trial in this process may have others
    declaring.answer_with(lambda declared, frame: _answer(watch, settings, declared, frame))
    if not options.measure and not options.settings:
        return
    if options.checks:
        from gputune.inject import checking

        watch.checking = guard.run("checking", checking.load, watch)
    edited = edits_of(watch)
    if not options.measure:
        sys.meta_path.insert(0, PostImportFinder(edited))
        return
    atexit.register(guard.wrap("atexit", watch.script_ended))
    legacy = guard.wrap("dry:keras", watch.legacy_saving_imported)
    finder = PostImportFinder(
        {
            **edited,
            "keras._tf_keras.keras.saving": legacy,
            "keras._tf_keras.keras.models": legacy,
            "tf_keras": guard.wrap("import:tf_keras", watch.tf_keras_imported),
            "numpy": guard.wrap("trial:seeds", watch.numpy_imported),
        }
    )
    sys.meta_path.insert(0, finder)
    if options.seed_offset:
        guard.run("trial:seeds", seeds.move_python, options.seed_offset)
    watch.watch_opened_files()


def edits_of(watch: Watch) -> dict[str, Callback]:
    """What is to run once a module has been imported, for the settings of a process."""
    guard = watch.guard
    makers = guard.wrap("edits:makers", watch.legacy_makers_imported)
    return {
        "tensorflow": guard.wrap("import:tensorflow", watch.tensorflow_imported),
        "keras": guard.wrap("import:keras", watch.keras_imported),
        # What `tf.keras` is: private names of Keras 3 (tried on 3.15); absent, nothing happens.
        "keras._tf_keras.keras.utils": makers,
        "keras._tf_keras.keras.preprocessing": makers,
    }


def running() -> Watch | None:
    """What gputune watches in this process, where it has started it."""
    return _watch


def _answer(
    watch: Watch, settings: tuple[Setting, ...], declared: DeclaredKnob, frame: FrameType
) -> object:
    """Answer the first declaration, and leave the others to who does it from then on."""
    from gputune.inject.declared import Declared
    from gputune.knobs import declaring

    answering = Declared(watch, settings).answer
    declaring.answer_with(answering)
    return answering(declared, frame)


def _forget(guard: Guard, log: EventLog) -> None:
    """A forked process is not the one that is profiled: every hook in it does nothing."""
    guard.disable_all()
    log.close()
