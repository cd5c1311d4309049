"""Which hooks are set when the script imports what, and what they share."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING

from gputune.inject.guard import Guard
from gputune.session import events
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import EventLog

if TYPE_CHECKING:
    from gputune.inject.checking import Checking
    from gputune.inject.datasets import Recorder
    from gputune.inject.edits import Edits
    from gputune.inject.profiler import Profiler


class Watch:
    """The state of one watched process: its session, its hooks, and the training that was seen."""

    def __init__(
        self, folder: SessionFolder, options: Options, log: EventLog, guard: Guard
    ) -> None:
        self.folder = folder
        self.options = options
        self.log = log
        self.guard = guard
        self._hooked: set[str] = set()
        self.trainings = 0
        """How many trainings have begun: calls of `fit`, loops written by hand."""
        self.in_fit = 0
        """How many calls of Keras' `fit` are running, one inside another."""
        self.serving = False
        """Whether the script's `fit` is made again and again, a trial each."""
        self.measured = False
        """Under `--full` the first training that was measured is the one; others are counted."""
        self.edits: Edits | None = None
        self.counted = False
        """Whether the arithmetic of a training has been counted: once is enough for a script."""
        self.recorder: Recorder | None = None
        self.profiler: Profiler | None = None
        self.checking: Checking | None = None
        """The checks of `gputune check`; None where nothing is checked."""

    def next_training(self) -> int:
        """The number of a training that begins: of a `fit`, or of a loop written by hand."""
        self.trainings += 1
        return self.trainings

    def measures(self, number: int) -> bool:
        """Whether this training is to be measured."""
        return not self.measured and self.options.fit in (None, number)

    def tensorflow_imported(self, tf: ModuleType) -> None:
        """TensorFlow is whole: record its `tf.data` calls, and in dry mode redirect its files."""
        if not self._first("tensorflow"):
            return
        if self.options.measure:
            self._measure_tensorflow(tf)
        if self.options.settings or self.options.control_fd is not None:
            from gputune.inject.edits import Edits

            # Last, so that gputune's other hooks see what is put in as the script's own.
            self.edits = Edits(self)
            self.guard.run("edits:tensorflow", self.edits.tensorflow_imported, tf)

    def numpy_imported(self, numpy: ModuleType) -> None:
        """NumPy is whole: its global seed is one of those that a trial may move."""
        if self.options.seed_offset:
            from gputune.inject import seeds

            seeds.move_numpy(numpy, self.options.seed_offset)

    def _measure_tensorflow(self, tf: ModuleType) -> None:
        from gputune.inject import datasets, loops, profiler, retracing, sessions

        self.log.write(
            events.ENVIRONMENT, tensorflow=getattr(tf, "__version__", None), t=time.perf_counter()
        )
        if self.options.seed_offset:
            from gputune.inject import seeds

            self.guard.run("trial:seeds", seeds.move_tensorflow, tf, self.options.seed_offset)
        self.guard.run("datasets", datasets.watch, tf, self)
        self.guard.run("profiler", profiler.watch, tf, self)
        self.guard.run("loops", loops.watch, tf, self)
        self.guard.run("retracing", retracing.watch, tf, self)
        self.guard.run("sessions", sessions.watch, tf, self)
        if not self.options.full:
            from gputune.inject.dry import tensorflow_files

            self.guard.run("dry:tensorflow", tensorflow_files.redirect, tf, self)

    def keras_imported(self, keras: ModuleType) -> None:
        """Keras is whole: watch `fit`, and in dry mode redirect what Keras writes."""
        if not self._first("keras"):
            return
        backend = keras.backend.backend()
        self.log.write(
            events.ENVIRONMENT, keras=getattr(keras, "__version__", None), backend=backend,
            t=time.perf_counter(),
        )  # fmt: skip
        if backend != "tensorflow":
            self.log.write(
                events.STYLE,
                style=f"keras-{backend}",
                note=f"Keras runs on {backend}: gputune measures Keras on TensorFlow only",
            )
            return
        import tensorflow as tf

        self.tensorflow_imported(tf)
        if self.options.measure:
            self._measure_keras(keras, tf)
        if self.edits is not None:
            self.guard.run("edits:keras", self.edits.keras_imported, keras, tf)

    def _measure_keras(self, keras: ModuleType, tf: ModuleType) -> None:
        from gputune.inject import fits, loops

        self.guard.run("fits", fits.watch, keras, tf, self)
        self.guard.run("loops:keras", loops.watch_keras, keras, self)
        if not self.options.full:
            from gputune.inject.dry import keras_files

            self.guard.run("dry:keras", keras_files.redirect, keras, self)
        if self.checking is not None:
            # Last, so that gputune's other hooks run inside of theirs.
            self.guard.run("checking", self.checking.keras_imported, keras, tf)

    def legacy_saving_imported(self, module: ModuleType) -> None:
        """What `tf.keras.saving` and `tf.keras.models` are: in dry mode their files are, too."""
        if not self.options.full:
            from gputune.inject.dry import keras_files

            self.guard.run("dry:keras", keras_files.redirect_module, module, self)

    def legacy_makers_imported(self, module: ModuleType) -> None:
        """What `tf.keras.utils` and `tf.keras.preprocessing` are: makers of datasets."""
        if self.edits is not None:
            self.guard.run("edits:makers", self.edits.makers_imported, module)

    def tf_keras_imported(self, module: ModuleType) -> None:
        """The legacy Keras 2 package: recognised, said, and left alone."""
        self.log.write(
            events.STYLE,
            style="tf_keras",
            note="the script trains with tf_keras (Keras 2), which gputune does not measure",
        )

    def watch_opened_files(self) -> None:
        """Note the files that the script opens for writing, from the interpreter's audit events."""
        from gputune.inject.opened import watch_opened_files

        self.guard.run("opened", watch_opened_files, self)

    def script_ended(self) -> None:
        """The interpreter ends by itself: keep what was measured."""
        if self.checking is not None:
            self.guard.run("checking:end", self.checking.script_ended)
        self.flush()
        loops = sys.modules.get("gputune.inject.loops")
        if loops is not None:
            loops.end()
        self.log.write(events.END, t=time.perf_counter(), how="exit")

    def flush(self) -> None:
        """Write what is still in memory to the session."""
        fits = sys.modules.get("gputune.inject.fits")
        if fits is not None:
            fits.flush(self)

    def _first(self, module: str) -> bool:
        if module in self._hooked:
            return False
        self._hooked.add(module)
        return True
