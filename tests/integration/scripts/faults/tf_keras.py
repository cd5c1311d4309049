"""Stands for Keras 2, which is not installed: it is imported, and nothing of it is used."""
