"""The half of the checks that runs inside the script's own process.

`checking` is what `inject` loads: it shortens the training and ends the script. `runner` asks the
checks, each guarded, and writes what they say to the session's log. `check` is what a check is,
`context`, `training` and `raised` are what it is told.
"""
