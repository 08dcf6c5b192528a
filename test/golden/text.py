"""Writes text.golden.json: how PyTorch prints tensors and networks.
Run: python3 test/golden/text.py"""

import json
import pathlib

import torch
from torch import nn


def formula(shape):
    """Element i (row-major) is ((7919·i) mod 101 − 50) / 32: exact in float32."""
    count = 1
    for size in shape:
        count *= size
    i = torch.arange(count, dtype=torch.int64)
    return (((7919 * i) % 101 - 50).to(torch.float32) / 32).reshape(shape)


def case(tensor):
    """Values (NaN and infinities as text), shape, and PyTorch's text without a dtype."""
    flat = [v if abs(v) < 1e300 else str(v) for v in tensor.flatten().tolist()]
    text = str(tensor).replace(", dtype=torch.int32", "").replace(", dtype=torch.uint8", "")
    return dict(values=flat, shape=list(tensor.shape), dtype=str(tensor.dtype)[6:], text=text)


def by_formula(shape):
    return dict(formula=True, shape=shape, dtype="float32", text=str(formula(shape)))


inf, nan = float("inf"), float("nan")
tensors = [
    case(torch.tensor(3.5)),
    case(torch.tensor(-7.0)),
    case(torch.tensor([0.03125, 0.28125, -0.03125])),  # exact halves
    case(torch.tensor([[1.0, 2.5], [-3.0, 0.125]])),
    case(torch.tensor([1.0, nan, 2.0])),
    case(torch.tensor([-inf, nan])),
    case(torch.tensor([1.5, inf, -2.25])),
    case(torch.tensor([0.0, 0.0])),
    case(torch.tensor([0.0, -0.0, 1.0])),
    case(torch.tensor([1.0, 5000.0])),
    case(torch.tensor([100005.0, 2.0])),
    case(torch.tensor([1e-5, 1.0])),
    case(torch.tensor([3e8, -1.0])),
    case(torch.tensor([1e8])),
    case(torch.tensor([0.00012, 0.00015])),
    case(torch.arange(30.0)),
    case(torch.arange(40.0) / 8),
    case(torch.tensor([[1, -20], [300, 0]], dtype=torch.int32)),
    case(torch.tensor([0, 255], dtype=torch.uint8)),
    case(torch.tensor([])),
    by_formula([2, 3, 4]),
    by_formula([50, 100]),
    by_formula([3, 4, 5, 20]),
    by_formula([1001]),
    by_formula([2, 2, 300]),
]

lenet = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Flatten(), nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(),
    nn.Linear(84, 10))
alexnet = nn.Sequential(
    nn.Conv2d(1, 96, kernel_size=11, stride=4, padding=1), nn.ReLU(),
    nn.MaxPool2d(kernel_size=3, stride=2),
    nn.Conv2d(96, 256, kernel_size=5, padding=2), nn.ReLU(), nn.MaxPool2d(kernel_size=3, stride=2),
    nn.Conv2d(256, 384, kernel_size=3, padding=1), nn.ReLU(),
    nn.Conv2d(384, 384, kernel_size=3, padding=1), nn.ReLU(),
    nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU(),
    nn.MaxPool2d(kernel_size=3, stride=2), nn.Flatten(),
    nn.Linear(6400, 4096), nn.ReLU(), nn.Dropout(p=0.5),
    nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(p=0.5), nn.Linear(4096, 10))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(4, 8, (1, 3), stride=(2, 1), padding=(0, 1),
                                              dilation=2, groups=2, bias=False), nn.Tanh())
        self.pool = nn.MaxPool2d((2, 3), stride=1, padding=1, dilation=2, ceil_mode=True)
        self.mean = nn.AvgPool2d((2, 3), padding=1)
        self.fc = nn.Linear(3, 2, bias=False)


networks = dict(lenet=str(lenet), alexnet=str(alexnet), block=str(Block()))
path = pathlib.Path(__file__).with_name("text.golden.json")
path.write_text(json.dumps(dict(torch=torch.__version__, tensors=tensors, networks=networks),
                           indent=1) + "\n")
