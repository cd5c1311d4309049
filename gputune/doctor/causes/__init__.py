"""What can be wrong, and what is in order: pure functions from a Machine to findings, by subject.

A finding is a `problem` where a training does not work, or does not get its GPU; a `warning` where
it works and something costs time, or is not what it says; a `note` for knowing; `good` otherwise.
Causes that are about GPUs say nothing on a machine that shows no sign of one.
"""
