"""`gputune check` on real scripts: each mistake found, and not found where it is not."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from gputune import api
from gputune.checks.registry import names
from gputune.schema.check import CheckReport
from tests.fixtures.shape_mistakes import MISTAKES
from tests.integration.checking import checked, found, run_of
from tests.integration.running import SCRIPTS, TIMEOUT_S, gputune, hashes, python, start

pytestmark = pytest.mark.integration


def test_every_shape_mistake_names_the_layer_and_the_cure(tmp_path: Path) -> None:
    written = tmp_path / "said.json"
    done = python(SCRIPTS / "all_shape_mistakes.py", written, cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    said = json.loads(written.read_text(encoding="utf-8"))
    assert set(said) == set(MISTAKES), "each of them raises"
    wrong = {
        name: (one["title"], one["remedy"])
        for name, one in said.items()
        if one["facts"] is None
        or MISTAKES[name][0] not in one["title"]
        or MISTAKES[name][1] not in one["title"] + one["remedy"]
    }
    assert wrong == {}
    assert sum(one["error"] == "ValueError" for one in said.values()) >= 15
    assert all(one["line"] for one in said.values()), "each has the user's line"


def test_a_shape_mistake_is_one_finding_in_place_of_a_traceback(tmp_path: Path) -> None:
    script = SCRIPTS / "shape_mistakes.py"
    report, ran = checked(script, "channel_axis_missing", cwd=tmp_path)
    assert ran.exit_code == 1
    assert "Traceback" not in ran.stderr and "x = x[..., None]" in ran.stderr
    (one,) = report.findings
    assert one.id == "shape-mismatch" and "Conv2D layer `first`" in one.title
    assert one.site is not None and one.site.code.startswith("model.fit(x, y")
    assert any("`first` is made at shape_mistakes.py" in line for line in one.evidence)
    assert run_of(report, "shapes").state == "found"
    assert run_of(report, "callbacks").state == "not-run"
    assert "ValueError" in run_of(report, "callbacks").reason
    assert report.steps == 0


BROKEN = """
import sys
from pathlib import Path
from gputune import api
checked = api.check(
    sys.argv[1], ("channel_axis_there",), break_hook="check:callbacks", max_s=600.0,
    outputs=api.CheckOutputs(json=Path("check.json")),
)
sys.exit(checked.exit_code)
"""


def test_what_fits_is_clear_and_a_failing_check_takes_no_other_with_it(tmp_path: Path) -> None:
    done = python("-c", BROKEN, SCRIPTS / "shape_mistakes.py", cwd=tmp_path)
    report = api.load(tmp_path / "check.json")
    assert isinstance(report, CheckReport)
    assert done.exit_code == 0, done.stderr
    assert report.findings == ()
    # The check `gpu` depends on the machine.
    assert {check.name: check.state for check in report.checks if check.name != "gpu"} == {
        **dict.fromkeys(set(names()) - {"gpu"}, "clear"), "callbacks": "not-run",
    }  # fmt: skip
    assert "InjectedFault" in run_of(report, "callbacks").reason
    # 64 pictures in batches of 32: two steps an epoch, three epochs, and no more to be had.
    assert (report.steps, report.epochs, report.cut_short) == (6, 3, False)
    rows = {row.name: row for row in report.layers}
    assert rows["first"].output_shapes == ((None, 26, 26, 4),)
    assert rows["first"].parameters == 3 * 3 * 1 * 4 + 4
    assert rows["head"].output_shapes == ((None, 10),)
    assert report.environment.keras is not None


def test_labels_that_a_loss_stretches_are_found_though_nothing_is_raised(tmp_path: Path) -> None:
    script = SCRIPTS / "shape_mistakes.py"
    report, ran = checked(
        script, "labels_stretched_over_the_predictions", cwd=tmp_path, options=("--only", "shapes")
    )
    assert ran.exit_code == 1
    (one,) = found(report, "label-shape")
    assert "`head`" in one.title and "4 units" in one.remedy
    assert [check.name for check in report.checks] == ["shapes"]


def test_shapes_that_change_in_a_loop_written_by_hand(tmp_path: Path) -> None:
    report, ran = checked(SCRIPTS / "changing_shapes.py", cwd=tmp_path)
    assert "trained to the end" not in ran.stdout
    assert (report.style, report.steps) == ("loop", 40)
    (one,) = found(report, "shape-retracing")
    assert "step" in one.title and ran.exit_code == 0
    assert "no Keras callbacks" in run_of(report, "callbacks").reason


def test_callbacks_that_raise_wait_in_vain_or_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    report, ran = checked(SCRIPTS / "callbacks_wrong.py", str(tmp_path), cwd=tmp_path)
    assert ran.exit_code == 1 and "trained to the end" not in ran.stdout
    raises = {one.title.split(" raises")[0]: one for one in found(report, "callback-raises")}
    assert set(raises) == {"Raises.on_epoch_end", "RaisesLate.on_train_end"}
    site = raises["Raises.on_epoch_end"].site
    assert site is not None and site.code == 'score = logs["f1"]'
    compile(raises["Raises.on_epoch_end"].snippet, "snippet", "exec")
    assert "os.makedirs" in raises["RaisesLate.on_train_end"].remedy
    said = {one.id: one for one in report.findings if one.id != "callback-folder"}
    assert "'val_loss'" in said["monitor-without-validation"].title
    assert "monitor='accuracy'" in said["monitor-unknown"].remedy
    assert "patience is 20, and there are 20 epochs" in said["patience-too-long"].title
    assert "NeverCalled.on_epoch_ended" in said["callback-hook-unknown"].title
    assert "Slow" in said["callback-cost"].title
    assert "checkpoint-overwrites" in said
    folders = " ".join(one.title for one in found(report, "callback-folder"))
    assert "not_there does not exist" in folders and "a_file is a file" in folders
    lines = {one.site.line for one in report.findings if one.site is not None}
    assert len(lines) == len(report.findings), "each stands at the line of its own callback"
    assert (report.steps, report.epochs, report.cut_short) == (40, 2, True)
    slow = next(cost for cost in report.callbacks if cost.name == "Slow")
    assert slow.step_s is not None and 0.02 <= slow.step_s < 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_file", "check.json"]


def test_callbacks_as_they_should_be_are_clear(tmp_path: Path) -> None:
    report, ran = checked(SCRIPTS / "callbacks_right.py", str(tmp_path), cwd=tmp_path)
    assert ran.exit_code == 0 and "trained to the end" not in ran.stdout
    assert [(one.id, one.title) for one in report.findings] == []
    # The check `gpu` depends on the machine.
    states = {check.name: check.state for check in report.checks if check.name != "gpu"}
    assert states == dict.fromkeys(states, "clear")
    assert "caught" in ran.stdout and ran.stdout.count("f1 1.0") == 2, "two epochs have ended"
    # What Keras writes went to the scratch folder; the script's own file is named.
    written = {Path(path).name for path in hashes(tmp_path)}
    assert written == {"check.json", "summary.txt"}
    assert [Path(path).name for path in report.files_opened_for_writing] == ["summary.txt"]
    # The same report again, from its file.
    shown = gputune("report", tmp_path / "check.json", cwd=tmp_path)
    assert shown.exit_code == 0 and shown.stdout.startswith("No problem was found")


CANNOT_START = """\
import a_module_that_is_not_there
stop = keras.callbacks.EarlyStopping(patience=12)
model.fit(x, y, epochs=10, callbacks=[stop])
"""


def test_the_source_is_checked_where_the_script_cannot_start(tmp_path: Path) -> None:
    report, ran = checked(CANNOT_START, cwd=tmp_path)
    assert ran.exit_code == 1
    assert {one.id for one in report.findings} == {"patience-too-long", "script-fails"}
    (fails,) = found(report, "script-fails")
    assert fails.site is not None and fails.site.line == 1
    assert "a_module_that_is_not_there" in fails.evidence[0]
    assert "Traceback" in ran.stderr, "an error that nobody explains keeps its traceback"
    assert run_of(report, "shapes").state == "not-run"


def test_a_script_that_ends_by_itself_before_it_trains(tmp_path: Path) -> None:
    report, ran = checked("import sys\nsys.exit(3)\n", cwd=tmp_path)
    assert ran.exit_code == 1 and "exit code is 3" in report.findings[0].evidence[0]
    report, ran = checked("print('no training')\n", cwd=tmp_path)
    assert ran.exit_code == 0 and report.findings == ()
    assert run_of(report, "shapes").reason == "no training was seen"


def test_json_on_standard_output_is_alone_there(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('the script speaks')\n", encoding="utf-8")
    ran = gputune("check", "--json", "-", "train.py", cwd=tmp_path)
    assert json.loads(ran.stdout)["schema"] == "gputune.check"
    assert "the script speaks" in ran.stderr


def test_an_interrupted_check_keeps_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)\n"
        "EarlyStopping(patience=12)\nmodel.fit(x, y, epochs=10)\n",
        encoding="utf-8",
    )
    process = start("check", "--json", "check.json", "train.py", cwd=tmp_path)
    until = time.monotonic() + TIMEOUT_S
    while not (tmp_path / "begun").exists() and time.monotonic() < until:
        time.sleep(0.1)
    # As Ctrl-C, and never ignored: a shell lets its background jobs ignore SIGINT.
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, stderr
    report = api.load(tmp_path / "check.json")
    assert isinstance(report, CheckReport) and report.command.interrupted
    assert [one.id for one in report.findings] == ["patience-too-long"]
    assert "interrupted" in report.verdict
