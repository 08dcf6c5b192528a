"""PyTorch's side of `fovea bench --against torch`: a JSON task as argument, a line of JSON as answer.

It does what src/cli/bench-worker.ts does, in the same order: training steps, inference with the same
batch, inference with one image, then the peak of this process. Needs torch and nothing else.
"""

import json
import re
import resource
import statistics
import sys
import time

import torch
from torch import nn


def conv(inputs, outputs, kernel, activation, **options):
    return [nn.Conv2d(inputs, outputs, kernel, **options), activation()]


def dense(inputs, outputs, activation, dropout=None):
    layers = [nn.Linear(inputs, outputs), activation()]
    return layers if dropout is None else [*layers, nn.Dropout(dropout)]


def lenet():
    def halve():
        return nn.AvgPool2d(2, stride=2)

    return nn.Sequential(
        *conv(1, 6, 5, nn.Sigmoid, padding=2), halve(),
        *conv(6, 16, 5, nn.Sigmoid), halve(),
        nn.Flatten(),
        *dense(400, 120, nn.Sigmoid),
        *dense(120, 84, nn.Sigmoid),
        nn.Linear(84, 10),
    )


def alexnet():
    def halve():
        return nn.MaxPool2d(3, stride=2)

    return nn.Sequential(
        *conv(1, 96, 11, nn.ReLU, stride=4, padding=1), halve(),
        *conv(96, 256, 5, nn.ReLU, padding=2), halve(),
        *conv(256, 384, 3, nn.ReLU, padding=1),
        *conv(384, 384, 3, nn.ReLU, padding=1),
        *conv(384, 256, 3, nn.ReLU, padding=1), halve(),
        nn.Flatten(),
        *dense(6400, 4096, nn.ReLU, dropout=0.5),
        *dense(4096, 4096, nn.ReLU, dropout=0.5),
        nn.Linear(4096, 10),
    )


NETWORKS = {"lenet": lenet, "alexnet": alexnet}


def timed(times, work):
    """Seconds that the work takes: the median of `times`, after one that warms up."""
    work()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peak():
    """The most memory that this process ever held, in bytes."""
    try:
        with open("/proc/self/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) * 1024
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main():
    task = json.loads(sys.argv[1])
    build = NETWORKS.get(task["model"])
    if build is None:
        sys.exit(f"{task['model']} has no counterpart in PyTorch here; there are {', '.join(NETWORKS)}")
    batch = task["batchSize"]
    torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    net = build()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    x = torch.randn(batch, *task["input"])
    y = torch.arange(batch) % 10

    def train():
        optimizer.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
        loss.item()

    train_seconds = timed(task["steps"], train)
    net.eval()
    with torch.no_grad():
        infer_seconds = timed(3, lambda: net(x))
        one = x[:1].clone()
        single_seconds = timed(20, lambda: net(one))
    print(json.dumps({
        "model": task["model"],
        "batchSize": batch,
        "threads": task["threads"],
        "trainExamplesPerSecond": batch / train_seconds,
        "inferExamplesPerSecond": batch / infer_seconds,
        "batch1Milliseconds": 1000 * single_seconds,
        "peakRssBytes": peak(),
    }))


main()
