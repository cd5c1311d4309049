"""A configuration as changes of the source, with libcst, so that all else survives."""
