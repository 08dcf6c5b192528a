"""Trains a network of torch_networks.py on Fashion-MNIST in PyTorch, as `fovea train` does with the same
options, and prints the same line an epoch: what docs/results.md compares with.

    OMP_NUM_THREADS=2 python3 bench/torch_train.py nin --optimizer adam --lr 0.002 --batch-size 128 --epochs 2

With --checkpoint FILE it goes on where the file's training ended. Needs torch, PIL and numpy, and the
data set's four .gz files (Debian: python3-torch python3-pil dataset-fashion-mnist).
"""

import argparse
import gzip
import os
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from torch import nn

from torch_networks import NETWORKS, loss_of

SIDES = {"lenet": 28, "googlenet": 96, "alexnet-rgb": 227, "alexnet-2012": 227}
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=NETWORKS)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd")
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--init", choices=["default", "xavier"], default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist")
    return parser.parse_args()


def read(folder, part):
    def idx(name, header):
        return np.frombuffer(gzip.open(folder / name).read(), np.uint8, offset=header)

    images = idx(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return images, idx(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64)


def batches(images, labels, order, size, side):
    """Pixels 0…1, [n, 1, side, side], and labels."""
    for start in range(0, len(order), size):
        chosen = order[start:start + size]
        planes = images[chosen]
        if side != 28:
            planes = np.stack([
                np.asarray(Image.fromarray(plane).resize((side, side), Image.BILINEAR))
                for plane in planes])
        x = torch.from_numpy(planes.astype(np.float32) / np.float32(255)).unsqueeze(1)
        yield x, torch.from_numpy(labels[chosen])


def main():
    o = options()
    side = SIDES.get(o.model, 224)
    train, test = read(o.data, "train"), read(o.data, "t10k")
    torch.manual_seed(o.seed)
    net = NETWORKS[o.model](channels=1, classes=10)
    if o.init == "xavier":
        for module in net.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d)):
                nn.init.xavier_uniform_(module.weight)
    optimizer = OPTIMIZERS[o.optimizer](net.parameters(), lr=o.lr)
    done = 0
    if o.checkpoint and o.checkpoint.exists():
        state = torch.load(o.checkpoint)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        done = state["epoch"]

    for epoch in range(done + 1, o.epochs + 1):
        net.train()
        loss_sum = correct = 0
        start = time.time()
        for x, y in batches(*train, torch.randperm(len(train[0])).numpy(), o.batch_size, side):
            optimizer.zero_grad()
            output = net(x)
            loss = loss_of(output, y)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(y)
            logits = output[0] if isinstance(output, tuple) else output
            correct += (logits.argmax(1) == y).sum().item()
        net.eval()
        right = 0
        with torch.no_grad():
            for x, y in batches(*test, np.arange(len(test[0])), 250, side):
                right += (net(x).argmax(1) == y).sum().item()
        print(f"epoch {epoch}, loss {loss_sum / len(train[0]):.4f}, train acc {correct / len(train[0]):.3f}, "
              f"test acc {right / len(test[0]):.3f}, time {time.time() - start:.1f} sec", flush=True)
        if o.checkpoint:
            state = dict(net=net.state_dict(), optimizer=optimizer.state_dict(),
                         random=torch.get_rng_state(), epoch=epoch)
            beside = o.checkpoint.with_suffix(".part")
            torch.save(state, beside)
            os.replace(beside, o.checkpoint)


main()
