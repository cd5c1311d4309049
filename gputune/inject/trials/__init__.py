"""Trials without a new process: the script's `fit`, made again and again with other settings."""
