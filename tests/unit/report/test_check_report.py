"""A CheckReport on the terminal and as a page."""

from __future__ import annotations

from dataclasses import replace

from gputune.report.check_html import render_check_page
from gputune.report.check_terminal import render_check
from gputune.schema.check import CheckReport, CheckRun, LayerRow
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site
from gputune.schema.training import CallbackCost
from tests.unit.report import sample
from tests.unit.report.hostile import NASTY, with_texts
from tests.unit.report.reading import Page, one_script, only_itself


def report() -> CheckReport:
    profile = sample.minimal_profile()
    return CheckReport(
        command=profile.command,
        script="train.py",
        environment=profile.environment,
        verdict="1 problem: it is wrong.",
        checks=(
            CheckRun(name="shapes", state="found", findings=("shape-mismatch",)),
            CheckRun(name="callbacks", state="clear"),
            CheckRun(name="saving", state="not-run", reason="it failed in finish: KeyError"),
        ),
        findings=(
            Finding(
                id="shape-mismatch", severity=Severity.PROBLEM, title="It is wrong.",
                evidence=("it wants 4 axes",), remedy="Add one.",
                snippet="def f():\n    try:\n        ...",
                site=Site(file="/home/me/train.py", line=7, code="model.fit(x, y)"),
            ),
        ),
        style="keras.fit", steps=40, epochs=2, cut_short=True,
        layers=(
            LayerRow(name="conv", kind="Conv2D", output_shapes=((None, 26, 26, 8),), parameters=80),
            LayerRow(name="inner", kind="Dense", output_shapes=((None,), (None, 3)), depth=1),
        ),
        callbacks=(CallbackCost(name="Slow", step_s=0.01, step_fraction=0.5, epoch_s=0.2),),
        files_opened_for_writing=("/tmp/out.txt",),
        notes=("a hook failed",),
    )  # fmt: skip


WORDS = (
    "1 problem: it is wrong.", "It is wrong.", "train.py:7", "it wants 4 axes", "Add one.",
    "40 training steps in 2 epochs", "validation: one batch", "saving", "KeyError",
    "(None, 26, 26, 8)", "(None,), (None, 3)", "Conv2D", "80", "Slow", "50%", "/tmp/out.txt",
    "a hook failed",
)  # fmt: skip


def test_both_renderers_show_everything() -> None:
    text = render_check(report(), width=120, color=False, ascii_only=True)
    page = render_check_page(report())
    for word in WORDS:
        assert word in " ".join(text.split()), word
        assert word in page, word


def test_hostile_text_is_shown_as_text() -> None:
    nasty = _changed_report()
    page = render_check_page(nasty, json_name=NASTY)
    assert "<script src" not in page and "<img" not in page and "://evil" not in page
    only_itself(Page(page))
    one_script(Page(page))
    text = render_check(nasty, width=100, color=False, ascii_only=False)
    assert "\x1b" not in text and "\u202e" not in text and "[bold red]" in text
    text.encode()


def _changed_report() -> CheckReport:
    plain = report()
    checks = tuple(replace(c, name=c.name + NASTY, reason=c.reason + NASTY) for c in plain.checks)
    changed: CheckReport = with_texts(replace(plain, checks=()))
    return replace(changed, checks=checks)


def test_python_to_paste_keeps_its_lines() -> None:
    lines = ("def f():", "    try:", "        ...")
    text = render_check(report(), width=100, color=False, ascii_only=True).splitlines()
    at = next(i for i, line in enumerate(text) if line.endswith(lines[0]))
    indent = text[at].index(lines[0])
    assert [line[indent:] for line in text[at : at + 3]] == list(lines)
    assert "\n".join(lines) in render_check_page(report())
