"""What a patch finds again where the recorded code stands more than once, or was changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputune.rewrite.patch.patch import Patch, make_patch
from gputune.schema.config import Setting, Value
from gputune.schema.site import Site

TF = "import tensorflow as tf\n"
CHAINS = TF + (
    "train = (\n    tf.data.Dataset.range(9)\n    .map(decode)\n    .batch(32)\n)\n"
    "val = (\n    tf.data.Dataset.range(5)\n    .map(decode)\n    .batch(32)\n)\n"
)
STEPS = TF + (
    "def train():\n    ds = tf.data.Dataset.range(9)\n    ds = ds.map(decode)\n"
    "    ds = ds.batch(32)\n    return ds\n\n\n"
    "def val():\n    ds = tf.data.Dataset.range(5)\n    ds = ds.map(decode)\n"
    "    ds = ds.batch(32)\n    return ds\n"
)
AHEAD = STEPS.replace(".batch(32)", ".prefetch(2)")
LOOP = (
    TF + "ds = tf.data.Dataset.range(9).batch(4)\nds = ds.prefetch(2)\nfor x in ds:\n    step(x)\n"
)


def setting(
    text: str, knob: str, value: Value, line: int, stage: str, function: str = ""
) -> Setting:
    code = text.split("\n")[line - 1].strip()
    site = Site(file="/p/train.py", line=line, code=code, function=function)
    return Setting(knob=knob, value=value, site=site, stage=stage)


def patch_of(text: str, *wanted: Setting) -> tuple[str, Patch]:
    patch = make_patch(Path("/p/train.py"), wanted, {Path("/p/train.py"): text.encode()}.get)
    return (patch.files[0].after.decode() if patch.files else text), patch


def hows(patch: Patch) -> set[str]:
    return {one.how for one in patch.told}


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize(
    ("text", "method", "line", "wanted"),
    [
        (text, method, line, wanted)
        for text, lines in ((CHAINS, {"map": (4, 9), "batch": (5, 10)}),
                            (STEPS, {"map": (4, 11), "batch": (5, 12)}),
                            (AHEAD, {"prefetch": (5, 12)}))
        for method, wanted in (
            ("map", (("num_parallel_calls", "AUTOTUNE"),)),
            ("map", (("deterministic", False), ("num_parallel_calls", 4))),
            ("map", (("cache", "memory"),)),
            ("batch", (("batch_size", 256),)),
            ("batch", (("prefetch", 8),)),
            ("batch", (("prefetch", "none"),)),
            ("batch", (("prefetch", "device"),)),
            ("batch", (("private_threadpool", 4),)),
            ("batch", (("private_threadpool", 4), ("prefetch", 8), ("batch_size", 64))),
            ("prefetch", (("prefetch", 8),)),
            ("prefetch", (("prefetch", "none"),)),
        )
        for line in lines.get(method, ())
    ],
)  # fmt: skip
def test_a_twin_of_the_recorded_line_is_left_alone(
    text: str, method: str, line: int, wanted: tuple[tuple[str, Value], ...], second: bool
) -> None:
    """Applied twice, with settings that put lines above it or without: only the one half changes.

    Both halves hold the same lines; `second` adds what is put behind the imports.
    """
    stage = {"map": ".map(decode)", "batch": ".batch(32)", "prefetch": ".prefetch(2)"}[method]
    settings = [setting(text, knob, value, line, stage) for knob, value in wanted]
    if second:
        settings.append(Setting(knob="memory_growth", value="growth"))
    after, patch = patch_of(text, *settings)
    assert "refused" not in hows(patch)
    middle = text.index("val")
    kept = text[middle:] if line < 8 else text[text.index("train") : middle - 8]
    assert kept in after
    again, twice = patch_of(after, *settings)
    assert again == after
    if not second:
        assert hows(twice) == {"already"}


@pytest.mark.parametrize(
    "chains",
    [
        "ds = load() \\\n    .batch(32) \\\n    .prefetch(2)\n"
        "val = b \\\n    .batch(32) \\\n    .map(f)\n",
        "ds = (load()\n    .batch(32)\n    .prefetch(2))\nval = (b\n    .batch(32)\n    .map(f))\n",
    ],
)
def test_a_bracket_that_moves_up_to_the_line_does_not_matter(chains: str) -> None:
    text = TF + chains
    settings = [
        setting(text, "batch_size", 256, 3, ".batch(32)"),
        setting(text, "prefetch", "none", 4, ".prefetch(2)"),
    ]
    after, patch = patch_of(text, *settings)
    assert hows(patch) == {"made"}
    assert after == text.replace(".batch(32)", ".batch(256)", 1).replace(
        " \\\n    .prefetch(2)", ""
    ).replace("\n    .prefetch(2)", "")
    again, twice = patch_of(after, *settings)
    assert (again, hows(twice)) == (after, {"already"})


def test_the_twin_that_slid_to_the_recorded_line_is_not_taken_for_it() -> None:
    """Five lines above: the map of `train` stands where that of `val` was recorded."""
    was = CHAINS[::-1].replace(")23(", ")46(", 1)[::-1]
    moved = was.replace("train = (\n", "# 1\n# 2\n# 3\n# 4\n# 5\ntrain = (\n")
    assert moved.split("\n")[8] == "    .map(decode)"
    settings = [
        setting(was, "num_parallel_calls", 4, 9, ".map(decode)"),
        setting(was, "batch_size", 256, 10, ".batch(64)"),
    ]
    after, patch = patch_of(moved, *settings)
    assert (after, hows(patch)) == (moved, {"refused"})
    assert "has changed since it was profiled" in patch.told[0].what
    as_it_was, patch = patch_of(was, *settings)
    assert hows(patch) == {"made"}
    assert patch_of(as_it_was, *settings)[0] == as_it_was


def test_a_line_in_another_function_than_was_recorded_is_not_taken_for_it() -> None:
    moved = STEPS.replace("def train", "# 1\n# 2\n# 3\n# 4\n# 5\n# 6\n# 7\ndef train")
    of_val = setting(STEPS, "num_parallel_calls", 4, 11, ".map(decode)", "val")
    assert moved.split("\n")[10] == "    ds = ds.map(decode)"
    after, patch = patch_of(moved, of_val)
    assert (after, hows(patch)) == (moved, {"refused"})
    assert patch.told[0].what == "train.py:11 is not in val(…) any more"
    assert hows(patch_of(STEPS, of_val)[1]) == {"made"}


def test_a_call_that_cannot_be_found_again_is_not_taken_out() -> None:
    """Taken out at one of two lines, the other one would be all that a second time finds."""
    text = CHAINS.replace(".batch(32)", ".prefetch(2)")
    after, patch = patch_of(text, setting(text, "prefetch", "none", 5, ".prefetch(2)"))
    assert after == text
    assert [one.what for one in patch.told] == [
        "«.prefetch(2)» stands in several lines: take out the one that is meant"
    ]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (3, (("prefetch", 8),)),
        (3, (("prefetch", "none"),)),
        (2, (("prefetch", "device"),)),
        (3, (("private_threadpool", 4), ("prefetch", 8))),
        (3, (("prefetch", 8), ("deterministic", False))),
    ],
)
def test_a_loops_pipeline_twice(line: int, wanted: tuple[tuple[str, Value], ...]) -> None:
    stage = ".prefetch(2)" if line == 3 else ".batch(4)"
    settings = [setting(LOOP, knob, value, line, stage) for knob, value in wanted]
    after, patch = patch_of(LOOP, *settings)
    assert after != LOOP
    assert hows(patch) == {"made"}
    again, twice = patch_of(after, *settings)
    assert (again, hows(twice)) == (after, {"already"})


def test_a_line_that_the_user_has_changed_is_refused_whatever_else_has_the_value() -> None:
    changed = CHAINS.replace(".batch(32)", ".batch(64)", 1)
    after, patch = patch_of(changed, setting(CHAINS, "batch_size", 256, 5, ".batch(32)"))
    assert (after, hows(patch)) == (changed, {"refused"})


@pytest.mark.parametrize(
    "text",
    [
        TF + "ds = load()\nmodel.compile('adam')\nmodel.fit(ds, epochs=1)\n",
        TF + "def main():\n    ds = load()\n    m.compile('adam')\n    m.fit(x=ds, epochs=1)\n",
    ],
)
def test_a_second_configuration_adds_to_the_options_of_the_first(text: str) -> None:
    threads = Setting(knob="private_threadpool", value=4)
    order = Setting(knob="deterministic", value=False)
    first, _ = patch_of(text, threads)
    second, patch = patch_of(first, order)
    assert hows(patch) == {"made"}
    assert second == patch_of(text, threads, order)[0]
    assert second.count("Options()") == second.count(".with_options(") == 1
    assert patch_of(second, threads, order)[0] == second


def test_a_second_configuration_adds_to_the_options_of_a_loop() -> None:
    threads = setting(LOOP, "private_threadpool", 4, 3, ".prefetch(2)")
    order = setting(LOOP, "deterministic", False, 3, ".prefetch(2)")
    first, _ = patch_of(LOOP, threads)
    second, patch = patch_of(first, order)
    assert (second, hows(patch)) == (patch_of(LOOP, threads, order)[0], {"made"})
