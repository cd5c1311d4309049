"""Trains many tiny models, each under the checks named on the command line.

Prints one JSON object: for each case the findings as `severity id` of each check that has any,
and the reason of each that could not look.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from convergence_cases import CASES

from gputune.checks.script.made import Made
from gputune.checks.script.runner import Runner
from gputune.checks.script.training import Step, Training
from gputune.inject import datasets
from gputune.inject.guard import Guard
from gputune.inject.watch import Watch
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import EventLog, read_events


class Hooks(keras.callbacks.Callback):
    """Asks the checks as `checks.script.checking` does it, without ending the process."""

    def __init__(self, runner, training):
        super().__init__()
        self.runner, self.training = runner, training

    def on_train_begin(self, logs=None):
        self.training.steps_per_epoch = self.params.get("steps")
        self.runner.ask("training_begins", self.training)

    def on_train_batch_end(self, batch, logs=None):
        training = self.training
        training.steps += 1
        step = Step(training.steps, training.epochs_ended, dict(logs), None)
        self.runner.ask("step_ends", training, step)

    def on_epoch_end(self, epoch, logs=None):
        self.training.epochs_ended += 1
        self.runner.ask("epoch_ends", self.training, epoch, dict(logs))


def check(watch, names, case):
    keras.utils.set_random_seed(0)
    runner = Runner(watch, names, MADE)
    runner.ask("keras_imported", keras, tf)
    model, arguments = case(np.random.default_rng(0))
    training = Training(
        number=1, style="keras.fit", model=model, arguments=arguments, epochs=arguments["epochs"]
    )
    if isinstance(arguments.get("y"), dict):  # as Keras makes it of them
        data = tf.data.Dataset.from_tensor_slices((arguments["x"], arguments["y"]))
        training.iterator = iter(data.batch(32))
    training.callbacks = tuple(arguments.get("callbacks", ()))
    runner.ask("fit_called", training)
    given = {**arguments, "verbose": 0}
    given["epochs"] = min(given["epochs"], 2)
    hooks = Hooks(runner, training)
    model.fit(**{**given, "callbacks": [*training.callbacks, hooks]})
    before = [variable.numpy() for variable in model.variables]
    runner.ask("finish", training)
    for variable, value in zip(model.variables, before, strict=True):
        assert np.array_equal(variable.numpy(), value, equal_nan=True), variable.path
    runner.end()


def watched():
    folder = SessionFolder(Path(tempfile.mkdtemp()))
    log = EventLog(folder.events)
    return Watch(folder, Options(), log, Guard(log))


def said(watch):
    found = {}
    for event in read_events(watch.folder.events):
        if event["event"] == "check_finding":
            finding = event["finding"]
            text = f"{finding['severity']} {finding['id']}"
            if os.environ.get("WHOLE") and finding["site"] is not None:
                text += f" at {finding['site']['code']}"
            if os.environ.get("WHOLE"):
                text = f"{text}: {finding['title']} {finding['evidence']}"
            found.setdefault(event["check"], []).append(text)
        elif event["event"] == "check_state" and event["state"] == "not-run":
            found.setdefault(event["check"], []).append(f"not run: {event['reason']}")
        elif event["event"] == "hook_failed":
            found.setdefault("hooks", []).append(str(event))
    return found


first = watched()
MADE = Made(first.guard)
MADE.watch(keras)
datasets.watch(tf, first)
results = {}
for name, case in CASES.items():
    if sys.argv[2:] and name not in sys.argv[2:]:
        continue
    began = time.process_time()
    watch = watched()
    watch.recorder = first.recorder
    check(watch, sys.argv[1].split(","), case)
    results[name] = said(watch)
    if os.environ.get("TIMES"):
        print(f"{name} {time.process_time() - began:.2f} s", file=sys.stderr, flush=True)
print(json.dumps(results, indent=1))
