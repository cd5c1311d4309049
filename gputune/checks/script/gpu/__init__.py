"""The check `gpu`: whether the training uses the GPU that is there.

`gathering` asks TensorFlow, `placements` reads where it has put the step's operations, `private`
holds the two questions that TensorFlow has no public answer to, `judging` is pure.
"""
