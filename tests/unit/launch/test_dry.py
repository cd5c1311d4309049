from __future__ import annotations

from pathlib import Path

import pytest

from gputune.launch.dry import dry_environment


def test_trackers_are_off_or_write_to_the_scratch_folder(tmp_path: Path) -> None:
    scratch = tmp_path / "a b"
    environment = dry_environment(scratch)
    assert environment["WANDB_MODE"] == "disabled"
    assert environment["COMET_AUTO_LOG_DISABLE"] == "1"
    assert environment["CLEARML_OFFLINE_MODE"] == "1"
    # The one mode that both of Neptune's clients know.
    assert environment["NEPTUNE_MODE"] == "offline"
    assert environment["MLFLOW_TRACKING_URI"] == f"file://{tmp_path}/a%20b/mlruns"
    # MLflow 3.13 raises for a folder otherwise.
    assert environment["MLFLOW_ALLOW_FILE_STORE"] == "true"
    for name in ("__AIM_REPO_NAME__", "NEPTUNE_DATA_DIRECTORY", "CLEARML_CACHE_DIR"):
        assert Path(environment[name]).parent == scratch


def test_nothing_is_made_and_relative_folders_survive_a_chdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = dry_environment(Path("scratch"))
    assert Path(environment["NEPTUNE_DATA_DIRECTORY"]).parent == tmp_path / "scratch"
    assert not list(tmp_path.iterdir())
