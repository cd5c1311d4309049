"""`python -m tests.integration.one_trial SCRIPT TOML OUT ARGUMENTS…`: the shortest measured run.

A trial as the search makes it: no trace, no blocks, ended as soon as its figure is steady. TOML is
a configuration to put in, or `-`; OUT becomes the Profile.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gputune.api.configuring import load_config
from gputune.api.trials.process import observe
from gputune.launch.command import Target
from gputune.schema.write import to_json
from gputune.session.folder import Options


def main(script: str, toml: str, out: str, *arguments: str) -> None:
    """Run it and write the profile; fails where no training was seen."""
    options = Options(
        trial=True, max_s=1.0, settings=() if toml == "-" else load_config(toml).settings
    )
    target = Target(script=script, arguments=arguments)
    seen = observe(target, Path(script), options, timeout_s=120)
    if seen.profile.steps is None:
        sys.exit(seen.error_text or "no training was seen")
    Path(out).write_text(to_json(seen.profile))


if __name__ == "__main__":
    main(*sys.argv[1:])
