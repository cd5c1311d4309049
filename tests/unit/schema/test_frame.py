from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.report import sample


def test_each_figure_is_a_row_with_its_value_and_unit() -> None:
    frame = sample.cpu_profile().to_frame()
    assert list(frame.columns) == ["metric", "value", "unit"]
    rows = {metric: (value, unit) for metric, value, unit in frame.itertuples(index=False)}
    assert rows["steps.mean_s"] == (0.0419, "s")
    assert rows["steps.ci95_s[1]"] == (0.0426, "s")
    assert rows["steps.samples_per_s"] == (763.7, "samples/s")
    assert rows["steps.stable"] == (True, "")
    assert rows["host.rss_bytes"] == (1_130_000_000, "bytes")
    assert rows["host.read_bytes_per_s"] == (14.2e6, "bytes/s")
    assert rows["host.cpu_percent"] == (61.0, "%")
    assert rows["pipeline.stages[2].self_s"] == (0.0291, "s")
    assert rows["what_if[0].if"] == ("input were free", "")
    assert rows["transfer.h2d_s_per_step"] == (None, "s/step")
    assert rows["version"] == (1, "")


def test_what_was_not_measured_is_none_and_the_paths_are_unique() -> None:
    frame = sample.minimal_profile().to_frame()
    assert frame.loc[frame["metric"] == "steps", "value"].tolist() == [None]
    assert frame["metric"].is_unique
    assert not frame["metric"].str.startswith("series").any()


def test_no_renderer_loads_pandas_until_a_frame_is_asked_for(root: Path) -> None:
    modules = "html, terminal, names"
    code = f"import sys; from gputune.report import {modules}; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
