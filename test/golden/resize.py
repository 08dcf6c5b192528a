"""Makes resize.golden.json: what torchvision's Resize on PIL images gives, over many sizes.

  python3 test/golden/resize.py              writes resize.golden.json beside itself
  python3 test/golden/resize.py --serve      a differential test: reads lines "H W OH OW SEED" and
                                             prints the sha256 of the resized plane for each

Pixels come from a formula that both sides know: byte i of a plane is the top byte of the 32-bit
product (i + seed·7919 + 1)·2654435761 after one xor-shift, so every size has its own noise.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
from PIL import Image


def pixels(height, width, seed):
    i = np.arange(height * width, dtype=np.uint64) + np.uint64(seed * 7919 + 1)
    x = (i * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    return (x >> np.uint64(24)).astype(np.uint8).reshape(height, width)


def resized(height, width, out_height, out_width, seed):
    image = Image.fromarray(pixels(height, width, seed), "L")
    return np.asarray(image.resize((out_width, out_height), Image.BILINEAR))


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def golden():
    import PIL
    import torchvision
    from torchvision.transforms import Resize

    rng = np.random.RandomState(0)
    sizes = [
        (28, 28, 224, 224), (28, 28, 96, 96), (28, 28, 32, 32), (28, 28, 227, 227), (28, 28, 28, 28),
        (32, 32, 224, 224), (224, 224, 28, 28), (28, 28, 14, 14), (28, 28, 7, 9), (28, 28, 1, 1),
        (1, 1, 5, 7), (1, 9, 4, 4), (9, 1, 4, 4), (2, 3, 3, 2), (28, 28, 28, 56), (28, 28, 56, 28),
        (300, 200, 7, 224), (7, 224, 300, 200), (500, 375, 256, 256), (1000, 3, 3, 1000),
    ]
    sizes += [tuple(int(n) for n in rng.randint(1, 120, 4)) for _ in range(100)]
    cases = [
        {"size": [*size], "seed": seed, "sha256": digest(resized(*size, seed))}
        for seed, size in enumerate(sizes)
    ]
    # The same through torchvision, with one number for the shorter side.
    shorter = []
    for seed, (height, width, size) in enumerate(
        [(28, 28, 224), (480, 640, 224), (641, 479, 224), (33, 100, 32), (100, 33, 32), (64, 64, 64)]
        + [tuple(int(n) for n in rng.randint(2, 150, 3)) for _ in range(30)]
    ):
        out = np.asarray(Resize(size)(Image.fromarray(pixels(height, width, seed), "L")))
        shorter.append(
            {"in": [height, width], "to": size, "seed": seed, "out": [*out.shape], "sha256": digest(out)}
        )
    # Colour: Resize of an RGB image is the resize of its channels.
    rgb = np.stack([pixels(37, 53, seed) for seed in (1, 2, 3)], axis=2)
    out = np.asarray(Resize((24, 61))(Image.fromarray(rgb, "RGB")))
    colour = [digest(out[:, :, channel]) for channel in range(3)]
    return {
        "made": f"Pillow {PIL.__version__}, torchvision {torchvision.__version__}",
        "first": resized(3, 4, 5, 6, 0).tolist(),
        "cases": cases,
        "shorter": shorter,
        "colour": colour,
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        for line in sys.stdin:
            print(digest(resized(*(int(n) for n in line.split()))), flush=True)
    else:
        out = pathlib.Path(__file__).with_suffix(".golden.json")
        out.write_text(json.dumps(golden()) + "\n")
