"""The connection to a node: models, quotes, and jobs that are followed to the end."""

import time

from assay_client import AssayError, Model, Outcome, agree_blocks, build_input, raw, read_output
from async_substrate_interface.sync_substrate import SubstrateInterface

PATIENCE_SECONDS = 600
LOOK_SECONDS = 0.5


def _value(found):
    return getattr(found, "value", found)


class Assay:
    """A connection to a node, such as `ws://127.0.0.1:9944`."""

    def __init__(self, url):
        if not url.startswith(("ws://", "wss://")):
            raise AssayError("url", f"`{url}` must begin with ws:// or wss://")
        self.substrate = SubstrateInterface(url)

    def close(self):
        """Ends the connection."""
        self.substrate.close()

    def model(self, name):
        """Finds a model by its name; its latest version."""
        number = _value(self.substrate.query("Models", "ModelByName", [name.encode()]))
        if number is None:
            raise AssayError("model", f"there is no `{name}` on this chain: `assay-worker models list` shows all")
        latest = _value(self.substrate.query("Models", "Models", [number]))["latest_version"]
        version = {"model": number, "version": latest}
        record = _value(self.substrate.query("Models", "Versions", [version]))
        if record["status"] != "Active":
            raise AssayError("model", f"{name} takes no new jobs")
        limits = [self._constant(f"MaxInline{kind}Bytes") for kind in ("Input", "Output")]
        return Model(name, version, record, *limits)

    def quote(self, model, made, deadline_blocks=None, window_blocks=None):
        """The worker and the price of a job now."""
        deadline, window = self._blocks(model, made, deadline_blocks, window_blocks)
        answer = _value(self.substrate.runtime_call("AssayApi", "quote", [model.version, made.symbols, deadline, window]))
        if "Ok" not in answer:
            raise AssayError("model", f"no offer for {model.name} takes this job now: {answer['Err']}")
        return answer["Ok"]

    def buy(self, model, given, keypair, ceiling=None, accept=False, deadline_blocks=None, window_blocks=None):
        """Builds the input, submits, and follows the job until it is paid or refunded.

        With `accept`, an output that has the digest claimed is accepted: its worker is paid at once.
        """
        made = build_input(model, given)
        sizes = [size for _, _, size in model.layouts(model.schema["outputs"], made.symbols)]
        most = model.max_output_bytes
        if sum(sizes) > most:
            raise AssayError("input", f"its output has {sum(sizes)} bytes, and a claim carries {most}")
        deadline, window = self._blocks(model, made, deadline_blocks, window_blocks)
        price = self.quote(model, made, deadline, window)["price"]
        ceiling = price if ceiling is None else ceiling
        if ceiling < price:
            raise AssayError("ceiling", f"is {ceiling}, and the cheapest offer is {price}: raise it")
        request = {
            "model": model.version,
            # A symbol list is a tuple of one list to this codec.
            "input": {"Inline": {"symbols": [made.symbols], "bytes": made.data}},
            "ceiling": ceiling,
            "matching": "Offers",
            "deadline_blocks": deadline,
            "window_blocks": window,
            "delivery": "Inline",
        }
        receipt = self._send("submit", {"request": request}, keypair)
        number = self.substrate.get_block_number(receipt.block_hash)
        # The events of this transaction alone: the same account may submit the same input twice in a block.
        own = [record["event"] for record in receipt.triggered_events]
        submitted = [event["attributes"] for event in own if event["event_id"] == "JobSubmitted"]
        if not submitted:
            raise AssayError("node", f"shows no submission in block {number}")
        outcome = Outcome(submitted[0]["job"])
        return self._follow(outcome, number, model, made, keypair, accept)

    def _follow(self, outcome, number, model, made, keypair, accept):
        end = time.monotonic() + PATIENCE_SECONDS
        while outcome.phase != "Closed":
            if time.monotonic() > end:
                raise AssayError("node", f"job {outcome.job} is not closed after {PATIENCE_SECONDS} s")
            if self.substrate.get_block_number(self.substrate.get_chain_finalised_head()) < number:
                time.sleep(LOOK_SECONDS)
                continue
            had_outputs = bool(outcome.outputs)
            for name, event in self._events(number):
                if event.get("job") == outcome.job:
                    _take(outcome, name, event, model, made)
            if accept and outcome.outputs and not had_outputs and outcome.phase == "Claimed":
                self._send("accept", {"job": outcome.job}, keypair)
            number += 1
        return outcome

    def _events(self, number):
        """Names and fields of the market's events in a block."""
        found = self.substrate.get_events(self.substrate.get_block_hash(number))
        events = [record["event"] for record in found]
        return [(e["event_id"], e["attributes"]) for e in events if e["module_id"] == "Market"]

    def _constant(self, name):
        return _value(self.substrate.get_constant("Market", name))

    def _blocks(self, model, made, deadline, window):
        limits = {name: self._constant(name) for name in ("MinDeadline", "MaxDeadline", "MinWindow", "MaxWindow")}
        offers = _value(self.substrate.runtime_call("AssayApi", "offers", [model.version]))
        return agree_blocks(deadline, window, limits, [offer["terms"] for offer in offers], model.work(made.symbols))

    def _send(self, function, parameters, keypair):
        call = self.substrate.compose_call("Market", function, parameters)
        signed = self.substrate.create_signed_extrinsic(call, keypair)
        receipt = self.substrate.submit_extrinsic(signed, wait_for_finalization=True)
        if not receipt.is_success:
            error = receipt.error_message
            docs = error.get("docs")
            raise AssayError("transaction", f"{error.get('name')}: {' '.join(docs) if isinstance(docs, list) else docs}")
        return receipt


def _take(outcome, name, event, model, made):
    """Takes an event into what is known; an output is held against the digest claimed."""
    if name == "JobAssigned":
        outcome.phase, outcome.worker, outcome.price = "Assigned", event["worker"], event["price"]
    elif name == "JobClaimed":
        outcome.phase, outcome.output_digest = "Claimed", event["output_digest"]
        size = sum(size for _, _, size in model.layouts(model.schema["outputs"], made.symbols))
        outputs, digest = read_output(model, made.symbols, raw(event["output"], size))
        if digest != outcome.output_digest:
            raise AssayError("output", f"has the digest {digest}, and the worker claimed {outcome.output_digest}")
        outcome.outputs = outputs
    elif name == "ClaimDisputed":
        outcome.phase = "Disputed"
    elif name == "ClaimUpheld":
        outcome.phase = "Claimed"
    elif name == "JobClosed":
        outcome.phase, outcome.closed, outcome.paid = "Closed", event["reason"], event["paid"]
