"""The session folder belongs to its owner alone and carries the child's orders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gputune.session.folder import Options, SessionFolder


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The least careful umask, so that the modes are gputune's own doing."""
    old = os.umask(0)
    yield
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_the_folder_and_what_is_in_it_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "session")
    folder.create(Options())

    assert mode(folder.root) == 0o700
    assert mode(folder.scratch) == 0o700
    assert mode(folder.options) == 0o600


def test_every_path_lies_in_the_folder(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path)

    assert {folder.options, folder.events, folder.trace, folder.scratch} == {
        tmp_path / "options.json",
        tmp_path / "events.jsonl",
        tmp_path / "trace",
        tmp_path / "scratch",
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        Options,
        full=st.booleans(),
        fit=st.none() | st.integers(min_value=1),
        steps=st.none() | st.integers(min_value=1),
        max_s=st.floats(min_value=0, allow_infinity=False),
        trace_steps=st.integers(min_value=0),
        break_hook=st.none() | st.text(),
    )
)
def test_the_child_reads_the_options_that_the_parent_wrote(
    tmp_path: Path, options: Options
) -> None:
    SessionFolder(tmp_path / "session").create(options)

    assert SessionFolder(tmp_path / "session").read_options() == options


def test_options_that_are_not_given_are_the_defaults(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "a" / "b")
    folder.create(Options())

    assert folder.read_options() == Options(
        full=False, fit=None, steps=None, max_s=20.0, trace_steps=10, break_hook=None
    )
