"""The check `labels`: whether labels, outputs and the loss fit together.

`gathering` looks at the compiled loss, a prediction and the labels, `facts` is what it says of
them, `judging` and `judging_values` say what does not fit. Shapes that cannot be computed with at
all raise an error in Keras: those are for the check `shapes`.
"""
