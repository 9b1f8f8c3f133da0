"""MiniLM in ONNX Runtime and OpenVINO, for `make bench` to compare with: `baselines.py --setup`, or `--threads N WEIGHTS`.

`--setup` (`make bench-setup`) makes a virtual environment in the cache, of what baselines.txt pins by checksum, and builds
llama.cpp in it, as llama.txt pins it. Nothing else uses it but peers.py, and torch is not needed: the ONNX graph is written
here, from the weights of the package that `make models` makes.

Otherwise assay-bench starts this, with any Python; it goes on with the environment's. It executes one thing at a time, when it
is asked to, so that all that is compared takes turns:

    first line out          ["ONNX Runtime 1.31.1 fp32", …]     the ways to execute the network
    {"tokens": […], "mask": […]}  →  [[[…]…]…]                  takes an input; the embeddings that each way gives
    {"run": 2}                    →  44.7                       executes the third way; milliseconds
"""

import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "assay"
ENVIRONMENT = CACHE / "bench-venv"
PYTHON = ENVIRONMENT / "bin" / "python"
# Copies of what the environment was made from, put there when that is whole.
MADE_FROM = ENVIRONMENT / "baselines.txt"
BUILT_FROM = ENVIRONMENT / "llama.txt"
HEADS, HEAD, LAYERS, EPSILON = 12, 32, 6, 1e-12
WIDTH = HEADS * HEAD
OPSET = 20


def is_copy(path):
    return path.is_file() and path.read_text() == (HERE / path.name).read_text()


def is_set_up():
    return is_copy(MADE_FROM)


def install(requirements, *options, **environment):
    """Has pip install what a file pins; whether it has."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    pip += [*options, "--requirement", str(HERE / requirements)]
    return subprocess.run(pip, stdin=subprocess.DEVNULL, env={**os.environ, **environment}).returncode == 0


def fetch():
    """Makes the environment, or leaves it as it is if it is what baselines.txt says."""
    if is_set_up():
        return
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    if not install("baselines.txt", "--only-binary=:all:"):
        sys.exit("baselines: pip failed, and says above why; CPython 3.11 to 3.14 on x86-64 Linux is needed")
    MADE_FROM.write_text((HERE / "baselines.txt").read_text())


def build():
    """Builds llama.cpp in the environment, unless it is there; says so if it cannot be built."""
    if is_copy(BUILT_FROM):
        return
    print("baselines: building llama.cpp, which takes some minutes", flush=True)
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", os.defpath)])
    options = ["--no-build-isolation", "--no-binary=llama-cpp-python"]
    if install("llama.txt", *options, PATH=path, CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_NATIVE=ON"):
        BUILT_FROM.write_text((HERE / "llama.txt").read_text())
    else:
        print("baselines: llama.cpp was not built, and pip says above why; `make bench` goes without it")


def setup():
    """Makes all that there is to compare with, or leaves it as it is."""
    fetch()
    build()
    print(f"baselines: ONNX Runtime, OpenVINO and what reads GGUF files are in {ENVIRONMENT}")


def read_weights(path):
    """The tensors of a safetensors file, all of which are float32."""
    import numpy

    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        yield name, numpy.frombuffer(content[begin:end], numpy.float32).reshape(entry["shape"])


class Network:
    """An ONNX graph in the making: what PyTorch's exporter writes for such a network."""

    def __init__(self, weights):
        self.weights, self.nodes, self.initializers = weights, [], []

    def constant(self, values, name=None):
        from onnx import numpy_helper

        name = name or f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, name, transposed=False):
        import numpy

        values = self.weights[name]
        return self.constant(numpy.ascontiguousarray(values.T) if transposed else values, name)

    def add(self, operator, *inputs, **attributes):
        from onnx import helper

        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def linear(self, name, x):
        product = self.add("MatMul", x, self.weight(f"{name}.weight", transposed=True))
        return self.add("Add", product, self.weight(f"{name}.bias"))

    def norm(self, name, x):
        name += ".LayerNorm"
        parts = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", x, *parts, axis=-1, epsilon=EPSILON)

    def heads(self, x, order):
        import numpy

        split = self.add("Reshape", x, self.constant(numpy.array([0, 0, HEADS, HEAD])))
        return self.add("Transpose", split, perm=order)

    def attention(self, name, x, hidden):
        import numpy

        query, key, value = (self.linear(f"{name}.self.{part}", x) for part in ("query", "key", "value"))
        scores = self.add("MatMul", self.heads(query, [0, 2, 1, 3]), self.heads(key, [0, 2, 3, 1]))
        scores = self.add("Div", scores, self.constant(numpy.array(HEAD**0.5, numpy.float32)))
        shares = self.add("Softmax", self.add("Add", scores, hidden), axis=-1)
        mixed = self.add("MatMul", shares, self.heads(value, [0, 2, 1, 3]))
        mixed = self.add("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.add("Reshape", mixed, self.constant(numpy.array([0, 0, WIDTH])))

    def residual(self, name, inner, x):
        return self.norm(name, self.add("Add", self.linear(f"{name}.dense", inner), x))

    def embed(self):
        """The whole network, from `tokens` and `mask` to the name of the embeddings."""
        import numpy

        def number(value):
            return self.constant(numpy.array(value, numpy.float32))

        def axes(*values):
            return self.constant(numpy.array(values))

        seen = self.add("Cast", "mask", to=1)
        hidden = self.add("Mul", self.add("Sub", number(1), seen), number(numpy.finfo(numpy.float32).min))
        hidden = self.add("Unsqueeze", hidden, axes(1, 2))
        count = self.add("Shape", "tokens", start=1, end=2)
        positions = self.add("Slice", self.weight("embeddings.position_embeddings.weight"), axes(0), count, axes(0))
        words = self.add("Gather", self.weight("embeddings.word_embeddings.weight"), "tokens")
        kind = self.constant(self.weights["embeddings.token_type_embeddings.weight"][0])
        x = self.norm("embeddings", self.add("Add", self.add("Add", words, kind), positions))
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            x = self.residual(f"{name}.attention.output", self.attention(f"{name}.attention", x, hidden), x)
            inner = self.add("Gelu", self.linear(f"{name}.intermediate.dense", x))
            x = self.residual(f"{name}.output", inner, x)
        weight = self.add("Unsqueeze", seen, axes(-1))
        total = self.add("ReduceSum", self.add("Mul", x, weight), axes(1), keepdims=0)
        mean = self.add("Div", total, self.add("Max", self.add("ReduceSum", weight, axes(1), keepdims=0), number(1e-9)))
        norm = self.add("ReduceL2", mean, axes(1), keepdims=1)
        return self.add("Div", mean, self.add("Max", norm, number(1e-12)))

    def save(self, path):
        import onnx
        from onnx import TensorProto, helper

        output = self.embed()
        shape = ["batch", "count"]
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("tokens", "mask")]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", WIDTH])]
        graph = helper.make_graph(self.nodes, "minilm", inputs, outputs, self.initializers)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10), path)


def onnx_runtime(path, threads):
    """A function that executes the graph in ONNX Runtime, all of whose optimisations are on by default."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda job: session.run(None, job)[0]


def openvino(path, threads, precision):
    """A function that executes the graph in OpenVINO, calculating in this precision."""
    import openvino

    core = openvino.Core()
    properties = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = core.compile_model(path, "CPU", properties).create_infer_request()
    return lambda job: request.infer(job)[0]


def prepare(weights, threads, folder):
    """The ways to execute the network, by name."""
    import onnxruntime
    import openvino as openvino_package
    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain, by_tensor, by_channel = (folder / f"{name}.onnx" for name in ("plain", "by-tensor", "by-channel"))
    Network(weights).save(plain)
    logging.disable(logging.WARNING)  # It recommends a preparation that is for images.
    quantize_dynamic(plain, by_tensor, weight_type=QuantType.QInt8)
    quantize_dynamic(plain, by_channel, weight_type=QuantType.QInt8, per_channel=True)
    name, other = f"ONNX Runtime {onnxruntime.__version__}", f"OpenVINO {openvino_package.__version__.split('-')[0]}"
    return {
        f"{name} fp32": onnx_runtime(plain, threads),
        f"{name} dynamic int8": onnx_runtime(by_tensor, threads),
        f"{name} dynamic int8 per channel": onnx_runtime(by_channel, threads),
        f"{other} fp32": openvino(plain, threads, "f32"),
        f"{other} bf16": openvino(plain, threads, "bf16"),
    }


def serve(ways):
    """Answers the lines that come in, until there are no more."""
    import numpy

    answers = sys.stdout
    # What a library prints must not come between the answers.
    sys.stdout = sys.stderr
    print(json.dumps(list(ways)), file=answers, flush=True)
    ways, job = list(ways.values()), None
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            start = time.perf_counter()
            ways[request["run"]](job)
            answer = (time.perf_counter() - start) * 1e3
        else:
            job = {name: numpy.array(rows, numpy.int64) for name, rows in request.items()}
            answer = [way(job).tolist() for way in ways]
        print(json.dumps(answer), file=answers, flush=True)


def main():
    match sys.argv[1:]:
        case ["--setup"]:
            setup()
        case ["--threads", *_] if not is_set_up():
            sys.exit("baselines: ONNX Runtime and OpenVINO are not there; `make bench-setup` fetches them")
        case ["--threads", *_] if pathlib.Path(sys.prefix) != ENVIRONMENT:
            os.execv(PYTHON, [str(PYTHON), __file__, *sys.argv[1:]])
        case ["--threads", threads, weights]:
            weights = dict(read_weights(pathlib.Path(weights)))
            with tempfile.TemporaryDirectory() as folder:
                ways = prepare(weights, int(threads), pathlib.Path(folder))
            serve(ways)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
