"""Callbacks that watch a metric which is not there, or wait longer than the training lasts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.checks.script.callbacks.facts import Watching
from gputune.checks.script.callbacks.monitors import findings

STOP = Watching(
    kind="EarlyStopping", monitor="val_loss", names=("loss", "accuracy", "val_loss"),
    epochs_seen=2, epochs=20, has_validation=True, site=None, patience=5, earliest_epoch=6,
)  # fmt: skip


def found(**changes) -> list[tuple[str, str]]:
    return [(f.id, f.severity.value) for f in findings(replace(STOP, **changes))]


def test_a_metric_that_is_there_is_nothing() -> None:
    assert found() == []


def test_a_metric_that_is_not_there_is_named_with_the_near_ones() -> None:
    (one,) = findings(replace(STOP, monitor="val_acc", names=("loss", "val_loss", "val_accuracy")))
    assert (one.id, one.severity.value) == ("monitor-unknown", "problem")
    assert "monitor='val_accuracy'" in one.remedy
    assert "loss, val_loss, val_accuracy" in one.evidence[0]


def test_a_validation_metric_without_validation_data() -> None:
    names = ("loss", "accuracy")
    assert found(names=names, has_validation=False) == [("monitor-without-validation", "problem")]
    assert found(names=names, has_validation=True) == [], "validation_freq: not in these epochs"


def test_what_a_callback_before_it_adds_to_the_logs_counts() -> None:
    assert found(monitor="f1", names=("loss", "f1")) == []


def test_nothing_is_said_before_an_epoch_has_ended() -> None:
    assert found(monitor="nothing", names=(), epochs_seen=0) == []


def test_a_checkpoint_minds_its_metric_only_where_it_keeps_the_best() -> None:
    checkpoint = {"kind": "ModelCheckpoint", "names": ("loss",), "has_validation": False,
                  "patience": None, "earliest_epoch": None}  # fmt: skip
    assert found(**checkpoint, saves_best_only=False) == []
    assert found(**checkpoint, saves_best_only=True) == [("monitor-without-validation", "warning")]


@pytest.mark.parametrize(
    ("patience", "earliest", "epochs", "restores", "ids"),
    [
        (19, 20, 20, False, []),
        (20, 21, 20, False, [("patience-too-long", "warning")]),
        (20, 21, 20, True, []),
        (20, 21, None, False, []),
    ],
)
def test_a_patience_that_the_epochs_cannot_reach(patience, earliest, epochs, restores, ids) -> None:
    changes = {"patience": patience, "earliest_epoch": earliest, "epochs": epochs}
    assert found(**changes, acts_at_the_end=restores) == ids
