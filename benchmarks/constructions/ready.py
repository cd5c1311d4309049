"""A construction whose input is always ready: one batch of its own, held in memory.

`ready.py cpu_map.py ARGUMENTS` trains as `cpu_map.py ARGUMENTS` does, on that batch.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import common
from oracle import as_dataset, held


def main():
    """Run the construction that the command line names."""
    module = importlib.import_module(Path(sys.argv.pop(1)).stem)

    def build_dataset(args):
        return held(as_dataset(module.build_dataset(args), args.batch))

    common.main(module.__doc__, module.add_arguments, build_dataset)


if __name__ == "__main__":
    main()
