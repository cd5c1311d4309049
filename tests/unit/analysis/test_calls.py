from __future__ import annotations

from gputune.analysis.calls import label, site
from gputune.schema.secrets import REDACTED


def test_a_password_in_a_files_address_or_a_source_line_is_in_no_report() -> None:
    address = "https://ana:hunter2@data.example/train.csv"
    shown = label({"method": "TextLineDataset", "arguments": {"filename": address}})
    assert "hunter2" not in shown and REDACTED in shown
    line = {"file": "t.py", "line": 3, "code": f"ds = tf.data.TextLineDataset({address!r})"}
    found = site({**line, "via": [line]})
    assert found is not None
    assert "hunter2" not in found.code + found.via[0].code
    assert found.line == found.via[0].line == 3
