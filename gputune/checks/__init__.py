"""The checks of `gputune check`: mistakes of Keras users, found before they cost hours.

`registry` is the list of all checks, `selection` what `--only` and `--skip` make of it. A check
has one of two homes:

- `script/` runs inside the script's own process, through its first training steps. It knows
  `inject`, `knobs`, `session`, `schema`, the standard library and wrapt, and TensorFlow and Keras
  only once the script has imported them.
- `source/` reads the script's source (with libcst) in gputune's process, so that it has something
  to say even where the script cannot start.

How to add a check: CONTRIBUTING.md, "A check".
"""
