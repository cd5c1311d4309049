"""scikit-learn, as if it were not installed: on the search path of scripts that do not use it.

Keras imports it and pandas wherever they are, which takes a fifth of a second and more than half a
second of each of the suite's many processes.
"""

raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
