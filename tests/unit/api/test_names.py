"""The verbs of `gputune.api` are loaded one by one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gputune import api
from tests.unit.test_imports import loaded_by


def test_every_name_is_there_and_no_other() -> None:
    for name in api.__all__:
        assert getattr(api, name).__name__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = api.nothing


def test_what_type_checkers_see_is_what_is_loaded() -> None:
    tree = ast.parse(Path(api.__file__).read_text(encoding="utf-8"))
    (checked,) = [
        node for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]  # fmt: skip
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    seen = {
        alias.name: node.module for node in imports for alias in node.names
        if (node.module or "").startswith("gputune.")
    }  # fmt: skip
    assert seen == api._MODULE_OF
    assert sorted(api.__all__) == sorted(seen)


def test_the_doctor_waits_for_nothing_heavy(root: Path) -> None:
    """It has to speak where NumPy, and so all that stands on it, does not import."""
    code = (
        "from gputune import api\n"
        "import gputune.cli.doctor, gputune.report.doctor_terminal\n"
        "api.doctor, api.DoctorOutputs, api.OutputFailed, api.write_page"
    )
    heavy = {"numpy", "optuna", "pandas", "plotly", "pydantic", "scipy", "tensorflow"}
    assert loaded_by(code, root) & heavy == set()


def test_profile_and_compare_do_not_wait_for_all_of_scipys_distributions(root: Path) -> None:
    """Its import takes half a second, of each `gputune profile`."""
    code = (
        "from gputune import api\napi.profile, api.compare\nassert 'scipy.stats' not in sys.modules"
    )
    assert "numpy" in loaded_by(code, root)
