"""Trains a small network on scikit-learn's handwritten digits and exports it with torch.export.

Run from anywhere, with torch 2.11, scikit-learn and safetensors installed:

    python models/digits/export.py

Writes beside itself
    digits.pt2                   the exported program, dynamic in its first dimension
    golden.safetensors           the 360 held-out images, their labels and the fp32 outputs of the network
    inputs/digits.safetensors    the first 50 of those images with their labels: what the demo asks for

Everything is seeded and runs on one thread, so that the same versions on the same kind of processor write the same bytes.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
STEPS = 400
HELD_OUT = 360
DEMO_IMAGES = 50
LARGEST_BATCH = 4096
BRIGHTEST = 16.0
HERE = Path(__file__).resolve().parent


class Digits(torch.nn.Module):
    """Ten logits for an 8 x 8 image whose pixels run from 0 to 16."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(64, 64)
        self.narrow = torch.nn.Linear(64, 32)
        self.logits = torch.nn.Linear(32, 10)

    def forward(self, image):
        pixels = torch.flatten(image, 1)
        features = torch.relu(self.hidden(pixels))
        features = torch.relu(self.narrow(features))
        return self.logits(features)


def train(images, labels):
    """Fits on pixels scaled to 0..1, then moves the scale, a power of two, into the first weights without rounding."""
    network = Digits()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=1e-1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        noisy = images / BRIGHTEST + 0.1 * torch.randn_like(images)
        loss = torch.nn.functional.cross_entropy(network(noisy), labels, label_smoothing=0.05)
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        network.hidden.weight /= BRIGHTEST
    return network.eval()


def main():
    # Lines above stay where they are: the package's root holds their numbers.
    import sys

    sys.path.insert(0, str(HERE.parent))
    from exporting import save

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    data = load_digits()
    split = train_test_split(data.images, data.target, test_size=HELD_OUT, random_state=SEED, stratify=data.target)
    images, held_out = (torch.tensor(part, dtype=torch.float32) for part in split[:2])
    labels, held_out_labels = (torch.tensor(part, dtype=torch.int64) for part in split[2:])

    network = train(images, labels)
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    program = torch.export.export(network, (held_out[:2].clone(),), dynamic_shapes={"image": {0: batch}})
    save(program, HERE / "digits.pt2")

    with torch.no_grad():
        outputs = network(held_out)
    right = int((outputs.argmax(1) == held_out_labels).sum())
    print(f"fp32: {right} of {HELD_OUT} held-out digits right ({100 * right / HELD_OUT:.2f} %)")

    save_file({"image": held_out, "label": held_out_labels, "output_0": outputs}, HERE / "golden.safetensors")
    (HERE / "inputs").mkdir(exist_ok=True)
    demo = {"image": held_out[:DEMO_IMAGES].contiguous(), "label": held_out_labels[:DEMO_IMAGES].contiguous()}
    save_file(demo, HERE / "inputs" / "digits.safetensors")


if __name__ == "__main__":
    main()
