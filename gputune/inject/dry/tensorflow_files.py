"""What TensorFlow writes while it trains: checkpoints, summaries, saved models, caches."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.dry.redirecting import redirect_argument
from gputune.inject.dry.scratch import Scratch

if TYPE_CHECKING:
    from gputune.inject.watch import Watch


def redirect(tf: ModuleType, watch: Watch) -> None:
    """Send to scratch what a training writes, and read it back from there.

    Data that the script prepares (TFRecord files, saved datasets) stays where the script puts it.
    """
    scratch = Scratch(watch)
    checkpoint = tf.train.Checkpoint
    redirect_argument(watch, checkpoint, "save", "file_prefix", scratch.for_writing)
    redirect_argument(watch, checkpoint, "write", "file_prefix", scratch.for_writing)
    redirect_argument(watch, checkpoint, "restore", "save_path", scratch.for_reading)
    redirect_argument(watch, checkpoint, "read", "save_path", scratch.for_reading)
    redirect_argument(
        watch, tf.train.CheckpointManager, "__init__", "directory", scratch.for_writing
    )
    redirect_argument(watch, tf.train, "latest_checkpoint", "checkpoint_dir", scratch.for_reading)
    redirect_argument(watch, tf.summary, "create_file_writer", "logdir", scratch.for_writing)
    redirect_argument(watch, tf.saved_model, "save", "export_dir", scratch.for_writing)
    redirect_argument(watch, tf.saved_model, "load", "export_dir", scratch.for_reading)
    redirect_argument(watch, tf.io.TFRecordWriter, "__init__", "path", scratch.left_in_place)

    def cache(path: Any) -> Any:
        return path if not path or _cache_is_whole(path) else scratch.for_writing(path)

    def folder(path: Any) -> Any:
        return path if _has_files(path) else scratch.for_writing(path)

    dataset = tf.data.Dataset
    redirect_argument(watch, dataset, "cache", "filename", cache)
    redirect_argument(watch, dataset, "snapshot", "path", folder)
    redirect_argument(watch, dataset, "save", "path", scratch.left_in_place)


def _cache_is_whole(path: Any) -> bool:
    """A cache that an earlier run has filled is read, and reading it writes nothing."""
    return isinstance(path, (str, os.PathLike)) and Path(f"{os.fspath(path)}.index").exists()


def _has_files(path: Any) -> bool:
    if not isinstance(path, (str, os.PathLike)):
        return False
    folder = Path(path)
    return folder.is_dir() and any(folder.iterdir())
