from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gputune.api.batch_sizes import left_as_it_is, tied
from gputune.schema.config import Setting
from gputune.schema.profile import FitSeen, Profile
from gputune.schema.site import Site
from tests.unit.report import sample

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


def given_arrays(file: Path, line: int) -> Profile:
    found = sample.cpu_profile()
    assert found.pipeline is not None
    fit = FitSeen(index=1, site=Site(file=str(file), line=line), steps=9, epochs_requested=1,
                  steps_per_epoch=None, analysed=True)  # fmt: skip
    return replace(found, fits=(fit,), pipeline=replace(found.pipeline, source="arrays"), config=())


def test_arrays_are_batched_by_fit_itself(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("SIZE = 32\nmodel.fit(x, y, batch_size=SIZE)\nnoise = zeros(SIZE)\n")
    (why,) = tied(given_arrays(script, 2)).values()
    assert "SIZE is also used at train.py:3" in why
    assert 'SIZE = gputune.knob("batch_size", ' in why
    script.write_text("SIZE = 32\nmodel.fit(x, y, batch_size=SIZE)\nprint(SIZE)\n")
    assert tied(given_arrays(script, 2)) == {}


def test_a_number_is_named_before_it_is_declared(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("model.fit(x, y, batch_size=32)\nloss = f(e, global_batch_size=32)\n")
    (why,) = tied(given_arrays(script, 1)).values()
    assert "32 is also used at train.py:2" in why and "BATCH_SIZE = gputune.knob(" in why
