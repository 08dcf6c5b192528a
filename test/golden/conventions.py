"""Writes conventions.golden.json: what PyTorch does where mathematics leaves a choice: gradients at kinks
and ties, edges of domains, defaults. Run: python3 test/golden/conventions.py"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

inf, nan = math.inf, math.nan


def plain(values):
    return [v if math.isfinite(v) else str(v) for v in values]


def case(name, fn, *inputs):
    """Value, and the gradient of its sum weighted 1, 2, 3, …"""
    xs = [torch.tensor(x, dtype=torch.float32).requires_grad_() for x in inputs]
    y = fn(*xs)
    weights = torch.arange(1, y.numel() + 1, dtype=torch.float32).reshape(y.shape)
    (y * weights).sum().backward()
    return dict(name=name, shape=list(y.shape), value=plain(y.detach().flatten().tolist()),
                grads=[plain(x.grad.flatten().tolist()) for x in xs])


kinks = [-1.0, -0.0, 0.0, 2.0]
edges = [0.0, -0.0, 1.0, inf, -inf, nan, -1.0]
tied = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
image = [[[[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 2.0, 2.0], [0.0, -1.0, 3.0, 0.0], [5.0, 5.0, 0.0, 3.0]]]]

cases = [
    case("relu", torch.relu, kinks),
    case("relu of edges", torch.relu, edges),
    case("abs", torch.abs, kinks),
    case("floor", torch.floor, [-1.5, 0.0, 2.0, 2.5]),
    case("sqrt of edges", torch.sqrt, [0.0, 4.0, inf]),
    case("log of edges", torch.log, [0.0, 1.0, inf]),
    case("exp of edges", torch.exp, [0.0, -inf, -200.0]),
    case("sigmoid of edges", torch.sigmoid, [0.0, 100.0, -100.0, inf, -inf]),
    case("tanh of edges", torch.tanh, [0.0, 100.0, -100.0, inf, -inf]),
    case("maximum, tied", torch.maximum, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]),
    case("minimum, tied", torch.minimum, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]),
    case("pow of zeros", torch.pow, [0.0, 0.0, 2.0, -2.0], [2.0, 0.0, 0.0, 3.0]),
    case("pow 2", lambda x: x.pow(2), kinks),
    case("pow 0", lambda x: x.pow(0), kinks),
    case("pow 1", lambda x: x.pow(1), kinks),
    case("amax over 1, tied", lambda x: x.amax(1), tied),
    case("amax of all, tied", lambda x: x.amax(), tied),
    case("amin over 1, tied", lambda x: x.amin(1), tied),
    case("var", lambda x: x.var(1), tied),
    case("var of one", lambda x: x.var(1), [[1.0], [2.0]]),
    case("var of one, uncorrected", lambda x: x.var(1, unbiased=False), [[1.0], [2.0]]),
    case("mean of all", lambda x: x.mean(), tied),
    case("softmax", lambda x: x.softmax(1), tied),
    case("logSoftmax", lambda x: x.log_softmax(0), tied),
    case("crossEntropy", lambda x: F.cross_entropy(x, torch.tensor([2, 0])), tied),
    case("maxPool2d 2, tied", lambda x: F.max_pool2d(x, 2), image),
    case("maxPool2d 3 stride 1, tied", lambda x: F.max_pool2d(x, 3, 1), image),
    case("maxPool2d 3 stride 2 padding 1, ceil", lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), image),
    case("avgPool2d 3 stride 2 padding 1, ceil", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), image),
    case("ReLU, then maxPool2d, all below 0",
         lambda x: F.max_pool2d(torch.relu(x - 10), 2), image),
    case("where", lambda x, y: torch.where(x > y, x, y), [1.0, nan, 2.0], [2.0, 1.0, nan]),
    case("div by zero", torch.div, [1.0, 0.0, -1.0], [0.0, 0.0, inf]),
]
path = pathlib.Path(__file__).with_name("conventions.golden.json")
path.write_text(json.dumps(dict(torch=torch.__version__, cases=cases), indent=1) + "\n")
