"""The check `saving`: the trained model written and read back in every format, and compared.

`parts` gathers what the user's own layers, losses, metrics and optimizers give to be saved,
`trips` makes the round trips, `ways` knows how the script itself saves, `judging` and
`judging_parts` turn these facts into findings.
"""
