"""The half of the checks that reads the script's source, in gputune's process.

`tree` is a parsed file and the calls in it, `runner` asks the checks. Nothing of the user's is
imported or run.
"""
