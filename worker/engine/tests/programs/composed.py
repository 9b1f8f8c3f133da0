"""More programs for export.py: operators that the importer puts together from many others."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(7)
BATCH = torch.export.Dim("batch", min=1, max=64)
LENGTH_OF_FIVE = torch.export.Dim("length", min=3, max=32)


class Assignments(nn.Module):
    """Changes of parts of tensors, in place and by functions."""

    inputs = (torch.randn(3, 5, 6), torch.randn(3, 5, 6), torch.tensor([0, 2, 4]), torch.rand(3, 5, 6) > 0.5)
    dynamic = ({0: BATCH, 1: LENGTH_OF_FIVE}, {0: BATCH, 1: LENGTH_OF_FIVE}, None, {0: BATCH, 1: LENGTH_OF_FIVE})

    def forward(self, x, y, places, keep):
        cut = x.clone()
        row = cut[:, :, 1:3]
        cut[:, :, 4:] = y[:, :, :2]
        row.mul_(2)
        strided = x.clone()
        strided[:, :, ::2] = 0.5
        strided[:, -1] = y[:, 0]
        moved = x.clone()
        moved.transpose(1, 2)[:, 3] += 1
        flat = torch.zeros_like(x)
        flat.view(-1, 6)[:, 2].fill_(3)
        masked = x.clone()
        masked[keep] = -1.0
        masked.masked_fill_(y > 1, 7.0)
        put = x.clone()
        put[:, :, places] = y[:, :, :3]
        put[:, :, [1, 1]] += 2
        at = x.clone()
        at[torch.arange(x.shape[0]), keep[:, 0].sum(-1) % 2] = y[:, 1]
        added = x.clone()
        added.permute(2, 0, 1).index_put_((torch.tensor([1, 1, 3]),), y[:, :, :3].permute(2, 0, 1), accumulate=True)
        return (
            cut,
            strided,
            moved,
            flat,
            masked,
            put,
            at,
            added,
            torch.slice_scatter(x, y[:, :, :2], 2, 1, 3),
            torch.select_scatter(x, y[:, :, 0], 2, 3),
            x.index_fill(2, places, 4.0) + x.index_add(2, places, y[:, :, 1:4], alpha=2),
            x.index_copy(2, places, y[:, :, :3]),
            x.masked_scatter(keep, y),
        )


class Scatters(nn.Module):
    inputs = (torch.randn(3, 4, 7), torch.randn(3, 4, 7), torch.stack([torch.randperm(7) for _ in range(12)]).view(3, 4, 7))
    dynamic = ({0: BATCH},) * 3

    def forward(self, x, y, index):
        few = index[:, :, :3]
        met = index % 3
        return (
            x.scatter(2, few, y),
            x.scatter(2, few, 1.5),
            x.scatter(2, few[:, :2], y),
            x.scatter_add(2, met, y),
            x.scatter_reduce(2, met, y, "amax"),
            x.scatter_reduce(2, met, y, "amin", include_self=False),
            x.scatter_reduce(2, met, y, "mean", include_self=False),
            x.scatter_reduce(2, met, y, "sum", include_self=False),
        )


class Masks(nn.Module):
    """Indices of several dimensions at once."""

    inputs = (torch.randn(3, 5, 6, 2), torch.randint(0, 5, (3,)), torch.rand(3, 5) > 0.3)
    dynamic = ({0: BATCH, 1: LENGTH_OF_FIVE}, {0: BATCH}, {0: BATCH, 1: LENGTH_OF_FIVE})

    def forward(self, x, last, mask):
        batch, length = torch.arange(x.shape[0]), torch.arange(x.shape[1])
        rows, columns = torch.tensor([0, 2]), torch.tensor([5, 1, 1])
        return (
            mask[batch[:, None, None, None], length[None, None, None, :]],
            x[batch, last.clamp(max=x.shape[1] - 1)],
            x[batch[:, None], length[None]],
            x[:, :, columns[:, None], rows[None] // 2],
            x[:, :, columns, torch.tensor([0, 1, 0])],
            x[batch[:, None], :, columns[None]],
            x[:, 0][:, torch.tensor([-1, 0]), 1],
            torch.take(x[0], torch.tensor([0, 3, 7])),
            torch.diagonal(x, 0, 2, 3) + torch.diagonal(x, -1, 2, 3)[..., :2],
            torch.cat(torch.meshgrid(torch.arange(3.0), torch.arange(4.0), indexing="xy")),
        )


class Resampling(nn.Module):
    inputs = (torch.randn(2, 3, 5, 6), torch.rand(2, 4, 3, 2) * 2.4 - 1.2, torch.randn(2, 2, 3))
    dynamic = ({0: BATCH},) * 3

    def forward(self, x, grid, theta):
        return (
            F.interpolate(x, scale_factor=2),
            F.interpolate(x, size=(7, 4)),
            F.interpolate(x, size=(7, 4), mode="nearest-exact"),
            F.interpolate(x, scale_factor=2, mode="bilinear"),
            F.interpolate(x, size=(3, 11), mode="bilinear", align_corners=True),
            F.interpolate(x, scale_factor=1.5, mode="bilinear"),
            F.interpolate(x, size=(9, 4), mode="bicubic"),
            F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=True),
            F.interpolate(x[:, :, 0], size=9, mode="linear"),
            F.interpolate(x[:, None], size=(2, 3, 4), mode="trilinear"),
            F.grid_sample(x, grid, align_corners=False),
            F.grid_sample(x, grid, mode="nearest", padding_mode="border", align_corners=True),
            F.affine_grid(theta, (x.shape[0], 1, 4, 3), align_corners=True),
            F.adaptive_avg_pool2d(x, (3, 4)),
            F.adaptive_avg_pool2d(x, (2, 5)),
            F.pixel_unshuffle(x[:, :, :4], 2),
        )


class Einsums(nn.Module):
    inputs = (torch.randn(3, 4, 5), torch.randn(3, 6, 5), torch.randn(4, 6, 2))
    dynamic = ({0: BATCH}, {0: BATCH}, None)

    def forward(self, x, y, z):
        return (
            torch.einsum("bid,bjd->bij", x, y),
            torch.einsum("bid,bjd->ijb", x, y),
            torch.einsum("bid,bjd,ijk->bk", x, y, z),
            torch.einsum("...id,...jd->...ij", x, y),
            torch.einsum("bid->bd", x),
            torch.einsum("bid,bd->bid", x, y[:, 0]),
            torch.einsum("i,j->ij", z[:, 0, 0], z[0, :, 1]),
            torch.einsum("ijk,ilk", z, z),
            torch.einsum("bii->bi", x[:, :, :4]),
            torch.cdist(x, y) + torch.cdist(x, y, p=1.0),
            torch.outer(z[:, 0, 0], z[0, :, 0]),
            F.cosine_similarity(x, y[:, :4], dim=2) + F.pairwise_distance(x, y[:, :4]),
        )


class Trigonometry(nn.Module):
    """Numbers of both signs, numbers from −1 to 1, and positive ones."""

    inputs = (3 * torch.randn(4, 8), torch.rand(4, 8) * 1.9 - 0.95, 5 * torch.rand(4, 8) + 0.01)
    dynamic = ({0: BATCH},) * 3

    def forward(self, x, u, p):
        return (
            torch.tan(u) + torch.atan(x) + torch.atan(u),
            torch.asin(u) + torch.acos(u * u),
            torch.atan2(x, u),
            torch.sinh(x) + torch.sinh(u / 100) * 100,
            torch.cosh(x),
            torch.asinh(x) + torch.acosh(p + 1),
            torch.atanh(u),
            torch.log1p(p) + torch.log1p(u / 1000) * 1000,
            torch.expm1(x) + torch.expm1(u / 1000) * 1000,
            torch.log2(p) + torch.log10(p) + torch.exp2(x),
            torch.pow(p, x / 3) + torch.pow(x, 3.0 * torch.ones(8)) + p**1.7,
            torch.frac(x) + torch.sinc(x) + torch.logit(p / 6),
            torch.xlogy(x, p) + torch.hypot(x, u) + torch.logaddexp(x, u),
            torch.erfc(u) + torch.nan_to_num(torch.log(u)),
            torch.special.expm1(u) + torch.rad2deg(u) + torch.deg2rad(x),
            (-1.5) ** torch.round(x) + torch.isfinite(1 / torch.round(x)),
        )


class Transposed(nn.Module):
    inputs = (torch.randn(2, 4, 5, 6), torch.randn(2, 4, 3, 5, 4))
    dynamic = ({0: BATCH},) * 2

    def __init__(self):
        super().__init__()
        self.plain = nn.ConvTranspose2d(4, 3, 3)
        self.strided = nn.ConvTranspose2d(4, 6, (4, 3), stride=(2, 3), padding=1, output_padding=(0, 1), groups=2)
        self.dilated = nn.ConvTranspose2d(4, 2, 3, padding=4, dilation=2, bias=False)
        self.line = nn.ConvTranspose1d(4, 3, 4, stride=2, padding=1)
        self.space = nn.Conv3d(4, 3, (2, 3, 3), padding=1, stride=(1, 2, 1))

    def forward(self, x, v):
        pooled, places = F.max_pool2d(x, 2, 2, return_indices=True)
        return (
            self.plain(x),
            self.strided(x),
            self.dilated(x),
            self.line(x[:, :, 0]),
            self.space(v),
            F.max_pool3d(v, 2) + F.avg_pool3d(v, 2),
            F.avg_pool2d(x, 2, 2, ceil_mode=True, padding=1),
            F.avg_pool2d(x, 3, 2, ceil_mode=True, count_include_pad=False),
            places,
            F.max_unpool2d(pooled, places, 2),
            F.unfold(x, 3, padding=1, stride=2),
            F.fold(F.unfold(x, 2, stride=1), (5, 6), 2),
        )


class Rankings(nn.Module):
    inputs = (torch.randn(3, 5), torch.randint(0, 4, (3, 5)), torch.randint(0, 20, (3, 4)))
    dynamic = ({0: BATCH, 1: LENGTH_OF_FIVE}, {0: BATCH, 1: LENGTH_OF_FIVE}, {0: BATCH})

    def __init__(self):
        super().__init__()
        self.bags = nn.EmbeddingBag(20, 6, mode="mean")
        self.sums = nn.EmbeddingBag(20, 6, mode="sum")
        self.norm = nn.utils.parametrizations.weight_norm(nn.Linear(6, 2))

    def forward(self, x, n, words):
        values, order = torch.sort(x, dim=1)
        return (
            values,
            order,
            torch.argsort(n, dim=1, descending=True, stable=True),
            F.one_hot(n, 4),
            torch.bucketize(x, torch.tensor([-1.0, 0.0, 1.0])),
            torch.histc(words.float(), 5, 0, 20),
            torch.tril_indices(3, 4, 0),
            torch.triu_indices(4, 3, 1),
            self.bags(words),
            self.sums(words.flatten(), torch.tensor([0, 1, 1, 2])),
            words.prod(1) + torch.prod(words, 1),
            torch.cumprod(words[:, :3].float(), 1),
            torch.var(x, 1) + torch.std(x, 1),
            torch.count_nonzero(n, 1),
            self.norm(self.bags(words)),
        )
