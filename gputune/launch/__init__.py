"""The edge to the operating system: starts the script like `python train.py` would, and ends it.

`command` says what is started and refuses what cannot run; `child` starts it and waits; `ending`
and `signals` end it; `dry`, `cleanup`, `secrets` and `resources` are what stands around a run.
"""
