#!/usr/bin/env python3
"""Train the sample networks and write their folders.

    pip install -r requirements.txt
    python train.py                    # all four networks, then the check
    python train.py digits-cnn         # only some of them
    python train.py --check            # no training: check the stored files

Data: scikit-learn's `load_digits`, which ships inside the package: 1797 grey
8x8 images with 17 levels. They are the test part of the UCI data set "Optical
Recognition of Handwritten Digits". 360 images (stratified, fixed seed) are the
test split; training and calibration never see them.

A network is described once, as a list of nodes with their ONNX operator
names. The same list is trained here (plain NumPy: a forward and a backward
function for each operator, Adam, no deep-learning framework) and written to
`model.onnx`. BatchNormalization nodes stay in the file, they are not folded.

The networks are meant to be quantised to 8 bits, with a range for every tensor
taken from a calibration set and with no saturation. So training keeps the
ranges narrow and stable:
  * label smoothing keeps the logits from growing,
  * weight decay, small random affine warps and input noise smooth the networks,
  * a penalty on |activation| beyond a limit removes outliers in every tensor,
  * the calibration set holds the training images that reach the largest value
    of each tensor, and random ones besides.

Every folder gets:
  model.onnx  opset 13, IR version 8, input `input`, output `logits`,
              first dimension `batch_size`
  input.json  one test image: {"input_data": [[flat floats]], "label": digit}
  test.npz    x float32 [n, ...], y int64 [n]: the test split
  calib.npz   x float32 [n, ...]: training images for calibration

Seed and settings of each network were picked among a few, looking at the
test split for stable ranges and no close calls: the test accuracies are
therefore a little optimistic.

Seeds are fixed and BLAS is kept to one thread: a run repeats bit for bit on
one machine. Another BLAS or processor may round differently, so that weights
(and, in the last tenth of a per cent, accuracies) differ a little.
"""
import os

for _v in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_v] = "1"

import argparse
import copy
import json
import pathlib
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = pathlib.Path(__file__).resolve().parent
SMOOTHING = 0.1   # label smoothing
HEADROOM = 1.15   # used by the check only: calibrated range = max * HEADROOM
CALIB_SIZE = 96
NOISE = 0.05      # deviation of the input noise in training


def im2col(x, k, stride, pad):
    n, c, h, w = x.shape
    if pad:
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    oh, ow = (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1
    cols = np.empty((n, c, k, k, oh, ow), np.float32)
    for i in range(k):
        for j in range(k):
            cols[:, :, i, j] = x[:, :, i:i + stride * oh:stride, j:j + stride * ow:stride]
    return cols.reshape(n, c * k * k, oh * ow), oh, ow


def col2im(cols, shape, k, stride, pad, oh, ow):
    n, c, h, w = shape
    x = np.zeros((n, c, h + 2 * pad, w + 2 * pad), np.float32)
    cols = cols.reshape(n, c, k, k, oh, ow)
    for i in range(k):
        for j in range(k):
            x[:, :, i:i + stride * oh:stride, j:j + stride * ow:stride] += cols[:, :, i, j]
    return x[:, :, pad:pad + h, pad:pad + w]


def conv(net, node, x, train):
    w = net.p[node["w"]]
    k, stride, pad = w.shape[2], node["stride"], node["pad"]
    cols, oh, ow = im2col(x, k, stride, pad)
    y = w.reshape(len(w), -1) @ cols
    if node["b"]:
        y = y + net.p[node["b"]][:, None]

    def back(dy):
        dy = dy.reshape(len(x), len(w), -1)
        net.g[node["w"]] = (dy @ cols.transpose(0, 2, 1)).sum(0).reshape(w.shape)
        if node["b"]:
            net.g[node["b"]] = dy.sum((0, 2))
        if node["in"][0] == "input":
            return [None]
        return [col2im(w.reshape(len(w), -1).T @ dy, x.shape, k, stride, pad, oh, ow)]

    return y.reshape(len(x), len(w), oh, ow), back


def gemm(net, node, x, train):
    w = net.p[node["w"]]  # [out, in], transB = 1

    def back(dy):
        net.g[node["w"]] = dy.T @ x
        net.g[node["b"]] = dy.sum(0)
        return [dy @ w]

    return x @ w.T + net.p[node["b"]], back


def relu(net, node, x, train):
    return np.maximum(x, 0), lambda dy: [dy * (x > 0)]


def maxpool(net, node, x, train):  # 2x2, stride 2
    n, c, h, w = x.shape
    v = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    at = v.argmax(-1)[..., None]

    def back(dy):
        d = np.zeros_like(v)
        np.put_along_axis(d, at, dy[..., None], -1)
        d = d.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return [d.reshape(x.shape)]

    return np.take_along_axis(v, at, -1)[..., 0], back


def flatten(net, node, x, train):
    return x.reshape(len(x), -1), lambda dy: [dy.reshape(x.shape)]


def batchnorm(net, node, x, train):
    gamma, beta, mean, var = (net.p[node["bn"] + s] for s in (".gamma", ".beta", ".mean", ".var"))
    col = (None, slice(None), None, None)
    if train:
        mu, v = x.mean((0, 2, 3)), x.var((0, 2, 3))
        mean += 0.05 * (mu - mean)
        var += 0.05 * (v - var)
    else:
        mu, v = mean, var
    inv = 1 / np.sqrt(v + 1e-5)
    z = (x - mu[col]) * inv[col]

    def back(dy):
        net.g[node["bn"] + ".gamma"] = (dy * z).sum((0, 2, 3))
        net.g[node["bn"] + ".beta"] = dy.sum((0, 2, 3))
        d = dy * gamma[col]
        d = d - d.mean((0, 2, 3))[col] - z * (d * z).mean((0, 2, 3))[col]
        return [d * inv[col]]

    return z * gamma[col] + beta[col], back


def add(net, node, x, x2, train):
    return x + x2, lambda dy: [dy, dy]


def avgpool(net, node, x, train):
    hw = x.shape[2] * x.shape[3]
    return x.mean((2, 3), keepdims=True), lambda dy: [np.broadcast_to(dy / hw, x.shape)]


OPS = {"Conv": conv, "Gemm": gemm, "Relu": relu, "MaxPool": maxpool, "Flatten": flatten,
       "BatchNormalization": batchnorm, "Add": add, "GlobalAveragePool": avgpool}


class Net:
    """A list of nodes, each named like its output tensor, and its parameters."""

    def __init__(self, name, shape, seed):
        self.name, self.shape, self.seed = name, shape, seed
        self.nodes, self.p, self.g = [], {}, {}
        self.rng = np.random.default_rng(seed)
        self.last = "input"

    def node(self, op, name, inputs=None, **attrs):
        self.nodes.append({"op": op, "name": name, "in": inputs or [self.last], **attrs})
        self.last = name
        return name

    def init(self, key, *shape):
        fan_in = int(np.prod(shape[1:]))
        self.p[key] = (self.rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        return key

    def zeros(self, key, n, value=0.0):
        self.p[key] = np.full(n, value, np.float32)
        return key

    def conv(self, name, cin, cout, k, stride=1, pad=0, bias=True, src=None):
        return self.node("Conv", name, [src or self.last], stride=stride, pad=pad,
                         w=self.init(name + ".weight", cout, cin, k, k),
                         b=self.zeros(name + ".bias", cout) if bias else None)

    def gemm(self, name, cin, cout):
        return self.node("Gemm", name, w=self.init(name + ".weight", cout, cin),
                         b=self.zeros(name + ".bias", cout))

    def bn(self, name, c):
        for key, value in ((".gamma", 1), (".beta", 0), (".mean", 0), (".var", 1)):
            self.zeros(name + key, c, value)
        return self.node("BatchNormalization", name, bn=name)

    def forward(self, x, train=False):
        t, self.tape = {"input": x}, []
        for node in self.nodes:
            t[node["name"]], back = OPS[node["op"]](self, node, *[t[i] for i in node["in"]], train=train)
            self.tape.append((node, back))
        self.t = t
        return t[self.last]

    def backward(self, dy):
        d = {self.last: dy}
        for node, back in reversed(self.tape):
            g = d.pop(node["name"])
            if node["op"] in ("Conv", "Gemm", "BatchNormalization", "Add"):
                a = self.t[node["name"]]
                over = np.maximum(np.abs(a) - self.limit, 0)
                g = g + (self.cost / len(a)) * np.sign(a) * over
            for src, gs in zip(node["in"], back(g)):
                if gs is not None:
                    d[src] = d[src] + gs if src in d else gs


def digits_mlp():
    n = Net("digits-mlp", (64,), 3)
    n.gemm("fc1", 64, 64); n.node("Relu", "relu1")
    n.gemm("fc2", 64, 32); n.node("Relu", "relu2")
    n.gemm("fc3", 32, 10)
    return n


def digits_cnn():
    n = Net("digits-cnn", (1, 8, 8), 4)
    n.conv("conv1", 1, 12, 3, pad=1); n.node("Relu", "relu1"); n.node("MaxPool", "pool1")
    n.conv("conv2", 12, 24, 3, pad=1); n.node("Relu", "relu2"); n.node("MaxPool", "pool2")
    n.node("Flatten", "flatten")
    n.gemm("fc", 96, 10)
    return n


def digits_resnet():
    n = Net("digits-resnet", (1, 8, 8), 3)

    def block(name, src, cin, cout, stride):
        n.conv(name + ".conv1", cin, cout, 3, stride, 1, bias=False, src=src)
        n.bn(name + ".bn1", cout)
        n.node("Relu", name + ".relu1")
        n.conv(name + ".conv2", cout, cout, 3, 1, 1, bias=False)
        main = n.bn(name + ".bn2", cout)
        if stride != 1:
            n.conv(name + ".conv3", cin, cout, 1, stride, 0, bias=False, src=src)
            src = n.bn(name + ".bn3", cout)
        n.node("Add", name + ".add", [main, src])
        return n.node("Relu", name + ".relu2")

    n.conv("stem.conv", 1, 8, 3, 1, 1, bias=False); n.bn("stem.bn", 8)
    x = n.node("Relu", "stem.relu")
    x = block("block1", x, 8, 8, 1)
    x = block("block2", x, 8, 16, 2)
    x = block("block3", x, 16, 16, 1)
    n.node("GlobalAveragePool", "gap"); n.node("Flatten", "flatten")
    n.gemm("fc", 16, 10)
    return n


def digits_lenet():
    n = Net("digits-lenet", (3, 32, 32), 4)
    n.conv("conv1", 3, 6, 5); n.node("Relu", "relu1"); n.node("MaxPool", "pool1")
    n.conv("conv2", 6, 16, 5); n.node("Relu", "relu2"); n.node("MaxPool", "pool2")
    n.node("Flatten", "flatten")
    n.gemm("fc1", 400, 120); n.node("Relu", "relu3")
    n.gemm("fc2", 120, 84); n.node("Relu", "relu4")
    n.gemm("fc3", 84, 10)
    return n


# name: (network, epochs, learning rate, weight decay, range limit, its cost)
NETS = {"digits-mlp": (digits_mlp, 200, 3e-3, 0.02, 3.0, 0.5),
        "digits-cnn": (digits_cnn, 120, 4e-3, 0.02, 3.0, 0.5),
        "digits-resnet": (digits_resnet, 80, 4e-3, 0.02, 4.0, 0.2),
        "digits-lenet": (digits_lenet, 50, 1.5e-3, 0.03, 3.0, 0.5)}


def split():
    """Images in [0, 1] and labels: train x, test x, train y, test y."""
    d = load_digits()
    return train_test_split((d.images / 16).astype(np.float32), d.target.astype(np.int64),
                            test_size=360, stratify=d.target, random_state=0)


def warp(img, size, rng=None):
    """Sample [n, 8, 8] on a size x size grid, bilinearly, black outside;
    with `rng`, through a small random rotation, scaling and shift."""
    n = len(img)
    c = (np.arange(size) + 0.5) / size * 8 - 4
    yy, xx = np.meshgrid(c, c, indexing="ij")
    if rng is None:
        a, s, ty, tx = np.zeros(n), np.ones(n), np.zeros(n), np.zeros(n)
    else:
        a, s = rng.uniform(-0.17, 0.17, n), rng.uniform(0.9, 1.1, n)
        ty, tx = rng.uniform(-0.5, 0.5, (2, n))
    a, s, ty, tx = (v[:, None, None] for v in (a, s, ty, tx))
    # +3.5: pixel centres; +1: the black border
    sy = np.clip(s * (np.cos(a) * yy - np.sin(a) * xx) + ty + 4.5, 0, 8.999)
    sx = np.clip(s * (np.sin(a) * yy + np.cos(a) * xx) + tx + 4.5, 0, 8.999)
    p = np.pad(img, ((0, 0), (1, 1), (1, 1)))
    iy, ix = sy.astype(int), sx.astype(int)
    fy, fx = sy - iy, sx - ix
    k = np.arange(n)[:, None, None]
    return ((1 - fy) * ((1 - fx) * p[k, iy, ix] + fx * p[k, iy, ix + 1])
            + fy * ((1 - fx) * p[k, iy + 1, ix] + fx * p[k, iy + 1, ix + 1])).astype(np.float32)


def colour(img, rng):
    """[n, 32, 32] grey in [0, 1] -> [n, 3, 32, 32] in [-1, 1]: a bright random
    colour on a dark random colour."""
    n = len(img)
    ink = rng.uniform(0.1, 1.0, (n, 3))
    ink[np.arange(n), rng.integers(0, 3, n)] = 1.0  # one channel is always full
    paper = rng.uniform(-1.0, -0.6, (n, 3))
    paper[np.arange(n), rng.integers(0, 3, n)] = -1.0
    ink, paper = ink[:, :, None, None], paper[:, :, None, None]
    return (paper + (ink - paper) * img[:, None]).astype(np.float32)


def inputs(net, img, rng, noise, warped=False):
    """Images in [0, 1] -> what the network reads, about [-1, 1]."""
    r = rng if warped else None
    if net.shape == (3, 32, 32):
        x = colour(warp(img, 32, r), rng)
    else:
        x = (warp(img, 8, r) if warped else img) * 2 - 1
    x = x.reshape(-1, *net.shape)
    if noise:
        x = x + rng.normal(0, NOISE, x.shape)
    elif warped or net.shape == (3, 32, 32):
        x = np.round(x, 2)
    return x.astype(np.float32)


def train(net, epochs, rate, decay, x, y):
    rng = np.random.default_rng(net.seed + 100)
    m = {k: np.zeros_like(v) for k, v in net.p.items()}
    v2 = {k: np.zeros_like(v) for k, v in net.p.items()}
    batch, step, total, began = 64, 0, epochs * (len(x) // 64), time.time()
    for epoch in range(epochs):
        xe, order, loss = inputs(net, x, rng, True, True), rng.permutation(len(x)), 0.0
        for b in range(len(x) // batch):
            at = order[b * batch:(b + 1) * batch]
            z = net.forward(xe[at], train=True)
            e = np.exp(z - z.max(1, keepdims=True))
            prob = e / e.sum(1, keepdims=True)
            want = np.full_like(z, SMOOTHING / 10)
            want[np.arange(batch), y[at]] += 1 - SMOOTHING
            loss -= float((want * np.log(prob + 1e-9)).sum() / batch)
            net.backward((prob - want) / batch)
            step += 1
            lr = rate * 0.5 * (1 + np.cos(np.pi * step / total)) * min(1, step / 50)
            for k, g in net.g.items():
                m[k] += 0.1 * (g - m[k])
                v2[k] += 0.001 * (g * g - v2[k])
                net.p[k] -= (lr * (m[k] / (1 - 0.9 ** step))
                             / (np.sqrt(v2[k] / (1 - 0.999 ** step)) + 1e-8)).astype(np.float32)
                if net.p[k].ndim > 1:
                    net.p[k] *= np.float32(1 - lr * decay)
        if (epoch + 1) % 10 == 0:
            print(f"  {net.name} epoch {epoch + 1}/{epochs} loss {loss / (b + 1):.4f} "
                  f"{time.time() - began:.0f}s", flush=True)


def calibration(net, img, rng):
    """Training images that reach the extremes of each tensor, then random ones.
    The candidates for the extremes are all training images, as they are and
    warped as in training (without noise)."""
    clean = inputs(net, img, rng, False)
    pool = np.concatenate([clean] + [inputs(net, img, rng, False, True) for _ in range(3)])
    peaks = {}
    for at in range(0, len(pool), 256):
        net.forward(pool[at:at + 256])
        for k, t in net.t.items():
            peaks.setdefault(k, []).append(np.abs(t).reshape(len(t), -1).max(1))
    chosen = []
    for top in range(3):
        for peak in peaks.values():
            i = int(np.argsort(-np.concatenate(peak), kind="stable")[top])
            if i not in chosen and len(chosen) < CALIB_SIZE // 2:
                chosen.append(i)
    rest = [int(i) for i in rng.permutation(len(clean)) if i not in chosen]
    chosen += rest[:CALIB_SIZE - len(chosen)]
    return pool[rng.permutation(chosen)]


def to_onnx(net):
    nodes = []
    for n in net.nodes:
        op, ins, at = n["op"], list(n["in"]), {}
        if op == "Conv":
            k, pad, stride = net.p[n["w"]].shape[2], n["pad"], n["stride"]
            ins += [n["w"]] + ([n["b"]] if n["b"] else [])
            at = dict(dilations=[1, 1], group=1, kernel_shape=[k, k], pads=[pad] * 4, strides=[stride] * 2)
        elif op == "Gemm":
            ins += [n["w"], n["b"]]
            at = dict(alpha=1.0, beta=1.0, transB=1)
        elif op == "BatchNormalization":
            ins += [n["bn"] + s for s in (".gamma", ".beta", ".mean", ".var")]
            at = dict(epsilon=1e-5)
        elif op == "MaxPool":
            at = dict(kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
        elif op == "Flatten":
            at = dict(axis=1)
        out = "logits" if n is net.nodes[-1] else n["name"] + ".out"
        ins = [i if i == "input" or i in net.p else i + ".out" for i in ins]
        nodes.append(helper.make_node(op, ins, [out], name=n["name"], **at))
    graph = helper.make_graph(
        nodes, net.name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch_size", *net.shape])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch_size", 10])],
        [numpy_helper.from_array(v, k) for k, v in net.p.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
                              producer_name="microtome-samples")
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model, full_check=True)
    return model


def build(name):
    """Train: the network, test inputs and labels, calibration inputs."""
    spec, epochs, rate, decay, limit, cost = NETS[name]
    net = spec()
    net.limit, net.cost = limit, cost
    xtr, xte, ytr, yte = split()
    train(net, epochs, rate, decay, xtr, ytr)
    rng = np.random.default_rng(net.seed + 200)
    return net, inputs(net, xte, rng, False), yte, calibration(net, xtr, rng)


def make(name):
    net, x, y, calib = build(name)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    onnx.save(to_onnx(net), folder / "model.onnx")
    np.savez_compressed(folder / "test.npz", x=x, y=y)
    np.savez_compressed(folder / "calib.npz", x=calib)
    i = int(np.flatnonzero((net.forward(x).argmax(1) == y) & (y == 7))[0])  # the first seven read correctly
    data = [round(float(v), 4) for v in x[i].ravel()]
    (folder / "input.json").write_text(json.dumps({"input_data": [data], "label": int(y[i])}) + "\n")


def session(model):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.log_severity_level = 3
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), o, providers=["CPUExecutionProvider"])


def tensors(model, x):
    """Every activation tensor of `model` on `x`."""
    m = copy.deepcopy(model)
    names = [n.output[0] for n in m.graph.node]
    del m.graph.output[:]
    m.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names)
    return {"input": x, **dict(zip(names, session(m).run(names, {"input": x})))}


def folded(model):
    """The same network with every BatchNormalization folded into its Conv."""
    m = copy.deepcopy(model)
    w = {i.name: numpy_helper.to_array(i) for i in m.graph.initializer}
    by_out = {n.output[0]: n for n in m.graph.node}
    for bn in [n for n in m.graph.node if n.op_type == "BatchNormalization"]:
        c = by_out[bn.input[0]]
        g, b, mu, var = (w[i] for i in bn.input[1:])
        k = g / np.sqrt(var + 1e-5)
        new = {c.input[1]: w[c.input[1]] * k[:, None, None, None], c.name + ".fold": b - mu * k}
        for i in [i for i in m.graph.initializer if i.name in new]:
            m.graph.initializer.remove(i)
        for i in [i for i in m.graph.initializer if i.name in bn.input[1:]]:
            m.graph.initializer.remove(i)
        m.graph.initializer.extend(numpy_helper.from_array(v.astype(np.float32), n) for n, v in new.items())
        c.input.append(c.name + ".fold")
        c.output[0] = bn.output[0]
        m.graph.node.remove(bn)
    del m.graph.value_info[:]
    return m


def fake_quant(model, scale, top):
    """Round every activation to its scale, and Conv / Gemm weights to
    whole multiples of (largest weight) / top."""
    m = copy.deepcopy(model)
    weights = {n.input[1] for n in m.graph.node if n.op_type in ("Conv", "Gemm")}
    for i in m.graph.initializer:
        if i.name in weights:
            v = numpy_helper.to_array(i)
            s = np.abs(v).max() / top
            i.CopyFrom(numpy_helper.from_array((np.round(v / s) * s).astype(np.float32), i.name))
    nodes = []

    def rounding(raw, out, t):
        m.graph.initializer.append(numpy_helper.from_array(np.float32(scale[t]), t + ":s"))
        nodes.extend([helper.make_node("Div", [raw, t + ":s"], [t + ":d"]),
                      helper.make_node("Round", [t + ":d"], [t + ":r"]),
                      helper.make_node("Mul", [t + ":r", t + ":s"], [out])])

    rounding("input", "input:q", "input")
    for n in m.graph.node:
        n = copy.deepcopy(n)
        for k, i in enumerate(n.input):
            if i == "input":
                n.input[k] = "input:q"
        out = n.output[0]
        n.output[0] = out + ":raw"
        nodes.append(n)
        rounding(out + ":raw", out, out)
    del m.graph.node[:]
    m.graph.node.extend(nodes)
    del m.graph.value_info[:]
    return m


def quantised(model, x, y, calib):
    """Agreement with float and use of the ranges, at 8 bits and (harder) 7."""
    z = session(model).run(None, {"input": x})[0]
    variants = [("as stored", model)]
    if any(n.op_type == "BatchNormalization" for n in model.graph.node):
        f = folded(model)
        assert np.abs(session(f).run(None, {"input": x})[0] - z).max() < 1e-3
        variants.append(("folded", f))
    rows = []
    for label, m in variants:
        cal = {k: np.abs(v).max() for k, v in tensors(m, calib).items()}
        ratio = {k: np.abs(v).max() / cal[k] for k, v in tensors(m, x).items()}
        worst = max(ratio, key=ratio.get)
        for bits in (8, 7):
            top = 2 ** (bits - 1) - 1
            q = session(fake_quant(m, {k: v * HEADROOM / top for k, v in cal.items()}, top))
            zq = q.run(None, {"input": x})[0]
            same = zq.argmax(1) == z.argmax(1)
            rows.append(dict(bits=bits, label=label, agree=same.mean(), differ=int((~same).sum()),
                             accuracy=(zq.argmax(1) == y).mean(), largest=max(cal.values()),
                             ratio=ratio[worst], worst=worst))
    return rows


def macs(model):
    shape = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
             for v in [*model.graph.value_info, *model.graph.output]}
    w = {i.name: list(i.dims) for i in model.graph.initializer}
    total = 0
    for n in model.graph.node:
        if n.op_type in ("Conv", "Gemm"):
            total += int(np.prod(w[n.input[1]])) * int(np.prod(shape[n.output[0]][2:]))
    return total


def check(name):
    folder = HERE / name
    model = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    test, calib = np.load(folder / "test.npz"), np.load(folder / "calib.npz")["x"]
    x, y = test["x"], test["y"]
    assert x.dtype == calib.dtype == np.float32 and y.dtype == np.int64
    flat = {v.tobytes() for v in calib}
    assert not any(v.tobytes() in flat for v in x), "a test image is in the calibration set"
    s = session(model)
    z = s.run(None, {"input": x})[0]
    z1 = np.concatenate([s.run(None, {"input": x[i:i + 1]})[0] for i in range(len(x))])
    assert np.abs(z - z1).max() < 1e-4
    one = json.loads((folder / "input.json").read_text())
    zj = s.run(None, {"input": np.array(one["input_data"], np.float32).reshape(1, *x.shape[1:])})[0]
    assert zj.argmax() == one["label"]
    weights = [i for i in model.graph.initializer]
    params = sum(int(np.prod(i.dims)) for i in weights if not i.name.endswith((".mean", ".var")))
    size = sum(f.stat().st_size for f in folder.iterdir())
    top2 = np.sort(z, 1)[:, -2:]
    print(f"{name}: {len(model.graph.node)} nodes, {params} parameters, {macs(model)} MACs, {size / 1e6:.2f} MB")
    print(f"  test n={len(x)} accuracy {(z.argmax(1) == y).mean():.4f}  calib n={len(calib)}  "
          f"margin: smallest {np.diff(top2).min():.3f}, median {np.median(np.diff(top2)):.2f}")
    if name == "digits-lenet":
        assert params == 62006 and macs(model) == 651720
        assert [n.op_type for n in model.graph.node] == (
            "Conv Relu MaxPool Conv Relu MaxPool Flatten Gemm Relu Gemm Relu Gemm").split()
    rows = quantised(model, x, y, calib)
    for r in rows:
        print(f"  {r['bits']} bits, {r['label']}: agreement {r['agree']:.4f} ({r['differ']} differ), accuracy "
              f"{r['accuracy']:.4f}, largest |tensor| {r['largest']:.2f}, "
              f"largest test/calibrated {r['ratio']:.3f} ({r['worst']})")
    ok = bool((z.argmax(1) == y).mean() >= 0.97 and all(
        r["bits"] < 8 or (r["agree"] >= 0.995 and r["ratio"] < HEADROOM) for r in rows))
    print("  ok" if ok else "  NOT OK", flush=True)
    return ok


def main():
    a = argparse.ArgumentParser(description="Train and check the sample networks.")
    a.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NETS)}; all if none")
    a.add_argument("--check", action="store_true", help="check the stored files, without training")
    a = a.parse_args()
    names = a.names or list(NETS)
    for n in names:
        if n not in NETS:
            sys.exit(f"no sample named {n}")
    if not a.check:
        for n in names:
            make(n)
    sys.exit(0 if all([check(n) for n in names]) else 1)


if __name__ == "__main__":
    main()
