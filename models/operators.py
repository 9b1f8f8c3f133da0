"""Lists the ATen operators of exported programs, and how each is called. Needs Python alone, not torch.

    python models/operators.py models/*/*.pt2
"""

import collections
import json
import sys
import zipfile


def describe(value):
    """An argument, without what differs from call to call."""
    kind, content = next(iter(value.items()))
    if kind in ("as_tensor", "as_tensors", "as_none", "as_bool", "as_int", "as_ints", "as_float", "as_floats"):
        return {
            "as_tensor": "tensor",
            "as_tensors": f"{len(content)} tensors" if kind == "as_tensors" else "",
            "as_none": "none",
        }.get(kind, json.dumps(content))
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return "symbol" if "as_name" in content else json.dumps(next(iter(content.values())))
    if kind == "as_sym_ints":
        return "[" + ", ".join("symbol" if "as_name" in item else str(item["as_int"]) for item in content) + "]"
    if kind == "as_optional_tensors":
        return "[" + ", ".join(next(iter(item)).removeprefix("as_") for item in content) + "]"
    return kind.removeprefix("as_") + (f" {content}" if isinstance(content, (int, str)) else "")


def operators(path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("models/model.json"))
        program = json.loads(archive.read(name))
    calls = collections.defaultdict(collections.Counter)
    for node in program["graph_module"]["graph"]["nodes"]:
        arguments = ", ".join(f"{argument['name']}={describe(argument['arg'])}" for argument in node["inputs"])
        calls[node["target"].removeprefix("torch.ops.")][arguments] += 1
    return calls


def main():
    for path in sys.argv[1:]:
        calls = operators(path)
        nodes = sum(sum(variants.values()) for variants in calls.values())
        print(f"{path}: {nodes} nodes, {len(calls)} operators")
        for target, variants in sorted(calls.items()):
            for arguments, count in sorted(variants.items()):
                print(f"{count:6}  {target}({arguments})")


main()
