//! A conversation with a model behind a gateway, whose answers come in pieces.

use super::{Client, ClientError, Reply};
use serde_json::{Value, json};

/// Bytes of an answer that is no stream.
const MAX_BODY: usize = 4 << 20;

/// A conversation. Each answer becomes a part of it.
pub struct Conversation {
    client: Client,
    model: String,
    messages: Vec<Value>,
    /// Fields of every request besides, such as `temperature`.
    options: Value,
}

/// Report on an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The answer.
    pub text: String,
    /// Why it ended.
    pub finish: String,
    /// Its price, with the currency.
    pub price: String,
    /// Worker that computed it.
    pub worker: String,
    /// Way in which it was checked.
    pub checked: String,
    /// Name of its receipt.
    pub receipt: String,
    /// Tokens of the conversation, and tokens of the answer.
    pub tokens: (u64, u64),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The gateway is not reached, or does not speak HTTP.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The gateway refuses.
    #[error("{message}")]
    Refused {
        /// Status of the answer.
        status: u16,
        /// The gateway's message.
        message: String,
    },
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// No model converses.
    #[error("no model of this gateway converses: GET /v1/models lists those that are there")]
    NoModel,
}

impl Conversation {
    /// Begins one with this model, or with the first one that converses. `system` says how it is to behave.
    pub async fn begin(
        client: Client,
        model: Option<String>,
        system: Option<&str>,
        options: Value,
    ) -> Result<Self, ChatError> {
        let model = match model {
            Some(model) => model,
            None => first_model(&client).await?,
        };
        let messages = system.map(|content| json!({ "role": "system", "content": content }));
        Ok(Self {
            client,
            model,
            messages: messages.into_iter().collect(),
            options,
        })
    }

    /// The model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Says something, and gives the answer's pieces as they come. What was said without an answer is forgotten.
    pub async fn say(&mut self, text: &str, piece: impl FnMut(&str)) -> Result<Told, ChatError> {
        self.messages.push(json!({ "role": "user", "content": text }));
        let answer = self.ask(piece).await;
        match &answer {
            Ok(told) => self.messages.push(json!({ "role": "assistant", "content": told.text })),
            Err(_) => {
                self.messages.pop();
            }
        }
        answer
    }

    async fn ask(&self, mut piece: impl FnMut(&str)) -> Result<Told, ChatError> {
        let mut body = json!({
            "model": self.model,
            "messages": self.messages,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        for (name, value) in self.options.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let mut reply = self.client.send("/v1/chat/completions", Some(&body)).await?;
        if reply.status != 200 {
            return Err(refused(&mut reply).await?);
        }
        let mut told = Told::default();
        while let Some(event) = reply.event().await? {
            if event.data == "[DONE]" {
                return Ok(told);
            }
            let chunk: Value =
                serde_json::from_str(&event.data).map_err(|error| ChatError::Broken(error.to_string()))?;
            if let Some(error) = chunk.get("error") {
                let message = error["message"].as_str().unwrap_or("the gateway does not say why");
                return Err(ChatError::Broken(message.to_owned()));
            }
            told.take(&chunk, &mut piece);
        }
        Err(ChatError::Broken("the gateway ended it without a word".to_owned()))
    }
}

impl Told {
    fn take(&mut self, chunk: &Value, piece: &mut impl FnMut(&str)) {
        let choice = &chunk["choices"][0];
        if let Some(text) = choice["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
            self.text.push_str(text);
            piece(text);
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.finish = finish.to_owned();
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if let Some(assay) = chunk.get("assay") {
            let run = &assay["runs"][0];
            self.price = format!("{} {}", text(&assay["price"]), text(&assay["currency"]));
            self.worker = text(&run["worker"]);
            self.checked = text(&run["checked"]);
            self.receipt = text(&run["receipt"]);
        }
        let tokens = |name: &str| chunk["usage"][name].as_u64();
        if let (Some(prompt), Some(generated)) = (tokens("prompt_tokens"), tokens("completion_tokens")) {
            self.tokens = (prompt, generated);
        }
    }
}

async fn first_model(client: &Client) -> Result<String, ChatError> {
    let mut reply = client.send("/v1/models", None).await?;
    if reply.status != 200 {
        return Err(refused(&mut reply).await?);
    }
    let list = reply.json(MAX_BODY).await?;
    let models = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let converses = models.iter().find(|model| model["assay"]["ability"] == "chat");
    let name = converses.and_then(|model| model["id"].as_str());
    name.map(str::to_owned).ok_or(ChatError::NoModel)
}

async fn refused(reply: &mut Reply) -> Result<ChatError, ClientError> {
    let status = reply.status;
    let body = reply.json(MAX_BODY).await?;
    let message = body["error"]["message"].as_str();
    let message = message.map_or_else(|| format!("the gateway answers with status {status}"), str::to_owned);
    Ok(ChatError::Refused { status, message })
}
