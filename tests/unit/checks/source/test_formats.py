"""Aged ways of saving and loading, found in a source and not near to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputune.checks.source.formats import findings
from gputune.checks.source.tree import parse
from gputune.schema.finding import Severity

START = """\
import os
from pathlib import Path
import keras
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
OUT = "out/model"
"""


def found(tmp_path: Path, line: str, start: str = START):
    path = tmp_path / "train.py"
    path.write_text(f"{start}{line}\n", encoding="utf-8")
    return list(findings(parse(path)))


REFUSED = [
    ("model.save('path', save_format='tf')", "save-format-gone"),
    ("model.save('path')", "save-no-suffix"),
    ("model.save(OUT)", "save-no-suffix"),
    ("model.save(filepath='models/' + 'final')", "save-no-suffix"),
    ("model.save(os.path.join(d, 'final_model'))", "save-no-suffix"),
    ("model.save(Path('out') / 'final.tf')", "save-no-suffix"),
    ("model.save(f'{d}/final-model')", "save-no-suffix"),
    ("keras.models.save_model(model, 'folder')", "save-no-suffix"),
    ("model.save_weights('weights')", "weights-suffix"),
    ("model.save_weights('weights.h5')", "weights-suffix"),
    ("model.save_weights('w.weights.h5', save_format='h5')", "weights-suffix"),
    ("keras.callbacks.ModelCheckpoint('best')", "checkpoint-suffix"),
    ("keras.callbacks.ModelCheckpoint('b.keras', save_weights_only=True)", "checkpoint-suffix"),
    ("print(model.get_layer('a').output_shape)", "output-shape-gone"),
    ("print(model.layers[0].input_shape)", "output-shape-gone"),
    ("for layer in model.layers:\n    print(layer.output_shape)", "output-shape-gone"),
]


@pytest.mark.parametrize(("line", "identity"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_keras_3_refuses_is_a_problem_at_its_line(tmp_path: Path, line, identity) -> None:
    (one,) = found(tmp_path, line)
    assert (one.id, one.severity) == (identity, Severity.PROBLEM)
    assert one.site is not None and one.site.line == 7 + line.count("\n")
    assert one.remedy


@pytest.mark.parametrize(
    "line",
    [
        "model.save('model.keras')",
        "model.save(f'{d}/{name}')",
        "model.save(f'{d}{end}')",
        "model.save(path)",
        "model.save(OUT + '.keras')",
        "model.save(os.path.join(OUT, 'm.keras'))",
        "model.save_weights(f'{d}/{epoch}.weights.h5')",
        "model.export('served')",
        "model.save('folder', zipped=False)",
        "keras.models.save_model(model, 'm.keras')",
        "keras.models.load_model('m.keras')",
        "keras.models.load_model('hf://me/model')",
        "model.load_weights('w.weights.h5')",
        "keras.callbacks.ModelCheckpoint('best-{epoch}.keras')",
        "keras.callbacks.ModelCheckpoint('best.weights.h5', save_weights_only=True)",
        "keras.callbacks.ModelCheckpoint('best', **options)",
        "keras.callbacks.ModelCheckpoint('best', save_weights_only=args.weights)",
        "picture.save('picture')",
        "np.save('array', x)",
        "dataset.save('folder')",
        "print(model.output_shape, generator.output_shape)",
        "print(model.get_layer('a').output.shape)",
    ],
)
def test_todays_ways_and_what_is_no_model_are_left_alone(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, line) == []


@pytest.mark.parametrize(
    ("line", "identity", "severity"),
    [
        ("model.save('model.h5')", "hdf5-legacy", Severity.NOTE),
        ("tf.saved_model.save(model, 'folder')", "saved-model-by-tensorflow", Severity.NOTE),
        ("keras.models.load_model('folder')", "load-saved-model", Severity.WARNING),
        ("model.load_weights('checkpoints/last')", "load-checkpoint", Severity.WARNING),
        ("if old:\n    model.save('path')", "save-no-suffix", Severity.WARNING),
        ("try:\n    model.save('path')\nexcept ValueError:\n    pass", "save-no-suffix",
         Severity.WARNING),
        ("if __name__ == '__main__':\n    model.save('path')", "save-no-suffix", Severity.PROBLEM),
    ],
)  # fmt: skip
def test_what_may_be_meant_is_no_problem(tmp_path: Path, line, identity, severity) -> None:
    (one,) = found(tmp_path, line)
    assert (one.id, one.severity) == (identity, severity)


def test_keras_2_has_its_own_ways(tmp_path: Path) -> None:
    line = "model.save('path', save_format='tf')"
    assert found(tmp_path, line, START.replace("import keras", "import tf_keras as keras")) == []
    assert (
        found(tmp_path, line, "import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\n" + START) == []
    )


def test_a_model_is_one_that_is_trained_under_that_name(tmp_path: Path) -> None:
    start = "import keras\nself.net.fit(x, epochs=3)\nscaler.fit(x)\n"
    assert [f.id for f in found(tmp_path, "self.net.save('path')", start)] == ["save-no-suffix"]
    assert found(tmp_path, "scaler.save('path')", start) == []
