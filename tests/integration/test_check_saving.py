"""Saving, predictions and advice under `gputune check`: found, and not found near to it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gputune.checks.source.formats import findings as formats
from gputune.checks.source.tree import parse
from tests.integration.checking import checked, found, run_of
from tests.integration.running import SCRIPTS, hashes, python

pytestmark = pytest.mark.integration

LINES = (
    "model.save('path', save_format='tf')",
    "model.save('path')",
    "keras.models.save_model(model, 'path')",
    "model.save_weights('weights')",
    "model.save_weights('weights.h5')",
    "model.save_weights('w.weights.h5', save_format='h5')",
    "keras.callbacks.ModelCheckpoint('best')",
    "keras.callbacks.ModelCheckpoint('best.keras', save_weights_only=True)",
    "keras.models.load_model('folder')",
    "model.load_weights('folder/last')",
    "print(model.get_layer('a').output_shape)",
    "model.save('m.keras')",
    "model.save('m.h5')",
    "model.save('unpacked', zipped=False)",
    "model.save_weights('w.weights.h5')",
    "model.export('served', verbose=False)",
    "keras.models.load_model('there.keras')",
    "keras.callbacks.ModelCheckpoint('best.weights.h5', save_weights_only=True)",
    "print(model.get_layer('a').output.shape)",
)
START = "import os\nimport keras\nmodel = keras.Sequential()\n"


@cache
def results() -> dict[str, Any]:
    """All small models, in one process."""
    folder = Path(__file__).parent
    ran = python(SCRIPTS / "saved_models.py", json.dumps(LINES), cwd=folder)
    assert ran.exit_code == 0, ran.stderr[-3000:]
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def ids(model: dict[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in model["findings"])


SAVED = {
    "mse by name": [],
    "right": [],
    "two inputs": [],
    "subclassed rightly": [],
    "random": [],
    "bare": ["not-registered"] * 6,
    "anonymous layer": ["lambda-not-saved"],
    "anonymous loss": ["lambda-not-saved"],
    "loss of a function": ["not-registered"],
    "array argument": ["no-config"],
    "forgets": ["config-incomplete", "config-incomplete", "not-registered"],
    "forgets the needed": ["config-incomplete"],
    "variable": ["predictions-differ", "predictions-differ"],
    "loss": ["config-incomplete"],
    "subclassed": ["constructor-refuses", "not-registered"],
    "in numpy": ["python-in-saved-model"],
}
PREDICTED = {
    "dense": [],
    "any size": [],
    "squeezed rightly": [],
    "mean of the sample": [],
    "unit, safe": [],
    "softmax": [],
    "fixed input that does not bind": [],
    "fixed size": ["predict-fails"],
    "squeezed": ["predict-shape"],
    "norm in training": ["predict-depends-on-batch"],
    "mean of the batch": ["predict-depends-on-batch"],
    "random": ["predict-random"],
    "unit": ["predict-not-finite"],
    "softmax by hand": ["predict-not-finite"],
    "not a number": ["predict-not-finite"],
    "fixed input": ["predict-fixed-batch"],
}


def test_what_saving_loses_is_found_and_nothing_where_nothing_is_lost() -> None:
    assert {name: ids(one) for name, one in results()["saved"].items()} == SAVED


def test_what_predictions_get_wrong_is_found_and_nothing_near_to_it() -> None:
    assert {name: ids(one) for name, one in results()["predicted"].items()} == PREDICTED


def test_the_weights_stay_as_they_were() -> None:
    models = {**results()["saved"], **results()["predicted"]}
    assert {name for name, one in models.items() if not one["weights_stay"]} == set()


def test_a_model_of_keras_own_layers_comes_back_the_same_in_all_formats() -> None:
    trips = results()["saved"]["two inputs"]["trips"]
    assert [trip["format"] for trip in trips] == [".keras", ".weights.h5", ".h5", "SavedModel"]
    assert all(trip["relative"] < 1e-6 for trip in trips)


def test_a_model_that_draws_random_numbers_is_compared_by_its_weights() -> None:
    model = results()["saved"]["random"]
    assert model["no_predictions"] == "two predictions of the same batch differ"
    keras_file, weights, _, exported = model["trips"]
    assert keras_file["relative"] == weights["relative"] == 0
    assert exported["not_compared"] == model["no_predictions"]


def test_each_part_is_named_with_its_line() -> None:
    source = (SCRIPTS / "saved_models.py").read_text(encoding="utf-8").splitlines()
    at = {
        finding["title"].split(" is not registered")[0]: source[finding["site"]["line"] - 1]
        for finding in results()["saved"]["bare"]["findings"]
    }
    assert at == {
        "The layer Plain": "class Plain(keras.layers.Layer):",
        "The Lambda layer double of the layer 'doubles'": "def double(inputs):",
        "The activation squashed of the layer 'hidden'": "def squashed(inputs):",
        "The loss squared": "def squared(y, predicted):",
        "The metric Near": "class Near(keras.metrics.Metric):",
        "The learning-rate schedule BareSchedule": "class BareSchedule(Schedule):",
    }


def test_how_far_predictions_are_apart_is_said() -> None:
    # The held variable was 5 when it was saved and is 1 when it is made anew: a dense layer with a
    # bias of nearly 0 then gives a fifth, so that about 0.8 of the largest output are missing.
    trip = results()["saved"]["variable"]["trips"][0]
    assert trip["relative"] == pytest.approx(0.8, abs=0.02)
    finding = results()["saved"]["variable"]["findings"][0]
    assert "held of the layer" in finding["remedy"]


def test_keras_refuses_what_is_called_refused_and_nothing_else(tmp_path: Path) -> None:
    said = {}
    for line in LINES:
        path = tmp_path / "train.py"
        path.write_text(START + line + "\n", encoding="utf-8")
        said[line] = any(one.severity != "note" for one in formats(parse(path)))
    assert said == {line: bool(error) for line, error in results()["formats"].items()}


def test_a_script_that_does_all_this_wrong(tmp_path: Path) -> None:
    report, ran = checked(
        SCRIPTS / "practices_wrong.py", cwd=tmp_path, options=("--tensorboard", "logs")
    )
    assert ran.exit_code == 1
    assert {finding.id for finding in report.findings} >= {
        "save-format-gone", "log-level-hides-errors", "constructor-refuses", "config-incomplete",
        "not-registered", "predict-shape", "placement", "functional-inputs", "mixed-precision",
        "no-seed",
    }  # fmt: skip
    (shape,) = found(report, "predict-shape")
    assert shape.evidence == ("1 of 16 samples give (), where (1,) would follow from (16,)",)
    (forgets,) = found(report, "config-incomplete")
    assert forgets.site is not None and forgets.site.code == "class Gate(keras.layers.Layer):"
    assert "the training went on" not in ran.stdout
    (events,) = tmp_path.glob("logs/practices_wrong-check-*/events.out.tfevents.*")
    assert b"config" in events.read_bytes() and "tensorboard --logdir logs" in ran.stderr
    assert {Path(name).name for name in hashes(tmp_path)} == {"check.json", events.name}


def test_a_script_that_does_it_right(tmp_path: Path) -> None:
    report, ran = checked(SCRIPTS / "practices_right.py", cwd=tmp_path)
    ours = ("formats", "log-level", "saving", "predictions", "surroundings", "practices")
    assert {name: run_of(report, name).state for name in ours} == dict.fromkeys(ours, "clear")
    assert ran.exit_code == 0
    assert {Path(name).name for name in hashes(tmp_path)} == {"check.json"}
