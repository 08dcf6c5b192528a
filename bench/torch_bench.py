"""PyTorch's side of `fovea bench --against torch`: a JSON task as argument, a line of JSON as answer.

It does what src/cli/bench-worker.ts does, in the same order: training steps, inference with the same
batch, inference with one image, then the peak of this process. Needs torch; torchvision's networks need
torchvision.
"""

import json
import re
import resource
import statistics
import sys
import time

import torch

from torch_networks import NETWORKS, loss_of


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
    batch = task["batchSize"]
    torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    try:
        net = NETWORKS[task["model"]]()
    except ModuleNotFoundError as error:
        sys.exit(f"{task['model']} in PyTorch needs {error.name} (Debian: apt install python3-{error.name})")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
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
        infer_seconds = timed(max(3, task["steps"]), lambda: net(x))
        one = x[:1].clone()
        single_seconds = timed(max(20, task["steps"]), lambda: net(one))
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
