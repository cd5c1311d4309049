from __future__ import annotations

from typing import Any

from gputune.analysis.retracing import MADE_ANEW, retracings

ENDS = [10.0, 11.0, 12.0, 13.0]  # the third step ends at 12 s


class Tracings:
    """Writes `traced` events as the hook does."""

    def __init__(self, function: str = "loss", *, line: int = 5, user: bool = True) -> None:
        self.function, self.line, self.user = function, line, user
        self.events: list[dict[str, Any]] = []
        self.objects = 0

    def add(self, t: float, changed: str = "", *, number: int = 1) -> Tracings:
        self.objects = max(self.objects, number)
        self.events.append(
            {
                "t": t, "function": self.function, "object": number, "objects": self.objects,
                "total": len(self.events) + 1, "changed": changed, "user": self.user,
                "site": {"file": "/work/train.py", "line": self.line, "function": self.function},
            }
        )  # fmt: skip
        return self


def test_a_function_that_is_traced_once_is_none() -> None:
    assert retracings(Tracings().add(9.0).events, ENDS) == ()
    assert retracings(Tracings().add(12.5).events, ENDS) == ()


def test_a_function_that_is_traced_again_says_what_changed_and_when() -> None:
    made = Tracings().add(9.0).add(9.5, "n: 1 -> 2").add(12.5, "n: 2 -> 3").add(12.9, "n: 3 -> 4")
    (found,) = retracings(made.events, ENDS)
    assert (found.function, found.count, found.during_training) == ("loss", 4, 2)
    assert found.changed == "n: 2 -> 3"
    assert found.site is not None
    assert (found.site.file, found.site.line) == ("/work/train.py", 5)


def test_before_the_third_step_it_is_no_retracing_during_training() -> None:
    made = Tracings().add(9.0).add(11.5, "x: shape (32,) -> (17,)")
    (found,) = retracings(made.events, ENDS)
    assert (found.count, found.during_training) == (2, 0)
    assert found.changed == "x: shape (32,) -> (17,)"
    (found,) = retracings(made.add(99.0, "n: 1 -> 2").events, ENDS[:2])
    assert (found.count, found.during_training) == (3, 0)


def test_a_function_that_is_new_during_training_was_not_traced_again_by_its_first_call() -> None:
    (found,) = retracings(Tracings().add(12.5).add(12.9, "n: 1 -> 2").events, ENDS)
    assert (found.count, found.during_training) == (2, 1)


def test_counts_go_on_where_events_were_left_out() -> None:
    made = Tracings().add(9.0).add(12.5, "n: 1 -> 2").add(40.0, "n: 127 -> 128")
    made.events[-1]["total"] = 128
    (found,) = retracings(made.events, ENDS)
    assert (found.count, found.during_training) == (128, 127)


def test_a_method_is_one_function_for_each_instance() -> None:
    made = Tracings().add(9.0).add(9.1, number=2).add(9.2, number=3)
    assert retracings(made.events, ENDS) == ()


def test_a_function_that_is_made_anew_at_every_step_is_told() -> None:
    made = Tracings().add(9.0).add(12.5, number=2).add(13.5, number=3)
    (found,) = retracings(made.events, ENDS)
    assert (found.count, found.during_training, found.changed) == (3, 2, MADE_ANEW)
    made.user = False
    for event in made.events:
        event["user"] = False
    assert retracings(made.events, ENDS) == ()


def test_functions_of_one_name_on_two_lines_are_two_and_the_worse_comes_first() -> None:
    one = Tracings(line=5).add(9.0).add(9.5, "n: 1 -> 2")
    two = Tracings(line=9).add(9.0).add(12.5, "n: 1 -> 2")
    found = retracings([*one.events, *two.events], ENDS)
    assert [r.site.line for r in found if r.site is not None] == [9, 5]
