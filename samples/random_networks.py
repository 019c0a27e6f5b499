#!/usr/bin/env python3
"""Writes networks with random weights, for measuring what proving costs at sizes that no sample has.

usage: random_networks.py FOLDER

needs numpy and onnx (requirements.txt). Each network gets a folder with model.onnx and input.json:

resnet18       ResNet-18 for 3x32x32 images, batch normalisation included: 0.56G MACs
conv64         a 3x3 convolution from 64 to 64 channels on 32x32, with ReLU: 37.7M MACs
conv64-tenfold the same activations with ten times the MACs: a kernel of 90 taps
deep500        a residual network of 500 small nodes, for looking at large graphs
deep3000       the same of 3,000 nodes
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


class Network:
    """A graph that grows node by node; tensors are named by what made them."""

    def __init__(self, name, shape, seed):
        self.name, self.shape = name, shape
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(self, operator, name, inputs, **attributes):
        node = helper.make_node(operator, inputs, [f"{name}_out"], name=name, **attributes)
        self.nodes.append(node)
        return f"{name}_out"

    def conv(self, name, x, channels_in, channels_out, kernel, stride=1, pads=None, bias=False,
             gain=1.0):
        fan = channels_in * kernel[0] * kernel[1]
        values = self.random.normal(0, gain * np.sqrt(2 / fan), (channels_out, channels_in, *kernel))
        inputs = [x, self.weight(f"{name}_weight", values)]
        if bias:
            inputs.append(self.weight(f"{name}_bias", self.random.normal(0, 0.1, channels_out)))
        pads = pads or [kernel[0] // 2, kernel[1] // 2] * 2
        return self.node(
            "Conv", name, inputs, kernel_shape=list(kernel), strides=[stride] * 2, pads=pads
        )

    def norm(self, name, x, channels):
        near_one = lambda: self.random.uniform(0.8, 1.2, channels)
        around_zero = lambda: self.random.normal(0, 0.1, channels)
        parts = {"scale": near_one(), "shift": around_zero(), "mean": around_zero(),
                 "var": near_one()}
        inputs = [self.weight(f"{name}_{part}", values) for part, values in parts.items()]
        return self.node("BatchNormalization", name, [x, *inputs])

    def relu(self, name, x):
        return self.node("Relu", name, [x])

    def write(self, folder, output, output_shape):
        folder = pathlib.Path(folder) / self.name
        folder.mkdir(parents=True, exist_ok=True)
        value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(
            self.nodes, self.name, [value("input", self.shape)], [value(output, output_shape)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        onnx.save(model, folder / "model.onnx")
        pixels = self.random.normal(0, 0.5, self.shape).astype(np.float32)
        (folder / "input.json").write_text(json.dumps({"input_data": [pixels.ravel().tolist()]}))
        print(folder / "model.onnx")


def resnet18(folder):
    net = Network("resnet18", [1, 3, 32, 32], 18)
    x = net.conv("stem", "input", 3, 64, (3, 3))
    x = net.relu("stem_relu", net.norm("stem_norm", x, 64))
    channels = 64
    for stage, width in enumerate([64, 128, 256, 512], start=1):
        for block in (1, 2):
            name = f"stage{stage}.block{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            y = net.conv(f"{name}.conv1", x, channels, width, (3, 3), stride)
            y = net.relu(f"{name}.relu1", net.norm(f"{name}.norm1", y, width))
            y = net.conv(f"{name}.conv2", y, width, width, (3, 3))
            y = net.norm(f"{name}.norm2", y, width)
            if stride != 1:
                x = net.conv(f"{name}.shortcut", x, channels, width, (1, 1), stride)
                x = net.norm(f"{name}.shortcut_norm", x, width)
            x = net.relu(f"{name}.relu2", net.node("Add", f"{name}.add", [x, y]))
            channels = width
    x = net.node("GlobalAveragePool", "pool", [x])
    x = net.node("Flatten", "flatten", [x])
    weight = net.weight("classes_weight", net.random.normal(0, 0.05, (10, 512)))
    bias = net.weight("classes_bias", net.random.normal(0, 0.1, 10))
    x = net.node("Gemm", "classes", [x, weight, bias], transB=1)
    net.write(folder, x, [1, 10])


def convolution(folder, name, kernel, pads):
    net = Network(name, [1, 64, 32, 32], 64)
    x = net.conv("conv", "input", 64, 64, kernel, pads=pads, bias=True)
    net.write(folder, net.relu("relu", x), [1, 64, 32, 32])


def deep(folder, nodes):
    net = Network(f"deep{nodes}", [1, 8, 8, 8], nodes)
    x, block = "input", 0
    while len(net.nodes) + 7 <= nodes:
        name = f"stage{block // 50 + 1}.block{block % 50 + 1}"
        y = net.conv(f"{name}.conv1", x, 8, 8, (1, 1))
        y = net.relu(f"{name}.relu1", y)
        # Small enough for hundreds of blocks to add up to something finite.
        y = net.conv(f"{name}.conv2", y, 8, 8, (1, 1), gain=0.05)
        x = net.relu(f"{name}.relu2", net.node("Add", f"{name}.add", [x, y]))
        block += 1
    x = net.node("Flatten", "flatten", [net.node("GlobalAveragePool", "pool", [x])])
    while len(net.nodes) < nodes:
        x = net.relu(f"relu{len(net.nodes)}", x)
    net.write(folder, x, [1, 8])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    resnet18(folder)
    convolution(folder, "conv64", (3, 3), None)
    convolution(folder, "conv64-tenfold", (9, 10), [4, 4, 4, 5])
    deep(folder, 500)
    deep(folder, 3000)


if __name__ == "__main__":
    main()
