"""Tests without a node: digests by the conformance vectors, inputs that do not fit, receipts that were tampered with.

    python3 test_client.py
"""

import json
import pathlib
import unittest

import assay_client as client
import sr25519

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "conformance" / "vectors" / "digests.json"
IMAGE = {
    "name": "image",
    "data_type": "Uint8",
    "dimensions": [{"Symbol": 0}, {"Fixed": 2}],
    "range": {"min": 0, "max": 16},
}
SCHEMA = {"symbols": [{"name": "batch", "min": 1, "max": 4}], "inputs": [IMAGE], "outputs": [IMAGE]}
WORK = [{"coefficient": 10**9, "powers": "0x01"}]
PARTS = {"kind": "Plain", "schema": SCHEMA, "work": WORK}
MODEL = client.Model("pairs", {"model": 0, "version": 1}, {"parts": PARTS}, 6, 16)


class Offline(unittest.TestCase):
    def refused(self, field, act, *arguments, **named):
        with self.assertRaises(client.AssayError) as raised:
            act(*arguments, **named)
        self.assertEqual(raised.exception.field, field)

    def test_digests_are_those_of_the_conformance_vectors(self):
        kinds = set()
        for case in json.loads(VECTORS.read_text())["cases"]:
            kinds.add(case["kind"])
            if case["kind"] == "tensor_digest":
                tensor = case["tensor"]
                found = client.tensor_digest(tensor["type"], tensor["shape"], bytes.fromhex(tensor["data"]))
                self.assertEqual(found.hex(), case["digest"], case["name"])
            elif case["kind"] == "list_digest":
                found = client.list_digest([bytes.fromhex(digest) for digest in case["digests"]])
                self.assertEqual(found.hex(), case["digest"], case["name"])
        self.assertLessEqual({"tensor_digest", "list_digest"}, kinds)

    def test_an_input_that_does_not_fit_names_its_field(self):
        self.assertEqual(client.build_input(MODEL, [[1, 2], [3, 4]]).symbols, [2])
        self.refused("input.image", client.build_input, MODEL, [1, 2])
        self.refused("input.image", client.build_input, MODEL, [[1, 2], [3]])
        self.refused("input.image", client.build_input, MODEL, "text")
        self.refused("input.image[1]", client.build_input, MODEL, [[1, 17]])
        self.refused("input.image", client.build_input, MODEL, [[1, 0.5]])
        self.refused("symbols.batch", client.build_input, MODEL, [[1, 2]] * 5)
        self.refused("input", client.build_input, MODEL, [[1, 2]] * 4)
        self.refused("input.picture", client.build_input, MODEL, {"picture": [[1, 2]]})

    def test_the_blocks_of_a_job_are_those_given_or_those_that_the_cheapest_offer_takes(self):
        limits = {"MinDeadline": 5, "MaxDeadline": 1000, "MinWindow": 10, "MaxWindow": 500}

        def offer(base, deadline, window):
            return {"base": base, "rate": 2, "min_deadline": deadline, "min_window": window, "max_window": 400}

        work = MODEL.work([3])
        self.assertEqual(work, 3 * 10**9)
        self.assertEqual(client.price_of(offer(4, 1, 1), work), 10)
        self.assertEqual(client.price_of(offer(4, 1, 1), 1), 5)
        offers = [offer(9, 10, 10), offer(4, 300, 60), offer(7, 90, 20)]
        for given, expected in [((None, None), (300, 60)), ((100, None), (100, 20)), ((None, 450), (50, 450))]:
            self.assertEqual(client.agree_blocks(*given, limits, offers, work), expected)
        self.assertEqual(client.agree_blocks(None, None, limits, [], work), (50, 10))
        self.refused("deadline_blocks", client.agree_blocks, 4, None, limits, offers, work)
        self.refused("window_blocks", client.agree_blocks, None, 501, limits, offers, work)

    def test_bytes_that_are_text_are_read_as_bytes(self):
        self.assertEqual(client.raw("abcd", 4), b"abcd")
        self.assertEqual(client.raw("0xab", 1), b"\xab")
        self.assertEqual(client.raw("0xab", 4), b"0xab")

    def test_a_receipt_is_verified_and_not_with_another_key_or_content(self):
        pair = sr25519.pair_from_seed(bytes(32))
        body = bytes(range(168))
        signed = "0x" + (body + b"\1" + sr25519.sign(pair, b"assay/receipt/1\0" + body)).hex()
        digest = "0x" + body[108:140].hex()
        self.assertEqual(client.verify_receipt(signed, pair[0], output_digest=digest)["block"], 0xA7A6A5A4)
        self.refused("output_digest", client.verify_receipt, signed, pair[0], output_digest="0x00")
        self.refused("signature", client.verify_receipt, signed, sr25519.pair_from_seed(b"1" * 32)[0])
        self.refused("signature", client.verify_receipt, "0x01" + signed[4:], pair[0])
        self.refused("signed", client.verify_receipt, signed[:-2], pair[0])
        self.refused("signed", client.verify_receipt, "receipt", pair[0])

    def test_development_accounts_have_the_keys_that_everybody_knows(self):
        self.assertEqual(client.Keypair("//Bob").ss58_address, "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty")
        self.refused("secret", client.Keypair, "Bob")


if __name__ == "__main__":
    unittest.main()
