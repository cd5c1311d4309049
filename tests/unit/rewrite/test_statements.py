"""The patched scripts start: what a statement needs is bound where it stands."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import pytest

from gputune.rewrite.patch.patch import make_patch
from tests.unit.rewrite.corpus import settings
from tests.unit.rewrite.corpus_statements import CASES

USERS = ("model", "ds", "make", "build", "decode", "args", "debug", "slow")
"""Names that the small sources leave to their reader."""


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_no_name_is_used_before_it_is_bound(name: str) -> None:
    case = CASES[name]
    before = {file: text.encode() for file, text in case.sources.items()}
    patch = make_patch(
        Path("/p/train.py"), settings(case), lambda p: before.get(str(p).removeprefix("/p/"))
    )
    imported = MagicMock(name="a module", __version__="1")

    def stand_in(*_: object, **__: object) -> MagicMock:
        return imported

    known = {user: MagicMock(name=user) for user in USERS}
    own = {"__builtins__": {**vars(builtins), "__import__": stand_in}, "__name__": "__main__"}
    for file in patch.files:
        exec(compile(file.after, str(file.path), "exec"), {**known, **own})


def test_the_stand_ins_find_a_name_that_is_not_bound() -> None:
    own = {"__builtins__": {**vars(builtins), "__import__": lambda *_, **__: ModuleType("m")}}
    with pytest.raises(NameError):
        exec("os.environ\nimport os", own)
