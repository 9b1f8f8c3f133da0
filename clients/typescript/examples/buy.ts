/** Buys the recognition of a handwritten digit: `node dist/examples/buy.js [NODE [SECRET]]`. */
import { Assay, asy, inAsy, signerFrom } from "assay-client";

// 8 × 8 points, from 0 to 16.
const six = [
  [0, 0, 0, 12, 14, 1, 0, 0],
  [0, 0, 5, 16, 12, 0, 0, 0],
  [0, 0, 10, 15, 1, 0, 0, 0],
  [0, 0, 14, 15, 9, 2, 0, 0],
  [0, 1, 16, 15, 16, 15, 2, 0],
  [0, 0, 15, 7, 1, 12, 10, 0],
  [0, 0, 10, 14, 4, 15, 12, 0],
  [0, 0, 0, 11, 16, 15, 5, 0],
];

const assay = await Assay.connect(process.argv[2] ?? "ws://127.0.0.1:9944");
const digits = await assay.model("digits");
const signer = signerFrom(process.argv[3] ?? "//Bob");
const bought = await assay.buy(digits, [six], signer, { ceiling: asy("1"), accept: true });
const scores = bought.outputs![0]!.values as number[];
console.log(`job ${bought.job}: a ${scores.indexOf(Math.max(...scores))}, says ${bought.worker}`);
console.log(`${bought.closed}: ${inAsy(bought.paid!)} ASY paid`);
assay.close();
