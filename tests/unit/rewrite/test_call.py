from __future__ import annotations

import pytest

from gputune.rewrite.call import rewritten_call


@pytest.mark.parametrize(
    ("code", "arguments", "call"),
    [
        (
            "ds = ds.map(decode)",
            {"num_parallel_calls": "tf.data.AUTOTUNE"},
            ".map(decode, num_parallel_calls=tf.data.AUTOTUNE)",
        ),
        (".map(decode)  # slow", {"num_parallel_calls": "4"}, ".map(decode, num_parallel_calls=4)"),
        ("ds = ds.map(decode, 2)", {"num_parallel_calls": "4"}, ".map(decode, 4)"),
        (
            "ds.map(decode, num_parallel_calls=N, name='a')",
            {"num_parallel_calls": "4", "deterministic": "False"},
            ".map(decode, num_parallel_calls=4, name='a', deterministic=False)",
        ),
        ("ds = ds.shuffle(9).batch(B, True)", {"batch_size": "64"}, ".batch(64, True)"),
        ("model.fit(x, y, epochs=3)", {"batch_size": "64"}, ".fit(x, y, epochs=3, batch_size=64)"),
        ("ds = ds.prefetch(1)", {"prefetch": "8"}, ".prefetch(8)"),
        ("ds = ds.prefetch(buffer_size=1)", {"prefetch": "8"}, ".prefetch(buffer_size=8)"),
        (
            "model.compile('adam', 'mse')",
            {"steps_per_execution": "8"},
            ".compile('adam', 'mse', steps_per_execution=8)",
        ),
    ],
)
def test_the_call_is_shown_with_its_new_arguments(
    code: str, arguments: dict[str, str], call: str
) -> None:
    assert rewritten_call(code, arguments) == call


@pytest.mark.parametrize(
    "code",
    [
        "",
        "ds = ds.map(",
        "ds = make(decode)",
        "ds = ds.map(a).map(b)",
        "ds = ds.map(*args)",
        "ds = ds.map(decode, **options)",
        "ds\x00.map(decode)",
        "(" * 500,
    ],
)
def test_a_line_that_does_not_say_which_call_is_left_alone(code: str) -> None:
    assert rewritten_call(code, {"num_parallel_calls": "4"}) is None
