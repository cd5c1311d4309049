"""The check `predictions`: what the trained model says at the edges of what it will be asked.

`cases` makes the inputs and runs them, `judging` turns what came out into findings.
"""
