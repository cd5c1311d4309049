"""A function with one product on the second of two CPUs: prints where each product was placed."""

import json

import tensorflow as tf

from gputune.checks.script.gpu import private
from gputune.checks.script.gpu.placements import placed, sites_of

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@tf.function
def step(a):
    b = tf.matmul(a, a)
    with tf.device("/CPU:1"):
        c = tf.matmul(b, b)
    return tf.reduce_sum(c), tf.constant([1, 2]) + 1


a = tf.random.normal((8, 8))
works = private.collect_graphs(True)
step(a)
nodes = private.collected_nodes()
private.collect_graphs(False)
found = placed(nodes, sites_of(step.get_concrete_function(a).graph))
kernels = private.with_kernels({"MatMul", "NoSuchOperation"}, "CPU")
print(
    json.dumps(
        {
            "works": works,
            "products": sorted(
                (one.device, one.dtype, one.site.code if one.site else "")
                for one in found
                if one.operation == "MatMul"
            ),
            "types": sorted({one.dtype for one in found}),
            "kernels": sorted(kernels or ()),
            "devices": sorted({n.device[-5:] for n in nodes if n.op.endswith("MatMul")}),
        }
    )
)
