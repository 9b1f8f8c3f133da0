"""What the export.py of every model shares: a .pt2 archive that holds the same bytes wherever it was written.

torch.export.save writes the paths of the machine that it runs on, Python stacks and pickled sample inputs into the
archive. The import needs none of them, so `save` keeps of a stack only the line of the author's file, and empties the
inputs; torch.export.load still reads the result. Weights of more than 1 MiB do not belong in git; `save(...,
with_weights=False)` leaves them out, and `assay-worker models import --weights FILE.safetensors` finds them by name.

As a command it does the same to an archive that is there already:

    python models/exporting.py FILE.pt2
"""

import io
import json
import re
import sys
import zipfile
from pathlib import Path

FRAME = re.compile(r'File "([^"]+)", line (\d+)')
INSTALLED = re.compile("site-packages|dist-packages")
# Entries of an archive, less its folder, without which torch.export.load fails.
KEPT = re.compile(
    r"archive_format|archive_version|byteorder|\.data/version|models/.*|data/(weights|constants|sample_inputs)/.*"
)
WEIGHT = re.compile(r"data/weights/(?!.*\.json).*")
# Zip has no date before 1980, and a date would make two exports differ.
NO_DATE = (1980, 1, 1, 0, 0, 0)


def author_line(trace):
    """The innermost frame of a stack that is not an installed package's, by file name alone."""
    frames = FRAME.findall(trace)
    own = [frame for frame in frames if not INSTALLED.search(frame[0])] or frames
    if not own:
        return {}
    file, line = own[-1]
    return {"stack_trace": f'File "{file.replace(chr(92), "/").rsplit("/", 1)[-1]}", line {line}, in forward'}


def canonical_program(content):
    """The program's JSON, with nothing in it that depends on the machine."""
    program = json.loads(content)
    for node in program["graph_module"]["graph"]["nodes"]:
        node["metadata"] = author_line(node.get("metadata", {}).get("stack_trace", ""))
    return json.dumps(program, separators=(",", ":")).encode()


def canonical_archive(content, with_weights=True):
    """A torch.export archive's bytes, less what depends on the machine and, if so wished, less the weights."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            entry = name.split("/", 1)[1]
            if not KEPT.fullmatch(entry) or (not with_weights and WEIGHT.fullmatch(entry)):
                continue
            data = source.read(name)
            if entry.startswith("models/"):
                data = canonical_program(data)
            elif entry.startswith("data/sample_inputs/"):
                data = b""
            target.writestr(zipfile.ZipInfo(name, NO_DATE), data)
    return written.getvalue()


def save(program, path, with_weights=True):
    """Writes an ExportedProgram to `path`."""
    import torch

    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    Path(path).write_bytes(rename(canonical_archive(buffer.getvalue(), with_weights), Path(path).stem))
    print(f"{path}: {Path(path).stat().st_size} bytes")


def rename(content, folder):
    """An archive whose entries lie in `folder`; torch names it after the file, which a buffer has not."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(f"{folder}/{name.split('/', 1)[1]}", NO_DATE), source.read(name))
    return written.getvalue()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        file = Path(argument)
        file.write_bytes(canonical_archive(file.read_bytes()))
        print(f"{file}: {file.stat().st_size} bytes")
