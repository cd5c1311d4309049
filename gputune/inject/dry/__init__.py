"""Dry mode: what Keras and TensorFlow write goes to the session's scratch folder.

A script that is ended early must not leave half a checkpoint, or an emptied log, where the
user's real work lies.
"""
