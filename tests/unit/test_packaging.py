"""What pyproject.toml, the README and the package say about each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    """The [project] table of pyproject.toml."""
    with (root / "pyproject.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["project"]
    return table


def test_the_readme_lists_every_requirement_but_tensorflow(
    root: Path, project: dict[str, Any]
) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    command = re.search(r"pip install --constraint held\.txt((?:.*\\\n)*.*)", readme)
    assert command is not None
    listed = command.group(1).replace("\\\n", " ").replace("'", "").split()

    assert {*listed, "tensorflow>=2.18"} == set(project["dependencies"])


def test_the_command_to_test_with_is_the_same_everywhere(root: Path) -> None:
    assert "pip install -e '.[test]' && pytest -n 2 --dist loadfile" in (
        root / "README.md"
    ).read_text(encoding="utf-8")
    assert "pip install -e '.[test]'" in (root / ".ci" / "run").read_text(encoding="utf-8")
