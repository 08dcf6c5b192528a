"""Writes networks.golden.json: how PyTorch trains lenet and alexnet for a few steps, from weights that
a formula gives, on the first images of the shipped subset; and the gradients of smooth twins (tanh and
average pooling) of both. Each is computed twice, with oneDNN on and off: their distance is PyTorch's own
spread. Run: OMP_NUM_THREADS=2 python3 test/golden/networks.py"""

import base64
import gzip
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

here = pathlib.Path(__file__).parent
subset = here.parent.parent / "data" / "fashion-mnist-subset"
steps = 5
samples = 128


def idx(name, header):
    return np.frombuffer(gzip.open(subset / name).read(), np.uint8, offset=header)


images = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
labels = idx("train-labels-idx1-ubyte.gz", 8).astype(np.int64)


def batch(number, size, side):
    """Images number·size … of the training set as [size, 1, side, side], pixels / 255; and labels."""
    rows = slice(number * size, (number + 1) * size)
    planes = [np.asarray(Image.fromarray(plane).resize((side, side), Image.BILINEAR))
              if side != 28 else plane for plane in images[rows]]
    x = torch.from_numpy(np.stack(planes)[:, None].astype(np.float32) / np.float32(255))
    return x, torch.from_numpy(labels[rows])


def weights(shape, number, bound):
    """Element i of parameter `number`: uniform in ±bound from two rounds of multiply and shift."""
    count = math.prod(shape)
    mask = np.uint64(0xFFFFFFFF)
    x = np.arange(count, dtype=np.uint64) + np.uint64(number * 1000003 + 1)
    x = (x * np.uint64(2654435761)) & mask
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(2246822519)) & mask
    u = (x >> np.uint64(8)).astype(np.float64) * 2.0**-24
    return torch.from_numpy(((2 * u - 1) * bound).astype(np.float32).reshape(shape))


def fill(net, init):
    """Bounds of PyTorch's default, 1/√fan-in, for weights and biases; or of Xavier's for weights."""
    number = 0
    for layer in net:
        if not hasattr(layer, "weight"):
            continue
        shape = layer.weight.shape
        default = 1 / math.sqrt(math.prod(shape[1:]))
        xavier = math.sqrt(6 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
        for parameter, bound in ((layer.weight, xavier if init == "xavier" else default),
                                 (layer.bias, default)):
            parameter.data = weights(tuple(parameter.shape), number, bound)
            number += 1
    return net


def lenet(act, pool):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), act(), pool(2, 2), nn.Conv2d(6, 16, 5), act(), pool(2, 2),
        nn.Flatten(), nn.Linear(400, 120), act(), nn.Linear(120, 84), act(), nn.Linear(84, 10))


def alexnet(act, pool):
    return nn.Sequential(
        nn.Conv2d(1, 96, 11, stride=4, padding=1), act(), pool(3, 2),
        nn.Conv2d(96, 256, 5, padding=2), act(), pool(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), act(), nn.Conv2d(384, 384, 3, padding=1), act(),
        nn.Conv2d(384, 256, 3, padding=1), act(), pool(3, 2), nn.Flatten(),
        nn.Linear(6400, 4096), act(), nn.Dropout(0), nn.Linear(4096, 4096), act(), nn.Dropout(0),
        nn.Linear(4096, 10))


def train(make, init, side, size, count, **sgd):
    net = fill(make(), init)
    first = [p.detach().clone() for p in net.parameters()]
    optimizer = torch.optim.SGD(net.parameters(), **sgd) if sgd else None
    losses, logits, grads = [], None, None
    for step in range(count):
        x, y = batch(step, size, side)
        out = net(x)
        loss = F.cross_entropy(out, y)
        net.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            logits = out.detach().clone()
            grads = [p.grad.detach().clone() for p in net.parameters()]
        if optimizer:
            optimizer.step()
    changes = [p.detach() - b for p, b in zip(net.parameters(), first)]
    return dict(names=[n for n, _ in net.named_parameters()], losses=losses, logits=logits,
                grads=grads, changes=changes)


def sample(tensor):
    flat = tensor.flatten()
    n = flat.numel()
    at = torch.arange(n) if n <= samples else ((torch.arange(samples) * 2 + 1) * n) // (2 * samples)
    return base64.b64encode(flat[at].numpy().astype("<f4").tobytes()).decode()


def distances(a, b):
    """The relative distance of each parameter."""
    return [(p.double() - q.double()).norm().item() / max(q.double().norm().item(), 1e-300)
            for p, q in zip(a, b)]


def apart(a, b):
    """The largest of them."""
    return max(distances(a, b))


def case(name, network, twin, make, side, size, count, init="default", **sgd):
    with torch.backends.mkldnn.flags(enabled=False):
        off = train(make, init, side, size, count, **sgd)
    on = train(make, init, side, size, count, **sgd)
    trained = bool(sgd)
    print(name, on["losses"], "apart:", apart(on["grads"], off["grads"]),
          apart(on["changes"], off["changes"]) if trained else "")
    return dict(
        name=name, network=network, twin=twin, init=init, side=side, batch=size, sgd=sgd, losses=on["losses"],
        logits=[float(f"{v:.8g}") for v in on["logits"].flatten().tolist()],
        parameters=[
            dict(name=n, gradNorm=g.double().norm().item(), grad=sample(g),
                 **(dict(changeNorm=c.double().norm().item(), change=sample(c), changeSpread=d)
                    if trained else {}))
            for n, g, c, d in zip(on["names"], on["grads"], on["changes"],
                                  distances(on["changes"], off["changes"]))],
        spread=dict(
            losses=max(abs(a - b) for a, b in zip(on["losses"], off["losses"])),
            logits=(on["logits"] - off["logits"]).abs().max().item(),
            grads=apart(on["grads"], off["grads"]),
            changes=apart(on["changes"], off["changes"]) if trained else 0))


plain = dict(lenet=lambda: lenet(nn.Sigmoid, nn.AvgPool2d),
             alexnet=lambda: alexnet(nn.ReLU, nn.MaxPool2d))
smooth = dict(lenet=lambda: lenet(nn.Tanh, nn.AvgPool2d),
              alexnet=lambda: alexnet(nn.Tanh, nn.AvgPool2d))
cases = [
    case("lenet, lr 0.9", "lenet", False, plain["lenet"], 28, 16, steps, lr=0.9),
    case("lenet, momentum and weight decay", "lenet", False, plain["lenet"], 28, 16, steps,
         lr=0.1, momentum=0.9, weight_decay=0.01),
    case("alexnet, lr 0.01", "alexnet", False, plain["alexnet"], 224, 8, steps, lr=0.01),
    case("alexnet, nesterov and weight decay", "alexnet", False, plain["alexnet"], 224, 8, steps,
         lr=0.01, momentum=0.9, weight_decay=0.0005, nesterov=True),
    case("alexnet, Xavier, lr 0.01", "alexnet", False, plain["alexnet"], 224, 8, steps,
         init="xavier", lr=0.01),
    case("smooth twin of lenet", "lenet", True, smooth["lenet"], 28, 16, 1),
    case("smooth twin of alexnet", "alexnet", True, smooth["alexnet"], 224, 4, 1),
]
golden = dict(torch=torch.__version__, samples=samples, cases=cases)
(here / "networks.golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
