"""pandas, as if it were not installed; see `sklearn.py` beside this file."""

raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
