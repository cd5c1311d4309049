from __future__ import annotations

from pathlib import Path

import pytest

from gputune.api.batch_sizes import left_as_it_is
from gputune.schema.config import Setting
from gputune.schema.site import Site

SCRIPT = "SIZE = {size}\nds = source().batch(SIZE)\nnoise = normal((SIZE, 32))\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "gan.py"
    path.write_text(SCRIPT.format(size=32))
    return path


def batch_size(file: str, value: int = 256) -> Setting:
    site = Site(file=file, line=2, code="ds = source().batch(SIZE)")
    return Setting(knob="batch_size", value=value, was=32, site=site)


def test_what_keeps_the_old_batch_size_is_named(script: Path) -> None:
    for file in ("gan.py", str(script)):
        (said,) = left_as_it_is([batch_size(file)], script)
        assert "SIZE is also used at gan.py:3" in said
        assert "gputune apply" in said


def test_nothing_is_said_of_a_script_that_was_patched(script: Path) -> None:
    script.write_text(SCRIPT.format(size=256))
    assert left_as_it_is([batch_size("gan.py")], script) == ()


def test_nothing_is_said_of_other_settings_and_of_files_that_are_not_there(script: Path) -> None:
    other = Setting(knob="prefetch", value=2, site=batch_size("gan.py").site)
    anywhere = Setting(knob="batch_size", value=256)
    assert left_as_it_is([other, anywhere, batch_size("data.py")], script) == ()
    assert left_as_it_is([batch_size("gan.py")], None) == ()
