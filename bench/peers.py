"""SmolLM2 in OpenVINO GenAI and llama.cpp, for `make bench` to compare with: `peers.py --threads N MODEL.gguf`.

`baselines.py --setup` (`make bench-setup`) fetches the one and builds the other, in the environment of baselines.py. Both
read the GGUF file that our package is made from. What is not there is said on standard error and left out.

assay-bench starts this, with any Python; it goes on with the environment's. It measures one thing at a time, when it is asked
to, and answers in milliseconds:

    first line out                                                ["OpenVINO GenAI 2026.4.1 bf16", …]     the ways
    {"way": 0, "sequences": 8, "before": 64, "steps": 24}   →  23.1     a step that makes a token of each sequence
    {"way": 1, "prompt": 512}                               →  201.7    until the first token after a prompt
"""

import json
import os
import pathlib
import sys
import time

from baselines import ENVIRONMENT, PYTHON, is_set_up

ROOM = 1024
SEQUENCES = 8


def prompts(count):
    """Prompts without a meaning, another one each time, so that nothing is found in a cache."""
    place = 0
    while True:
        # A multiplicative hash of the position (Knuth), among the tokens that are words.
        tokens = range(place, place + count)
        yield [1000 + ((token * 2654435761 % 2**32) >> 8) % 48000 for token in tokens]
        place += count


class OpenVino:
    """A pipeline that calculates in this precision."""

    def __init__(self, path, threads, precision):
        import openvino_genai

        properties = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        self.pipeline = openvino_genai.LLMPipeline(str(path), "CPU", **properties)

    def generate(self, rows, tokens):
        import numpy
        import openvino
        import openvino_genai

        config = openvino_genai.GenerationConfig()
        config.max_new_tokens, config.ignore_eos, config.do_sample = tokens, True, False
        rows = numpy.array(rows, numpy.int64)
        inputs = openvino_genai.TokenizedInputs(openvino.Tensor(rows), openvino.Tensor(numpy.ones_like(rows)))
        return self.pipeline.generate(inputs, config).perf_metrics

    def step(self, rows, steps):
        # Its time per token is not the one per step where there are several rows. The first execution reads the prompts,
        # and the second one is longer than those after it.
        durations = self.generate(rows, steps + 2).raw_metrics.token_infer_durations[2:]
        return sum(durations) / len(durations) / 1e3

    def first(self, row):
        return self.generate([row], 1).get_ttft().mean


class Llama:
    """llama.cpp, which takes the best token by itself as little as we do: the logits are read and searched."""

    def __init__(self, path, threads):
        import llama_cpp

        self.api = llama_cpp
        # Its messages are many.
        self.silent = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.silent, None)
        llama_cpp.llama_backend_init()
        model = llama_cpp.llama_model_default_params()
        # Its own layouts for AMX end the process on machines that have AMX, with batches of several tokens.
        model.use_extra_bufts = False
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), model)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_batch, context.n_ubatch = SEQUENCES * ROOM, ROOM, 512
        context.n_seq_max = SEQUENCES
        context.n_threads = context.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if not self.model or not self.context:
            raise RuntimeError("llama.cpp does not load the model")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.batch = llama_cpp.llama_batch_init(ROOM, 0, 1)

    def decode(self, tokens):
        """Takes tokens `(sequence, position, token, wanted)`, and gives the best next token of each that is wanted."""
        import numpy

        self.batch.n_tokens = len(tokens)
        for place, (sequence, position, token, wanted) in enumerate(tokens):
            self.batch.token[place], self.batch.pos[place] = token, position
            self.batch.n_seq_id[place], self.batch.seq_id[place][0] = 1, sequence
            self.batch.logits[place] = wanted
        if self.api.llama_decode(self.context, self.batch) != 0:
            raise RuntimeError("llama.cpp does not decode")
        wanted = [place for place, token in enumerate(tokens) if token[3]]
        rows = (self.api.llama_get_logits_ith(self.context, place) for place in wanted)
        return [int(numpy.ctypeslib.as_array(row, (self.vocabulary,)).argmax()) for row in rows]

    def read(self, rows):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)
        best = []
        for sequence, row in enumerate(rows):
            last = len(row) - 1
            best += self.decode([(sequence, place, token, place == last) for place, token in enumerate(row)])
        return best

    def step(self, rows, steps):
        best = self.read(rows)
        start = time.perf_counter()
        for place in range(len(rows[0]), len(rows[0]) + steps):
            best = self.decode([(sequence, place, token, True) for sequence, token in enumerate(best)])
        return (time.perf_counter() - start) * 1e3 / steps

    def first(self, row):
        start = time.perf_counter()
        self.read([row])
        return (time.perf_counter() - start) * 1e3


def prepare(path, threads):
    """The ways that are there, by name."""
    ways = {}
    try:
        import openvino_genai

        version = ".".join(openvino_genai.__version__.split("-")[0].split(".")[:3])
        for precision, name in (("bf16", "bf16"), ("f32", "fp32")):
            ways[f"OpenVINO GenAI {version} {name}"] = OpenVino(path, threads, precision)
    except (ImportError, RuntimeError) as error:
        print(f"peers: OpenVINO GenAI is not compared with: {error}", file=sys.stderr)
    try:
        import llama_cpp

        ways[f"llama.cpp ({llama_cpp.__version__} of its bindings)"] = Llama(path, threads)
    except (ImportError, RuntimeError) as error:
        print(f"peers: llama.cpp is not compared with: {error}", file=sys.stderr)
    return ways


def serve(ways):
    """Answers the lines that come in, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    # What a library prints must not come between the answers.
    os.dup2(2, 1)
    print(json.dumps(list(ways)), file=answers, flush=True)
    ways, sources = list(ways.values()), {}
    for line in sys.stdin:
        request = json.loads(line)
        way, count = ways[request["way"]], request.get("prompt") or request["before"]
        source = sources.setdefault(count, prompts(count))
        if "prompt" in request:
            answer = way.first(next(source))
        else:
            answer = way.step([next(source) for _ in range(request["sequences"])], request["steps"])
        print(json.dumps(answer), file=answers, flush=True)


def main():
    match sys.argv[1:]:
        case ["--threads", *_] if not is_set_up():
            sys.exit("peers: OpenVINO GenAI and llama.cpp are not there; `make bench-setup` fetches them")
        case ["--threads", *_] if pathlib.Path(sys.prefix) != ENVIRONMENT:
            # Threads of OpenMP that look for work would take the processors from whoever is measured next.
            os.environ["GOMP_SPINCOUNT"] = "0"
            os.execv(PYTHON, [str(PYTHON), __file__, *sys.argv[1:]])
        case ["--threads", threads, path]:
            serve(prepare(pathlib.Path(path), int(threads)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
