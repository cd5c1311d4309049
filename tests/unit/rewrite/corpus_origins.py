"""Sources in which it is easy to take the wrong place for the one where a value is set."""

from __future__ import annotations

from tests.unit.rewrite.corpus import FIT, TF, Case, Wanted, batch, parallel

RANGE = "tf.data.Dataset.range(9)"
KERAS = "import keras\n"
END = "model.fit(ds, epochs=1)\n"
RATE = (Wanted("learning_rate", 0.01),)
JIT = (Wanted("jit_compile", True),)
BATCHES = batch(".batch(")
ARGPARSE = TF + "import argparse\np = argparse.ArgumentParser()\n"
DATACLASS = TF + "from dataclasses import dataclass, field, replace\n@dataclass\nclass C:\n"


def batched(by: str) -> str:
    return f"ds = {RANGE}.batch({by})\n" + FIT


LEARNING_RATE: dict[str, Case] = {
    "two compiles with rates of their own": Case(
        KERAS + "model.compile(keras.optimizers.Adam(1e-3))\n" + END
        + "model.compile(keras.optimizers.Adam(1e-5))\n" + END,
        RATE, refused="which is meant is not recorded",
    ),
    "two compiles with one optimizer": Case(
        KERAS + "opt = keras.optimizers.Adam(1e-3)\nmodel.compile(opt)\n" + END
        + "model.compile(opt, 'mse')\n" + END,
        RATE, ("opt = keras.optimizers.Adam(0.01)",),
    ),
    "a helper of one's own makes the optimizer": Case(
        KERAS + "def get_opt(name, lr):\n    return keras.optimizers.Adam(lr)\n\n\n"
        "model.compile(optimizer=get_opt('adam', 1e-3))\n" + END,
        RATE, ("get_opt('adam', 0.01)",),
    ),
    "a helper that is given the rate by name": Case(
        KERAS + "def make(init_lr, steps):\n    return keras.optimizers.Adam(init_lr)\n\n\n"
        "model.compile(optimizer=make(init_lr=1e-3, steps=100))\n" + END,
        RATE, ("make(init_lr=0.01, steps=100)",),
    ),
    "a helper that has the rate itself": Case(
        KERAS + "def make(cfg):\n    return keras.optimizers.Adam(1e-3)\n\n\n"
        "model.compile(optimizer=make(cfg))\n" + END,
        RATE, ("keras.optimizers.Adam(0.01)", "make(cfg)"),
    ),
    "a helper from elsewhere": Case(
        KERAS + "from lib import create_optimizer\nopt = create_optimizer(10000, warmup=100)\n"
        "model.compile(opt)\n" + END,
        RATE, refused="the optimizer is create_optimizer(10000, warmup=100)",
    ),
    "keras.optimizers.get": Case(
        KERAS + "model.compile(keras.optimizers.get('adam'))\n" + END,
        RATE, refused="the optimizer is keras.optimizers.get('adam')",
    ),
    "a class of one's own that is called Adam": Case(
        KERAS + "from lib import Adam\nmodel.compile(Adam(3))\n" + END,
        RATE, refused="the optimizer is Adam(3)",
    ),
    "an optimizer that is imported by itself": Case(
        "from tensorflow.keras.optimizers import SGD as S\nmodel.compile(S(momentum=0.9))\n" + END,
        RATE, ("S(momentum=0.9, learning_rate=0.01)",),
    ),
    "an optimizer in another": Case(
        TF + "keras = tf.keras\nopt = keras.optimizers.Adam(1e-3)\n"
        "opt = keras.mixed_precision.LossScaleOptimizer(opt)\nmodel.compile(opt)\n" + END,
        RATE, refused="the optimizer is opt",
    ),
    "a rate that is another argument, too": Case(
        KERAS + "EPS = 1e-3\nmodel.compile(keras.optimizers.Adam(EPS, epsilon=EPS))\n" + END,
        RATE, ("keras.optimizers.Adam(0.01, epsilon=EPS)", "EPS = 1e-3\n"),
    ),
    "a rate that is printed, too": Case(
        KERAS + "LR = 1e-3\nprint('rate', LR, f'{LR}')\n"
        "model.compile(keras.optimizers.Adam(LR))\n" + END,
        RATE, ("LR = 0.01\n", "Adam(LR)"),
    ),
    "the old name of the rate": Case(
        KERAS + "model.compile(keras.optimizers.Adam(lr=1e-3))\n" + END,
        RATE, refused="name it learning_rate",
    ),
}  # fmt: skip

TEXT: dict[str, Case] = {
    "an environment variable that is read as an integer": Case(
        TF + "import os\nW = int(os.environ.get('W', '4'))\nds = data.map(decode, W)\n" + FIT,
        parallel(), ("os.environ.get('W', \"-1\")",), noted="run it with W=-1 where",
    ),
    "an environment variable with a number": Case(
        TF + "import os\nW = int(os.getenv('W', 4))\nds = data.map(decode, W)\n" + FIT,
        parallel(), ("os.getenv('W', -1)",), noted="run it with W=-1 where",
    ),
    "an option with text for an integer": Case(
        ARGPARSE + "p.add_argument('--workers', type=int, default='4')\na = p.parse_args()\n"
        "ds = data.map(decode, a.workers)\n" + FIT,
        parallel(), ('default="-1"',), noted="run it with `--workers=-1` where",
    ),
    "an option with an integer": Case(
        ARGPARSE + "p.add_argument('--workers', type=int, default=4)\na = p.parse_args()\n"
        "ds = data.map(decode, a.workers)\n" + FIT,
        parallel(), ("default=-1)",), noted="run it with `--workers=-1` where",
    ),
    "a truth that is read as an integer": Case(
        KERAS + "import os\nmodel.compile('adam', jit_compile=bool(int(os.getenv('JIT', '0'))))\n"
        + END,
        JIT, ("os.getenv('JIT', \"1\")",), noted="run it with JIT=1 where",
    ),
    "no truth of a text": Case(
        KERAS + "import os\nmodel.compile('adam', jit_compile=bool(os.getenv('JIT', 'x')))\n" + END,
        (Wanted("jit_compile", False),), ("os.getenv('JIT', \"\")",), noted="run it with JIT= where",
    ),
    "text that nothing reads as a number": Case(
        TF + "import os\n" + batched("os.getenv('B', '32')"), BATCHES, refused="give it what stands",
    ),
    "what only looks like the environment": Case(
        TF + batched("int(myenviron.get('B', 32))"), BATCHES, refused="myenviron.get",
    ),
    "a config without TensorFlow": Case(
        TF + "from config import W\nds = data.map(decode, W)\n" + FIT,
        parallel(), ("W = -1\n",), gone=("import tensorflow as tf\nW",), files={"config.py": "W = 4\n"},
    ),
}  # fmt: skip

SHARED: dict[str, Case] = {
    "AUTOTUNE by a name for two": Case(
        TF + f"AUTO = tf.data.AUTOTUNE\nds = {RANGE}.map(decode, AUTO).prefetch(AUTO)\n" + FIT,
        (Wanted("prefetch", 4),), ("AUTO = tf.data.AUTOTUNE\n", ".map(decode, AUTO).prefetch(4)"),
    ),
    "AUTOTUNE by a name for two, of which the first changes": Case(
        TF + f"AUTO = tf.data.AUTOTUNE\nds = {RANGE}.map(decode, AUTO).prefetch(AUTO)\n" + FIT,
        (Wanted("num_parallel_calls", 4, ".map(", ".map(decode)"),),
        ("AUTO = tf.data.AUTOTUNE\n", ".map(decode, 4).prefetch(AUTO)"),
    ),
    "workers of a pool, too": Case(
        TF + "WORKERS = 4\nds = data.map(decode, WORKERS)\npool = ThreadPoolExecutor(WORKERS)\n" + FIT,
        parallel(), ("WORKERS = 4\n", ".map(decode, tf.data.AUTOTUNE)", "Executor(WORKERS)"),
    ),
    "workers of a pool in another file, too": Case(
        TF + "import config\nfrom pool import pool\nds = data.map(decode, config.W)\n" + FIT,
        parallel(), ("W = 4\n", ".map(decode, tf.data.AUTOTUNE)", "Executor(W)"),
        files={"config.py": "W = 4\n", "pool.py": "from config import W\npool = Executor(W)\n"},
    ),
    "a parameter that has another use": Case(
        TF + "def make(n):\n    pool = Executor(n)\n    return data.map(decode, n)\n\n\nds = make(4)\n"
        + FIT,
        parallel(), ("make(4)", ".map(decode, tf.data.AUTOTUNE)", "Executor(n)"),
    ),
    "an option that has another use": Case(
        ARGPARSE + "p.add_argument('--w', type=int, default=4)\na = p.parse_args()\n"
        "pool = Executor(a.w)\nds = data.map(decode, a.w)\n" + FIT,
        parallel(), refused="something else uses a.w, too",
    ),
    "two names set together": Case(
        TF + f"B = V = 32\nval = {RANGE}.batch(V)\n" + batched("B"), batch("batch(B)"),
        ("B = V = 32\n", ".batch(256)", ".batch(V)"),
    ),
    "two names set together, both used": Case(
        TF + f"B = V = 32\nval = {RANGE}.batch(V)\nn = 9 // B\n" + batched("B"), batch("batch(B)"),
        refused="set together with another name",
    ),
}  # fmt: skip

SCOPES: dict[str, Case] = {
    "a parameter shadows a dictionary": Case(
        TF + "cfg = {'batch': 7}\n\n\ndef main(cfg):\n    ds = " + RANGE + ".batch(cfg['batch'])\n"
        "    model.compile('adam')\n    model.fit(ds, epochs=1)\n\n\nmain({'batch': 32})\n",
        BATCHES, ("main({'batch': 256})", "cfg = {'batch': 7}"),
    ),
    "a dictionary of another function": Case(
        TF + "def other():\n    cfg = {'batch': 7}\n    return cfg\n\n\ndef main(cfg):\n    ds = "
        + RANGE + ".batch(cfg['batch'])\n    model.fit(ds, epochs=1)\n\n\nmain(load())\n",
        BATCHES, refused="cfg['batch']",
    ),
    "a parameter of a lambda": Case(
        TF + f"b = 7\nmk = lambda b: {RANGE}.batch(b)\nds = mk(32)\n" + FIT,
        BATCHES, refused="a parameter of a lambda",
    ),
    "a variable of a comprehension": Case(
        TF + f"b = 7\nds = [{RANGE}.batch(b) for b in (32, 64)][0]\n" + FIT,
        BATCHES, refused="by no simple assignment",
    ),
    "a name of a with": Case(
        TF + f"b = 7\ndef main():\n    with sizes() as b:\n        ds = {RANGE}.batch(b)\n"
        "        model.fit(ds, epochs=1)\n\n\nmain()\n",
        BATCHES, refused="by no simple assignment",
    ),
    "a global that a function sets": Case(
        TF + "B = 32\n\n\ndef main():\n    global B\n    B = 64\n\n\nmain()\n" + batched("B"),
        BATCHES, refused="B is set 2 times",
    ),
    "a parameter that is set again": Case(
        TF + f"def make(n=None):\n    n = n or 64\n    return {RANGE}.batch(n)\n\n\nds = make()\n" + FIT,
        BATCHES, refused="n is set 2 times",
    ),
    "an import with another to fall back on": Case(
        TF + "try:\n    from local import B\nexcept ImportError:\n    from config import B\n"
        + batched("B"),
        BATCHES, refused="B is set 2 times", files={"local.py": "B = 16\n", "config.py": "B = 32\n"},
    ),
    "a module's constant that is set from outside": Case(
        TF + "import config\nconfig.B = 64\n" + batched("config.B"),
        BATCHES, refused="set elsewhere, too (train.py:3)", files={"config.py": "B = 32\n"},
    ),
    "everything is imported below a constant": Case(
        TF + "B = 32\nfrom config import *\n" + batched("B"), BATCHES,
        refused="train.py:3 imports *, which may set B", files={"config.py": "B = 16\n"},
    ),
    "a dictionary that is updated": Case(
        TF + "cfg = {'batch': 32}\ncfg.update(load())\n" + batched("cfg['batch']"),
        BATCHES, refused="set elsewhere, too (train.py:3)",
    ),
    "a dictionary that a function changes": Case(
        TF + "cfg = {'batch': 32}\n\n\ndef small(c):\n    c['batch'] = 2\n\n\nsmall(cfg)\n"
        + batched("cfg['batch']"),
        BATCHES, refused="set elsewhere, too (train.py:6)",
    ),
    "a dictionary with others behind the key": Case(
        TF + "cfg = {'batch': 32, **over}\n" + batched("cfg['batch']"),
        BATCHES, refused="**over behind 'batch' can set it",
    ),
    "a dictionary with others before the key": Case(
        TF + "cfg = {**base, 'batch': 32}\n" + batched("cfg['batch']"),
        BATCHES, ("{**base, 'batch': 256}",),
    ),
    "a dictionary in a dictionary": Case(
        TF + "cfg = {'train': {'batch': 32}, 'val': {'batch': 64}}\n"
        + batched("cfg['train']['batch']"),
        BATCHES, ("{'train': {'batch': 256}, 'val': {'batch': 64}}",),
    ),
}  # fmt: skip

CLASSES: dict[str, Case] = {
    "a class that only has the attribute's name": Case(
        TF + "class Eval:\n    batch_size = 64\n\n\nfrom lib import cfg\n" + batched("cfg.batch_size"),
        BATCHES, refused="cfg.batch_size",
    ),
    "a callback that has the attribute's name": Case(
        TF + "class Cb(keras.callbacks.Callback):\n    batch_size = 1\n\n\ncfg = yaml.load(f)\n"
        + batched("cfg.batch_size"),
        BATCHES, refused="cfg.batch_size",
    ),
    "an option that has the attribute's name": Case(
        ARGPARSE + "p.add_argument('--batch-size', type=int, default=8)\nargs = p.parse_args()\n"
        "from lib import cfg\n" + batched("cfg.batch_size"),
        BATCHES, refused="cfg.batch_size",
    ),
    "one class for training and validation": Case(
        DATACLASS + "    batch: int = 32\n\n\n@dataclass\nclass All:\n"
        "    train: C = field(default_factory=C)\n"
        "    val: C = field(default_factory=lambda: C(batch=64))\n\n\nc = All()\n"
        + batched("c.train.batch"),
        BATCHES, ("batch: int = 256", "C(batch=64)"),
    ),
    "the factory that gives the value": Case(
        DATACLASS + "    batch: int = 32\n\n\n@dataclass\nclass All:\n"
        "    train: C = field(default_factory=C)\n"
        "    val: C = field(default_factory=lambda: C(batch=64))\n\n\nc = All()\n"
        + batched("c.val.batch"),
        BATCHES, ("batch: int = 32", "C(batch=256)"),
    ),
    "two instances of a dataclass": Case(
        DATACLASS + "    batch: int = 32\n\n\nval, c = C(batch=64), None\nc2 = C()\n"
        + batched("c2.batch"),
        BATCHES, ("batch: int = 256", "C(batch=64)"),
    ),
    "a dataclass by its places": Case(
        DATACLASS + "    rate: float\n    batch: int = 32\n\n\nc = C(0.1, 64)\n" + batched("c.batch"),
        BATCHES, ("C(0.1, 256)", "batch: int = 32"),
    ),
    "a field with a default": Case(
        DATACLASS + "    batch: int = field(default=32)\n\n\nc = C()\n" + batched("c.batch"),
        BATCHES, ("field(default=256)",),
    ),
    "a field that is set later": Case(
        DATACLASS + "    batch: int = 32\n\n\nc = C()\nc.batch = 64\n" + batched("c.batch"),
        BATCHES, refused="set elsewhere, too (train.py:9)",
    ),
    "a dataclass replaced": Case(
        DATACLASS + "    batch: int = 32\n\n\nc = replace(C(), batch=64)\n" + batched("c.batch"),
        BATCHES, refused="c.batch",
    ),
    "a named tuple replaced": Case(
        TF + "class C(NamedTuple):\n    batch: int = 32\n\n\nc = C(batch=16)._replace(batch=8)\n"
        + batched("c.batch"),
        BATCHES, refused="c.batch",
    ),
    "a class attribute that __init__ sets": Case(
        TF + "class T:\n    size = 32\n\n    def __init__(self, b=64):\n        self.size = b\n\n"
        f"    def run(self):\n        ds = {RANGE}.batch(self.size)\n"
        "        model.fit(ds, epochs=1)\n\n\nT().run()\n",
        BATCHES, refused="set elsewhere, too (train.py:6)",
    ),
    "an attribute that only __init__ sets": Case(
        TF + "class T:\n    def __init__(self, b=64):\n        self.size = b\n\n"
        f"    def run(self):\n        ds = {RANGE}.batch(self.size)\n"
        "        model.fit(ds, epochs=1)\n\n\nT().run()\n",
        BATCHES, ("def __init__(self, b=256):",),
    ),
    "a subclass that passes the value": Case(
        TF + f"class L:\n    def __init__(self, n=32):\n        self.ds = {RANGE}.batch(n)\n\n\n"
        "class M(L):\n    def __init__(self):\n        super().__init__(64)\n\n\nds = M().ds\n" + FIT,
        BATCHES, refused="M is a subclass of L",
    ),
    "an attribute of the options that is changed": Case(
        ARGPARSE + "p.add_argument('--batch-size', type=int, default=8)\nargs = p.parse_args()\n"
        "args.batch_size *= n\n" + batched("args.batch_size"),
        BATCHES, refused="set elsewhere, too (train.py:6)",
    ),
    "a command line that the script writes itself": Case(
        ARGPARSE + "p.add_argument('--b', type=int, default=8)\na = p.parse_args(['--b', '16'])\n"
        + batched("a.b"),
        BATCHES, refused="train.py:5 gives the options itself",
    ),
    "a subclass with the attribute": Case(
        TF + f"class A:\n    b = 32\n\n    def run(self):\n        ds = {RANGE}.batch(self.b)\n"
        "        model.fit(ds, epochs=1)\n\n\nclass Z(A):\n    b = 64\n\n\nZ().run()\n",
        BATCHES, refused="Z has b of its own (train.py:10)",
    ),
    "set_defaults": Case(
        ARGPARSE + "p.add_argument('--batch-size', type=int, default=8)\n"
        "p.set_defaults(batch_size=32)\nargs = p.parse_args()\n" + batched("args.batch_size"),
        BATCHES, refused="set_defaults(…) sets batch_size, too (train.py:5)",
    ),
    "options that a function parses and another takes": Case(
        TF + "import argparse\n\n\ndef parse():\n    p = argparse.ArgumentParser()\n"
        "    p.add_argument('--rows', type=int, default=8)\n    return p.parse_args()\n\n\n"
        f"def main(args):\n    ds = {RANGE}.batch(args.rows)\n    model.fit(ds, epochs=1)\n\n\n"
        "main(parse())\n",
        BATCHES, ("default=256",), noted="run it with `--rows 256`",
    ),
}  # fmt: skip

ADVICE: dict[str, Case] = {
    "an argument without a dash": Case(
        ARGPARSE + "p.add_argument('rows', type=int, nargs='?', default=32)\na = p.parse_args()\n"
        + batched("a.rows"),
        BATCHES, ("default=256",), noted="run it with `256` for rows",
    ),
    "a switch": Case(
        KERAS + "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--jit', action='store_true')\na = p.parse_args()\n"
        "model.compile('adam', jit_compile=a.jit)\n" + END,
        JIT, refused="run it with `--jit`",
    ),
    "a switch that is off": Case(
        KERAS + "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--jit', action='store_true')\na = p.parse_args()\n"
        "model.compile('adam', jit_compile=a.jit)\n" + END,
        (Wanted("jit_compile", False),), refused="run it without `--jit`",
    ),
    "a choice of others": Case(
        ARGPARSE + "p.add_argument('-b', type=int, default=32, choices=[16, 32, 64])\n"
        "a = p.parse_args()\n" + batched("a.b"),
        BATCHES, refused="256 is none of the choices of -b (train.py:4)",
    ),
    "a choice of policies": Case(
        KERAS + "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--precision', default='float32', choices=['float32', 'mixed_float16'])\n"
        "a = p.parse_args()\nkeras.config.set_dtype_policy(a.precision)\n" + FIT,
        (Wanted("mixed_precision", "mixed_bfloat16"),),
        refused="mixed_bfloat16 is none of the choices of --precision",
    ),
    "a choice that has it": Case(
        ARGPARSE + "p.add_argument('-b', type=int, default=32, choices=[32, 256])\n"
        "a = p.parse_args()\n" + batched("a.b"),
        BATCHES, ("default=256",), noted="run it with `-b 256`",
    ),
    "one call with, one without": Case(
        TF + f"def mk(f, b=32):\n    return {RANGE}.batch(b)\n\n\nds = mk('a')\nval = mk('b', b=64)\n"
        + FIT,
        BATCHES, refused="pass b (train.py:7), others do not (train.py:6)",
    ),
    "a function of numpy with the name of one's own": Case(
        TF + "import json\nimport numpy as np\n\n\ndef load(n=32):\n"
        f"    return {RANGE}.batch(n)\n\n\nds = load()\nw = np.load(64)\nj = json.load(1)\n" + FIT,
        BATCHES, ("def load(n=256):",),
    ),
    "a method of another class with the same name": Case(
        TF + f"class L:\n    def load(self, n=16):\n        return {RANGE}.batch(n)\n\n\n"
        "class M:\n    def load(self, n=16):\n        return n\n\n\nds = L().load()\nm = M().load(3)\n"
        + FIT,
        BATCHES, ("    def load(self, n=256):\n        return tf",),
    ),
    "an option of click": Case(
        TF + "import click\n\n\n@click.command()\n@click.option('--batch', default=32)\n"
        f"def main(batch):\n    ds = {RANGE}.batch(batch)\n    model.fit(ds, epochs=1)\n\n\nmain()\n",
        BATCHES, ("default=256",), noted="run it with `--batch 256`",
    ),
    "a decorator that gives the value": Case(
        TF + f"@hydra.main(config_path='c')\ndef main(batch):\n    ds = {RANGE}.batch(batch)\n"
        "    model.fit(ds, epochs=1)\n\n\nmain()\n",
        BATCHES, refused="@hydra.main(config_path='c') stands over main(…)",
    ),
    "a default that is a constant": Case(
        TF + f"B = 32\n\n\ndef mk(b=B):\n    return {RANGE}.batch(b)\n\n\nds = mk()\n" + FIT,
        BATCHES, ("B = 256\n", "mk(b=B)"),
    ),
    "a function that is handed on": Case(
        TF + f"def load(n=32):\n    return {RANGE}.batch(n)\n\n\nds = run(load, 64)\n" + FIT,
        BATCHES, refused="load is handed on at train.py:6",
    ),
}  # fmt: skip

CONFLICTS: dict[str, Case] = {
    "a site that is given twice": Case(
        TF + batched("32"), (*batch(".batch(32)", 64), *batch(".batch(32)", 128)),
        refused="one place is to have 64 and 128",
    ),
    "all calls and one": Case(
        TF + batched("32"), (*batch("", 64), *batch(".batch(32)", 128)),
        refused="one place is to have 64 and 128",
    ),
    "one constant of two sites": Case(
        TF + f"B = 32\nval = {RANGE}.batch(B)\n" + batched("B"),
        (*batch("val = ", 64), *batch("ds = ", 128)), refused="one place is to have 64 and 128",
    ),
    "one constant of two sites that agree": Case(
        TF + f"B = 32\nval = {RANGE}.batch(B)\n" + batched("B"),
        (*batch("val = ", 64), *batch("ds = ", 64)), ("B = 64\n",),
    ),
    "three values, of which two agree": Case(
        TF + batched("32"),
        (*batch("", 64), *batch(".batch(32)", 128), *batch(".batch(32)", 64)),
        refused="one place is to have 64 and 128",
    ),
    "an argument that is there already, and another": Case(
        TF + batched("64"), (*batch("", 64), *batch(".batch(64)", 128)),
        refused="one place is to have 64 and 128",
    ),
    "an argument that is added twice": Case(
        TF + "ds = data.map(decode)\n" + FIT,
        (Wanted("num_parallel_calls", 2, ".map("), Wanted("num_parallel_calls", 4, ".map(")),
        refused="one place is to have 2 and 4",
    ),
}  # fmt: skip

ORDER = (Wanted("deterministic", False),)
THREADS = (Wanted("private_threadpool", 4),)
OPTIONS = "o = tf.data.Options()\no.deterministic = True\n"
INSERTED = "gputune_options.deterministic = False\nmodel.fit(ds.with_options(gputune_options)"
DATA = "ds = data.map(decode)\n"

PIPELINE_OPTIONS: dict[str, Case] = {
    "options of the pipeline": Case(
        TF + OPTIONS + "ds = data.map(decode).with_options(o).prefetch(1)\n" + FIT,
        ORDER, ("o.deterministic = False\n", "model.fit(ds, epochs=2)"),
    ),
    "options in a call of fit": Case(
        TF + OPTIONS + DATA + "model.fit(ds.with_options(o), epochs=2)\n",
        ORDER, ("o.deterministic = False\n", "model.fit(ds.with_options(o), epochs=2)"),
    ),
    "options of a recorded pipeline": Case(
        TF + OPTIONS + "ds = data.map(decode).batch(4).with_options(o)\nfor x in ds:\n    step(x)\n",
        (Wanted("deterministic", False, ".batch(4)", ".batch(4)"),),
        ("o.deterministic = False\n", ".batch(4).with_options(o)\n"),
    ),
    "torch is to be deterministic": Case(
        TF + "import torch\ntorch.backends.cudnn.deterministic = True\n" + DATA + FIT,
        ORDER, ("cudnn.deterministic = True", INSERTED),
    ),
    "something of one's own is deterministic": Case(
        TF + "cfg.deterministic = True\n" + DATA + FIT, ORDER, ("cfg.deterministic = True", INSERTED),
    ),
    "options of the validation": Case(
        TF + OPTIONS + "val = other.with_options(o)\n" + DATA + FIT,
        ORDER, ("o.deterministic = True", INSERTED),
    ),
    "options that were put there before, and one more": Case(
        TF + DATA + "gputune_options = tf.data.Options()\n"
        "gputune_options.threading.private_threadpool_size = 4\n"
        "model.fit(ds.with_options(gputune_options), epochs=2)\n",
        (*THREADS, *ORDER),
        ("private_threadpool_size = 4\ngputune_options.deterministic = False\n"
         "model.fit(ds.with_options(gputune_options), epochs=2)",),
    ),
    "two fits of one pipeline": Case(
        TF + DATA + FIT + FIT, THREADS,
        ("model.fit(ds.with_options(gputune_options), epochs=2)\nmodel.compile('adam', 'mse')\n"
         "gputune_options = tf.data.Options()\n",),
    ),
    "options on some runs": Case(
        TF + "o = tf.data.Options()\nif slow:\n    o.threading.private_threadpool_size = 2\n"
        "ds = data.with_options(o)\n" + FIT,
        THREADS,
        ("    o.threading.private_threadpool_size = 2\n",
         "gputune_options.threading.private_threadpool_size = 4\n"
         "model.fit(ds.with_options(gputune_options)"),
    ),
}  # fmt: skip

CASES = {
    **PIPELINE_OPTIONS,
    **CONFLICTS,
    **LEARNING_RATE,
    **TEXT,
    **SHARED,
    **SCOPES,
    **CLASSES,
    **ADVICE,
}
