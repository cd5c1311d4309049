"""A guarded hook: what it raises is kept, and the training goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gputune.checks.script.callbacks import costs, hooks, raising
from gputune.checks.script.callbacks.facts import HOOKS, Spent
from gputune.checks.script.callbacks.guarding import Guarded
from gputune.inject import sites


@pytest.fixture(autouse=True)
def _fresh_places() -> None:
    sites.is_user_file.cache_clear()


class Base:
    def on_train_begin(self, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_train_batch_end(self, batch, logs=None):
        pass


class Raises(Base):
    def on_epoch_end(self, epoch, logs=None):
        """Say it."""
        score = logs["f1"]
        print(score)


def test_a_hook_that_raises_is_kept_once_with_its_line() -> None:
    callback = Raises()
    guarded = Guarded(callback, None)
    for epoch in range(3):
        assert callback.on_epoch_end(epoch, {"loss": 1.0}) is None
    (found,) = guarded.raised.values()
    assert (found.callback, found.hook, found.error) == ("Raises", "on_epoch_end", "KeyError")
    assert found.own and found.site is not None and found.site.code == 'score = logs["f1"]'
    assert guarded.names == ("loss",) and guarded.epochs_ended == 3
    finding = raising.finding(found)
    assert finding.snippet.splitlines() == [
        "def on_epoch_end(self, epoch, logs=None):",
        '    """Say it."""',
        "    try:",
        '        score = logs["f1"]',
        "        print(score)",
        "    except Exception:",
        '        logging.exception("Raises.on_epoch_end failed; the training goes on")',
    ]
    compile(finding.snippet, "snippet", "exec")


def test_a_hook_that_works_is_called_as_before_and_returns_what_it_did() -> None:
    class Works(Base):
        def on_epoch_end(self, epoch, logs=None):
            logs["seen"] = epoch
            return "kept"

    callback, logs = Works(), {}
    guarded = Guarded(callback, None)
    assert callback.on_epoch_end(7, logs=logs) == "kept"
    assert logs == {"seen": 7} and guarded.raised == {}
    assert callback.on_epoch_end.__name__ == "on_epoch_end"


def test_after_a_failed_beginning_the_rest_says_nothing() -> None:
    class Broken(Base):
        def on_train_begin(self, logs=None):
            open("/not/there/log.csv", "w")  # noqa: PTH123, SIM115

        def on_epoch_end(self, epoch, logs=None):
            raise AttributeError("self.file")

    callback = Broken()
    guarded = Guarded(callback, None)
    callback.on_train_begin()
    callback.on_epoch_end(0, {})
    (found,) = guarded.raised.values()
    assert found.hook == "on_train_begin" and found.missing_folder == "/not/there"
    assert "os.makedirs('/not/there', exist_ok=True)" in raising.finding(found).remedy


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_script_on_purpose_passes(ends: type[BaseException]) -> None:
    class Ends(Base):
        def on_epoch_end(self, epoch, logs=None):
            raise ends

    callback = Ends()
    guarded = Guarded(callback, None)
    with pytest.raises(ends):
        callback.on_epoch_end(0, {})
    assert guarded.raised == {}


def test_the_time_of_each_call_is_kept() -> None:
    class Slow(Base):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.02)

        def on_epoch_end(self, epoch, logs=None):
            time.sleep(0.05)

    callback = Slow()
    guarded = Guarded(callback, None)
    for batch in range(2):
        callback.on_train_batch_end(batch)
    callback.on_epoch_end(0, {})
    assert all(0.02 <= seconds < 0.2 for seconds in guarded.spent.steps)
    assert len(guarded.spent.steps) == 2 and 0.05 <= guarded.spent.epochs[0] < 0.3


def test_an_instance_that_takes_no_attributes_stays_as_it_is() -> None:
    class Slotted:
        __slots__ = ()

        def on_epoch_end(self, epoch, logs=None):
            return "as ever"

    callback = Slotted()
    assert not Guarded(callback, None).guards
    assert callback.on_epoch_end(0) == "as ever"


def test_the_guarded_form_leaves_out_what_it_cannot_move() -> None:
    long = 'def on_train_end(self, logs=None):\n    print("""a\nb""")\n'
    form = raising.guarded_form(long, "Mine", "on_train_end")
    assert "..." in form and '"""a' not in form
    compile(form, "snippet", "exec")
    form = raising.guarded_form("", "Mine", "on_epoch_end")
    assert form.startswith("def on_epoch_end(self, epoch, logs=None):\n    try:\n        ...\n")
    many = "def on_train_end(self, logs=None):\n" + "    print(1)\n" * 50
    assert len(raising.guarded_form(many, "Mine", "on_train_end").splitlines()) < 10


def test_a_fifth_of_a_step_or_of_an_epoch_is_a_cost() -> None:
    def ids(steps: float, epochs_s: float, *, step_s: float = 0.1, epochs: int | None = 100):
        spent = Spent(name="C", steps=[9.0] * 3 + [steps] * 9, epochs=[epochs_s])
        found = costs.findings(costs.cost(spent, step_s), step_s, 100, epochs, None)
        return [f.id for f in found]

    assert ids(0.021, 0.0) == ["callback-cost"]
    assert ids(0.019, 0.0) == []
    assert ids(0.0005, 0.0, step_s=0.002) == [], "half a millisecond"
    assert ids(0.0, 2.6) == ["callback-cost"]  # 2.6 s of 12.6 s, 260 s in all
    assert ids(0.0, 2.4) == []
    assert ids(0.0, 2.6, epochs=20) == [], "52 s in all"
    assert ids(0.0, 2.6, epochs=None) == []


def test_the_mean_step_needs_settled_steps() -> None:
    assert costs.mean_step_s([None, 9.0, 9.0, 0.1, 0.1]) is None
    assert costs.mean_step_s([None, 9.0, 9.0, 0.1, None, 0.3, 0.2]) == pytest.approx(0.2)


def test_a_method_that_is_nearly_a_hook_is_never_called() -> None:
    (one,) = hooks.never_called("Mine", ["on_epoch_ended", "on_message", "save"], None)
    assert "on_epoch_ended" in one.title and "on_epoch_end," in one.remedy
    assert list(hooks.never_called("Mine", HOOKS, None)) == []


def test_the_line_is_in_this_file() -> None:
    callback = Raises()
    guarded = Guarded(callback, None)
    callback.on_epoch_end(0, {})
    (found,) = guarded.raised.values()
    assert found.site is not None and Path(found.site.file) == Path(__file__)
