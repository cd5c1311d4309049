"""With gputune around it a script computes, prints and writes what it does without.

And with settings: each workload by one of the three interpreters, since its profile is here.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.applying.cells import INTERPRETERS, by_patch, by_snippet, judged, wanted
from gputune import api
from gputune.knobs.registry import KNOBS
from gputune.rewrite.toml import config_to_toml
from gputune.schema.profile import Profile
from tests.integration.running import (
    ROOT,
    SCRIPTS,
    WORKLOADS,
    Ran,
    gputune,
    hashes,
    python,
    report,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SCRIPT_NAMES = sorted(p.stem for p in WORKLOADS.glob("*.py") if "losses" in p.read_text())
STYLES = {"custom_loop": "loop", "gan": "loop", "mirrored": "loop", "eager_loop": "eager loop"}
ARGUMENTS = {"cli_args": ("-o", "model.keras", "--json", "history.json")}
LEFT_BEHIND = {
    "photos": {"checkpoints/photos.keras", "training.csv"},
    "photos_tuned": {"checkpoints/photos.keras", "training.csv"},
    "cli_args": {"model.keras", "history.json"},
}
CACHE_MODES: tuple[tuple[str, ...], ...] = ((), ("--full", "--max-seconds", "1"))
FEW_STEPS = {"KERAS_MAX_STEPS_PER_EPOCH": "16"}
"""Keras' own way to make epochs short; what trains by a loop of its own does not heed it."""
APPLIED = tuple(k.name for k in KNOBS if k.name not in ("mixed_precision", "jit_compile"))
"""These two make a step on a CPU slow, or its start: `test_apply.py` has them."""
FEWEST_IN_FORCE = 2
"""What a loop over a pipeline that Python fills has: the variables of the GPU's knobs, at least."""
AGAIN = ("photos", "photos_tfrecord", "cli_args")


@dataclass(frozen=True)
class Runs:
    """One script: bare, then by default in the same folder; `--full` in another one."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    full_folder: Path
    bare: Ran
    full: Ran
    full_report: Profile
    default: Ran
    default_report: Profile
    again: Ran | None
    """Bare once more, in the folder of the default run: of a few scripts, since it takes time."""
    before: dict[str, str]
    after: dict[str, str]
    how: str
    """By what its settings were put in, once more: `run`, `patch` or `snippet`."""
    cells: dict[str, dict[str, object]]
    """What became of each knob; see `benchmarks/applying/cells`."""


def with_settings(
    name: str, how: str, found: Profile, top: Path, env: dict[str, str]
) -> dict[str, dict[str, object]]:
    """The script with other values of most knobs, as a trial of the search, which is short."""
    script, work = WORKLOADS / f"{name}.py", top / "applied"
    work.mkdir()
    made = wanted(found, APPLIED)
    config, refused, toml = made.config(script.name), {}, "-"
    if how == "run":
        toml = "gputune.toml"
        (work / toml).write_text(config_to_toml(config))
    else:
        source = (
            by_patch(script, made.settings) if how == "patch" else by_snippet(script, config, found)
        )
        refused, script = dict(source.refused), work / script.name
        script.write_bytes(source.source)
    paths = os.pathsep.join((str(ROOT), str(WORKLOADS)))  # the changed copy's own imports
    ran = python(
        "-m", "tests.integration.one_trial", script, toml, "applied.json",
        *ARGUMENTS.get(name, ()), cwd=work, env={**env, "PYTHONPATH": paths},
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    seen = api.load(work / "applied.json")
    assert isinstance(seen, Profile)
    return judged(seen, made.settings, refused)


def run_all_ways(name: str, top: Path, workload_data: Path) -> Runs:
    """The runs of one script, one after another."""
    command = (str(WORKLOADS / f"{name}.py"), *ARGUMENTS.get(name, ()))
    env = {"WORKLOAD_DATA": str(workload_data)}
    work, full_work = top / "work", top / "full"
    few = {**env, **FEW_STEPS}
    bare = python(*command, cwd=work, env=few)
    full = gputune(
        "profile", "--full", "--max-seconds", "1", "-o", top / "full-report", *command,
        cwd=full_work, env=few,
    )  # fmt: skip
    before = hashes(work, workload_data)
    default = gputune(
        "profile", "--max-seconds", "0.5", "-o", top / "report", *command, cwd=work, env=env
    )
    after = hashes(work, workload_data)
    again = python(*command, cwd=work, env=few) if name in AGAIN else None
    assert bare.exit_code == 0, bare.stderr
    assert full.exit_code == 0, full.stderr
    assert default.exit_code == 0, default.stderr
    how = INTERPRETERS[SCRIPT_NAMES.index(name) % len(INTERPRETERS)]
    cells = with_settings(name, how, report(top / "report"), top, env)
    return Runs(
        name, command, few, work, full_work, bare, full, report(top / "full-report"),
        default, report(top / "report"), again, before, after, how, cells,
    )  # fmt: skip


@pytest.fixture(scope="module")
def all_runs(
    pool: ThreadPoolExecutor, workload_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Future[Runs]]:
    """All scripts, begun at once, two at a time."""
    return {
        name: pool.submit(run_all_ways, name, tmp_path_factory.mktemp(name), workload_data)
        for name in SCRIPT_NAMES
    }


@pytest.fixture(scope="module", autouse=True)
def caches(
    all_runs: dict[str, Future[Runs]],
    pool: ThreadPoolExecutor,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, ...], Future[Cached]]:
    """The script with a file cache in both modes, begun after all other scripts."""
    return {
        mode: pool.submit(run_with_a_cache, mode, tmp_path_factory.mktemp("cached"))
        for mode in CACHE_MODES
    }


@pytest.fixture(scope="module", params=SCRIPT_NAMES)
def runs(request: pytest.FixtureRequest, all_runs: dict[str, Future[Runs]]) -> Runs:
    return all_runs[request.param].result()


def test_under_full_it_prints_the_same(runs: Runs) -> None:
    assert runs.bare.losses
    if runs.full.masked != runs.bare.masked:
        again = python(*runs.command, cwd=runs.folder.parent / "again", env=runs.env)
        if again.losses != runs.bare.losses:
            pytest.skip("two bare runs of this script differ from each other")
    assert runs.full.losses == runs.bare.losses
    assert runs.full.masked == runs.bare.masked


def test_under_full_it_writes_the_same(runs: Runs) -> None:
    names = {str(p.relative_to(runs.full_folder)) for p in runs.full_folder.rglob("*.*")}
    assert names == LEFT_BEHIND.get(runs.name, set())
    for name in names:
        if name.endswith((".csv", ".json")):
            bare, full = runs.folder / name, runs.full_folder / name
            assert full.read_bytes() == bare.read_bytes()


def test_under_full_no_hook_fails_and_the_script_ends_by_itself(runs: Runs) -> None:
    found = runs.full_report
    assert not [note for note in found.notes if "failed" in note]
    assert found.command.mode == "full"
    assert not found.command.stopped_by_gputune
    assert all(fit.finished for fit in found.fits)


def test_by_default_no_file_changes(runs: Runs) -> None:
    assert LEFT_BEHIND.get(runs.name, set()) <= {
        str(Path(p).relative_to(runs.folder))
        for p in runs.before
        if Path(p).is_relative_to(runs.folder)
    }
    assert runs.after == runs.before


def test_by_default_no_hook_fails(runs: Runs) -> None:
    assert not [note for note in runs.default_report.notes if "failed" in note]
    assert runs.default_report.command.mode == "default"
    assert runs.default_report.style == STYLES.get(runs.name, "keras.fit")


def test_settings_are_in_force_where_the_script_has_a_place(runs: Runs) -> None:
    """One interpreter a workload here; all of them: `benchmarks/apply_matrix.py`."""
    missing = {knob: cell for knob, cell in runs.cells.items() if cell["state"] == "MISSING"}
    assert not missing, (runs.how, missing)
    in_force = [knob for knob, cell in runs.cells.items() if cell["state"] == "in force"]
    assert len(in_force) >= FEWEST_IN_FORCE, (runs.how, runs.cells)


@pytest.mark.parametrize("name", AGAIN)
def test_after_the_default_it_runs_bare(name: str, all_runs: dict[str, Future[Runs]]) -> None:
    runs = all_runs[name].result()
    assert runs.again is not None
    assert runs.again.exit_code == 0, runs.again.stderr
    assert runs.again.losses == runs.bare.losses


@dataclass(frozen=True)
class Cached:
    """A script that caches to a file, under gputune and then bare in the same folder."""

    measured: Ran
    report: Profile
    between: dict[str, str]
    again: Ran
    after: dict[str, str]


def run_with_a_cache(mode: tuple[str, ...], top: Path) -> Cached:
    script, work, env = SCRIPTS / "file_cache.py", top / "work", {"EPOCHS": "3"}
    measured = gputune("profile", *mode, "-o", top / "report", script, cwd=work, env=env)
    assert measured.exit_code == 0, measured.stderr
    between = hashes(work)
    again = python(script, cwd=work, env=env)
    return Cached(measured, report(top / "report"), between, again, hashes(work))


@pytest.mark.parametrize("mode", CACHE_MODES, ids=("default", "full"))
def test_a_file_cache_is_as_it_was(
    mode: tuple[str, ...], caches: dict[tuple[str, ...], Future[Cached]]
) -> None:
    """The default mode ends the script while its cache fills; the next run must not notice."""
    found = caches[mode].result()
    assert found.report.command.stopped_by_gputune == (not mode)
    indices = {Path(p).name for p in found.between if p.endswith(".index")}
    assert indices == ({"train.index"} if mode else set())
    if not mode:
        assert found.between == {}

    assert found.again.exit_code == 0, found.again.stderr
    assert not [p for p in found.after if p.endswith(".lockfile")]
    if mode:
        assert found.again.losses == found.measured.losses
