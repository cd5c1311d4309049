"""The edge to the system: each file asks one thing, and answers with a record of `machine`.

Nothing here raises for what a machine may be: what cannot be read is None, or has its reason.
"""
