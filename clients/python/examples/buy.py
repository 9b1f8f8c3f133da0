"""Buys the recognition of a handwritten digit: `python3 examples/buy.py [NODE [ACCOUNT]]`."""

import sys

from assay_chain import Assay
from assay_client import Keypair, asy

# 8 × 8 points, from 0 to 16.
SIX = [
    [0, 0, 0, 12, 14, 1, 0, 0],
    [0, 0, 5, 16, 12, 0, 0, 0],
    [0, 0, 10, 15, 1, 0, 0, 0],
    [0, 0, 14, 15, 9, 2, 0, 0],
    [0, 1, 16, 15, 16, 15, 2, 0],
    [0, 0, 15, 7, 1, 12, 10, 0],
    [0, 0, 10, 14, 4, 15, 12, 0],
    [0, 0, 0, 11, 16, 15, 5, 0],
]

url, account = (sys.argv[1:] + ["ws://127.0.0.1:9944", "//Bob"][len(sys.argv) - 1 :])[:2]
assay = Assay(url)
bought = assay.buy(assay.model("digits"), [SIX], Keypair(account), ceiling=asy("1"), accept=True)
scores = bought.outputs["output_0"]
print(f"job {bought.job}: a {scores.index(max(scores))}, says {bought.worker}")
print(f"{bought.closed}: {bought.paid / 10**12} ASY paid")
assay.close()
