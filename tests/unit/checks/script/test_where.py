"""Where classes and functions are defined, and whose they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputune.checks.script.where import defined_at, is_custom
from gputune.inject import sites


@pytest.fixture(autouse=True)
def _fresh_places() -> None:
    sites.is_user_file.cache_clear()


class Mine:
    pass


def mine() -> None:
    pass


def test_the_line_of_a_class_and_of_a_function() -> None:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    for thing, line in ((Mine, "class Mine:"), (mine, "def mine() -> None:")):
        site = defined_at(thing)
        assert site is not None
        assert (site.file, site.line, site.code) == (__file__, lines.index(line) + 1, line)


def test_a_library_has_no_line_of_the_users() -> None:
    assert defined_at(json.JSONDecoder) is None
    assert defined_at(len) is None


def test_whose_a_class_is() -> None:
    class OfKeras:
        __module__ = "keras.src.layers"

    assert is_custom(Mine) and not is_custom(OfKeras) and not is_custom(int)
