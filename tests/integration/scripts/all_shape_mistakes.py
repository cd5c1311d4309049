"""Makes every shape mistake in one process, and writes what gputune reads and says of each."""

import json
import sys

import keras
import shape_mistakes

from gputune.checks.script.raised import Raised
from gputune.checks.script.shapes.diagnosis import diagnose, evidence
from gputune.checks.script.shapes.facts import facts_of
from tests.fixtures.shape_mistakes import MISTAKES, plain

found = {}
for name in MISTAKES:
    keras.utils.clear_session()
    keras.config.disable_traceback_filtering()
    try:
        getattr(shape_mistakes, name)()
    except Exception as error:
        raised = Raised(error)
        facts = facts_of(raised)
        said = None if facts is None else diagnose(facts)
        found[name] = {
            "error": raised.kind,
            "facts": facts and plain(facts),
            "title": said and said.title,
            "remedy": said and said.remedy,
            "evidence": facts and evidence(facts),
            "line": raised.site and raised.site.code,
        }
with open(sys.argv[1], "w", encoding="utf-8") as file:  # noqa: PTH123
    json.dump(found, file, indent=1)
