//! The tables of parameters.

use super::{Kind, Param};
use serde_json::{Value, json};

/// Maximum number of tokens that a request can name; the model's context length says what is possible.
const MAX_TOKENS: i64 = 1 << 20;
/// Stop sequences of a request.
const MAX_STOPS: usize = 4;
/// Answers to one prompt that a request can name; the gateway's configuration says what is possible.
const MAX_N: i64 = 128;

const fn param(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        doc,
        required: false,
    }
}

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        doc,
        required: true,
    }
}

const MODEL: Param = required("model", Kind::Text, "Name of a model of GET /v1/models.");
const STREAM: Param = param(
    "stream",
    Kind::Flag,
    "Whether the answer comes in pieces, as server-sent events.",
);
const STREAM_OPTIONS: Param = param(
    "stream_options",
    Kind::Object(&[
        param(
            "include_usage",
            Kind::Flag,
            "Whether a last chunk has the tokens that were used, and no choices.",
        ),
        param("include_obfuscation", Kind::Neutral(&["false"]), "Padding of chunks."),
    ]),
    "Options of a stream.",
);
const TEMPERATURE: Param = param(
    "temperature",
    Kind::Number { min: 0.0, max: 2.0 },
    "Divisor of the logits; 0 takes the best token every time. The default is 1.",
);
const TOP_P: Param = param(
    "top_p",
    Kind::Number {
        min: f32::MIN_POSITIVE as f64,
        max: 1.0,
    },
    "The best tokens that together have this probability are chosen from. The default is 1.",
);
const TOP_K: Param = param(
    "top_k",
    Kind::Integer { min: 1, max: 1 << 20 },
    "Number of best tokens that are chosen from. OpenAI's API has no such field.",
);
const SEED: Param = param(
    "seed",
    Kind::Integer {
        min: i64::MIN,
        max: i64::MAX,
    },
    "The same seed gives the same answer, bit for bit. Answer number i of several has the seed plus i. Without it one is \
     drawn, and the answer's `assay` object has it.",
);
const STOP: Param = param(
    "stop",
    Kind::Texts(MAX_STOPS),
    "Sequences before which the answer ends. What was made up to them is paid.",
);
const N: Param = param(
    "n",
    Kind::Integer { min: 1, max: MAX_N },
    "Number of answers, each of which is paid. The default is 1.",
);
const USER: Param = param("user", Kind::Ignored, "A name for the end user.");
const METADATA: Param = param("metadata", Kind::Ignored, "Notes of the client's own.");
const SAFETY: Param = param("safety_identifier", Kind::Ignored, "A name for the end user.");
const CACHE_KEY: Param = param(
    "prompt_cache_key",
    Kind::Ignored,
    "A name for prompts that begin alike.",
);
const CACHE_KEPT: Param = param(
    "prompt_cache_retention",
    Kind::Ignored,
    "Time for which prompts are cached.",
);
const STORE: Param = param("store", Kind::Neutral(&["false"]), "The gateway keeps no answers.");
const TIER: Param = param(
    "service_tier",
    Kind::Neutral(&["\"auto\"", "\"default\""]),
    "There is one tier.",
);
const TOOLS: Param = param("tools", Kind::Neutral(&["[]"]), "Models call nothing.");
const TOOL_CHOICE: Param = param(
    "tool_choice",
    Kind::Neutral(&["\"none\"", "\"auto\""]),
    "Models call nothing.",
);
const PARALLEL: Param = param(
    "parallel_tool_calls",
    Kind::Neutral(&["true", "false"]),
    "Without tools it changes nothing.",
);
const PRESENCE: Param = param(
    "presence_penalty",
    Kind::Neutral(&["0"]),
    "It is no part of what workers prove.",
);
const FREQUENCY: Param = param(
    "frequency_penalty",
    Kind::Neutral(&["0"]),
    "It is no part of what workers prove.",
);
const LOGIT_BIAS: Param = param(
    "logit_bias",
    Kind::Neutral(&["{}"]),
    "It is no part of what workers prove.",
);

/// Parameters of `/v1/chat/completions`.
pub const CHAT: &[Param] = &[
    MODEL,
    required(
        "messages",
        Kind::Form(messages),
        "The conversation, in which the model's answer is next.",
    ),
    STREAM,
    STREAM_OPTIONS,
    param(
        "max_tokens",
        Kind::Integer {
            min: 1,
            max: MAX_TOKENS,
        },
        "Maximum number of tokens of an answer.",
    ),
    param(
        "max_completion_tokens",
        Kind::Integer {
            min: 1,
            max: MAX_TOKENS,
        },
        "Maximum number of tokens of an answer; the newer name of max_tokens.",
    ),
    TEMPERATURE,
    TOP_P,
    TOP_K,
    SEED,
    STOP,
    N,
    PRESENCE,
    FREQUENCY,
    LOGIT_BIAS,
    param(
        "logprobs",
        Kind::Neutral(&["false"]),
        "It is no part of what workers prove.",
    ),
    param(
        "top_logprobs",
        Kind::Neutral(&["0"]),
        "It is no part of what workers prove.",
    ),
    param(
        "response_format",
        Kind::Neutral(&["{\"type\":\"text\"}"]),
        "Answers are text.",
    ),
    TOOLS,
    TOOL_CHOICE,
    PARALLEL,
    param("functions", Kind::Neutral(&["[]"]), "Models call nothing."),
    param(
        "function_call",
        Kind::Neutral(&["\"none\"", "\"auto\""]),
        "Models call nothing.",
    ),
    param("modalities", Kind::Neutral(&["[\"text\"]"]), "Answers are text."),
    param("audio", Kind::Neutral(&[]), "Answers are text."),
    param("prediction", Kind::Neutral(&[]), "Nothing is predicted."),
    param(
        "reasoning_effort",
        Kind::Neutral(&[]),
        "It is no part of what workers prove.",
    ),
    param("verbosity", Kind::Neutral(&[]), "It is no part of what workers prove."),
    param("web_search_options", Kind::Neutral(&[]), "Models search nothing."),
    STORE,
    TIER,
    USER,
    METADATA,
    SAFETY,
    CACHE_KEY,
    CACHE_KEPT,
];

/// Parameters of `/v1/completions`.
pub const COMPLETIONS: &[Param] = &[
    MODEL,
    required(
        "prompt",
        Kind::Form(inputs),
        "A text to continue, or tokens, or a list of texts or of lists of tokens.",
    ),
    STREAM,
    STREAM_OPTIONS,
    param(
        "max_tokens",
        Kind::Integer {
            min: 1,
            max: MAX_TOKENS,
        },
        "Maximum number of tokens of an answer. The default is 16.",
    ),
    TEMPERATURE,
    TOP_P,
    TOP_K,
    SEED,
    STOP,
    N,
    PRESENCE,
    FREQUENCY,
    LOGIT_BIAS,
    param("logprobs", Kind::Neutral(&[]), "It is no part of what workers prove."),
    param(
        "best_of",
        Kind::Neutral(&["1"]),
        "It needs the probabilities of answers.",
    ),
    param("echo", Kind::Neutral(&["false"]), "The prompt is not given back."),
    param("suffix", Kind::Neutral(&["\"\""]), "Models continue a text at its end."),
    USER,
];

/// Parameters of `/v1/embeddings`.
pub const EMBEDDINGS: &[Param] = &[
    MODEL,
    required(
        "input",
        Kind::Form(inputs),
        "A text, or tokens, or a list of texts or of lists of tokens.",
    ),
    param(
        "encoding_format",
        Kind::OneOf(&["float", "base64"]),
        "Numbers, or their bytes as binary32, little-endian, in base64. The default is float.",
    ),
    param(
        "dimensions",
        Kind::Integer {
            min: 1,
            max: MAX_TOKENS,
        },
        "It must be what the model has: an embedding is not shortened.",
    ),
    USER,
];

/// Parameters of `/v1/responses`.
pub const RESPONSES: &[Param] = &[
    MODEL,
    required("input", Kind::Form(items), "A text, or the messages of a conversation."),
    param(
        "instructions",
        Kind::Text,
        "Instructions on the model's behaviour: a first message of the system.",
    ),
    STREAM,
    param(
        "stream_options",
        Kind::Object(&[param(
            "include_obfuscation",
            Kind::Neutral(&["false"]),
            "Padding of events.",
        )]),
        "Options of a stream.",
    ),
    param(
        "max_output_tokens",
        Kind::Integer {
            min: 1,
            max: MAX_TOKENS,
        },
        "Maximum number of tokens of the answer.",
    ),
    TEMPERATURE,
    TOP_P,
    TOP_K,
    SEED,
    param(
        "text",
        Kind::Neutral(&["{}", "{\"format\":{\"type\":\"text\"}}"]),
        "Answers are text.",
    ),
    param(
        "top_logprobs",
        Kind::Neutral(&["0"]),
        "It is no part of what workers prove.",
    ),
    param(
        "previous_response_id",
        Kind::Neutral(&[]),
        "The gateway keeps no answers: send the conversation.",
    ),
    param(
        "conversation",
        Kind::Neutral(&[]),
        "The gateway keeps no conversations: send the messages.",
    ),
    param("background", Kind::Neutral(&["false"]), "The gateway keeps no answers."),
    param(
        "truncation",
        Kind::Neutral(&["\"disabled\""]),
        "A conversation that is too long is refused.",
    ),
    param(
        "reasoning",
        Kind::Neutral(&["{}"]),
        "It is no part of what workers prove.",
    ),
    param("include", Kind::Neutral(&["[]"]), "There is nothing more to include."),
    param("max_tool_calls", Kind::Neutral(&[]), "Models call nothing."),
    param(
        "prompt",
        Kind::Neutral(&[]),
        "The gateway keeps no templates of prompts.",
    ),
    TOOLS,
    TOOL_CHOICE,
    PARALLEL,
    STORE,
    TIER,
    USER,
    METADATA,
    SAFETY,
    CACHE_KEY,
    CACHE_KEPT,
];

fn text_parts(kinds: &[&str]) -> Value {
    json!({ "anyOf": [
        { "type": "string" },
        { "type": "array", "items": {
            "type": "object",
            "properties": { "type": { "enum": kinds }, "text": { "type": "string" } },
            "required": ["type", "text"],
        } },
    ] })
}

fn message(kinds: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "role": { "enum": ["system", "developer", "user", "assistant"] },
            "content": text_parts(kinds),
        },
        "required": ["role", "content"],
    })
}

fn messages() -> Value {
    json!({ "type": "array", "minItems": 1, "items": message(&["text"]) })
}

fn items() -> Value {
    let message = message(&["input_text", "output_text"]);
    json!({ "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1, "items": message }] })
}

fn inputs() -> Value {
    let tokens = json!({ "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 0 } });
    json!({ "anyOf": [
        { "type": "string" },
        tokens,
        { "type": "array", "minItems": 1, "items": { "type": "string" } },
        { "type": "array", "minItems": 1, "items": tokens },
    ] })
}
