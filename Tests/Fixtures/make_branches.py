"""Writes branches.onnx, a network with what sessions keep in bf16: depthwise layers, concatenations, sums and pools between products.

  python3 make_branches.py branches.onnx      needs the Python package onnx
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)
weights, nodes = [], []


def convolution(x, y, inputs, outputs, kernel, stride=1, groups=1, addend=None):
    shape = (outputs, inputs // groups, kernel, kernel)
    weights.append(numpy_helper.from_array((random.standard_normal(shape) * 0.3).astype(np.float32), y + ".weight"))
    nodes.append(helper.make_node("Conv", [x, y + ".weight"], [y + ".sum"], y, kernel_shape=[kernel] * 2,
                                  strides=[stride] * 2, pads=[kernel // 2] * 4, group=groups))
    if addend:
        nodes.append(helper.make_node("Add", [y + ".sum", addend], [y + ".added"]))
    nodes.append(helper.make_node("Relu", [y + (".added" if addend else ".sum")], [y]))


convolution("image", "first", 3, 8, 3, 2)
convolution("first", "depthwise", 8, 8, 3, 1, 8)
convolution("depthwise", "narrow", 8, 6, 1)
convolution("narrow", "left", 6, 8, 1)
convolution("narrow", "right", 6, 6, 3)
nodes.append(helper.make_node("Concat", ["left", "right"], ["joined"], "joined", axis=1))
convolution("joined", "wide", 14, 14, 3, addend="joined")
nodes.append(helper.make_node("MaxPool", ["wide"], ["pooled"], "pooled", kernel_shape=[2, 2], strides=[2, 2]))
convolution("pooled", "last", 14, 10, 1)
nodes.append(helper.make_node("GlobalAveragePool", ["last"], ["means"], "means"))
graph = helper.make_graph(
    nodes, "branches", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 11, 9])],
    [helper.make_tensor_value_info("means", TensorProto.FLOAT, [1, 10, 1, 1])], weights)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), sys.argv[1])
