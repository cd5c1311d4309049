"""Write scikit-learn's breast cancer table as CSV files, once, and find them again."""

import numpy as np
from sklearn.datasets import load_breast_cancer

from photo_files import make_once

ROWS = 20_000


def write_table(folder):
    table = load_breast_cancer()
    rng = np.random.default_rng(7)
    # The first fifth of the patients is for validation. The rows are drawn with replacement:
    # 569 of them would be read in the blink of an eye.
    split = len(table.data) // 5
    order = rng.permutation(len(table.data))
    parts = {
        "train.csv": rng.choice(order[split:], ROWS),
        "validation.csv": rng.choice(order[:split], ROWS // 10),
    }
    header = ",".join(name.replace(" ", "_") for name in table.feature_names) + ",target"
    for name, rows in parts.items():
        values = np.column_stack([table.data[rows], table.target[rows]])
        np.savetxt(folder / name, values, "%.6g", delimiter=",", header=header, comments="")


def table_files():
    """Return the paths of the training and the validation CSV file."""
    folder = make_once("table", write_table)
    return str(folder / "train.csv"), str(folder / "validation.csv")
