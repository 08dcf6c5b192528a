"""Writes kernels.golden.json: what PyTorch computes, in float64, for small convolutions, pools and
losses. Tensors come from a formula that the test repeats. Run: python3 test/golden/kernels.py"""

import json
import pathlib

import torch
import torch.nn.functional as F


def formula(shape, phase):
    """Element i (row-major) is ((7919·i + 104729·phase) mod 101 − 50) / 50."""
    count = 1
    for size in shape:
        count *= size
    i = torch.arange(count, dtype=torch.int64)
    return (((7919 * i + 104729 * phase) % 101 - 50).to(torch.float64) / 50).reshape(shape)


def flat(tensor):
    return [float(f"{value:.14g}") for value in tensor.detach().flatten().tolist()]


def conv(batch, cin, cout, groups, size, kernel, stride, padding, dilation):
    x = formula((batch, cin, *size), 1).requires_grad_()
    w = formula((cout, cin // groups, *kernel), 2).requires_grad_()
    bias = formula((cout,), 3)
    y = F.conv2d(x, w, bias, stride, padding, dilation, groups)
    y.backward(formula(y.shape, 4))
    geometry = dict(batch=batch, inChannels=cin, outChannels=cout, groups=groups, inSize=size,
                    outSize=list(y.shape[2:]), kernelSize=kernel, stride=stride, padding=padding,
                    dilation=dilation)
    return dict(geometry=geometry, y=flat(y), gx=flat(x.grad), gw=flat(w.grad))


def pool_geometry(x, y, kernel, stride, padding, dilation):
    return dict(batch=x.shape[0], channels=x.shape[1], inSize=list(x.shape[2:]),
                outSize=list(y.shape[2:]), kernelSize=kernel, stride=stride, padding=padding,
                dilation=dilation)


def max_pool(size, kernel, stride, padding, dilation, ceil):
    x = formula((1, 2, *size), 1).requires_grad_()
    y, where = F.max_pool2d(x, kernel, stride, padding, dilation, ceil, return_indices=True)
    y.backward(formula(y.shape, 4))
    # PyTorch counts positions in the input; the kernels count them inside the window.
    row, column = where // size[1], where % size[1]
    oh = torch.arange(y.shape[2]).reshape(-1, 1)
    ow = torch.arange(y.shape[3])
    tap_row = (row - oh * stride[0] + padding[0]) // dilation[0]
    tap_column = (column - ow * stride[1] + padding[1]) // dilation[1]
    index = (tap_row * kernel[1] + tap_column).flatten().tolist()
    return dict(geometry=pool_geometry(x, y, kernel, stride, padding, dilation), y=flat(y),
                index=index, gx=flat(x.grad))


def avg_pool(size, kernel, stride, padding, ceil, count_padding):
    x = formula((1, 2, *size), 1).requires_grad_()
    y = F.avg_pool2d(x, kernel, stride, padding, ceil, count_padding)
    y.backward(formula(y.shape, 4))
    return dict(geometry=pool_geometry(x, y, kernel, stride, padding, [1, 1]),
                countPadding=count_padding, y=flat(y), gx=flat(x.grad))


def cross_entropy(rows, classes, scale):
    logits = (scale * formula((rows, classes), 1)).requires_grad_()
    target = torch.arange(rows) * 3 % classes
    loss = F.cross_entropy(logits, target, reduction="none")
    loss.backward(formula((rows,), 4))
    return dict(rows=rows, classes=classes, scale=scale, loss=flat(loss), glogits=flat(logits.grad))


golden = dict(
    torch=torch.__version__,
    conv=[
        conv(2, 3, 4, 1, [5, 4], [3, 2], [1, 1], [1, 0], [1, 1]),
        conv(1, 4, 6, 2, [6, 7], [3, 3], [2, 1], [0, 2], [1, 2]),
        conv(1, 1, 2, 1, [13, 11], [7, 7], [4, 4], [1, 1], [1, 1]),
        conv(2, 3, 3, 3, [4, 4], [1, 1], [2, 2], [0, 0], [1, 1]),
    ],
    maxPool=[
        max_pool([6, 5], [3, 3], [2, 2], [0, 0], [1, 1], False),
        max_pool([7, 6], [3, 2], [2, 2], [1, 1], [1, 1], True),
        max_pool([8, 7], [2, 3], [1, 2], [1, 0], [3, 2], False),
    ],
    avgPool=[
        avg_pool([6, 5], [2, 2], [2, 2], [0, 0], False, True),
        avg_pool([7, 6], [3, 3], [2, 2], [1, 1], True, True),
        avg_pool([7, 6], [3, 3], [2, 2], [1, 1], True, False),
    ],
    crossEntropy=[cross_entropy(3, 5, 1), cross_entropy(2, 3, 500)],
    erf=[[x, float(torch.erf(torch.tensor(x, dtype=torch.float64)))]
         for x in (-7, -3.1, -2.5, -1, -1e-3, 1e-300, 0.3, 0.9, 2.4999, 2.5, 2.7, 4, 5.5, 6.5)],
)
path = pathlib.Path(__file__).with_name("kernels.golden.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
