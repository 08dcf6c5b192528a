"""Makes safetensors.golden.json and checks files: an independent reader and writer of safetensors.

Needs only the standard library to check, and numpy to make the golden file.

  python3 test/golden/safetensors.py                 writes safetensors.golden.json beside itself
  python3 test/golden/safetensors.py --read FILE     prints what FILE holds as JSON (bytes in hex)
"""

import hashlib
import json
import pathlib
import struct
import sys


def read(data):
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length].decode())
    metadata = header.pop("__metadata__", {})
    body = data[8 + length :]
    tensors = {}
    for name, info in header.items():
        begin, end = info["data_offsets"]
        tensors[name] = [info["dtype"], info["shape"], body[begin:end].hex()]
    return {"headerBytes": length, "metadata": metadata, "names": list(header), "tensors": tensors}


def write(entries, metadata):
    header, body = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, data in entries:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def golden():
    import numpy as np

    # Sorted as the reference implementation does: F32, I32, U8, then by name.
    f32 = np.array([[0.1, -2.5, 3e38], [1e-45, -0.0, np.inf]], "<f4")
    writable = write(
        [
            ("0.bias", "F32", [3], np.array([1, 2, 3], "<f4").tobytes()),
            ("0.weight", "F32", [2, 3], f32.tobytes()),
            ("empty", "F32", [0, 4], b""),
            ("scalar", "F32", [], np.array(7.25, "<f4").tobytes()),
            ("labels", "I32", [2], np.array([-1, 2147483647], "<i4").tobytes()),
            ("pixels", "U8", [1, 3], bytes([0, 128, 255])),
            ("标签", "U8", [1], bytes([9])),
        ],
        {"format": "pt", "note": 'quoted "text"\n'},
    )
    every_half = np.arange(65536, dtype="<u2")
    readable = write(
        [
            ("steps", "I64", [2], np.array([-(2**62), 5], "<i8").tobytes()),
            ("half", "F16", [4], np.array([1.5, -0.0, 6e-8, 65504], "<f2").tobytes()),
            ("brain", "BF16", [2], np.array([0x3FC0, 0xC000], "<u2").tobytes()),
        ],
        {},
    )
    return {
        "writable": writable.hex(),
        "readable": readable.hex(),
        "everyHalfWidenedSha256": hashlib.sha256(
            every_half.view("<f2").astype("<f4").tobytes()
        ).hexdigest(),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        print(json.dumps(read(pathlib.Path(sys.argv[2]).read_bytes())))
    else:
        out = pathlib.Path(__file__).with_suffix(".golden.json")
        out.write_text(json.dumps(golden(), indent=1) + "\n")
