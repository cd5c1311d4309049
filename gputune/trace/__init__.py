"""Traces of TensorFlow's profiler: bytes -> events -> intervals. Pure; imports no TensorFlow."""
