"""Writes words.safetensors: what the network gives in floating point for the 35 texts of words.txt, single words among them.

Run from anywhere, with numpy, safetensors and tokenizers installed:

    python models/all-minilm-l6-v2/words.py "$(scripts/models --download all-minilm-l6-v2)"

The argument is the folder that export.py takes. Nothing is quantised here and sums are in binary64, so what is written differs
from torch's binary32 by its rounding alone.
"""

import math
import sys
from pathlib import Path

import numpy
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

HEADS, HEAD, LAYERS, EPSILON = 12, 32, 6, 1e-12
HERE = Path(__file__).resolve().parent
ERF = numpy.vectorize(math.erf, otypes=[float])


def embed(weights, ids):
    """The embedding of one text."""

    def linear(name, x):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name, x):
        x = x - x.mean(-1, keepdims=True)
        x = x / numpy.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
        return x * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]

    def heads(x):
        return x.reshape(len(ids), HEADS, HEAD).transpose(1, 0, 2)

    words = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
    x = norm("embeddings", words + weights["embeddings.position_embeddings.weight"][: len(ids)])
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (heads(linear(f"{name}.attention.self.{part}", x)) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / HEAD**0.5
        shares = numpy.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(f"{name}.attention.output", linear(f"{name}.attention.output.dense", mixed) + x)
        inner = linear(f"{name}.intermediate.dense", x)
        inner = inner * 0.5 * (1 + ERF(inner / 2**0.5))
        x = norm(f"{name}.output", linear(f"{name}.output.dense", inner) + x)
    mean = x.mean(0)
    return mean / numpy.linalg.norm(mean)


def main():
    folder = Path(sys.argv[1])
    weights = {name: tensor.astype(numpy.float64) for name, tensor in load_file(folder / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    texts = (HERE / "words.txt").read_text(encoding="utf-8").splitlines()
    rows = [tokenizer.encode(text).ids for text in texts]
    tokens = numpy.zeros((len(rows), max(map(len, rows))), numpy.int64)
    mask = numpy.zeros_like(tokens)
    for place, row in enumerate(rows):
        tokens[place, : len(row)], mask[place, : len(row)] = row, 1
    outputs = numpy.stack([embed(weights, row) for row in rows]).astype(numpy.float32)
    save_file({"tokens": tokens, "mask": mask, "output_0": outputs}, HERE / "words.safetensors")


if __name__ == "__main__":
    main()
