"""Trains a small byte-level GPT on sums told as stories, in minutes, and exports it with torch.export.

Run from anywhere, with torch 2.11 and safetensors installed:

    python models/gpt/export.py

Writes beside itself
    gpt.pt2               the exported program, dynamic in batch and tokens
    golden.safetensors    a prefill and a continuation as one batch, and the fp32 outputs

One graph serves prefill and decoding: it takes any number of new tokens, how many came before them, and a cache of the
keys and values of those. A new token's keys and values are written to the slot of its position, and it sees the slots
up to its own. The cache that a step gives goes into the next step; at the first it is zero and so is the position.
"""

import random
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

SEED = 7
VOCABULARY, WIDTH, LAYERS, HEADS, CONTEXT = 256, 64, 3, 4, 128
HEAD = WIDTH // HEADS
LARGEST_BATCH = 1024
STEPS, BATCH, RATE = 2000, 24, 4e-3
HERE = Path(__file__).resolve().parent


def rotated(x, cosine, sine):
    """Rotary position embedding: the two halves of each head are the two coordinates that are turned."""
    left, right = x.chunk(2, -1)
    return torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.before_attention = torch.nn.RMSNorm(WIDTH, eps=1e-5)
        self.projections = torch.nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.mixed = torch.nn.Linear(WIDTH, WIDTH, bias=False)
        self.before_inner = torch.nn.RMSNorm(WIDTH, eps=1e-5)
        self.widen = torch.nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.narrow = torch.nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x, rotation, cache, store, seen):
        projected = self.projections(self.before_attention(x))
        query, key, value = (
            part.unflatten(-1, (HEADS, HEAD)).transpose(1, 2) for part in projected.split(WIDTH, -1)
        )
        key, value = store(rotated(key, *rotation), cache[:, 0]), store(value, cache[:, 1])
        mixed = F.scaled_dot_product_attention(rotated(query, *rotation), key, value, attn_mask=seen)
        x = x + self.mixed(mixed.transpose(1, 2).flatten(2))
        x = x + self.narrow(F.gelu(self.widen(self.before_inner(x)), approximate="tanh"))
        return x, key, value


class GPT(torch.nn.Module):
    """256 logits for each token: the byte that follows it."""

    def __init__(self):
        super().__init__()
        self.bytes = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(LAYERS))
        self.last = torch.nn.RMSNorm(WIDTH, eps=1e-5)
        self.logits = torch.nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.logits.weight = self.bytes.weight
        torch.nn.init.normal_(self.bytes.weight, std=0.1)
        frequencies = 100.0 ** (-torch.arange(HEAD // 2) / (HEAD // 2))
        angles = torch.arange(CONTEXT)[:, None] * frequencies
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)

    def forward(self, tokens, position, cache):
        """`tokens` [batch, tokens], `position` [batch, 1], `cache` [batch, layers, 2, heads, context, head]."""
        count = tokens.shape[1]
        place = position + torch.arange(count)
        rotation = [F.embedding(place, table).unsqueeze(1) for table in (self.cosine, self.sine)]
        slot = torch.arange(CONTEXT)
        seen = (slot <= place.unsqueeze(-1)).unsqueeze(1)
        # Which of the new tokens a slot is for, if any.
        source = slot - position
        fresh = (source >= 0) & (source < count)
        index = torch.where(fresh, source, 0)[:, None, :, None].expand(-1, HEADS, -1, HEAD)
        fresh = fresh[:, None, :, None]

        def store(new, old):
            return torch.where(fresh, new.gather(2, index), old)

        x, caches = self.bytes(tokens), []
        for layer, block in enumerate(self.blocks):
            x, key, value = block(x, rotation, cache[:, layer], store, seen)
            caches.append(torch.stack([key, value], 1))
        return self.logits(self.last(x)), torch.stack(caches, 1)


NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
NUMBERS += "sixteen seventeen eighteen".split()
PEOPLE = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo"]
THINGS = ["apples", "books", "coins", "drums", "eggs", "forks", "goats", "hats"]


def story(rng):
    person, thing, first, second = rng.choice(PEOPLE), rng.choice(THINGS), rng.randint(0, 9), rng.randint(0, 9)
    start = f"{person} has {NUMBERS[first]} {thing}"
    if rng.random() < 0.5:
        return f"{start} and gets {NUMBERS[second]} more. Now {person} has {NUMBERS[first + second]} {thing}.\n"
    second = min(first, second)
    return f"{start} and gives away {NUMBERS[second]}. Now {person} has {NUMBERS[first - second]} {thing}.\n"


def text(rng, length):
    stories = ""
    while len(stories) < length:
        stories += story(rng)
    return torch.tensor(list(stories[:length].encode()))


def empty(batch):
    return torch.zeros(batch, 1, dtype=torch.int64), torch.zeros(batch, LAYERS, 2, HEADS, CONTEXT, HEAD)


def train(network, rng):
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.05, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=STEPS, pct_start=0.1)
    for step in range(STEPS):
        rows = torch.stack([text(rng, CONTEXT + 1) for _ in range(BATCH)])
        logits, _ = network(rows[:, :-1], *empty(BATCH))
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def continued(network, prompt, length):
    """The likeliest bytes after a prompt: one prefill, then a byte at a time."""
    tokens, (position, cache) = torch.tensor([list(prompt.encode())]), empty(1)
    answer = []
    for _ in range(length):
        logits, cache = network(tokens, position, cache)
        position = position + tokens.shape[1]
        tokens = logits[:, -1:].argmax(-1)
        answer.append(int(tokens))
        if answer[-1] == ord("\n"):
            break
    return bytes(answer).decode(errors="replace")


def right(network, rng, stories):
    """How many stories end with the right number."""
    count = 0
    for _ in range(stories):
        question, answer = story(rng).rsplit(" has ", 1)
        count += continued(network, question + " has ", 40) == answer
    return count


def main():
    sys.path.insert(0, str(HERE.parent))
    from exporting import save

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    rng = random.Random(SEED)
    network = GPT()
    print(sum(parameter.numel() for parameter in network.parameters()), "parameters")
    train(network, rng)
    network.eval()
    held_out = random.Random(SEED + 1)
    print("right sums:", right(network, held_out, 100), "of 100")
    print(continued(network, "Hugo has seven hats and gets five more.", 60), end="")

    tokens = torch.stack([text(held_out, 80) for _ in range(2)])
    with torch.no_grad():
        # The second row has 48 tokens behind it already.
        _, cache = network(tokens[1:, :48], *empty(1))
        position = torch.tensor([[0], [48]])
        inputs = (torch.stack([tokens[0, :32], tokens[1, 48:]]), position, torch.cat([empty(1)[1], cache]))
        outputs = network(*inputs)
        batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
        count = torch.export.Dim("tokens", min=1, max=CONTEXT)
        shapes = {"tokens": {0: batch, 1: count}, "position": {0: batch}, "cache": {0: batch}}
        program = torch.export.export(network, inputs, dynamic_shapes=shapes)
    save(program, HERE / "gpt.pt2")
    names = ("tokens", "position", "cache", "output_0", "output_1")
    save_file(dict(zip(names, (*inputs, *outputs))), HERE / "golden.safetensors")


if __name__ == "__main__":
    main()
