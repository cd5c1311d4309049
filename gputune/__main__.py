"""`python -m gputune` is `gputune`."""

from __future__ import annotations

import sys

from gputune.cli import main

if __name__ == "__main__":
    sys.exit(main())
