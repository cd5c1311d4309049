"""`gputune.keras.ProfileCallback`: a line in the script instead of a command around it.

The one place outside of `inject` and `checks` that imports Keras: a callback is a class of Keras',
and whoever imports `gputune.keras` has Keras. Nothing of gputune imports this.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import keras

from gputune import inject
from gputune.inject import described
from gputune.inject.guard import Guard
from gputune.inject.timing import Timing
from gputune.script.callback_record import Seen, profile_of, write_profile
from gputune.script.saying import say
from gputune.session.log import MemoryLog

MAX_S = 20.0
"""As long as the clean phase of `gputune profile` at most."""


class ProfileCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Times the steps of a training until they are steady, and writes a Profile.

        model.fit(dataset, callbacks=[gputune.keras.ProfileCallback()])

    `folder` is where the JSON goes, `max_s` how many seconds of training are timed at most,
    `batch_size` the size of a batch where the model's own metrics do not show it. It costs two
    clock readings a step while it measures and nothing after that; on a GPU it waits for the
    device a few times a second meanwhile. It sees steps alone: what they wait for is null, with the
    reason, and `gputune profile train.py` measures it. It never ends or breaks a training, and
    measures one: the first that it is given to. Under gputune's own commands it does nothing.
    """

    def __init__(
        self, folder: str | os.PathLike[str] = "gputune-reports", *, max_s: float = MAX_S,
        batch_size: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.folder = Path(folder)
        self.max_s = max_s
        self.batch_size = batch_size
        self.written: Path | None = None
        """The profile's file, once there is one."""
        self._made_s = time.time()
        self._timing: Timing | None = None
        self._over = False

    # No hook of a single batch: Keras would wait for each step's logs because of it.

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin to time the train function."""
        if self._over or self._timing is not None:
            return
        try:
            self._begin()
        except Exception as error:  # the training goes on, whatever happens here
            self._give_up(error)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The first step of an epoch waits for a new iterator."""
        if self._timing is not None:
            self._timing.epoch_begins()

    def on_train_end(self, logs: Any = None) -> None:
        """Write what was seen, where the training was shorter than the measurement."""
        if self._timing is not None:
            self._timing.end()

    def __getstate__(self) -> dict[str, Any]:
        """Copied and pickled by tuners and wrappers: without what belongs to one training."""
        return {**self.__dict__, "_timing": None}

    def _begin(self) -> None:
        watched = inject.running()
        if watched is not None and watched.options.measure:
            self._over = True
            return
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(f"Keras runs on {keras.backend.backend()}, not on TensorFlow")
        tf = sys.modules["tensorflow"]
        timing = Timing(
            self.model, Guard(MemoryLog()), max_s=self.max_s,
            synchronise=described.synchronise(tf), samples=self._samples, done=self._finish,
        )  # fmt: skip
        timing.begin()
        self._timing = timing

    def _samples(self) -> int | None:
        """Samples of this epoch so far, by the weight of the loss that Keras shows."""
        used = described.strategy(getattr(self.model, "distribute_strategy", None))["strategy"]
        if used is not None:
            return None  # each replica has a count of its own
        for metric in self.model.metrics:
            if metric.name == "loss" and hasattr(metric, "count"):
                return int(metric.count) or None
        return None

    def _finish(self) -> None:
        timing, self._timing, self._over = self._timing, None, True
        if timing is None:
            return
        try:
            fields = described.fit(
                sys.modules["tensorflow"], keras, self.model, {}, self.params or {}, None
            )  # fmt: skip
            profile = profile_of(
                Seen(
                    timed=timing.timed, fields=fields, batch_size=self.batch_size,
                    environment=described.environment(sys.modules["tensorflow"]),
                    tensorflow=sys.modules["tensorflow"].__version__,
                    keras=keras.__version__, began_s=self._made_s,
                )
            )  # fmt: skip
            self.written = write_profile(profile, self.folder)
        except Exception as error:
            self._give_up(error)
            return
        say(f"{profile.verdict} {self.written}")

    def _give_up(self, error: Exception) -> None:
        self._timing, self._over = None, True
        say(f"ProfileCallback wrote no profile: {type(error).__name__}: {error}")
