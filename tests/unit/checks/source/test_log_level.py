"""Settings that hide TensorFlow's errors, or come too late."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputune.checks.source.log_level import findings
from gputune.checks.source.tree import parse

SET = 'os.environ["TF_CPP_MIN_LOG_LEVEL"] = "{}"\n'


def found(tmp_path: Path, text: str) -> list[tuple[str, int]]:
    path = tmp_path / "train.py"
    path.write_text(text, encoding="utf-8")
    return [(one.id, one.site.line) for one in findings(parse(path)) if one.site is not None]


@pytest.mark.parametrize(
    "line",
    [
        SET.format(3),
        'os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")\n',
        'os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "3", "A": "b"})\n',
        'LEVEL = "3"\nos.environ["TF_CPP_MIN_LOG_LEVEL"] = LEVEL\n',
    ],
)
def test_a_level_of_3_hides_errors(tmp_path: Path, line: str) -> None:
    text = f"import os\n{line}import tensorflow as tf\n"
    assert found(tmp_path, text) == [("log-level-hides-errors", 1 + line.count("\n"))]


@pytest.mark.parametrize("level", ["0", "1", "2", "many"])
def test_a_lower_level_shows_them(tmp_path: Path, level: str) -> None:
    assert found(tmp_path, f"import os\n{SET.format(level)}import tensorflow as tf\n") == []


def test_a_level_that_is_set_after_the_import_has_no_effect(tmp_path: Path) -> None:
    late = [("log-level-too-late", 3)]
    assert found(tmp_path, f"import os\nimport tensorflow as tf\n{SET.format(1)}") == late
    assert found(tmp_path, f"import os\nfrom keras import layers\n{SET.format(1)}") == late
    inside = f"import os\n{SET.format(1)}\ndef main():\n    import tensorflow\n"
    assert found(tmp_path, inside) == []
    assert found(tmp_path, f"import os\nimport keras_tuner\n{SET.format(1)}") == []


@pytest.mark.parametrize(
    ("level", "hides"),
    [("'ERROR'", False), ("logging.ERROR", False), ("logging.FATAL", True), ("'CRITICAL'", True)],
)
def test_tensorflows_python_logger(tmp_path: Path, level: str, hides: bool) -> None:
    text = f"import tensorflow as tf\ntf.get_logger().setLevel({level})\nother.setLevel({level})\n"
    assert found(tmp_path, text) == ([("log-level-hides-errors", 2)] if hides else [])
