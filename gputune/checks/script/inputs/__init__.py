"""The check `inputs`: the scale of what the first layers with a kernel are given."""
