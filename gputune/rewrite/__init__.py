"""A Config as text that a person keeps: `gputune.toml`, Python to paste, a patch."""
