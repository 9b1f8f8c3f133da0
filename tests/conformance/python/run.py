#!/usr/bin/env python3
"""Runs the conformance suite on the implementation in this directory; prints the count of checks of every file."""

import json
import sys
from pathlib import Path

from assay.suite import Difference, run_case
from assay.written import Unknown

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
SHOWN = 2000


def no_float(text: str):
    raise Unknown(f"number {text} with a fraction or an exponent")


def shown(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"


def differing(expected, got, place: str = "") -> tuple[str, object, object]:
    """The first place within two JSON values where they differ, with what stands there."""
    if isinstance(expected, dict) and isinstance(got, dict) and set(expected) == set(got):
        keys = list(expected)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        keys = list(range(len(expected)))
    else:
        return place, expected, got
    for key in keys:
        if expected[key] != got[key]:
            return differing(expected[key], got[key], f"{place}[{key!r}]")
    return place, expected, got


def run_file(path: Path) -> int:
    """Count of checks of a file; what differs is said on standard error and ends the program."""
    document = json.loads(path.read_text("ascii"), parse_float=no_float, parse_constant=no_float)
    if set(document) != {"format", "family", "cases"} or document["format"] != 1:
        sys.exit(f"{path.name}: not a file of this suite's format")
    checks = 0
    for case in document["cases"]:
        where = f"{path.name}, case {case['name']!r}"
        try:
            checks += run_case(document["family"], case)
        except Difference as difference:
            row = "" if difference.row is None else f", row {difference.row}"
            place, expected, got = differing(difference.expected, difference.got)
            sys.exit(f"{where}{row}{place and ', at ' + place}\n  expected {shown(expected)}\n  got      {shown(got)}")
        except Exception as error:
            error.add_note(where)
            raise
    return checks


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS
    files = sorted(directory.glob("*.json"), key=lambda path: path.name.encode())
    if not files:
        sys.exit(f"no files of the suite in {directory}")
    for path in files:
        print(path.stem, run_file(path), flush=True)


if __name__ == "__main__":
    main()
