"""End the script from inside, at once, with nothing of gputune's or of the run's left behind.

An exception thrown through the user's code hangs with a live `from_generator` or `py_function`,
runs the user's `finally` and can be swallowed, so the process is ended with `os._exit`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch


def stop_script(watch: Watch) -> NoReturn:
    """Flush what the script printed and what was measured, then end with exit code 0."""
    # A full disk or a closed pipe must not keep the process alive.
    with contextlib.suppress(Exception):
        watch.flush()
        watch.log.write(events.END, t=time.perf_counter(), how="stopped")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    with contextlib.suppress(Exception):
        for process in multiprocessing.active_children():
            process.terminate()
    _remove_autograph_files()
    os._exit(0)


def _remove_autograph_files() -> None:
    """Remove the sources that AutoGraph has generated, as TensorFlow itself does at exit.

    They are modules of this name in the temporary folder (tried on TensorFlow 2.21).
    """
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if name.startswith("__autograph_generated_file") and path:
            with contextlib.suppress(Exception):
                os.unlink(path)
