"""What several checks ask of the model that was trained, found out once for all of them.

`facts` are the records, `arrays` makes them of NumPy arrays, `beginning` keeps the weights that the
training began with, `passes` runs the model's own training step on held batches with everything put
back, `recorder` listens to it, `losses` is the loss of each step, `labels_seen` the labels of some
batches in a row, `compiled` the user's line that calls `compile`.
"""
