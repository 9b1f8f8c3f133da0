// The official `openai` client for JavaScript against a gateway: chat, streams, embeddings, responses and errors.
//
//     node openai_client.mjs URL KEY POOR_KEY CHAT_MODEL [EMBEDDING_MODEL]

import OpenAI from "openai";
import { VERSION } from "openai/version";
import { deepStrictEqual as same, ok } from "node:assert";

const [url, key, poorKey, chatModel, embeddingModel] = process.argv.slice(2);
const open = (apiKey) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const client = open(key);
const messages = [{ role: "user", content: "Who is the worker?" }];
let passed = 0;

async function check(name, act) {
  try {
    await act();
    passed += 1;
  } catch (error) {
    console.error(`javascript: ${name} fails:`, error);
    process.exit(1);
  }
}

async function refused(name, status, param, act) {
  await check(name, async () => {
    try {
      await act();
    } catch (error) {
      ok(error instanceof OpenAI.APIError, error);
      same([error.status, error.param ?? null], [status, param]);
      return;
    }
    throw new Error("nothing is thrown");
  });
}

const chat = (more = {}, by = client) =>
  by.chat.completions.create({ model: chatModel, messages, seed: 5, max_tokens: 30, ...more });
const models = [];
for await (const model of client.models.list()) models.push(model.id);
await check("models.list", () => ok(models.includes(chatModel)));
const answer = await chat();
const text = answer.choices[0].message.content;
await check("chat", () => ok(text.length > 0 && answer.usage.total_tokens > 0));
await check("assay object", () => ok(answer.assay.runs[0].worker && answer.assay.price));
await check("headers", async () => {
  const { data, response } = await chat().withResponse();
  ok(response.headers.get("x-assay-price") && response.headers.get("x-request-id"));
  same(data.choices[0].message.content, text);
});
await check("stream", async () => {
  let streamed = "";
  let last;
  for await (const chunk of await chat({ stream: true, stream_options: { include_usage: true } })) {
    streamed += chunk.choices[0]?.delta?.content ?? "";
    last = chunk;
  }
  same([streamed, last.choices, last.usage], [text, [], answer.usage]);
});
await check("stream helper", async () => {
  const runner = client.chat.completions.stream({ model: chatModel, messages, seed: 5, max_tokens: 30 });
  same(await runner.finalContent(), text);
});
await check("a stream that is left", async () => {
  for await (const _ of await chat({ stream: true })) break;
});
await check("completions", async () => {
  const completion = await client.completions.create({ model: chatModel, prompt: "The worker", max_tokens: 5 });
  ok(completion.choices[0].text.length > 0);
});
if (embeddingModel) {
  await check("embeddings", async () => {
    const ask = (more) => client.embeddings.create({ model: embeddingModel, input: "the worker", ...more });
    const [plain, floats] = [await ask({}), await ask({ encoding_format: "float" })];
    same(plain.data[0].embedding, floats.data[0].embedding.map(Math.fround));
  });
}
await check("responses", async () => {
  const response = await client.responses.create({ model: chatModel, input: "Who is the worker?" });
  ok(response.status === "completed" && response.output_text.length > 0);
});
await check("stream of a response", async () => {
  let deltas = "";
  let last;
  for await (const event of await client.responses.create({ model: chatModel, input: messages, stream: true })) {
    if (event.type === "response.output_text.delta") deltas += event.delta;
    last = event;
  }
  same([last.type, last.response.output[0].content[0].text], ["response.completed", deltas]);
});
await refused("a parameter", 400, "logprobs", () => chat({ logprobs: true }));
await refused("a value", 400, "temperature", () => chat({ temperature: 3 }));
await refused("a model", 404, "model", () => chat({ model: "gpt-4" }));
await refused("a key", 401, null, () => chat({}, open("sk-none")));
await refused("no money", 402, null, () => chat({}, open(poorKey)));
if (models.includes("fake-broken")) {
  await refused("no worker", 503, null, () => chat({ model: "fake-gone" }));
  await check("a failure in mid-stream", async () => {
    try {
      for await (const _ of await chat({ model: "fake-broken", stream: true }));
    } catch (error) {
      same(error.code, "worker_failed");
      return;
    }
    throw new Error("nothing is thrown");
  });
}
const without = embeddingModel ? "" : ", and no model makes embeddings here";
console.log(`openai ${VERSION} for JavaScript: ${passed} checks hold${without}`);
