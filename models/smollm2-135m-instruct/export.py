"""Exports SmolLM2-135M-Instruct from its GGUF file with torch.export, and writes what fp32 says about a text.

`assay-worker models import FILE.gguf` needs none of this: it reads the GGUF file itself. This is the ordinary door, GGUF
to transformers to torch.export, and the reference that both are compared with. Run from anywhere, with torch 2.11,
transformers, gguf and safetensors installed:

    python models/smollm2-135m-instruct/export.py FILE.gguf [FOLDER]

Writes
    FOLDER/smollm2-135m-instruct.pt2    the exported program without its weights, dynamic in batch and length
    FOLDER/weights.safetensors          the weights, dequantised
    text.safetensors                    beside itself: the tokens of text.txt, the likeliest next token at each position
                                        and the negative log-likelihood of the one that came, in fp32

FOLDER is that of the GGUF file unless it is given.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

LARGEST_BATCH, CONTEXT = 64, 2048
# The text in rows of this many tokens.
ROW = 512
HERE = Path(__file__).resolve().parent


class Logits(torch.nn.Module):
    """`tokens` [batch, length] to `logits` [batch, length, vocabulary], without a cache."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        return self.model(input_ids=tokens, use_cache=False).logits


@torch.no_grad()
def judged(network, tokens):
    """The likeliest next token at every position but the last, and the negative log-likelihood of the next one."""
    likeliest, losses = [], []
    for row in tokens:
        logits = network(row[None])[0, :-1]
        likeliest.append(logits.argmax(-1))
        losses.append(torch.nn.functional.cross_entropy(logits, row[1:], reduction="none"))
    return torch.stack(likeliest), torch.stack(losses)


def main():
    sys.path.insert(0, str(HERE.parent))
    from exporting import save

    file = Path(sys.argv[1]).resolve()
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else file.parent
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, attn_implementation="eager"
    )
    network = Logits(model.eval())

    # transformers does not read from a GGUF file that digits stand alone, so spaces before a digit can be other tokens
    # than those of the package's tokenizer. For a comparison over given tokens it makes no difference.
    tokens = tokenizer((HERE / "text.txt").read_text(), return_tensors="pt", add_special_tokens=False).input_ids[0]
    tokens = tokens[: tokens.numel() // ROW * ROW].view(-1, ROW)
    likeliest, losses = judged(network, tokens)
    print(f"{losses.numel()} tokens, perplexity {losses.double().mean().exp():.4f}")
    golden = {"tokens": tokens, "likeliest": likeliest, "losses": losses}
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, HERE / "text.safetensors")

    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    length = torch.export.Dim("length", min=1, max=CONTEXT)
    with torch.no_grad():
        program = torch.export.export(network, (tokens[:2, :16],), dynamic_shapes={"tokens": {0: batch, 1: length}})
    save(program, folder / f"{HERE.name}.pt2", with_weights=False)
    # A tied weight is stored once.
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items() if "lm_head" not in name}
    save_file(weights, folder / "weights.safetensors")


if __name__ == "__main__":
    main()
