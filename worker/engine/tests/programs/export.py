"""Exports small programs that between them use every operator that the importer knows, with their fp32 outputs.

    python worker/engine/tests/programs/export.py

with torch 2.11 and safetensors installed. Writes FAMILY.pt2 and FAMILY.safetensors beside itself, for every class below.
A program gives at most 16 tensors, so a family may have several classes.
"""

import sys
from pathlib import Path

import torch
from composed import Assignments, Einsums, Masks, Rankings, Resampling, Scatters, Transposed, Trigonometry
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.manual_seed(7)
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
BATCH = torch.export.Dim("batch", min=1, max=64)
LENGTH = torch.export.Dim("length", min=1, max=32)


class Arithmetic(nn.Module):
    """Two tensors of numbers, the second without zeros, and one of integers."""

    inputs = (torch.randn(3, 8), torch.rand(3, 8) + 0.5, torch.randint(-9, 9, (3, 8)))
    dynamic = ({0: BATCH}, {0: BATCH}, {0: BATCH})

    def forward(self, x, y, n):
        return (
            torch.add(x, y, alpha=2) + 1,
            3 - torch.sub(x, y, alpha=0.5),
            x * y * 2.5,
            x / y / 3 + 1 / y,
            torch.div(x, y, rounding_mode="floor"),
            torch.div(n, 4, rounding_mode="trunc") + n // 3,
            n % 5 + torch.remainder(n, -3),
            torch.minimum(x, y) + torch.maximum(x, n),
            x**2 + x**3 + y**0.5 + y**-1.5 + x**0,
            1.5**x,
            torch.addcmul(x, x, y, value=0.5) + torch.addcdiv(x, x, y),
            torch.lerp(x, y, 0.25),
            x.clamp(-0.5, 0.5) + x.clamp(min=0) + torch.clamp(x, max=y),
            n.abs() - n.neg() + n.sign() + n.square(),
            x.sign() + torch.reciprocal(y),
            n.to(torch.int32) * 2 + n.to(torch.int32),
        )


class Functions(nn.Module):
    """Numbers of both signs, and positive ones."""

    inputs = (3 * torch.randn(4, 8), 5 * torch.rand(4, 8) + 0.01)
    dynamic = ({0: BATCH}, {0: BATCH})

    def forward(self, x, y):
        return (
            x.abs(),
            -x,
            y.sqrt(),
            y.rsqrt(),
            x.exp(),
            y.log(),
            x.sin(),
            x.cos(),
            x.tanh(),
            x.sigmoid(),
            x.erf(),
            x.floor() + x.ceil() * 10,
            (x * 2).round() / 2,
            x.trunc(),
        )


class Activations(nn.Module):
    inputs = (3 * torch.randn(4, 6, 5),)
    dynamic = ({0: BATCH},)

    def __init__(self):
        super().__init__()
        self.slopes = nn.PReLU(6)
        nn.init.uniform_(self.slopes.weight)

    def forward(self, x):
        return (
            F.relu(x) + F.relu6(x * 3),
            F.silu(x),
            F.gelu(x),
            F.gelu(x, approximate="tanh"),
            F.hardtanh(x) + F.hardtanh(x, -0.5, 2.0),
            F.hardsigmoid(x),
            F.hardswish(x),
            F.leaky_relu(x, 0.2),
            self.slopes(x),
            F.elu(x, 0.7) + F.selu(x),
            F.celu(x, 0.5),
            F.softplus(x) + F.softplus(x, 2.0, 1.0),
            F.logsigmoid(x),
            F.mish(x),
            F.softsign(x) + F.threshold(x, 0.1, -2.0),
            F.glu(x, 1),
        )


class Logic(nn.Module):
    inputs = (torch.randn(5, 7), torch.randn(5, 7), torch.randint(-2, 3, (5, 7)), torch.rand(5, 7) > 0.5)
    dynamic = ({0: BATCH},) * 4

    def forward(self, x, y, n, b):
        return (
            (x == y) | (n == 1),
            (x < y) & (n <= 0),
            (x > 0.5) ^ (n >= x),
            ~b,
            torch.logical_and(n, b),
            torch.logical_or(n, x > 0),
            torch.logical_not(n),
            torch.logical_xor(n, b) != b,
            torch.where(b, x, y),
            torch.where(n > 0, x, 0.0) + torch.where(b, 1.0, y),
            x.masked_fill(b, -1.0),
            (x / 0.0).isinf() | (x - x / 0.0).isnan(),
            b.to(torch.float32) + n.to(torch.float32),
            x.to(torch.int64) + b,
            n.bool(),
            ~n,
        )


class Shapes(nn.Module):
    inputs = (torch.randn(2, 6, 8, 5),)
    dynamic = ({0: BATCH},)

    def forward(self, x):
        a, b = x.chunk(2, 1)
        c, d, e = x.split([1, 2, 3], 1)
        first, *rest = x.unbind(1)
        return (
            x.flatten(1).unflatten(1, (6, 40)).reshape(x.shape[0], 240),
            x.transpose(1, 2).contiguous().view(-1, 8, 30),
            x.permute(0, 3, 1, 2),
            x.unsqueeze(2).squeeze(2).mT,
            torch.cat([a, b * 2, d], 1),
            torch.stack([a, b], 2),
            c.expand(-1, 4, -1, -1) + e.narrow(2, 1, 1)[:, :1],
            x.repeat(1, 2, 1, 3),
            x.repeat_interleave(3, 2),
            x[:, 1:-1, ::2, -3:],
            x[:, -1] + first + rest[0],
            x.flip([1, 3]),
            x.roll([2, -1], [1, 2]),
            x.diff(dim=2) + x.movedim(1, 3).movedim(3, 1)[:, :, 1:],
            x.tril() + x.triu(1) * 2 + x.tril(-1),
            x.unfold(2, 3, 2),
        )


class Padding(nn.Module):
    inputs = (torch.randn(2, 4, 6, 5),)
    dynamic = ({0: BATCH},)

    def forward(self, x):
        return (
            F.pad(x, (1, 2)),
            F.pad(x, (1, 2, 0, 3), value=-1.0),
            F.pad(x, (-1, 1, 2, -2)),
            F.pad(x, (2, 3, 1, 1), mode="reflect"),
            F.pad(x, (2, 3, 1, 1), mode="replicate"),
            F.pad(x, (2, 3, 1, 1), mode="circular"),
            F.pixel_shuffle(x, 2),
            F.interpolate(x, scale_factor=2, mode="nearest"),
        )


class Indexing(nn.Module):
    inputs = (torch.randn(3, 6, 4), torch.randint(0, 6, (3, 5)), torch.randint(-4, 4, (2, 2)))
    dynamic = ({0: BATCH}, {0: BATCH}, {})

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(6, 4, padding_idx=0)
        self.register_buffer("order", torch.tensor([2, 0, 1]), persistent=False)

    def forward(self, x, i, j):
        return (
            self.table(i),
            x.index_select(1, self.order),
            x.gather(1, i[:, :, None].expand(-1, -1, 4)),
            x[:, self.order],
            x[:, :, j],
            x[:, j % 6, j],
            self.table.weight[i],
            x + torch.tensor([1.0, 2.0, 3.0, 4.0]),
        )


class Dynamic(nn.Module):
    """Sizes that are known only with the inputs."""

    inputs = (torch.randn(2, 5, 8), torch.randint(0, 9, (2, 5)))
    dynamic = ({0: BATCH, 1: LENGTH}, {0: BATCH, 1: LENGTH})

    def __init__(self):
        super().__init__()
        self.register_buffer("places", torch.randn(32, 8))

    def forward(self, x, n):
        length = x.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool).tril()
        return (
            x + self.places[:length],
            x[:, -1],
            x[:, 0] + x[:, :1].squeeze(1),
            torch.arange(length) * 2 + n,
            (n < length).to(torch.float32) + torch.full((length,), 0.5),
            x.flip([1]),
            x.sum(1) / length,
            torch.zeros(x.shape[0], length) + torch.arange(1, length + 1),
            x.mean((1, 2)),
            mask,
            x.transpose(1, 2) @ x,
            x.cumsum(1),
            torch.full_like(x, 2.0) * torch.zeros_like(n).unsqueeze(-1) + torch.ones_like(x),
            x.new_zeros(length, 3) + x.new_full((1, 3), 7.0) + torch.eye(3)[:1],
        )


class Reductions(nn.Module):
    inputs = (torch.randn(3, 6, 5), torch.randint(-5, 5, (3, 6, 5)))
    dynamic = ({0: BATCH}, {0: BATCH})

    def forward(self, x, n):
        values, indices = x.max(1)
        top, places = x.topk(3, 1)
        low, low_places = x.topk(2, largest=False)
        ordered, order = x.sort(1)
        return (
            x.sum((1, 2)) + n.sum((1, 2)),
            x.mean(1, keepdim=True),
            x.amax(2) - x.amin(2),
            values + n.min(2).values.sum(1, keepdim=True),
            indices,
            x.argmax(1) + x.argmin(1),
            (x > 1).any(1) | (x > -1).all(1),
            x.logsumexp(1),
            x.var(1) + x.var(2, correction=0).sum(1, keepdim=True),
            x.std((1, 2)),
            torch.linalg.vector_norm(x, dim=1) + x.norm(1, 1) + torch.linalg.vector_norm(x, float("inf"), 1),
            n.cumsum(2),
            top + places,
            low - low_places,
            ordered,
            order + x.argsort(1, descending=True),
        )


class Normalisations(nn.Module):
    inputs = (torch.randn(3, 6, 5, 4),)
    dynamic = ({0: BATCH},)

    def __init__(self):
        super().__init__()
        self.layer = nn.LayerNorm((5, 4))
        self.group = nn.GroupNorm(3, 6)
        self.instance = nn.InstanceNorm2d(6, affine=True)
        self.batch = nn.BatchNorm2d(6)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, 0.5, 1.5)
        nn.init.uniform_(self.batch.running_mean)
        nn.init.uniform_(self.batch.running_var, 0.5, 2.0)

    def forward(self, x):
        return (
            self.layer(x),
            F.layer_norm(x, (4,)),
            F.rms_norm(x, (4,)),
            F.rms_norm(x, (5, 4), self.layer.weight, eps=1e-6),
            self.group(x),
            self.instance(x),
            self.batch(x),
            F.relu_(self.batch(x)).add_(x),
            x.softmax(1),
            x.softmax(-1),
            x.log_softmax(2),
            F.normalize(x, dim=1),
            F.dropout(x, 0.5, False),
        )


class Products(nn.Module):
    inputs = (torch.randn(2, 3, 4, 8), torch.randn(2, 3, 8, 5), torch.randn(2, 8))
    dynamic = ({0: BATCH}, {0: BATCH}, {0: BATCH})

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 6))
        self.bias = nn.Parameter(torch.randn(6))

    def forward(self, x, y, z):
        return (
            x @ y,
            x @ self.weight,
            x @ x.transpose(-1, -2),
            torch.addmm(self.bias, z, self.weight),
            z @ self.weight[:, 0],
            self.weight.t() @ y,
            torch.bmm(x[:, 0], y[:, 0]),
            torch.baddbmm(x[:, 0, :, :5], x[:, 1], y[:, 1], beta=0.5, alpha=2.0),
            (x @ x.mT).softmax(-1) @ x,
            F.linear(z, self.weight.t(), self.bias),
        )


class Attention(nn.Module):
    inputs = (torch.randn(2, 4, 6, 8), torch.randn(2, 2, 6, 8), torch.randn(2, 6, 6))
    dynamic = ({0: BATCH, 2: LENGTH}, {0: BATCH, 2: LENGTH}, {0: BATCH, 1: LENGTH, 2: LENGTH})

    def forward(self, q, k, bias):
        wide = torch.cat([k, -k], 1)
        seen = (bias > -1) | torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(0)
        attend = F.scaled_dot_product_attention
        return (
            attend(q, wide, wide * 2),
            attend(q, wide, wide, is_causal=True),
            attend(q, wide, wide, attn_mask=seen.unsqueeze(1), scale=0.5),
            attend(q, wide, wide, attn_mask=bias.unsqueeze(1)),
            attend(q, k, k, is_causal=True, enable_gqa=True),
        )


class Convolutions(nn.Module):
    inputs = (torch.randn(2, 6, 9, 8), torch.randn(2, 6, 16))
    dynamic = ({0: BATCH}, {0: BATCH})

    def __init__(self):
        super().__init__()
        self.plain = nn.Conv2d(6, 4, 3, padding=1)
        self.strided = nn.Conv2d(6, 4, (3, 2), stride=(2, 1), dilation=(1, 2), bias=False)
        self.grouped = nn.Conv2d(6, 9, 3, groups=3, padding=(1, 0))
        self.depthwise = nn.Conv2d(6, 6, 3, groups=6, padding="same")
        self.line = nn.Conv1d(6, 4, 5, stride=2, padding=2)
        self.line_grouped = nn.Conv1d(6, 4, 3, groups=2, dilation=2, padding="same")

    def forward(self, x, y):
        return (
            self.plain(x),
            self.strided(x),
            self.grouped(x),
            self.depthwise(x),
            self.line(y),
            self.line_grouped(y),
            F.max_pool2d(x, 2),
            F.max_pool2d(x, 3, stride=2, padding=1, dilation=1),
            F.max_pool1d(y, 4, dilation=2),
            F.avg_pool2d(x, 3, stride=2, padding=1),
            F.avg_pool2d(x, 3, 1, 1, count_include_pad=False) + F.avg_pool2d(x, 3, 1, 1, divisor_override=5),
            F.avg_pool1d(y, 4, 2),
            F.adaptive_avg_pool2d(x, 1).flatten(1),
            F.adaptive_avg_pool2d(x, (3, 4)),
            F.adaptive_max_pool1d(y, 8),
        )


class Recurrent(nn.Module):
    inputs = (torch.randn(2, 5, 6), torch.randn(2, 8), torch.randn(2, 8), torch.randn(4, 2, 8))
    dynamic = ({0: BATCH}, {0: BATCH}, {0: BATCH}, {1: BATCH})

    def __init__(self):
        super().__init__()
        self.lstm_cell = nn.LSTMCell(6, 8)
        self.gru_cell = nn.GRUCell(6, 8, bias=False)
        self.rnn_cell = nn.RNNCell(6, 8, nonlinearity="relu")
        self.lstm = nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(6, 8, 2)
        self.rnn = nn.RNN(6, 8, 1, bias=False)

    def forward(self, x, h, c, s):
        hidden, cell = self.lstm_cell(x[:, 0], (h, c))
        # What torch says about the shape of the last states is wrong where the batch is dynamic.
        output, _ = self.lstm(x, (s, s * 0.5))
        sequence, state = self.gru(x.transpose(0, 1), s[:2])
        return (
            hidden,
            cell,
            self.gru_cell(x[:, 0], h),
            self.rnn_cell(x[:, 1], h),
            output,
            sequence,
            state,
            self.rnn(x.transpose(0, 1), s[:1])[0],
        )


class Bits(nn.Module):
    """Integers bit by bit, counts of bits, and queries of which some see no key."""

    inputs = (
        torch.randint(-1000, 1000, (3, 7)),
        torch.randint(-1000, 1000, (3, 7)),
        torch.randint(0, 31, (3, 7), dtype=torch.int32),
        torch.randint(0, 256, (3, 7), dtype=torch.uint8),
        torch.randn(3, 2, 5, 8),
        torch.rand(3, 1, 5, 5) > 0.5,
    )
    dynamic = ({0: BATCH},) * 6

    def forward(self, n, m, c, u, x, keep):
        keep = keep & (torch.arange(5) != 2)[:, None]
        return (
            n & m,
            n | m,
            n ^ m,
            ~n,
            (n & 255) + (n | 3) - (n ^ -1),
            torch.bitwise_and(7, n) ^ torch.bitwise_or(n, 12),
            n << c,
            n >> c,
            torch.bitwise_left_shift(c, 3) + torch.bitwise_right_shift(c, 1),
            1 << c,
            ~u & 15 | u << 1,
            u >> 3,
            F.scaled_dot_product_attention(x, x, x, keep),
        )


FAMILIES = [
    Arithmetic, Functions, Activations, Logic, Shapes, Padding, Indexing, Dynamic, Reductions, Normalisations, Products,
    Attention, Convolutions, Recurrent, Bits, Assignments, Scatters, Masks, Resampling, Einsums, Trigonometry, Transposed,
    Rankings,
]  # fmt: skip


def main():
    sys.path.insert(0, str(ROOT / "models"))
    from exporting import save

    torch.set_num_threads(1)
    wanted = sys.argv[1:]
    for family in FAMILIES:
        name = family.__name__.lower()
        if wanted and name not in wanted:
            continue
        torch.manual_seed(7)
        program = family().eval()
        with torch.no_grad():
            exported = torch.export.export(program, family.inputs, dynamic_shapes=family.dynamic)
            outputs = program(*family.inputs)
        save(exported, HERE / f"{name}.pt2")
        names = exported.graph_signature.user_inputs
        tensors = dict(zip(names, family.inputs)) | {f"output_{i}": output for i, output in enumerate(outputs)}
        whole = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
        save_file(whole, HERE / f"{name}.safetensors")
        (HERE / f"{name}.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
