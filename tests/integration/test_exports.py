"""One run with everything written: nothing that was secret is in it, and others can read it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gputune import api
from gputune.schema.profile import Profile
from tests.integration.running import ROOT, SCRIPTS, Ran, gputune, python

pytestmark = pytest.mark.integration

SECRETS = {
    "DB_PASSWORD": "planted-db-pa55",
    "AWS_SECRET_ACCESS_KEY": "planted-aws-5ecret",
    "TF_TOKEN_EXAMPLE_ORG": "planted-terraform-70ken",
    "TF_CPP_VMODULE": "https://planteduser:planted-url-pa55@host/x",
    "HOME_PHONE": "planted-some-other-variable",
}
ARGUMENTS = {
    "--api-key": "planted-api-k3y",
    "--token": "planted-70ken",
    "--database": "postgres://ana:planted-postgres-pa55@db/x",
    "--note": "ghp_plantedplantedplantedplanted1234",
}
PLANTED = (
    "planted-db", "planted-aws", "planted-terraform", "planted-url", "planted-some",
    "planted-api", "planted-70ken", "planted-postgres", "plantedplanted",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that one profile, its index and its other forms write, and the output."""
    made = tmp_path_factory.mktemp("exports")
    typed = [part for pair in ARGUMENTS.items() for part in pair]
    ran = gputune(
        "profile", "--max-seconds", "2", "--chrome", "trace.json.gz", "--tensorboard", "logs",
        SCRIPTS / "secretive.py", *typed, cwd=made, env=SECRETS,
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    _keep(ran, made / "profile.txt")
    again = gputune("report", "gputune-reports", "--html", "index.html", cwd=made, env=SECRETS)
    assert again.exit_code == 0, again.stderr
    _keep(again, made / "report.txt")
    return made


def _keep(ran: Ran, path: Path) -> None:
    path.write_text(ran.stdout + ran.stderr)


@pytest.fixture(scope="module")
def record(written: Path) -> Profile:
    (report,) = (written / "gputune-reports").glob("*.json")
    found = api.load(report)
    assert isinstance(found, Profile)
    return found


def test_no_secret_of_environment_or_command_line_is_in_anything_that_was_written(
    written: Path, record: Profile
) -> None:
    files = [path for path in written.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".json", ".html", ".toml", ".py", ".gz", ".txt"} <= kinds, "all kinds were looked at"
    for path in files:
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        for secret in PLANTED:
            assert secret.encode() not in text, f"{secret} in {path.name}"
    assert record.command.argv.count("<redacted>") >= 2, "they are there, without their values"
    assert "--api-key" in record.command.argv


def test_the_traced_steps_are_there_for_perfetto(written: Path) -> None:
    body = json.loads(gzip.decompress((written / "trace.json.gz").read_bytes()))
    names = {event["name"] for event in body["traceEvents"] if event["ph"] == "X"}
    assert any("Iterator" in name for name in names), sorted(names)[:20]


READ = """
import sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("tensorboard.compat.notf")
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
found = EventMultiplexer().AddRunsFromDirectory("logs").Reload()
((run, kinds),) = found.Runs().items()
text = found.Tensors(run, "gputune/verdict")[0].tensor_proto.string_val[0].decode()
steps = [event.step for event in found.Tensors(run, "gputune/over_time/step_s")]
assert found.SummaryMetadata(run, "gputune/verdict").plugin_data.plugin_name == "text"
assert found.SummaryMetadata(run, "gputune/steps/mean_s").plugin_data.plugin_name == "scalars"
assert "tensorflow" not in sys.modules
print(run, len(kinds["tensors"]), steps == sorted(steps), text.splitlines()[0], sep="|")
"""


def test_tensorboard_finds_the_run_its_scalars_and_its_texts(
    written: Path, record: Profile
) -> None:
    pytest.importorskip("tensorboard")
    ran = python("-c", READ, cwd=written)
    assert ran.exit_code == 0, ran.stderr
    run, tags, ordered, verdict = ran.stdout.strip().split("|")
    assert run.startswith("secretive-")
    assert int(tags) > 15
    assert ordered == "True"
    assert verdict.replace("\\", "") == f"**{record.verdict}**"


def test_the_record_holds_what_the_page_draws_over_time(record: Profile) -> None:
    curves = {series.name: series for series in record.series}
    assert {"step_s", "host.cpu_percent", "host.process_cpu_percent", "host.rss_bytes"} <= set(
        curves
    )
    spans = {phase.name: phase.spans_s for phase in record.phases}
    warm, (begin, end) = spans["warmup"][-1][1], spans["clean"][0]
    assert 0 <= warm <= begin < end
    for series in record.series:
        assert list(series.t_s) == sorted(series.t_s)
        assert series.t_s[0] >= 0
    assert any(begin < t <= end for t in curves["step_s"].t_s), "steps lie in the clean stretch"


def test_a_notebook_shows_a_loaded_record_without_asking_for_more(written: Path) -> None:
    (report,) = (written / "gputune-reports").glob("*.json")
    code = (
        "import sys, gputune\n"
        f"html = gputune.load({str(report)!r})._repr_html_()\n"
        "assert 'where a step goes' in html\n"
        "assert not {'tensorflow', 'plotly'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0
