"""Pure: from a session's events and a trace to numbers. No clock, no file, no process."""
