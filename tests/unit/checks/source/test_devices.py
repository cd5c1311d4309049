"""Lines that take the GPU away, and lines near to them that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputune.checks.source.devices import findings
from gputune.checks.source.tree import parse


def found(tmp_path: Path, source: str) -> list[tuple[str, str, int]]:
    path = tmp_path / "train.py"
    path.write_text(source, encoding="utf-8")
    return [
        (one.id, str(one.severity), one.site.line if one.site else 0)
        for one in findings(parse(path))
    ]


@pytest.mark.parametrize(
    "line",
    [
        'os.environ["CUDA_VISIBLE_DEVICES"] = "-1"',
        'os.environ["CUDA_VISIBLE_DEVICES"] = ""',
        'os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")',
        'tf.config.set_visible_devices([], "GPU")',
        'tf.config.set_visible_devices(devices=[], device_type="GPU")',
    ],
)
def test_lines_that_hide_the_gpu(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, f"import os\n{line}\n") == [("gpu-hidden", "warning", 2)]
    under = f"import os\nif args.cpu:\n    {line}\n"
    assert found(tmp_path, under) == [("gpu-hidden", "note", 3)]
    main = f"import os\nif __name__ == '__main__':\n    {line}\n"
    assert found(tmp_path, main) == [("gpu-hidden", "warning", 3)]


@pytest.mark.parametrize(
    "line",
    [
        'os.environ["CUDA_VISIBLE_DEVICES"] = "0"',
        'os.environ["CUDA_VISIBLE_DEVICES"] = sys.argv[1]',
        'os.environ["TF_CPP_MIN_LOG_LEVEL"] = "-1"',
        'tf.config.set_visible_devices(gpus[0], "GPU")',
        'tf.config.set_visible_devices([], "TPU")',
        'settings["CUDA_VISIBLE_DEVICES"] = "-1"',
    ],
)
def test_lines_that_hide_no_gpu(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, f"import os\n{line}\n") == []


@pytest.mark.parametrize("place", ["/CPU:0", "cpu:0", "/device:CPU:0", "CPU"])
def test_a_model_in_a_cpu_scope(tmp_path: Path, place: str) -> None:
    source = f"with tf.device({place!r}):\n    model = keras.Sequential([])\n"
    assert found(tmp_path, source) == [("model-on-cpu", "warning", 1)]


@pytest.mark.parametrize(
    "source",
    [
        "with tf.device('/CPU:0'):\n    ds = ds.map(decode).batch(32)\n",
        "with tf.device('/GPU:0'):\n    model = keras.Sequential([])\n",
        "with tf.device(place):\n    model.fit(x)\n",
        "with tf.device('/CPU:0'):\n    table = tf.Variable(x)\nmodel.fit(x)\n",
        "if not gpus:\n    with tf.device('/CPU:0'):\n        model.fit(x)\n",
        "with open('log') as log:\n    model.fit(x)\n",
    ],
)
def test_scopes_that_keep_no_model_on_the_cpu(tmp_path: Path, source: str) -> None:
    assert found(tmp_path, source) == []
