"""Why a machine trains as it does: driver, CUDA, TensorFlow's build, variables, host, Keras.

`facts` asks the system, each thing in a small file of its own; whatever may hang or crash (the
driver, the import of TensorFlow) is asked by a child process, so that its end is an answer, too.
`gather` puts the answers into one frozen `machine.Machine`. `causes` are pure: each is a function
from a Machine to findings, so that any machine can be made up. `diagnose` runs them all.

What is said about GPUs is said only where there is a sign of one (`machine.Machine.gpu_signs`): a
machine without a GPU is in order, and gets one line that says so.
"""
