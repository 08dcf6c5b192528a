"""Writes pth.golden.json: small files by torch.save, as base64, and what PyTorch itself reads from them.
Run: python3 test/golden/pth.py

  python3 test/golden/pth.py --load FILE OUT   loads the weights of FILE (safetensors) into torchvision's or
                                               the notebooks' network that a line on stdin names, and
                                               saves its state dict as OUT
"""

import base64
import io
import json
import os
import pathlib
import pickle

import torch


class Payload:
    """What unpickling would run: a shell command."""

    def __reduce__(self):
        return (os.system, ("echo this file ran code",))


def saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def bits(tensor):
    """The elements row by row, as hexadecimal bytes."""
    flat = tensor.detach().contiguous().reshape(-1)
    if flat.dtype == torch.bfloat16:
        flat = flat.view(torch.int16)
    return flat.numpy().tobytes().hex()


def tensors():
    base = torch.arange(24, dtype=torch.float32) / 8
    nan = torch.tensor([0x7FC00001, -4194303, 1, -2147483648], dtype=torch.int32)
    return {
        "dense": base.view(2, 3, 4),
        "transposed": base.view(4, 6).t(),
        "slice": base[3:9],
        "steps": base.view(4, 6)[:, ::2],
        "expanded": torch.tensor([1.0, 2.0])[:, None].expand(2, 3),
        "channels.last": torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(7.25),
        "nan": nan.view(torch.float32),
        "half": torch.tensor([1.5, -0.0, 6e-8, 65504]).half(),
        "brain": torch.tensor([1.5, -2, float("inf")]).bfloat16(),
        "double": torch.tensor([0.1, 1e-300, 1e300, -2.5]).double(),
        "double.transposed": torch.arange(6.0).double().view(2, 3).t(),
        "i64": torch.tensor([2**62, -5]),
        "i32": torch.tensor([2**31 - 1, -1], dtype=torch.int32),
        "i16": torch.tensor([-300, 7], dtype=torch.int16),
        "i8": torch.tensor([-3, 100], dtype=torch.int8),
        "u8": torch.tensor([[0, 200]], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "名": torch.ones(1),
    }


def widened(tensor):
    """In the element type that Fovea has for it."""
    kinds = {
        torch.float64: torch.float32, torch.float16: torch.float32, torch.bfloat16: torch.float32,
        torch.int16: torch.int32, torch.int8: torch.int32, torch.bool: torch.uint8,
    }
    names = {torch.float32: "f32", torch.int32: "i32", torch.uint8: "u8", torch.int64: "i64"}
    result = tensor.detach().to(kinds.get(tensor.dtype, tensor.dtype))
    return {"dtype": names[result.dtype], "shape": list(result.shape), "bits": bits(result)}


def golden():
    torch.manual_seed(0)
    every = tensors()
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    weights = layers.state_dict()
    optimizer = torch.optim.SGD(layers.parameters(), lr=0.1, momentum=0.9)
    layers(torch.ones(1, 1, 5, 5)).sum().backward()
    optimizer.step()
    weights = layers.state_dict()
    checkpoint = {"epoch": 3, "best": 0.5, "note": "é", "none": None, "huge": 2**70,
                  "state_dict": weights, "optimizer": optimizer.state_dict(), "sizes": torch.Size([1, 2])}
    hostile = {"weight": torch.ones(2), "payload": Payload()}
    files = {f"protocol {p}": saved(every, pickle_protocol=p) for p in (2, 3, 4, 5)}
    files["before torch 1.6"] = saved(every, _use_new_zipfile_serialization=False)
    files["checkpoint"] = saved(checkpoint)
    files["two"] = saved({"model": weights, "model_ema": weights, "epoch": 1})
    files["module"] = saved(layers)
    files["list"] = saved([torch.ones(1)])
    files["tensor"] = saved(torch.ones(1))
    files["no tensors"] = saved({"lr": 0.1, "names": ["a"]})
    for protocol in (2, 4):
        files[f"payload {protocol}"] = saved(hostile, pickle_protocol=protocol)
    files["payload before torch 1.6"] = saved(hostile, _use_new_zipfile_serialization=False)
    files["pickle"] = pickle.dumps({"weight": [1.0]}, protocol=4)
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), script)
    files["script"] = script.getvalue()
    return {
        "torch": torch.__version__,
        "every": {name: widened(tensor) for name, tensor in every.items()},
        "weights": {name: widened(tensor) for name, tensor in weights.items()},
        "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
    }


if __name__ == "__main__":
    out = pathlib.Path(__file__).with_suffix(".golden.json")
    out.write_text(json.dumps(golden(), indent=1) + "\n")
