"""Every hook is made to fail: the script does not notice, and the report says so.

Hooks that do not need each other are broken in one run, and the report must name each of them.
"""

from __future__ import annotations

import fnmatch
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gputune import api
from gputune.checks.registry import names
from gputune.schema.profile import Profile
from tests.integration.running import ROOT, SCRIPTS, Ran, python

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SMALL = SCRIPTS / "faults" / "small.py"
LOOP = SCRIPTS / "faults" / "loop.py"

# `break_hook` is no option of the command line: the verb is called as a notebook would.
DRIVER = """
import json, sys
from pathlib import Path
from gputune import api
from gputune.schema.config import Setting
from gputune.session.folder import Options, SessionFolder
job = json.loads(sys.argv[1])
if job["hook"] == "bootstrap":
    create = SessionFolder.create
    def spoilt(self, options):
        create(self, options)
        self.options.write_text("no orders")
    SessionFolder.create = spoilt
result = api.profile(
    job["script"],
    options=Options(
        full=job["full"], max_s=job["max_s"], break_hook=job["hook"],
        settings=tuple(Setting(**one) for one in job["settings"]),
        trial=job["trial"], seed_offset=int(job["trial"]),
    ),
    outputs=api.Outputs(json=Path(job["json"])),
)
sys.exit(result.exit_code)
"""

CHECKING = "checking,checking:end"
"""The hooks that load and end the checks of `gputune check`."""
CHECK_DRIVER = """
import sys
from pathlib import Path
from gputune import api
found = api.check(
    sys.argv[1], break_hook=sys.argv[2], outputs=api.CheckOutputs(json=Path("check.json")),
)
print(sorted({run.state for run in found.report.checks}), file=sys.stderr)
"""


@dataclass(frozen=True)
class Fault:
    """A hook to break, and the run in which it is broken."""

    hook: str
    full: bool = True
    env: dict[str, str] = field(default_factory=lambda: {"EPOCHS": "3"})
    said: str | None = None
    """The hook that the report names, where it is not this one."""
    script: Path = SMALL
    trial: bool = False
    """Whether the run is a trial of the search, with other seeds."""
    settings: bool = False
    """Whether settings are put into the script, which the broken hooks would do."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells the run without gputune that it is compared with."""
        return self.script.stem, self.env["EPOCHS"]

    def __str__(self) -> str:
        return f"{self.hook}{'' if self.full else ' by default'}"


RICH = {"EPOCHS": "1", "RICH": "1"}
LONG = {"EPOCHS": "400"}
LOOP_HOOKS = (
    "loops", "loops:keras", "loop:after", "loop:before", "loop:call", "loop:gradient",
    "loop:assign,loop:strategy", "loop:fetch,loop:optimizer", "loop:end,loop:interrupted",
    "loop:iterator",
)  # fmt: skip
BESIDE = "opened,datasets,profiler,step:callbacks,fit:epoch,fit:release"
"""Hooks that do not count steps."""
LOOKING = "trained,compute,element,device_memory,callbacks,retracing,sessions"
PUT_IN = [
    {"knob": "prefetch", "value": 2},
    {"knob": "deterministic", "value": True},
    {"knob": "mixed_precision", "value": "float32"},
]
"""Settings that leave the losses as they are."""
FAULTS = [
    Fault(BESIDE),
    Fault(LOOKING),
    Fault("edits:*", said="edits:", settings=True),
    Fault("bootstrap"),
    Fault("import:tensorflow"),
    Fault("import:keras"),
    Fault("import:tf_keras", env={"EPOCHS": "3", "KERAS_2": "1"}),
    Fault("fits"),
    Fault("fit"),
    Fault("fit:train_begin"),
    Fault("fit:end"),
    Fault("step:before"),
    Fault("step:after", said="measurement"),
    Fault("measurement:*", said="measurement"),
    Fault("atexit"),
    *(Fault(hook, env={"EPOCHS": "2"}, script=LOOP) for hook in LOOP_HOOKS),
    Fault("dry:tensorflow", full=False, env=RICH),
    Fault("dry:keras", full=False, env=RICH),
    Fault("dry:*.*", full=False, env=RICH, said="dry:"),
    Fault("step:before", full=False),
    Fault("step:after", full=False, said="measurement"),
    Fault("measurement:clean", full=False, said="measurement"),
    Fault("measurement:trace", full=False, env=LONG, said="measurement"),
]
# The script's own training is over once batches are held: it is ended, with what was measured.
ENDED = [
    Fault("measurement:held", full=False, env=LONG, said="measurement"),
    Fault("profiler", full=False, env=LONG),
    Fault("batch_memory", full=False, env=LONG),
]
TRIALS = [Fault("trial:*", full=False, env=LONG, said="trial:", trial=True)]


class Runs:
    """All runs, begun at once, two at a time."""

    def __init__(self, pool: ThreadPoolExecutor, top: Path) -> None:
        self._top = top
        self._bare = {
            fault.key: pool.submit(
                python, fault.script, cwd=top / f"bare{'_'.join(fault.key)}", env=fault.env
            )
            for fault in {fault.key: fault for fault in FAULTS}.values()
        }
        self._broken = {
            str(fault): pool.submit(
                python, "-c", DRIVER, self._job(fault), cwd=self._folder(fault), env=fault.env
            )
            for fault in [*FAULTS, *ENDED, *TRIALS]
        }

    def bare(self, fault: Fault) -> Ran:
        """The run without gputune that has the environment of this one."""
        return self._bare[fault.key].result()

    def broken(self, fault: Fault) -> tuple[Ran, Profile]:
        """The run with that hook broken, and its report."""
        ran = self._broken[str(fault)].result()
        path = self._json(fault)
        assert path.is_file(), ran.stderr
        return ran, api.load(path)

    def _folder(self, fault: Fault) -> Path:
        return self._top / re.sub(r"\W", "_", str(fault))

    def _json(self, fault: Fault) -> Path:
        return self._folder(fault).with_suffix(".json")

    def _job(self, fault: Fault) -> str:
        return json.dumps(
            {
                "script": str(fault.script),
                "hook": fault.hook,
                "full": fault.full,
                "max_s": 1.0,
                "trial": fault.trial,
                "settings": PUT_IN if fault.settings else [],
                "json": str(self._json(fault)),
            }
        )


@pytest.fixture(scope="module")
def runs(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(pool, tmp_path_factory.mktemp("faults"))


def _says(profile: Profile, fault: Fault) -> bool:
    failed = [note for note in profile.notes if "failed" in note]
    hooks = (fault.said or fault.hook).split(",")
    return all(any(f"hook {hook}" in note for note in failed) for hook in hooks)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_script_does_not_notice(fault: Fault, runs: Runs) -> None:
    bare = runs.bare(fault)
    assert bare.exit_code == 0, bare.stderr
    ran, profile = runs.broken(fault)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == bare.stdout
    assert "Traceback" not in ran.stderr
    assert _says(profile, fault), profile.notes
    assert not profile.command.stopped_by_gputune


@pytest.mark.parametrize("fault", ENDED, ids=str)
def test_a_failure_amid_held_batches_ends_the_script(fault: Fault, runs: Runs) -> None:
    ran, profile = runs.broken(fault)
    assert ran.exit_code == 0, ran.stderr
    assert ran.losses == []
    assert _says(profile, fault), profile.notes
    assert profile.command.stopped_by_gputune
    assert profile.steps is not None
    assert profile.steps.mean_s is not None


@pytest.mark.parametrize("fault", TRIALS, ids=str)
def test_a_trial_is_measured_without_what_is_beside_it(fault: Fault, runs: Runs) -> None:
    ran, profile = runs.broken(fault)
    assert ran.exit_code == 0, ran.stderr
    assert _says(profile, fault), profile.notes
    assert profile.command.stopped_by_gputune
    assert profile.steps is not None
    assert profile.steps.mean_s is not None


def test_a_script_whose_checks_cannot_load_trains_and_none_of_them_is_called_clear(
    runs: Runs, tmp_path: Path
) -> None:
    fault = FAULTS[0]
    ran = python("-c", CHECK_DRIVER, fault.script, CHECKING, cwd=tmp_path, env=fault.env)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == runs.bare(fault).stdout
    assert "Traceback" not in ran.stderr
    report = api.load(tmp_path / "check.json")
    of_script = {one.name: one for one in report.checks if one.name in names("script")}
    assert {one.state for one in of_script.values()} == {"not-run"}
    assert all(one.reason for one in of_script.values())


def test_steps_are_still_counted_where_a_hook_beside_them_fails(runs: Runs) -> None:
    """12 steps of the first fit, 6 of the second."""
    for hooks in (BESIDE, LOOKING):
        _, profile = runs.broken(Fault(hooks))
        assert [fit.steps for fit in profile.fits] == [12, 6], hooks


def test_every_hook_of_the_source_is_broken_here() -> None:
    source = "".join(p.read_text() for p in sorted((ROOT / "gputune" / "inject").rglob("*.py")))
    calls = r"(?:guard\.run|guard\.wrap|guard\.trip|self\.run|self\.trip)\("
    literals = set(re.findall(calls + r'\s*"([^"]+)"', source))
    assert len(literals) >= 14
    faults = [*FAULTS, *ENDED, *TRIALS]
    tried = {hook for fault in faults for hook in fault.hook.split(",")} | {*CHECKING.split(",")}
    assert not [name for name in literals if not any(fnmatch.fnmatchcase(name, t) for t in tried)]

    # What is no literal: the names of dry mode's hooks, and of the plan's phases.
    others = {name.strip() for name in re.findall(calls + r"(?!\s*\")([^,)]+)", source)}
    assert others <= {
        "hook_name", 'f"measurement:{self._use.phase}"', "hook", "HOOK", "callbacks.HOOK", "name"
    }  # fmt: skip
    assert {"dry:*.*", "measurement:*", "bootstrap", "callbacks", "retracing", "edits:*"} <= tried
