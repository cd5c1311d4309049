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
        "SIZE_OF_IMAGE = 64\nimage = zeros(SIZE_OF_IMAGE)\n",
    ],
)
def test_batches_buffers_and_words_do_not_count(rest: str) -> None:
    assert found(HEAD + rest, 3) is None


def test_only_a_constant_of_the_module_is_followed() -> None:
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
