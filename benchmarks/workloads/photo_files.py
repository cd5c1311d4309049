"""Cut scikit-learn's two photographs into a folder of JPEG crops, once, and find them again.

The crops lie in ``~/.cache/gputune-workloads/photos/<class>/<number>.jpg``; the environment
variable ``WORKLOAD_DATA`` names another parent folder.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

CLASSES = ("china", "flower")
CROPS_PER_CLASS = 900
CROP_SIZE = 512
SHARDS = 8


def data_folder():
    default = Path.home() / ".cache" / "gputune-workloads"
    return Path(os.environ.get("WORKLOAD_DATA") or default)


def make_once(name, fill):
    """Return the folder `name`, filled by `fill(folder)` if it is not there yet.

    A half-filled folder never gets the final name, so an interrupted run does no harm.
    """
    target = data_folder() / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        fill(scratch)
        scratch.chmod(0o755)
        scratch.rename(target)
    except OSError:
        # Another process may have been faster: its folder holds the same files.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def cut_crops(folder):
    rng = np.random.default_rng(2024)
    for label, pixels in zip(CLASSES, load_sample_images().images, strict=True):
        (folder / label).mkdir()
        photo = Image.fromarray(pixels)
        for number in range(CROPS_PER_CLASS):
            side = int(rng.integers(96, 384))
            left = int(rng.integers(0, photo.width - side))
            top = int(rng.integers(0, photo.height - side))
            crop = photo.resize(
                (CROP_SIZE, CROP_SIZE), Image.BILINEAR, box=(left, top, left + side, top + side)
            )
            if rng.random() < 0.5:
                crop = crop.transpose(Image.FLIP_LEFT_RIGHT)
            crop.save(folder / label / f"{number:04d}.jpg", quality=90)


def photo_files(validation_share=0.15):
    """Return (training paths, training labels), (validation paths, validation labels)."""
    folder = make_once("photos", cut_crops)
    paths = sorted(str(path) for path in folder.glob("*/*.jpg"))
    labels = [CLASSES.index(Path(path).parent.name) for path in paths]
    order = np.random.default_rng(1).permutation(len(paths))
    paths, labels = np.array(paths)[order], np.array(labels, dtype="int32")[order]
    split = int(len(paths) * validation_share)
    return (paths[split:], labels[split:]), (paths[:split], labels[:split])


def write_shards(folder):
    import tensorflow as tf

    train, validation = photo_files()
    for part, (paths, labels) in (("train", train), ("validation", validation)):
        for shard in range(SHARDS):
            with tf.io.TFRecordWriter(str(folder / f"{part}-{shard:02d}.tfrecord")) as writer:
                for path, label in zip(paths[shard::SHARDS], labels[shard::SHARDS], strict=True):
                    image = tf.train.BytesList(value=[Path(path).read_bytes()])
                    feature = {
                        "image": tf.train.Feature(bytes_list=image),
                        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                    }
                    features = tf.train.Features(feature=feature)
                    writer.write(tf.train.Example(features=features).SerializeToString())


def photo_shards(part):
    """Return the TFRecord files of `part`, which is "train" or "validation"."""
    folder = make_once("photo_shards", write_shards)
    return sorted(str(path) for path in folder.glob(f"{part}-*.tfrecord"))
