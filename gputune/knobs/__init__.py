"""What can be set: one small file a knob, as data. Imports no TensorFlow."""
