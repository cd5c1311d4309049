"""Renderers: a record goes in, text comes out. They compute nothing that a record does not hold."""
