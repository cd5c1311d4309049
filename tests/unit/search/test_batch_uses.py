from __future__ import annotations

import pytest

from gputune.search.batch_uses import other_uses


def found(source: str, line: int) -> tuple[str, tuple[int, ...]] | None:
    uses = other_uses(source, line)
    return None if uses is None else (uses.name, uses.lines)


HEAD = "import tensorflow as tf\nSIZE = 64\nds = source().batch(SIZE, drop_remainder=True)\n"


@pytest.mark.parametrize(
    ("rest", "lines"),
    [
        ("def step(x):\n    noise = tf.random.normal((SIZE, 32))\n", (5,)),
        ("loss = tf.nn.compute_average_loss(each, global_batch_size=SIZE)\n", (4,)),
        ("steps = count // SIZE\nrate = decay(steps)\n", (4,)),
        ("model.fit(ds, steps_per_epoch=count // SIZE)\n", (4,)),
        ("state = tf.Variable(tf.zeros([SIZE, 8]))\nmore = tf.ones(SIZE)\n", (4, 5)),
        ("other = tf.data.Dataset.range(SIZE).batch(2)\n", (4,)),
    ],
)
def test_what_keeps_the_old_value_is_found(rest: str, lines: tuple[int, ...]) -> None:
    assert found(HEAD + rest, 3) == ("SIZE", lines)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "val = other().map(decode).batch(SIZE).cache()\n",
        "print('batch', SIZE, f'{SIZE} samples', 'of {}'.format(SIZE))\nname = f'b{SIZE}'\n",
        "ds = ds.shuffle(10 * SIZE).prefetch(SIZE)\n",
        "model.evaluate(x, y, batch_size=SIZE)\nlog(batch_size=SIZE)\n",
        "assert count % SIZE == 0 and SIZE > 8\nif SIZE < 4:\n    raise ValueError\n",
        "name = 'b%d' % SIZE\nwandb.init(config={'batch_size': SIZE})\n",
        "def other(SIZE):\n    return zeros(SIZE)\n",
        "def other():\n    SIZE = 3\n    return zeros(SIZE)\n",
        "SIZE_OF_IMAGE = 64\nimage = zeros(SIZE_OF_IMAGE)\n",
    ],
)
def test_batches_buffers_and_words_do_not_count(rest: str) -> None:
    assert found(HEAD + rest, 3) is None


LOSS = "tf.nn.compute_average_loss(each, global_batch_size="


@pytest.mark.parametrize(
    ("source", "line", "uses"),
    [
        (f"args = parse()\nds = src().batch(args.batch_size)\nl = {LOSS}args.batch_size)\n", 2,
         ("args.batch_size", (3,))),
        ("cfg = Config()\nds = src().batch(cfg.batch)\nsteps = n // cfg.batch\n", 2,
         ("cfg.batch", (3,))),
        (f"def main():\n    SIZE = 64\n    ds = src().batch(SIZE)\n    l = {LOSS}SIZE)\n", 3,
         ("SIZE", (4,))),
        ("def main():\n    SIZE = 2\n    ds = src().batch(SIZE)\n    def step(x):\n"
         "        return zeros(SIZE)\n", 3, ("SIZE", (5,))),
        (f"ds = src().batch(64)\nl = {LOSS}64)\nm = {LOSS}32)\n", 1, ("64", (2,))),
        ("SIZE = 64\nmodel.fit(x, y, batch_size=SIZE)\nnoise = zeros(SIZE)\n", 2,
         ("SIZE", (3,))),
        ("class A:\n    def make(self):\n        return src().batch(self.size)\n"
         "    def step(self):\n        return zeros(self.size)\n"
         "class B:\n    def step(self):\n        return zeros(self.size)\n", 3,
         ("self.size", (5,))),
    ],
)  # fmt: skip
def test_attributes_variables_of_a_function_and_a_losss_number_are_followed(
    source: str, line: int, uses: tuple[str, tuple[int, ...]]
) -> None:
    assert found(source, line) == uses


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("args = parse()\nds = src().batch(args.batch_size)\nprint(args.batch_size)\n"
         "n = args.batch\nval = other().batch(args.batch_size)\n", 2),
        ("def main():\n    SIZE = 2\n    ds = src().batch(SIZE)\n"
         "def other():\n    SIZE = 2\n    return zeros(SIZE)\n", 3),
        ("x = load()\ny = f(x)\nmodel.fit(x, y, batch_size=64)\nz = zeros(64)\n", 3),
        ("x = load()\nmodel.fit(x, y)\nz = g(x)\n", 2),
        (f"ds = src().batch(64)\nl = {LOSS}32)\nw = zeros(64)\n", 1),
    ],
)  # fmt: skip
def test_what_is_another_thing_does_not_count(source: str, line: int) -> None:
    assert found(source, line) is None


def test_parameters_and_expressions_are_not_followed() -> None:
    assert found("ds = ds.batch(64)\nx = zeros(64)\n", 1) is None
    assert found("def make(n):\n    return ds.batch(n), zeros(n)\n", 2) is None
    assert found("SIZE = 2\nds = ds.batch(2 * SIZE)\nx = zeros(SIZE)\n", 2) is None
    assert found("def broken(:\n", 1) is None


def test_nothing_is_said_of_the_source_itself(recwarn: pytest.WarningsRecorder) -> None:
    assert found(HEAD + "path = '\\d'\nx = zeros(SIZE)\n", 3) == ("SIZE", (5,))
    assert not recwarn.list


def test_a_call_over_several_lines() -> None:
    source = "SIZE = 2\nds = (\n    ds\n    .map(f)\n    .batch(SIZE)\n)\nx = zeros(SIZE)\n"
    assert found(source, 5) == ("SIZE", (7,))


@pytest.mark.parametrize(("value", "number"), [("64", 64), ("int(argv[1])", None), ("'64'", None)])
def test_what_the_source_sets_it_to(value: str, number: int | None) -> None:
    uses = other_uses(f"SIZE = {value}\nds = ds.batch(SIZE)\nx = zeros(SIZE)\n", 2)
    assert uses is not None
    assert uses.value == number
