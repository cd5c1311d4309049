from __future__ import annotations

from gputune.api.trials.process import sorted_notes

NOTE = "batch_size: steps_per_epoch=100 counts batches of another size now"


def test_notes_are_of_what_is_in_force_or_of_what_is_not() -> None:
    missing = ("cache: no place found: no such call", "jit_compile: not in force: undone")
    assert sorted_notes((missing[0], NOTE, missing[1])) == (missing, (NOTE,))
