"""A patience that the epochs in the source can never reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputune.checks.source.patience import findings
from gputune.checks.source.runner import look
from gputune.checks.source.tree import parse

SCRIPT = """\
import keras
EPOCHS = {epochs}
stop = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience={patience})
model.fit(x, y, epochs=EPOCHS, callbacks=[stop])
"""


def found(tmp_path: Path, text: str):
    path = tmp_path / "train.py"
    path.write_text(text, encoding="utf-8")
    return list(findings(parse(path)))


def test_a_patience_of_as_many_epochs_can_never_act(tmp_path: Path) -> None:
    (one,) = found(tmp_path, SCRIPT.format(epochs=10, patience=10))
    assert one.id == "patience-too-long" and one.site is not None
    assert (one.site.line, one.site.label()) == (3, "train.py:3")
    assert "patience is 10, and there are 10 epochs" in one.title
    assert "end of epoch 11" in one.evidence[0]


def test_a_patience_of_one_less_can_act(tmp_path: Path) -> None:
    assert found(tmp_path, SCRIPT.format(epochs=10, patience=9)) == []


@pytest.mark.parametrize(
    "change",
    [
        ("EPOCHS = 10", "EPOCHS = int(input())"),
        ("EPOCHS = 10", "EPOCHS = 10\nEPOCHS = 50"),
        ("EPOCHS = 10", "EPOCHS = 10\nfor EPOCHS in range(3): pass"),
        ("epochs=EPOCHS", "**options"),
        ("patience=12", "patience=args.patience"),
        ("patience=12", "**options"),
        ("patience=12", "patience=12, restore_best_weights=True"),
        ("model.fit(", "model.fit(x, y, epochs=n)\nmodel.fit("),
    ],
)
def test_what_only_the_running_script_knows_is_left_to_it(tmp_path: Path, change) -> None:
    text = SCRIPT.format(epochs=10, patience=12)
    assert len(found(tmp_path, text)) == 1
    assert change[0] in text
    assert found(tmp_path, text.replace(*change)) == []


def test_a_scalers_fit_does_not_count(tmp_path: Path) -> None:
    text = SCRIPT.format(epochs=10, patience=12) + "scaler.fit(x)\n"
    assert found(tmp_path, text) == []


def test_a_file_that_is_no_python_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("def (:\n", encoding="utf-8")
    (one,) = look(("patience",), path)
    assert one.findings == () and "cannot be parsed" in one.reason
    (one,) = look(("patience",), None)
    assert "no source file" in one.reason
