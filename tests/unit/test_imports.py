"""What an import loads: `gputune --help` answers at once, the user's process stays light.

import-linter sees which module names which; these tests see what is really loaded.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import json, sys
before = set(sys.modules)
{code}
loaded = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})
print("LOADED", json.dumps(loaded))
"""


def loaded_by(code: str, root: Path) -> set[str]:
    """The top-level modules that `code` loads in a fresh interpreter, gputune among them."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED "))
    return set(json.loads(line.removeprefix("LOADED ")))


@pytest.fixture
def the_command_line() -> None:
    """Skips until `gputune.cli` has its `main`."""
    spec = importlib.util.find_spec("gputune.cli")
    assert spec is not None
    assert spec.origin is not None
    if "main" not in Path(spec.origin).read_text(encoding="utf-8"):
        pytest.skip("gputune.cli has no main yet")


def test_importing_gputune_loads_only_the_standard_library(root: Path) -> None:
    assert loaded_by("import gputune", root) - sys.stdlib_module_names == {"gputune"}


@pytest.mark.parametrize("room", ["gputune.session.log", "gputune.session.folder"])
def test_importing_the_session_loads_only_the_standard_library(room: str, root: Path) -> None:
    assert loaded_by(f"import {room}", root) - sys.stdlib_module_names == {"gputune"}


def test_importing_the_records_loads_only_the_standard_library(root: Path) -> None:
    loaded = loaded_by("import gputune.schema.profile, gputune.schema.write", root)

    assert loaded - sys.stdlib_module_names == {"gputune"}


def test_what_runs_in_the_users_process_loads_wrapt_at_most(root: Path) -> None:
    loaded = loaded_by("import gputune.inject", root)

    assert loaded - sys.stdlib_module_names <= {"gputune", "wrapt"}


def test_the_checks_in_the_users_process_load_no_more(root: Path) -> None:
    code = (
        "import gputune.checks.script.checking\n"
        "from gputune.checks.registry import CHECKS\n"
        "for one in CHECKS:\n    one.half == 'script' and one.load()\n"
    )

    assert loaded_by(code, root) - sys.stdlib_module_names <= {"gputune", "wrapt"}


@pytest.mark.usefixtures("the_command_line")
def test_importing_the_command_line_loads_nothing_heavy(root: Path) -> None:
    heavy = {"tensorflow", "keras", "optuna", "pandas", "scipy"}

    assert loaded_by("import gputune.cli", root) & heavy == set()


@pytest.mark.usefixtures("the_command_line")
def test_help_loads_nothing_heavy(root: Path) -> None:
    heavy = {"tensorflow", "keras", "optuna", "pandas", "scipy"}
    code = (
        "sys.argv = ['gputune', '--help']\n"
        "import gputune.cli\n"
        "try:\n    gputune.cli.main()\n"
        "except SystemExit as ended:\n    assert not ended.code, ended.code\n"
    )

    assert loaded_by(code, root) & heavy == set()
