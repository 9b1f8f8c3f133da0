"""The official `openai` client for Python against a gateway: chat, streams, embeddings, responses and errors.

    python3 openai_client.py URL KEY POOR_KEY CHAT_MODEL [EMBEDDING_MODEL]
"""

import sys

import openai

url, key, poor_key, chat_model = sys.argv[1:5]
embedding_model = sys.argv[5] if len(sys.argv) > 5 else None
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
conversation = [{"role": "user", "content": "Who is the worker?"}]
passed = 0


def check(name, holds, shown=""):
    global passed
    if not holds:
        sys.exit(f"python: {name} fails: {shown}")
    passed += 1


def refused(name, kind, status, param, act):
    try:
        act()
    except kind as error:
        found = (error.status_code, getattr(error, "param", None))
        check(name, found == (status, param), f"{found} {error}")
    else:
        check(name, False, "nothing is raised")


models = [model.id for model in client.models.list()]
check("models.list", chat_model in models, models)
check("models.retrieve", client.models.retrieve(chat_model).context_length > 0)

answer = client.chat.completions.create(model=chat_model, messages=conversation, seed=5, max_tokens=30)
text = answer.choices[0].message.content
check("chat", text and answer.usage.total_tokens > 0, answer)
check("assay object", answer.assay["runs"][0]["worker"] and answer.assay["price"], answer.assay)
raw = client.chat.completions.with_raw_response.create(model=chat_model, messages=conversation, seed=5, max_tokens=30)
check("headers", raw.headers["x-assay-price"] and raw.headers["x-request-id"], raw.headers)
check("same seed, same text", raw.parse().choices[0].message.content == text)

stream = client.chat.completions.create(
    model=chat_model, messages=conversation, seed=5, max_tokens=30, stream=True, stream_options={"include_usage": True}
)
chunks = list(stream)
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
check("stream", streamed == text, streamed)
check("usage of a stream", chunks[-1].usage == answer.usage and not chunks[-1].choices, chunks[-1])
with client.chat.completions.stream(model=chat_model, messages=conversation, seed=5, max_tokens=30) as events:
    check("stream helper", events.get_final_completion().choices[0].message.content == text)
again = conversation + [answer.choices[0].message, {"role": "user", "content": "And who checks it?"}]
check("a message sent back", client.chat.completions.create(model=chat_model, messages=again).choices[0].message.content)

completion = client.completions.create(model=chat_model, prompt=["The worker", "A model"], max_tokens=5, seed=1)
check("completions", len(completion.choices) == 2, completion)
pieces = client.completions.create(model=chat_model, prompt="The worker", max_tokens=5, seed=1, stream=True)
check("stream of a completion", "".join(piece.choices[0].text for piece in pieces) == completion.choices[0].text)

if embedding_model:
    # The client asks for base64 by itself, and decodes it.
    vectors = client.embeddings.create(model=embedding_model, input=["the worker", "a model"])
    floats = client.embeddings.create(model=embedding_model, input="the worker", encoding_format="float")
    check("embeddings", len(vectors.data) == 2 and vectors.data[0].embedding == floats.data[0].embedding, vectors)

response = client.responses.create(model=chat_model, input="Who is the worker?", instructions="Be brief.", top_p=0.9)
check("responses", response.status == "completed" and response.output_text, response)
events = list(client.responses.create(model=chat_model, input="Who is the worker?", stream=True))
deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
check("stream of a response", deltas and deltas == events[-1].response.output_text, events[-1])
check("last event", events[-1].type == "response.completed", events[-1].type)
with client.responses.stream(model=chat_model, input="Who is the worker?") as events:
    check("stream helper of a response", events.get_final_response().output_text)


def chat(client=client, **more):
    return client.chat.completions.create(**({"model": chat_model, "messages": conversation} | more))


refused("a parameter", openai.BadRequestError, 400, "logprobs", lambda: chat(logprobs=True))
refused("a value", openai.BadRequestError, 400, "temperature", lambda: chat(temperature=3))
refused("tools", openai.BadRequestError, 400, "tools", lambda: chat(tools=[{"type": "function", "function": {"name": "f"}}]))
refused("a model", openai.NotFoundError, 404, "model", lambda: chat(model="gpt-4"))
stranger = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-none", max_retries=0)
refused("a key", openai.AuthenticationError, 401, None, lambda: chat(stranger))
poor = openai.OpenAI(base_url=f"{url}/v1", api_key=poor_key, max_retries=0)
refused("no money", openai.APIStatusError, 402, None, lambda: chat(poor))
if "fake-broken" in models:
    refused("no worker", openai.InternalServerError, 503, None, lambda: chat(model="fake-gone"))
    try:
        list(chat(model="fake-broken", stream=True))
    except openai.APIError as error:
        check("a failure in mid-stream", error.code == "worker_failed", error)
    else:
        check("a failure in mid-stream", False, "nothing is raised")
without = "" if embedding_model else ", and no model makes embeddings here"
print(f"openai {openai.__version__} for Python: {passed} checks hold{without}")
