"""Writes core_aten.txt beside itself: the operators that torch calls core ATen, one `name.overload` a line.

    python worker/import/core_aten.py

with torch 2.11 installed. docs/importing.md has a row for each of them.
"""

from pathlib import Path

import torch


def main():
    core = set()
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name)
        for overload in packet.overloads() if hasattr(packet, "overloads") else []:
            if torch.Tag.core in getattr(packet, overload).tags:
                core.add(f"{name}.{overload}")
    Path(__file__).with_name("core_aten.txt").write_text("".join(f"{name}\n" for name in sorted(core)))


if __name__ == "__main__":
    main()
