"""What round-trip.test.ts needs of PyTorch: networks saved, and loaded again from what Fovea wrote.

  python3 test/golden/round_trip.py save FOLDER FORM...   each network with random weights as NAME.pth
  python3 test/golden/round_trip.py load FOLDER FORM...   NAME.safetensors and NAME.own.safetensors into
                                                          networks, of which the second is saved as
                                                          NAME.own.pth

A form is NETWORK:CHANNELS:CLASSES:SIDE. Both print, for each network, the SHA-256 of every tensor."""

import hashlib
import json
import math
import pathlib
import struct
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "bench"))
from torch_networks import NETWORKS  # noqa: E402

# not a number with bits of its own, -0, infinity, and the least number there is
SPECIAL = torch.tensor([0x7FC00123, -0x80000000, 0x7F800000, 1], dtype=torch.int64)


def build(form):
    name, channels, classes, side = form.split(":")
    torch.manual_seed(0)
    net = NETWORKS[name](channels=int(channels), classes=int(classes), side=int(side))
    return name.replace("/", "-"), net


def hashes(states):
    return {name: [str(t.dtype), hashlib.sha256(t.contiguous().numpy()).hexdigest()] for name, t in states.items()}


def read_safetensors(path):
    """In a few lines, as the format's description has it; nothing of Fovea's."""
    types = {"F32": torch.float32, "I64": torch.int64}
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    states = {}
    for name, info in header.items():
        begin, end = info["data_offsets"]
        dtype, shape = types[info["dtype"]], info["shape"]
        count = math.prod(shape)
        assert end - begin == count * (8 if dtype == torch.int64 else 4)
        states[name] = torch.frombuffer(data, dtype=dtype, count=count, offset=8 + length + begin).reshape(shape)
    return states


def save(folder, form):
    name, net = build(form)
    for state in net.state_dict().values():
        if state.dtype == torch.int64:
            state.fill_(123456789)
        elif state.numel() >= 8:
            state.view(-1)[:4].view(torch.int32)[:] = SPECIAL.to(torch.int32)
    torch.save(net.state_dict(), folder / f"{name}.pth")
    return hashes(net.state_dict())


def load(folder, form):
    name, net = build(form)
    read = read_safetensors(folder / f"{name}.safetensors")
    net.load_state_dict(read, strict=True)
    result = hashes(net.state_dict())
    assert {k: v for k, v in hashes(read).items()} == result
    net.load_state_dict(read_safetensors(folder / f"{name}.own.safetensors"), strict=True)
    torch.save(net.state_dict(), folder / f"{name}.own.pth")
    return result


if __name__ == "__main__":
    action, folder, *forms = sys.argv[1:]
    for form in forms:
        print(json.dumps({"save": save, "load": load}[action](pathlib.Path(folder), form)))
