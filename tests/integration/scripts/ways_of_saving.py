"""Does what the check `formats` judges, so that Keras itself can be asked whether it is right."""

import os
import tempfile
from pathlib import Path

import keras
import numpy as np


def tried(lines):
    """The lines, each with the error that Keras raises, empty for none."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="a")])
    model.compile(optimizer="adam", loss=keras.losses.MeanSquaredError())
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0)
    here, found = Path.cwd(), {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("folder").mkdir()
        model.save("there.keras")
        for line in lines:
            try:
                exec(line, {"keras": keras, "model": model, "os": os, "d": "."})
                found[line] = ""
            except Exception as error:
                found[line] = f"{type(error).__name__}: {error}"
        os.chdir(here)
    return found
