// The gateway's API: JSON-RPC, and answers that come as a stream. Every address is on this page's own host.

const STORED = "assay-key";

/** An answer that is no good; `code` is the gateway's word for it. */
export class GatewayError extends Error {
  constructor(message, code, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

function refusal(body, status) {
  const error = body?.error ?? {};
  const object = error.data ?? error;
  return new GatewayError(object.message ?? `the gateway answered with status ${status}`, object.code, status);
}

export class Gateway {
  #key = sessionStorage.getItem(STORED);
  #number = 0;

  /** Whether a key is known. It is kept for as long as this tab is open. */
  get hasKey() {
    return Boolean(this.#key);
  }

  setKey(key) {
    this.#key = key;
    if (key) sessionStorage.setItem(STORED, key);
    else sessionStorage.removeItem(STORED);
  }

  #headers() {
    const headers = { "content-type": "application/json" };
    if (this.#key) headers.authorization = `Bearer ${this.#key}`;
    return headers;
  }

  async #send(path, options) {
    try {
      return await fetch(path, { ...options, headers: this.#headers(), cache: "no-store", credentials: "omit" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new GatewayError("the gateway cannot be reached: is it running?", "unreached", 0);
    }
  }

  /** Calls a method of JSON-RPC. */
  async call(method, params = [], signal = undefined) {
    this.#number += 1;
    const body = JSON.stringify({ jsonrpc: "2.0", id: this.#number, method, params });
    const response = await this.#send("/rpc", { method: "POST", body, signal });
    const answer = await response.json().catch(() => null);
    if (!answer || answer.error) throw refusal(answer, response.status);
    return answer.result;
  }

  /** Gets a document; one that says that the gateway is not ready is one, too. */
  async get(path, signal) {
    const response = await this.#send(path, { signal });
    const answer = await response.json().catch(() => null);
    if (!answer || answer.error) throw refusal(answer, response.status);
    return answer;
  }

  /** Posts to an endpoint, and gives its answer. */
  async post(path, body, signal) {
    const response = await this.#send(path, { method: "POST", body: JSON.stringify(body), signal });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw refusal(answer, response.status);
    return answer;
  }

  /** Posts to an endpoint, and yields the chunks of its stream. The last one has `usage` and `assay`. */
  async *stream(path, body, signal) {
    const whole = { ...body, stream: true, stream_options: { include_usage: true } };
    const response = await this.#send(path, { method: "POST", body: JSON.stringify(whole), signal });
    if (!response.ok) throw refusal(await response.json().catch(() => null), response.status);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new GatewayError("the answer broke off", "broken", 200);
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (!line.startsWith("data: ")) continue;
        const data = line.slice("data: ".length).trim();
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw refusal(chunk, 200);
        yield chunk;
      }
    }
  }
}
