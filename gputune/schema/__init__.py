"""Pure records: what gputune measures and says, with units in the names of the fields.

Frozen dataclasses of the standard library, so that they can be imported inside the user's
process. `gputune.schema.read` validates their JSON (with pydantic) and is imported only by who
reads files.
"""
