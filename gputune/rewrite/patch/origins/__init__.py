"""Where the value of an expression is set: by names, calls, classes, dicts, the command line."""
