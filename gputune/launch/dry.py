"""Dry mode's part of the environment: experiment trackers off, by their own variables."""

from __future__ import annotations

from pathlib import Path

# Read in each tracker's documentation or source. A tracker whose mode the script passes as an
# argument (`wandb.init(mode="online")`) keeps that: an argument outranks the variable everywhere.
_OFF = {
    "CLEARML_OFFLINE_MODE": "1",
    # The configuration key comet.auto_log.disable: Experiment(disabled=True).
    "COMET_AUTO_LOG_DISABLE": "1",
    # Read by callbacks that choose the kind of experiment themselves (Hugging Face's).
    "COMET_MODE": "DISABLED",
    "DVC_STUDIO_OFFLINE": "true",
    # MLflow 3.13 and later refuse a folder as the store unless this says otherwise; a database in
    # its place would need SQLAlchemy, which mlflow-skinny does not bring.
    "MLFLOW_ALLOW_FILE_STORE": "true",
    # neptune knows `debug` and neptune-scale `disabled`, and each refuses the other's word.
    "NEPTUNE_MODE": "offline",
    "SWANLAB_MODE": "disabled",
    "WANDB_MODE": "disabled",
}


def dry_environment(scratch: Path) -> dict[str, str]:
    """The variables to add to the script's environment, and the only ones that dry mode adds.

    What has no off switch is sent to the folder `scratch`, under the tracker's name.
    """
    scratch = scratch.resolve()
    return {
        **_OFF,
        # The repository's name, joined to the script's folder: an absolute path replaces it.
        "__AIM_REPO_NAME__": str(scratch / "aim"),
        "CLEARML_CACHE_DIR": str(scratch / "clearml"),
        "COMET_OFFLINE_DIRECTORY": str(scratch / "comet"),
        "MLFLOW_TRACKING_URI": (scratch / "mlruns").as_uri(),
        "NEPTUNE_DATA_DIRECTORY": str(scratch / "neptune"),
        "NEPTUNE_LOG_DIRECTORY": str(scratch / "neptune"),
    }
