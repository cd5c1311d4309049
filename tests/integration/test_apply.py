"""Each knob by `run`, by the patch and by the snippet: what a profile then finds in force."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.applying.following import follow
from gputune import api
from gputune.rewrite.snippet import config_to_snippet
from gputune.rewrite.toml import config_to_toml
from gputune.schema.config import Config, Setting, Value
from gputune.schema.profile import Profile
from gputune.schema.site import Site
from tests.integration.running import SCRIPTS, environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

IN_FORCE: dict[str, Value] = {
    "prefetch": 4,
    "num_parallel_calls": 3,
    "deterministic": False,
    "cache": "memory",
    "batch_size": 16,
    "interleave_cycle_length": 4,
    "options.threading.private_threadpool_size": 3,
    "steps_per_execution": 2,
    "jit_compile": False,
    "learning_rate": 1e-7,
    "mixed_precision": "mixed_bfloat16",
    "memory_growth": "default",
    "gpu_thread_mode": "global",
    "knob.width": 24,
}
"""By their names in `Profile.config`."""
BY_SNIPPET = tuple(name for name in IN_FORCE if name != "memory_growth")
"""For that it calls set_memory_growth, which shows on a GPU alone."""


def gputune(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "gputune", *arguments], cwd=folder, capture_output=True, timeout=150,
        env=environment({"EPOCHS": "400"}),
    )  # fmt: skip


def profiled(folder: Path, name: str, *options: str) -> Profile:
    ran = gputune(
        folder, "profile", "--max-seconds", "2", "-o", name, "--json", f"{name}.json", *options,
        "train.py",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr.decode()
    found = api.load(folder / f"{name}.json")
    assert isinstance(found, Profile)
    return found


def wanted(file: Path) -> Config:
    """The settings, at the lines at which a profile records the calls."""
    lines = file.read_text().splitlines()

    def at(code: str) -> Site:
        number = next(n for n, line in enumerate(lines, 1) if code in line)
        return Site(file=str(file), line=number, code=lines[number - 1].strip())

    here, stage = at(".map(widen)"), ".map(widen)"
    return Config(
        script=file.name,
        tf_data=(
            Setting(knob="num_parallel_calls", value=3, site=here, stage=stage),
            Setting(knob="deterministic", value=False, site=here, stage=stage),
            Setting(knob="cache", value="memory", site=here, stage=stage),
            Setting(knob="batch_size", value=16, site=at(".batch(ROWS"), stage=".batch(32)"),
            Setting(knob="interleave", value=4, site=at("ds.interleave(")),
            Setting(knob="prefetch", value=4),
            Setting(knob="private_threadpool", value=3),
        ),
        policy=(
            Setting(knob="steps_per_execution", value=2),
            Setting(knob="jit_compile", value=False),
            Setting(knob="learning_rate", value=1e-7),
            Setting(knob="mixed_precision", value="mixed_bfloat16"),
            # What TensorFlow does by itself: what a machine without a GPU may have, too.
            Setting(knob="memory_growth", value="default"),
            Setting(knob="gpu_thread_mode", value="global"),
        ),
        knobs=(Setting(knob="knob.width", value=24),),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path
    shutil.copy(SCRIPTS / "applied.py", folder / "train.py")
    (folder / "gputune.toml").write_text(config_to_toml(wanted(folder / "train.py")))
    return folder


def check(profile: Profile, names: tuple[str, ...]) -> None:
    found = {
        name: [s.value for s in profile.config if s.knob == name and s.value is not None]
        for name in names
    }
    for name in names:
        value = IN_FORCE[name]
        close = [
            v == value or (isinstance(v, float) and v == pytest.approx(value)) for v in found[name]
        ]
        assert any(close), (name, found, profile.notes)


def test_by_run(folder: Path) -> None:
    """`profile --config` puts the settings in as `run --config` does."""
    profile = profiled(folder, "run", "--config", "gputune.toml")
    check(profile, tuple(IN_FORCE))
    ran = subprocess.run(
        [sys.executable, "-m", "gputune", "run", "train.py"], cwd=folder, capture_output=True,
        timeout=150, env=environment({"EPOCHS": "2"}), text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "dtype bfloat16" in ran.stdout and ran.stdout.startswith("losses")
    assert "no place found" not in ran.stderr and "not in force" not in ran.stderr


def test_by_the_patch_which_reverts_to_the_byte(folder: Path) -> None:
    script = folder / "train.py"
    before = script.read_bytes()
    script.chmod(0o750)
    shown = gputune(folder, "apply", "train.py")
    assert shown.returncode == 0, shown.stderr.decode()
    assert script.read_bytes() == before, "off a terminal it prints, and changes nothing"
    written = gputune(folder, "apply", "--write", "train.py")
    assert written.returncode == 0, written.stderr.decode()
    after = script.read_bytes()
    assert script.stat().st_mode & 0o777 == 0o750
    assert b"  # each element by itself\n" in after and b"ROWS = 16  # of a batch\n" in after
    again = gputune(folder, "apply", "--write", "train.py")
    assert again.returncode == 0 and again.stdout == b""
    assert script.read_bytes() == after, "a second application changes nothing"
    check(profiled(folder, "patched"), tuple(IN_FORCE))
    reverted = gputune(folder, "apply", "--revert", "train.py")
    assert reverted.returncode == 0, reverted.stderr.decode()
    assert script.read_bytes() == before
    assert not list(folder.glob("*gputune-backup")) + list(folder.glob(".gputune-applied*"))
    subprocess.run(["git", "apply", "-"], cwd=folder, check=True, input=shown.stdout)
    assert script.read_bytes() == after, "git makes the same of the printed patch"
    script.write_bytes(before)


def test_by_the_snippet(folder: Path) -> None:
    """Pasted above the script, and what its comments say done: by other code than the patch's."""
    there = folder / "snippet"
    there.mkdir()
    text = config_to_snippet(wanted(folder / "train.py"))
    ran = gputune(folder, "snippet")
    assert ran.stdout.decode() == config_to_snippet(api.load_config(folder / "gputune.toml"))
    followed, left = follow(text, (folder / "train.py").read_text(), "train.py", None)
    assert not left
    (there / "train.py").write_text(followed)
    check(profiled(there, "snippet"), BY_SNIPPET)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["apply", "trian.py"], 2, "did you mean train.py?"),
        (["apply", "--config", "no.toml", "train.py"], 2, "no.toml"),
        (["apply", "--write", "--revert", "train.py"], 2, "--revert"),
        (["apply", "--revert", "train.py"], 1, "nothing was applied"),
        (["snippet", "--config", "no.toml"], 2, "no.toml"),
        (["snippet", "-o", "train.py"], 1, "train.py exists already"),
    ],
)
def test_a_wrong_command(folder: Path, arguments: list[str], code: int, said: str) -> None:
    ran = gputune(folder, *arguments)
    assert ran.returncode == code
    assert said in ran.stderr.decode() and b"Traceback" not in ran.stderr
