"""How a script saves, from its source and its callbacks."""

from __future__ import annotations

import pytest

from gputune.checks.script.saving.ways import of_callbacks, of_source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model.save('a.keras')", {".keras"}),
        ("model.save(f'{d}/a.h5')", {".h5"}),
        ("model.save(os.path.join(d, 'a.hdf5'))", {".h5"}),
        ("model.save(filepath=d / 'a.keras')", {".keras"}),
        ("model.save_weights('a')", {".weights.h5"}),
        ("model.export('folder')", {"SavedModel"}),
        ("keras.models.save_model(model, d + '/a.h5')", {".h5"}),
        ("model.save('a.keras'); model.save_weights('b.weights.h5')", {".keras", ".weights.h5"}),
        ("model.save(path); np.save('a', x); image.save('a.png'); thing.export()", set()),
        ("def (:", set()),
    ],
)
def test_the_formats_of_a_source(text: str, expected: set[str]) -> None:
    assert of_source(text) == expected


class ModelCheckpoint:
    def __init__(self, filepath: str) -> None:
        self.filepath = filepath


class Own(ModelCheckpoint):
    pass


class Other:
    filepath = "a.keras"


def test_the_formats_of_checkpoints() -> None:
    callbacks = [ModelCheckpoint("a.keras"), Own("b/{epoch}.weights.h5"), Other()]
    assert of_callbacks(callbacks) == {".keras", ".weights.h5"}
    assert of_callbacks([Other()]) == frozenset()
