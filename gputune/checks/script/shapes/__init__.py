"""The check `shapes`: what the layers, losses and metrics want, and what they are given."""
