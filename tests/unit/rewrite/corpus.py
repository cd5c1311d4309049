"""Small sources in the styles that people use, each with what a patch must make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gputune.schema.config import Setting, Value
from gputune.schema.site import Site

TF = "import tensorflow as tf\n"
FIT = "model.compile('adam', 'mse')\nmodel.fit(ds, epochs=2)\n"


@dataclass(frozen=True)
class Wanted:
    """A setting, at the line that holds `at` (of `file`), or at none."""

    knob: str
    value: Value
    at: str = ""
    stage: str = ""
    file: str = "train.py"


@dataclass(frozen=True)
class Case:
    """`now` must stand in the patched files, `refused` in what is said where nothing can be done."""

    text: str
    wanted: tuple[Wanted, ...]
    now: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    refused: str = ""
    noted: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, str]:
        return {"train.py": self.text, **self.files}


def settings(case: Case) -> list[Setting]:
    made = []
    for wanted in case.wanted:
        site = None
        if wanted.at:
            lines = case.sources[wanted.file].replace("\r\n", "\n").split("\n")
            number = next(n for n, line in enumerate(lines, 1) if wanted.at in line)
            site = Site(file=f"/p/{wanted.file}", line=number, code=lines[number - 1].strip())
        made.append(Setting(knob=wanted.knob, value=wanted.value, site=site, stage=wanted.stage))
    return made


def parallel(at: str = ".map(decode", file: str = "train.py") -> tuple[Wanted, ...]:
    return (Wanted("num_parallel_calls", "AUTOTUNE", at, ".map(decode)", file),)


def batch(at: str = "", value: int = 256, stage: str = "") -> tuple[Wanted, ...]:
    return (Wanted("batch_size", value, at, stage),)


PREFETCH = (Wanted("prefetch", "AUTOTUNE"),)
CACHE = (Wanted("cache", "memory", ".map(decode", ".map(decode)"),)

CASES: dict[str, Case] = {
    "a chain in one line": Case(
        TF + "ds = tf.data.Dataset.range(9).map(decode).batch(4)\n" + FIT,
        parallel(), (".map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(4)",),
    ),
    "a chain over lines": Case(
        TF + "ds = (\n    tf.data.Dataset.range(9)\n    .map(decode)  # slow\n    .batch(4)\n)\n" + FIT,
        parallel(), ("    .map(decode, num_parallel_calls=tf.data.AUTOTUNE)  # slow\n    .batch(4)\n",),
    ),
    "a cache in a chain over lines": Case(
        TF + "ds = (\n    tf.data.Dataset.range(9)\n    .map(decode)\n    .batch(4)\n)\n" + FIT,
        CACHE, ("    .map(decode)\n    .cache()\n    .batch(4)\n",),
    ),
    "comments stay at their calls where a shuffle moves": Case(
        TF + "ds = (\n    tf.data.Dataset.range(9)  # nine\n    # mix\n    .shuffle(9)  # all\n"
        "    # read\n    .map(decode)  # slow\n    # rows\n    .batch(32)  # few\n)\n" + FIT,
        CACHE,
        ("range(9)  # nine\n    # read\n    .map(decode)  # slow\n    .cache()\n    # mix\n"
         "    .shuffle(9)  # all\n    # rows\n    .batch(32)  # few\n)\n",),
    ),
    "comments stay at their calls where a prefetch is taken out": Case(
        TF + "ds = (\n    tf.data.Dataset.range(9)\n    .batch(32)  # rows\n    # ahead\n"
        "    .prefetch(2)  # two\n)\n" + FIT,
        (Wanted("prefetch", "none"),), ("    .batch(32)  # rows\n)\n",), ("# ahead", "# two"),
    ),
    "comments stay at their calls where one is put at the end": Case(
        TF + "ds = (\n    tf.data.Dataset.range(9)\n    .batch(32)  # rows\n    # the end\n)\n"
        "for x in ds:\n    step(x)\n",
        (Wanted("prefetch", 4, ".batch(32)", ".batch(32)"),),
        ("    .batch(32)  # rows\n    .prefetch(4)\n    # the end\n)\n",),
    ),
    "comments stay at their calls where the parenthesis ends the line": Case(
        TF + "ds = (tf.data.Dataset.range(9)\n      .batch(32)  # rows\n      .prefetch(2))\n" + FIT,
        (Wanted("prefetch", "none"),), ("      .batch(32)  # rows\n      )\n",),
    ),
    "comments stay at their calls in a line that goes on": Case(
        TF + "ds = (tf.data.Dataset.range(9).map(decode)  # slow\n      .batch(32))  # rows\n" + FIT,
        CACHE, ("range(9).map(decode).cache()  # slow\n      .batch(32))  # rows\n",),
    ),
    "comments stay at their arguments": Case(
        "import keras\nmodel.compile(\n    optimizer='adam',  # kind\n    loss='mse',  # regression\n"
        "    # no more\n)\nmodel.fit(\n    x,\n    y,  # truth\n    epochs=2  # short\n)\n",
        (Wanted("steps_per_execution", 8), *batch()),
        ("# kind\n    loss='mse',  # regression\n    steps_per_execution=8,\n    # no more\n)\n",
         "y,  # truth\n    epochs=2,  # short\n    batch_size=256\n)\n"),
    ),
    "a shuffle above the cache moves": Case(
        TF + "ds = tf.data.Dataset.range(9).shuffle(10, seed=1).map(decode).batch(4)\n" + FIT,
        CACHE, ("range(9).map(decode).cache().shuffle(10, seed=1).batch(4)",),
    ),
    "a shuffle and a repeat keep their order": Case(
        TF + "ds = tf.data.Dataset.range(9).shuffle(10).repeat().map(decode).batch(4)\n" + FIT,
        CACHE, ("range(9).map(decode).cache().shuffle(10).repeat().batch(4)",),
    ),
    "a shuffle of the files stays above the cache": Case(
        TF + "ds = tf.data.Dataset.range(9).shuffle(3).interleave(read).shuffle(10).map(decode)\n" + FIT,
        CACHE, ("range(9).shuffle(3).interleave(read).map(decode).cache().shuffle(10)\n",),
    ),
    "a shuffle of the files stays in a step of its own": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(3)\nds = ds.interleave(read)\n"
        "ds = ds.shuffle(10)\nds = ds.map(decode)\n" + FIT,
        CACHE, ("ds = ds.shuffle(3)\nds = ds.interleave(read)\nds = ds.map(decode).cache().shuffle(10)\n",),
    ),
    "a shuffle of the files alone": Case(
        TF + "ds = tf.data.Dataset.range(9).shuffle(3).interleave(read).map(decode)\n" + FIT,
        CACHE, ("range(9).shuffle(3).interleave(read).map(decode).cache()\n",),
    ),
    "a repeat of the files": Case(
        TF + "ds = tf.data.Dataset.range(9).repeat().interleave(read).map(decode)\n" + FIT,
        CACHE, refused=".interleave is in between",
    ),
    "a shuffle above a batch": Case(
        TF + "ds = tf.data.Dataset.range(9).shuffle(3).batch(4).map(decode)\n" + FIT,
        CACHE, refused=".batch is in between",
    ),
    "a shuffle in a step above the cache": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(9)\nds = ds.repeat()\nds = ds.map(decode)\n" + FIT,
        CACHE, ("range(9)\nds = ds.map(decode).cache().shuffle(9).repeat()\nmodel",),
    ),
    "a shuffle with a comment in a step above the cache": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(9)  # all\nds = ds.map(decode)\n" + FIT,
        CACHE, refused="shuffle",
    ),
    "a shuffle on some runs above the cache": Case(
        TF + "ds = tf.data.Dataset.range(9)\nif train:\n    ds = ds.shuffle(9)\nds = ds.map(decode)\n" + FIT,
        CACHE, refused="shuffle",
    ),
    "a shuffle in the function that makes the files": Case(
        TF + "def files():\n    return tf.data.Dataset.list_files('*').shuffle(9)\n\n\n"
        "ds = files().map(decode)\n" + FIT,
        CACHE, refused="frozen",
    ),
    "a shuffle in a step, and what is split off behind it": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(9, reshuffle_each_iteration=False)\n"
        "val = ds.take(2)\nds = ds.skip(2)\nds = ds.map(decode)\n" + FIT,
        CACHE, refused=".skip is in between",
    ),
    "a shuffle in a step, and a look at it": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(9)\nshow(ds)\nds = ds.map(decode)\n" + FIT,
        CACHE, refused="cannot move behind .cache: train.py:4 is in between",
    ),
    "a shuffle in a step whose size is set anew": Case(
        TF + "n = 9\nds = tf.data.Dataset.range(9)\nds = ds.shuffle(n)\nn = 3\nds = ds.map(decode)\n" + FIT,
        CACHE, refused="train.py:5 is in between",
    ),
    "a shuffle and a batch in steps": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(9)\nds = ds.batch(4)\nds = ds.map(decode)\n"
        + FIT,
        CACHE, refused=".batch is in between",
    ),
    "a repeat and a batch in steps": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.repeat()\nds = ds.batch(4)\nds = ds.map(decode)\n"
        + FIT,
        CACHE, refused=".batch is in between",
    ),
    "a shuffle of an attribute": Case(
        TF + "class D:\n    def make(self):\n        self.ds = tf.data.Dataset.range(9)\n"
        "        self.ds = self.ds.shuffle(9)\n        self.ds = self.ds.map(decode)\n" + FIT,
        CACHE, refused="frozen in it, and stands in another statement (train.py:5)",
    ),
    "a shuffle of what a function is given": Case(
        TF + "def prep(raw):\n    return raw.map(decode)\n\n\n"
        "ds = prep(tf.data.Dataset.range(9).shuffle(9))\n" + FIT,
        CACHE, refused="«raw», which is not followed, and .shuffle(…) at train.py:6",
    ),
    "a shuffle in another file": Case(
        TF + "from data import raw\nds = raw().map(decode)\n" + FIT,
        CACHE, refused=".shuffle(…) at data.py:2 may stand above the cache",
        files={"data.py": "def raw():\n    return open_all().shuffle(9)\n"},
    ),
    "a shuffle two variables away": Case(
        TF + "a = tf.data.Dataset.range(9)\nb = a.shuffle(9)\nc = b\nds = c.map(decode)\n" + FIT,
        CACHE, refused="another statement (train.py:3)",
    ),
    "a shuffle of another pipeline of the same name": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.shuffle(9)\nother = ds\n"
        "ds = tf.data.Dataset.range(5)\nds = ds.map(decode)\n" + FIT,
        CACHE, ("ds = ds.shuffle(9)\n", "ds = ds.map(decode).cache()\n"),
    ),
    "a shuffle in what is zipped": Case(
        TF + "ds = tf.data.Dataset.zip((a.shuffle(9), b)).map(decode)\n" + FIT,
        CACHE, refused="stands in what the calls above the cache are given",
    ),
    "a numpy shuffle, and a dataset of which nothing is known": Case(
        TF + "import numpy as np\nnp.random.shuffle(x)\nds = load(tf.repeat(x, 2)).map(decode)\n" + FIT,
        CACHE, ("load(tf.repeat(x, 2)).map(decode).cache()\n",),
    ),
    "step by step": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.map(decode)\nds = ds.batch(4)\n" + FIT,
        (*parallel(), *batch("ds.batch(4)", stage=".batch(4)")),
        ("ds = ds.map(decode, num_parallel_calls=tf.data.AUTOTUNE)\n", "ds = ds.batch(256)\n"),
    ),
    "an argument that is there": Case(
        TF + "ds = tf.data.Dataset.range(9).map(decode, num_parallel_calls=1)\n" + FIT,
        parallel(), (".map(decode, num_parallel_calls=tf.data.AUTOTUNE)",), ("num_parallel_calls=1",),
    ),
    "an argument by its place": Case(
        TF + "ds = tf.data.Dataset.range(9).map(decode, 2)\n" + FIT,
        parallel(), (".map(decode, tf.data.AUTOTUNE)",),
    ),
    "tf.data by another name": Case(
        "import tensorflow.data as tfd\nds = tfd.Dataset.range(9).map(decode)\n" + FIT,
        parallel(), (".map(decode, num_parallel_calls=tfd.AUTOTUNE)",),
    ),
    "from tensorflow import data": Case(
        "from tensorflow import data\nds = data.Dataset.range(9).map(decode)\n" + FIT,
        parallel(), (".map(decode, num_parallel_calls=data.AUTOTUNE)",),
    ),
    "AUTOTUNE imported by itself": Case(
        "from tensorflow.data import AUTOTUNE, Dataset\nds = Dataset.range(9).map(decode)\n" + FIT,
        parallel(), (".map(decode, num_parallel_calls=AUTOTUNE)",),
    ),
    "no name of TensorFlow": Case(
        "import keras\nfrom data import ds\n\nmodel = keras.Sequential()\n" + FIT,
        PREFETCH, ("import tensorflow as tf\n", "model.fit(ds.prefetch(tf.data.AUTOTUNE), epochs=2)"),
    ),
    "a prefetch at the end of fit's pipeline": Case(
        TF + "ds = tf.data.Dataset.range(9).batch(4)\n" + FIT,
        PREFETCH, ("model.fit(ds.prefetch(tf.data.AUTOTUNE), epochs=2)",),
    ),
    "a prefetch that is there": Case(
        TF + "ds = tf.data.Dataset.range(9).batch(4).prefetch(1)\n" + FIT,
        PREFETCH, (".batch(4).prefetch(tf.data.AUTOTUNE)\n", "model.fit(ds, epochs=2)"),
    ),
    "a prefetch given by name": Case(
        TF + "ds = tf.data.Dataset.range(9).batch(4).prefetch(buffer_size=1)\n" + FIT,
        (Wanted("prefetch", 8),), (".prefetch(buffer_size=8)",),
    ),
    "a prefetch taken out": Case(
        TF + "ds = (tf.data.Dataset.range(9)\n      .batch(4)\n      .prefetch(1))\n" + FIT,
        (Wanted("prefetch", "none"),), ("ds = (tf.data.Dataset.range(9)\n      .batch(4))\n",),
    ),
    "a prefetch taken out of another variable": Case(
        TF + "train: tf.data.Dataset = tf.data.Dataset.range(9).prefetch(2).take(3).repeat().skip(1)\n"
        "ds = train\nds = ds.with_options(o)\n" + FIT,
        (Wanted("prefetch", "none"),), ("range(9).take(3).repeat().skip(1)\n",),
    ),
    "a prefetch taken out of an attribute": Case(
        TF + "class T:\n    def run(self):\n        self.ds = tf.data.Dataset.range(9).prefetch(2)\n"
        "        self.m.compile('adam')\n        self.m.fit(self.ds, epochs=1)\n",
        (Wanted("prefetch", "none"),), ("self.ds = tf.data.Dataset.range(9)\n",),
    ),
    "a prefetch in the function that makes the pipeline": Case(
        TF + "def make():\n    return tf.data.Dataset.range(9).prefetch(2)\n\n\nds = make()\n" + FIT,
        (Wanted("prefetch", "none"),), refused=".prefetch(…) at train.py:3 may be what is meant",
    ),
    "a prefetch in what the function that trains is given": Case(
        TF + "def train(ds):\n    model.compile('adam')\n    model.fit(ds, epochs=1)\n\n\n"
        "train(load().prefetch(2))\n",
        (Wanted("prefetch", "none"),), refused=".prefetch(…) at train.py:7 may be what is meant",
    ),
    "a prefetch of a pipeline of the whole file": Case(
        TF + "ds = tf.data.Dataset.range(9).prefetch(2)\n\n\ndef main():\n    model.compile('adam')\n"
        "    model.fit(ds, epochs=1)\n\n\nmain()\n",
        (Wanted("prefetch", "none"),), refused=".prefetch(…) at train.py:2 may be what is meant",
    ),
    "a prefetch of one of two that are made at once": Case(
        TF + "ds, val = a.prefetch(1), b.batch(4)\n" + FIT,
        (Wanted("prefetch", "none"),), refused=".prefetch(…) at train.py:2 may be what is meant",
    ),
    "a prefetch in the middle stays": Case(
        TF + "ds = tf.data.Dataset.range(9).batch(4).prefetch(2).map(decode)\n" + FIT,
        (Wanted("prefetch", 8),), (".prefetch(2).map(decode)\n", "fit(ds.prefetch(8), epochs=2)"),
    ),
    "a prefetch in the middle is not taken out": Case(
        TF + "ds = tf.data.Dataset.range(9).batch(4).prefetch(2).map(decode)\n" + FIT,
        (Wanted("prefetch", "none"),), refused="train.py:2, above .map(…), may be what is meant",
    ),
    "a cache taken out of a step of its own": Case(
        TF + "ds = tf.data.Dataset.range(9)\nds = ds.map(decode)\nds = ds.cache()\n" + FIT,
        (Wanted("cache", "none", "ds.map(", ".map(decode)"),), ("ds = ds\n",), ("cache",),
    ),
    "a cache taken out where another function has it": Case(
        TF + "def make():\n    return load().map(decode)\n\n\nds = make().cache()\n" + FIT,
        (Wanted("cache", "none", ".map(", ".map(decode)"),), refused=".cache(…) at train.py:6 may be",
    ),
    "fit is given a generator": Case(
        TF + "def rows():\n    yield 1\n\n\nmodel.compile('adam')\nmodel.fit(rows(), epochs=1)\n",
        (*PREFETCH, Wanted("private_threadpool", 2)), refused="«rows()», which is a generator",
    ),
    "fit is given arrays": Case(
        TF + "model.compile('adam')\nmodel.fit(x, y, epochs=1)\n",
        PREFETCH, refused="train.py:3 is given «x» with what only arrays come with",
    ),
    "fit is given what numpy has read": Case(
        TF + "import numpy as np\nx = np.load('x')\nmodel.compile('adam')\nmodel.fit(x, epochs=1)\n",
        PREFETCH, refused="«x», which are arrays",
    ),
    "fit is given a function": Case(
        TF + "model.compile('adam')\nmodel.fit(lambda: ds, epochs=1)\n", PREFETCH, refused="«lambda: ds»",
    ),
    "fit is given a pipeline or nothing": Case(
        TF + "model.compile('adam')\nmodel.fit(ds if a else None, epochs=1)\n",
        PREFETCH, refused="train.py:3 is given «None», not a tf.data pipeline",
    ),
    "fit is given a distributed dataset": Case(
        TF + "ds = strategy.experimental_distribute_dataset(load())\n" + FIT,
        PREFETCH, refused="«ds», which is a distributed dataset",
    ),
    "fit is given what Python makes": Case(
        TF + "ds = iter(load())\n" + FIT, PREFETCH, refused="«ds», which Python makes",
    ),
    "fit is given a batch size of nothing": Case(
        TF + "model.compile('adam')\nmodel.fit(ds, None, batch_size=None)\n",
        PREFETCH, ("fit(ds.prefetch(tf.data.AUTOTUNE), None, batch_size=None)",),
    ),
    "fit is given a PyDataset": Case(
        TF + "import keras\nclass S(keras.utils.PyDataset):\n    pass\n\n\nds = S()\n" + FIT,
        PREFETCH, refused="which is a PyDataset",
    ),
    "two trainings in one line": Case(
        TF + "m.compile('adam')\nh = m.fit(ds, epochs=1), m.fit(ds, epochs=2)\n",
        (Wanted("private_threadpool", 2),),
        ("Options()\ngputune_options.threading.private_threadpool_size = 2\n"
         "h = m.fit(ds.with_options(gputune_options), epochs=1), "
         "m.fit(ds.with_options(gputune_options), epochs=2)",),
    ),
    "a training in a comprehension of a class": Case(
        TF + "class T:\n    h = [m.fit(ds, epochs=2) for _ in range(3)]\n",
        (Wanted("private_threadpool", 2),), refused="no statement can stand before it",
    ),
    "fit is given x by name, and a call": Case(
        TF + "model.compile('adam', 'mse')\nmodel.fit(x=make(3), epochs=1)\n",
        PREFETCH, ("model.fit(x=make(3).prefetch(tf.data.AUTOTUNE), epochs=1)",),
    ),
    "fit by ** alone": Case(
        TF + "model.compile('adam', 'mse')\nmodel.fit(**options)\n", PREFETCH, refused="**",
    ),
    "two fits with different pipelines": Case(
        TF + "model.compile('adam', 'mse')\nmodel.fit(one, epochs=1)\nmodel.fit(two, epochs=1)\n",
        PREFETCH, refused="several trainings",
    ),
    "a conditional pipeline": Case(
        TF + "model.compile('adam', 'mse')\nmodel.fit(a if b else c, epochs=1)\n",
        PREFETCH, ("model.fit((a if b else c).prefetch(tf.data.AUTOTUNE), epochs=1)",),
    ),
    "a batch size of fit": Case(
        "import keras\nmodel.compile('adam')\nmodel.fit(x, y, batch_size=16, epochs=2)\n",
        batch(), ("batch_size=256",), ("batch_size=16",),
    ),
    "a batch size that fit does not say": Case(
        "import keras\nmodel.compile('adam')\nmodel.fit(\n    x,\n    y,\n    epochs=2,\n)\n",
        batch(), ("    epochs=2,\n    batch_size=256,\n)",),
    ),
    "a batch size of arrays, and a validation of batches": Case(
        TF + "val = tf.data.Dataset.range(9).batch(64)\nmodel.compile('adam')\n"
        "model.fit(x, y, validation_data=val, epochs=3)\n",
        batch(), ("validation_data=val, epochs=3, batch_size=256)", ".batch(64)"),
    ),
    "a batch size of two trainings on the same arrays": Case(
        "import keras\nmodel.compile('adam')\nmodel.fit(x, y, epochs=1)\nmodel.compile('sgd')\n"
        "model.fit(x, y, epochs=9, batch_size=8)\n",
        batch(), ("fit(x, y, epochs=1, batch_size=256)", "fit(x, y, epochs=9, batch_size=256)"),
    ),
    "a batch size of two trainings on other arrays": Case(
        "import keras\nmodel.compile('adam')\nmodel.fit(x, y, epochs=1)\n"
        "model.fit(u, v, epochs=9, batch_size=8)\n",
        batch(), refused="several trainings have different data (train.py:3, train.py:4)",
    ),
    "a batch size where the pipeline above fit makes batches": Case(
        TF + "val = tf.data.Dataset.range(3).batch(64)\nds = tf.data.Dataset.range(9).batch(5)\n"
        "ds = ds.map(decode).batch(32)\nds = ds.prefetch(1)\n" + FIT,
        batch(), (".batch(5)", "ds = ds.map(decode).batch(256)", ".batch(64)"),
    ),
    "a batch size in the function that makes the pipeline": Case(
        TF + "from data import train, val\nds = train()\n" + FIT,
        batch(), (".batch(256)", ".batch(64)"),
        files={
            "data.py": TF + "def train():\n    return tf.data.Dataset.range(9).batch(32)\n\n\n"
            "def val():\n    return tf.data.Dataset.range(9).batch(64)\n",
        },
    ),
    "a batch size of one of Keras' makers": Case(
        "from keras.utils import image_dataset_from_directory\n"
        "ds = image_dataset_from_directory('a')\nval = image_dataset_from_directory('b')\n" + FIT,
        batch(), ("('a', batch_size=256)", "('b')\n"),
    ),
    "a batch size of a PyDataset": Case(
        "import keras\nclass Seq(keras.utils.PyDataset):\n    pass\n\n\nds = Seq(x, 32)\n" + FIT,
        batch(), refused="fit is fed from «Seq(x, 32)», and it is not certain what makes the batches",
    ),
    "a batch size of a generator": Case(
        "import keras\nmodel.compile('adam')\nmodel.fit(gen.flow(x, y, batch_size=32), epochs=2)\n",
        batch(), refused="set the batch size 256 where they are made",
    ),
    "a batch size where only the validation makes batches": Case(
        TF + "val = tf.data.Dataset.range(9).batch(64)\nds = load()\n" + FIT,
        batch(), refused="fit is fed from «load()»",
    ),
    "a constant": Case(
        TF + "BATCH = 32  # rows\nds = tf.data.Dataset.range(9).batch(BATCH)\nn = 9 // BATCH\n" + FIT,
        batch("batch(BATCH)", stage=".batch(32)"), ("BATCH = 256  # rows\n", "batch(BATCH)"),
    ),
    "a constant with a type": Case(
        TF + "BATCH: int = 32\nds = tf.data.Dataset.range(9).batch(BATCH)\n" + FIT,
        batch("batch(BATCH)"), ("BATCH: int = 256\n",),
    ),
    "a constant that is set twice": Case(
        TF + "B = 32\nif big:\n    B = 64\nds = tf.data.Dataset.range(9).batch(B)\n" + FIT,
        batch("batch(B)"), refused="set 2 times",
    ),
    "an imported constant": Case(
        TF + "from config import BATCH\nds = tf.data.Dataset.range(9).batch(BATCH)\n" + FIT,
        batch("batch(BATCH)"), ("BATCH = 256\n",), files={"config.py": "BATCH = 32\n"},
    ),
    "a module of constants": Case(
        TF + "import config as c\nds = tf.data.Dataset.range(9).batch(c.BATCH)\n" + FIT,
        batch("batch(c.BATCH)"), ("BATCH = 256\n",), files={"config.py": "BATCH = 32\n"},
    ),
    "a dataclass": Case(
        TF + "from dataclasses import dataclass\n\n\n@dataclass\nclass Options:\n    batch: int = 32\n"
        "    rate: float = 0.1\n\n\noptions = Options()\n"
        "ds = tf.data.Dataset.range(9).batch(options.batch)\n" + FIT,
        batch("batch(options.batch)"), ("    batch: int = 256\n", "rate: float = 0.1"),
    ),
    "a dataclass that is given the value": Case(
        TF + "class Options:\n    batch: int = 32\n\n\noptions = Options(batch=64)\n"
        "ds = tf.data.Dataset.range(9).batch(options.batch)\n" + FIT,
        batch("batch(options.batch)"), ("Options(batch=256)", "batch: int = 32"),
    ),
    "argparse with a default": Case(
        TF + "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--batch-size', type=int, default=32)\nargs = p.parse_args()\n"
        "ds = tf.data.Dataset.range(9).batch(args.batch_size)\n" + FIT,
        batch("batch(args"), ("default=256",), noted="run it with `--batch-size 256`",
    ),
    "argparse without a default": Case(
        TF + "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('-b', '--rows', dest='b', type=int, required=True)\nargs = p.parse_args()\n"
        "ds = tf.data.Dataset.range(9).batch(args.b)\n" + FIT,
        batch("batch(args.b)"), refused="run it with `--rows 256`",
    ),
    "an environment variable with a default": Case(
        TF + "import os\nB = int(os.environ.get('BATCH', '32'))\n"
        "ds = tf.data.Dataset.range(9).batch(B)\n" + FIT,
        batch("batch(B)"), ("os.environ.get('BATCH', \"256\")",), noted="run it with BATCH=256",
    ),
    "an environment variable alone": Case(
        TF + "import os\nds = tf.data.Dataset.range(9).batch(int(os.environ['BATCH']))\n" + FIT,
        batch("batch(int"), refused="run it with BATCH=256",
    ),
    "a dictionary": Case(
        TF + "cfg = {'batch': 32, 'rate': 0.1}\nds = tf.data.Dataset.range(9).batch(cfg['batch'])\n"
        + FIT,
        batch("batch(cfg"), ("{'batch': 256, 'rate': 0.1}",),
    ),
    "a configuration file": Case(
        TF + "import json\ncfg = json.load(open('c.json'))\n"
        "ds = tf.data.Dataset.range(9).batch(cfg['batch'])\n" + FIT,
        batch("batch(cfg"), refused="cfg['batch']",
    ),
    "a function that returns the dataset": Case(
        TF + "def make(rows):\n    ds = tf.data.Dataset.range(9)\n    return ds.batch(rows)\n\n\n"
        "ds = make(32)\n" + FIT,
        batch("ds.batch(rows)"), ("make(256)", "ds.batch(rows)"),
    ),
    "a function with a default": Case(
        TF + "def make(rows=32):\n    return tf.data.Dataset.range(9).batch(rows)\n\n\nds = make()\n"
        + FIT,
        batch(".batch(rows)"), ("def make(rows=256):",),
    ),
    "a function that is called twice": Case(
        TF + "def make(rows):\n    return tf.data.Dataset.range(9).batch(rows)\n\n\n"
        "ds, val = make(32), make(64)\n" + FIT,
        batch(".batch(rows)"), refused="several places",
    ),
    "a decorator over the function": Case(
        TF + "@tf.function\ndef decode(x):\n    return x\n\n\n"
        "ds = tf.data.Dataset.range(9).map(decode).batch(4)\n" + FIT,
        parallel(".map(decode)"), (".map(decode, num_parallel_calls=tf.data.AUTOTUNE)",),
    ),
    "a lambda": Case(
        TF + "ds = tf.data.Dataset.range(9).map(lambda x: (x, x)).batch(4)\n" + FIT,
        (Wanted("num_parallel_calls", 4, ".map(lambda", ".map(<lambda>)"),),
        (".map(lambda x: (x, x), num_parallel_calls=4)",),
    ),
    "two maps in one line": Case(
        TF + "ds = tf.data.Dataset.range(9).map(read).map(decode)\n" + FIT,
        parallel(), (".map(read).map(decode, num_parallel_calls=tf.data.AUTOTUNE)",),
    ),
    "two maps that cannot be told apart": Case(
        TF + "ds = tf.data.Dataset.range(9).map(lambda x: x).map(lambda y: y)\n" + FIT,
        (Wanted("num_parallel_calls", 4, ".map(lambda", ".map(<lambda>)"),),
        refused="2 calls",
    ),
    "Windows line ends": Case(
        (TF + "ds = tf.data.Dataset.range(9).map(decode)\n" + FIT).replace("\n", "\r\n"),
        (*parallel(), Wanted("mixed_precision", "mixed_bfloat16")),
        ("num_parallel_calls=tf.data.AUTOTUNE)\r\n",
         'tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")\r\n'),
    ),
    "tabs": Case(
        TF + "def main():\n\tds = tf.data.Dataset.range(9)\n\tds = ds.batch(4)\n"
        "\tmodel.compile('adam')\n\tmodel.fit(ds, epochs=1)\n\n\nmain()\n",
        (Wanted("private_threadpool", 2),),
        ("\tgputune_options = tf.data.Options()\n",
         "\tgputune_options.threading.private_threadpool_size = 2\n",
         "\tmodel.fit(ds.with_options(gputune_options), epochs=1)\n"),
    ),
    "not in ASCII": Case(
        "# Größe der Stöße: 32 ✓\n" + TF + "größe = 32\nds = tf.data.Dataset.range(9).batch(größe)\n"
        + FIT,
        batch("batch(größe)"), ("größe = 256\n", "# Größe der Stöße: 32 ✓\n"),
    ),
    "a dataset built in a loop": Case(
        TF + "ds = tf.data.Dataset.range(9)\nfor f in (decode, widen):\n    ds = ds.map(f)\n" + FIT,
        (Wanted("num_parallel_calls", 4, "ds.map(f)", ".map(decode)"),),
        ("    ds = ds.map(f, num_parallel_calls=4)\n",),
    ),
    "no end of the last line": Case(
        TF + "ds = tf.data.Dataset.range(9).map(decode)\n" + FIT.rstrip("\n"),
        parallel(), ("num_parallel_calls=tf.data.AUTOTUNE",),
    ),
    "several files": Case(
        TF + "from data import make\nfrom models import build\n\nds = make()\nmodel = build()\n"
        "model.fit(ds, epochs=2)\n",
        (*parallel(".map(decode)", "data.py"), Wanted("steps_per_execution", 16)),
        ("num_parallel_calls=tf.data.AUTOTUNE", "m.compile('adam', 'mse', steps_per_execution=16)"),
        files={
            "data.py": TF + "def make():\n    return tf.data.Dataset.range(9).map(decode)\n",
            "models.py": "import keras\n\n\ndef build():\n    m = keras.Sequential()\n"
            "    m.compile('adam', 'mse')\n    return m\n",
        },
    ),
    "a policy that is there": Case(
        "import keras\nkeras.mixed_precision.set_global_policy('float32')\n" + FIT,
        (Wanted("mixed_precision", "mixed_bfloat16"),), ('set_global_policy("mixed_bfloat16")',),
    ),
    "memory growth after the imports": Case(
        '"""Trains."""\nfrom __future__ import annotations\n\nimport os\n\n' + TF + "\nx = 1\n" + FIT,
        (Wanted("memory_growth", "growth"),),
        ('import tensorflow as tf\n\nos.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"\n\nx = 1\n',),
    ),
    "an optimizer written out": Case(
        "import keras\nmodel.compile(keras.optimizers.Adam(1e-3), 'mse')\nmodel.fit(ds, epochs=1)\n",
        (Wanted("learning_rate", 0.002),), ("keras.optimizers.Adam(0.002)",),
    ),
    "an optimizer by its name": Case(
        "import keras\n" + FIT, (Wanted("learning_rate", 0.002),), refused="write it out",
    ),
    "compile by **": Case(
        "import keras\nmodel.compile(**how)\nmodel.fit(ds, epochs=1)\n",
        (Wanted("jit_compile", False),), refused="jit_compile=False",
    ),
    "an option at the line that ends a loop's pipeline": Case(
        TF + "ds = tf.data.Dataset.range(9).map(decode)\nds = ds.batch(4)\nfor x in ds:\n    step(x)\n",
        (Wanted("deterministic", False, "ds.batch(4)", ".batch(4)"),
         Wanted("private_threadpool", 2, "ds.batch(4)", ".batch(4)")),
        ("gputune_options.deterministic = False\n",
         "ds = ds.batch(4).with_options(gputune_options)\n"), gone=("deterministic=False",),
    ),
    "a declared knob": Case(
        "import gputune\n" + TF + "width = gputune.knob('width', 64, choices=[32, 64])  # wide\n"
        "depth = gputune.knob('depth', 2)\n" + FIT,
        (Wanted("knob.width", 32),),
        ("gputune.knob('width', 32, choices=[32, 64])  # wide\n", "knob('depth', 2)"),
    ),
    "a declared knob under another name, in another file": Case(
        TF + "from model import build\n" + FIT,
        (Wanted("knob.rate", 0.5), Wanted("knob.kind", "relu"), Wanted("knob.on", False)),
        ("k(name='rate', default=0.5, low=.1, high=1.)", 'k("kind", \'relu\')', "k('on', False)"),
        files={
            "model.py": "from gputune import knob as k\n\n\ndef build():\n"
            "    k(name='rate', default=0.25, low=.1, high=1.)\n"
            "    return k(\"kind\", 'gelu'), k('on', True)\n",
        },
    ),
    "a declared knob whose default is a constant": Case(
        "import gputune as g\nSIZE = 32\n" + TF + "size = g.knob('batch_size', SIZE)\n" + FIT,
        (Wanted("knob.batch_size", 128),), ("SIZE = 128\n", "g.knob('batch_size', SIZE)"),
    ),
    "a declared knob that the script does not have": Case(
        "import gputune\n" + TF + "width = gputune.knob('width', 64)\n"
        "other = theirs.knob('depth', 1)\n" + FIT,
        (Wanted("knob.depth", 2),), refused='no gputune.knob("depth", …) stands in the script',
    ),
    "a declared knob that hides its arguments": Case(
        "import gputune\n" + TF + "width = gputune.knob('width', **how)\n" + FIT,
        (Wanted("knob.width", 2),), refused="* or ** hide its arguments",
    ),
    "an interleave": Case(
        TF + "ds = files.interleave(tf.data.TFRecordDataset, cycle_length=2)\n" + FIT,
        (Wanted("interleave", 8, ".interleave(", ".interleave(TFRecordDataset)"),),
        ("cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE)",),
    ),
    "a line that has changed": Case(
        TF + "ds = tf.data.Dataset.range(9).map(decode)\n" + FIT,
        (Wanted("vectorize", "yes", "ds = tf"),), refused="by hand",
    ),
}  # fmt: skip
