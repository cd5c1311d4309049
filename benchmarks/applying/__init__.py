"""Settings put into scripts by each interpreter, and looked for in force."""
