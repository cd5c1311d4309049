"""What a patch makes of sources in many styles."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.rewrite.patch.patch import FilePatch, Patch, make_patch, unified_diff
from gputune.rewrite.patch.source import Unreadable
from gputune.schema.config import Setting
from gputune.schema.site import Site
from tests.unit.rewrite import corpus, corpus_compiles, corpus_statements
from tests.unit.rewrite.corpus import Case, settings

CASES = {**corpus.CASES, **corpus_compiles.CASES, **corpus_statements.CASES}
SCRIPT = Path("/p/train.py")


def read(files: dict[str, bytes]):
    return lambda path: files.get(str(path).removeprefix("/p/"))


def patched(case: Case, files: dict[str, bytes] | None = None) -> tuple[Patch, dict[str, bytes]]:
    before = files or {name: text.encode() for name, text in case.sources.items()}
    patch = make_patch(SCRIPT, settings(case), read(before))
    after = dict(before)
    after.update({file.path.name: file.after for file in patch.files})
    return patch, after


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_a_correct_patch_or_a_correct_refusal(name: str) -> None:
    case = CASES[name]
    patch, after = patched(case)
    text = "\n".join(one.decode() for one in after.values())
    for part in case.now:
        assert part in text, text
    for part in case.gone:
        assert part not in text
    refusals = [one.what for one in patch.told if one.how == "refused"]
    if case.refused:
        assert any(case.refused in one for one in refusals), patch.told
        assert not patch.files, "what is refused changes nothing"
    else:
        assert case.now, "a case without a truth"
        assert not refusals
    if case.noted:
        assert any(case.noted in one.what for one in patch.told if one.how == "noted")
    for one in after.values():
        ast.parse(one)


@pytest.mark.parametrize("name", CASES)
def test_a_second_application_is_empty(name: str) -> None:
    case = CASES[name]
    _, after = patched(case)
    again, _ = patched(case, after)
    assert not again.files, unified_diff(again, Path("/p")).decode()


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_git_takes_the_patch(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    patch, after = patched(case)
    for file, text in case.sources.items():
        (tmp_path / file).write_bytes(text.encode())
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, check=True,
        input=unified_diff(patch, Path("/p")), env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert {name: (tmp_path / name).read_bytes() for name in after} == after


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_lines_that_were_put_above_do_not_matter(name: str) -> None:
    """The sites are found again by their code."""
    case = CASES[name]
    end = "\r\n" if "\r\n" in case.text else "\n"
    moved = {n: f"# one{end}# two{end}{text}".encode() for n, text in case.sources.items()}
    patch = make_patch(SCRIPT, settings(case), read(moved))
    assert not [one for one in patch.told if one.how == "refused"]
    text = "\n".join(file.after.decode() for file in patch.files)
    for part in case.now:
        # Two files join at another place where one of them does not change.
        assert part in text or part in "\n".join(moved[n].decode() for n in moved)


def test_only_the_site_that_changed_is_refused() -> None:
    case = CASES["step by step"]
    wanted = settings(case)
    files = {"train.py": case.text.replace("ds.batch(4)", "ds.batch(5)").encode()}
    patch = make_patch(SCRIPT, wanted, read(files))
    assert [(one.knob, one.how) for one in patch.told] == [
        ("num_parallel_calls", "made"), ("batch_size", "refused"),
    ]  # fmt: skip
    assert b"ds.batch(5)" in patch.files[0].after


def test_all_settings_of_one_script_at_once() -> None:
    text = (
        "import tensorflow as tf\nimport keras\n\nds = (\n    tf.data.Dataset.range(9)\n"
        "    .shuffle(9)\n    .map(decode)\n    .batch(4)\n)\nmodel = keras.Sequential()\n"
        "model.compile(keras.optimizers.Adam(), 'mse')\nmodel.fit(ds, epochs=1)\n"
    )
    here = Site(file="/p/train.py", line=7, code=".map(decode)")
    batch = Site(file="/p/train.py", line=8, code=".batch(4)")
    wanted = [
        Setting(knob="num_parallel_calls", value="AUTOTUNE", site=here, stage=".map(decode)"),
        Setting(knob="deterministic", value=False, site=here, stage=".map(decode)"),
        Setting(knob="cache", value="memory", site=here, stage=".map(decode)"),
        Setting(knob="batch_size", value=64, site=batch, stage=".batch(4)"),
        Setting(knob="prefetch", value="AUTOTUNE"),
        Setting(knob="private_threadpool", value=4),
        Setting(knob="steps_per_execution", value=8),
        Setting(knob="jit_compile", value=False),
        Setting(knob="learning_rate", value=0.01),
        Setting(knob="mixed_precision", value="mixed_bfloat16"),
        Setting(knob="memory_growth", value="cuda_malloc_async"),
        Setting(knob="gpu_thread_mode", value="gpu_private"),
    ]
    files = {"train.py": text.encode()}
    patch = make_patch(SCRIPT, wanted, read(files))
    assert patch.files[0].after.decode() == (
        "import tensorflow as tf\nimport keras\nimport os\n\n"
        'keras.config.set_dtype_policy("mixed_bfloat16")\n'
        'os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"\n'
        'os.environ["TF_GPU_ALLOCATOR"] = "cuda_malloc_async"\n'
        'os.environ["TF_GPU_THREAD_MODE"] = "gpu_private"\n'
        "\nds = (\n    tf.data.Dataset.range(9)\n"
        "    .map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)\n"
        "    .cache()\n    .shuffle(9)\n    .batch(64)\n)\nmodel = keras.Sequential()\n"
        "model.compile(keras.optimizers.Adam(learning_rate=0.01), 'mse', "
        "steps_per_execution=8, jit_compile=False)\n"
        "gputune_options = tf.data.Options()\n"
        "gputune_options.threading.private_threadpool_size = 4\n"
        "model.fit(ds.with_options(gputune_options).prefetch(tf.data.AUTOTUNE), epochs=1)\n"
    )
    again = make_patch(SCRIPT, wanted, read({"train.py": patch.files[0].after}))
    assert not again.files, unified_diff(again, Path("/p")).decode()


def test_a_script_that_is_no_python_is_told() -> None:
    with pytest.raises(Unreadable, match=r"train\.py"):
        make_patch(SCRIPT, [], read({"train.py": b"def (:\n"}))


@pytest.mark.parametrize("text", [b"# Gr\xf6\xdfe\n", b"# coding: foo\n", "x\n".encode("utf-16")])
def test_a_file_in_no_known_encoding_is_told(text: bytes) -> None:
    """Of the script as an error, of what it imports by leaving it out."""
    with pytest.raises(Unreadable, match=r"train\.py cannot be parsed"):
        make_patch(SCRIPT, [], read({"train.py": text}))
    case = CASES["a batch size of fit"]
    files = {"train.py": b"import old\n" + case.text.encode(), "old.py": text}
    assert b"batch_size=256" in make_patch(SCRIPT, settings(case), read(files)).files[0].after


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python has the newer syntax")
def test_a_script_of_a_newer_python_is_told_before_anything_else() -> None:
    case = CASES["a batch size of fit"]
    newer = b"type Pair = tuple[int, int]\n"
    with pytest.raises(Unreadable, match=r"train\.py is no Python 3\.\d+ \(line 1"):
        make_patch(SCRIPT, settings(case), read({"train.py": newer + case.text.encode()}))
    files = {"train.py": b"import new\n" + case.text.encode(), "new.py": newer}
    assert b"batch_size=256" in make_patch(SCRIPT, settings(case), read(files)).files[0].after


@given(st.data())
def test_whatever_the_sites_say_the_result_parses(data: st.DataObject) -> None:
    case = CASES[data.draw(st.sampled_from(sorted(CASES)))]
    wanted = []
    for setting in settings(case):
        site = setting.site
        if site is not None:
            site = replace(
                site,
                line=data.draw(st.integers(-1, 40)),
                code=data.draw(st.sampled_from(["", site.code, "x"])),
            )
        stage = data.draw(st.sampled_from(["", setting.stage, ".batch(4)", ".map(x)"]))
        wanted.append(replace(setting, site=site, stage=stage))
    patch = make_patch(SCRIPT, wanted, read({n: t.encode() for n, t in case.sources.items()}))
    assert patch.told
    for file in patch.files:
        assert isinstance(file, FilePatch)
        ast.parse(file.after)
