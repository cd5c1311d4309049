"""Train on the handwritten digits; every choice is an argument."""

import argparse
import json
import os
from pathlib import Path

import keras
from keras import layers
from sklearn.datasets import load_digits


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="save the trained model here (.keras)")
    parser.add_argument("--json", type=Path, help="write the history here")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=int(os.environ.get("EPOCHS", "5")))
    parser.add_argument("--width", type=int, default=128, help="units of the hidden layers")
    return parser.parse_args()


def main():
    args = parse_args()
    keras.utils.set_random_seed(int(os.environ.get("SEED", "0")))

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1).astype("float32") / 16.0

    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(args.width, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, args.batch_size, epochs=args.epochs, validation_split=0.2, verbose=2)
    print("losses", history.history["loss"])

    if args.output:
        model.save(args.output)
    if args.json:
        args.json.write_text(json.dumps(history.history, indent=2) + "\n")


if __name__ == "__main__":
    main()
