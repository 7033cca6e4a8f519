"""Makes tiny.onnx: a small network with most kinds of layers and random weights (seeded). Needs numpy and onnx."""
import os

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

rng = np.random.default_rng(7)
nodes, weights = [], []


def constant(name, *shape, scale=1.0):
    weights.append(numpy_helper.from_array((rng.standard_normal(shape) * scale).astype(np.float32), name))
    return name


def node(op, inputs, output, **attributes):
    nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
    return output


x = node("Conv", ["image", constant("w1", 8, 3, 3, 3, scale=0.3), constant("b1", 8)], "conv1", kernel_shape=[3, 3],
         pads=[1, 1, 1, 1], strides=[2, 2])
x = node("Relu", [x], "relu1")
weights += [numpy_helper.from_array(rng.uniform(0.5, 2, 8).astype(np.float32), n) for n in ("scale", "variance")]
shortcut = x
x = node("Conv", [x, constant("w2", 8, 1, 3, 3, scale=0.5)], "depthwise", kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=8)
x = node("BatchNormalization", [x, "scale", constant("shift", 8), constant("mean", 8), "variance"], "norm")
x = node("HardSwish", [x], "hardswish")
x = node("Conv", [x, constant("w3", 8, 4, 1, 1, scale=0.5)], "grouped", kernel_shape=[1, 1], group=2)
x = node("Add", [x, shortcut], "residual")
a = node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
b = node("AveragePool", [x], "averagepool", kernel_shape=[2, 2], strides=[2, 2])
x = node("Concat", [a, b], "concat", axis=1)
x = node("LRN", [x], "lrn", size=5, alpha=0.1)
x = node("Conv", [x, constant("w4", 12, 16, 1, 1, scale=0.3), constant("b4", 12)], "conv4", kernel_shape=[1, 1])
x = node("Tanh", [x], "tanh")
gate = node("Sigmoid", [node("GlobalAveragePool", [x], "squeeze")], "gate")
x = node("Mul", [x, gate], "scaled")
x = node("Flatten", [x], "flatten")
x = node("Gemm", [x, constant("w5", 10, 12 * 16, scale=0.2), constant("b5", 10)], "logits", transB=1)
x = node("Softmax", [x], "probabilities", axis=-1)

graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
                          [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 8
checker.check_model(model)
save(model, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny.onnx"))
