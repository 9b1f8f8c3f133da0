//! Orders out of bodies: what chat, completions and responses have in common.

use super::answer::About;
use crate::{
    app::{App, Caller},
    backend::{GenerateRequest, ModelInfo, Prompt, Sampling},
    error::ApiError,
    limits::Place,
    money::Amount,
    params::Fields,
    run::{Frames, Order},
};

/// Tokens of an answer where nothing is said and the model has room for more.
const DEFAULT_TOKENS: u32 = 1024;

/// Fields of an endpoint that mean the same under other names.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The field with the prompt.
    pub prompt: &'static str,
    /// The fields with the maximum of tokens; the first one counts.
    pub max_tokens: &'static [&'static str],
    /// The maximum where nothing is said.
    pub default_tokens: Option<u32>,
}

/// Begins what a request asks for: its frames, and what its answer says of itself.
pub async fn begin(
    app: &App,
    request: &str,
    names: Names,
    fields: &Fields,
    holder: (Caller, Place),
    model: ModelInfo,
    prompts: Vec<Prompt>,
) -> Result<(Frames, About), ApiError> {
    let name = model.id.clone();
    let (order, seeds) = order(app, names, fields, holder, model, prompts).await?;
    let (frames, max_price) = order.begin(app).await?;
    let about = About {
        seeds,
        ..About::new(app, request, &name, max_price)
    };
    Ok((frames, about))
}

/// Makes an order: `n` answers to each prompt, each with its seed.
async fn order(
    app: &App,
    names: Names,
    fields: &Fields,
    (caller, place): (Caller, Place),
    model: ModelInfo,
    prompts: Vec<Prompt>,
) -> Result<(Order, Vec<i64>), ApiError> {
    let n = fields.integer("n").unwrap_or(1).max(1) as usize;
    let max_choices = app.config.limits.choices as usize;
    if prompts.len().saturating_mul(n) > max_choices {
        let field = if n > 1 { "n" } else { names.prompt };
        let message = format!("a request has {max_choices} answers at most: lower `{field}`, or make several requests");
        return Err(ApiError::invalid(field, message));
    }
    let sampling = sampling(fields)?;
    let (mut choices, mut seeds) = (Vec::new(), Vec::new());
    for (row, prompt) in prompts.iter().enumerate() {
        let tokens = app.backend.tokenize(&model.id, prompt).await;
        let tokens = tokens.map_err(|error| ApiError::backend(error, names.prompt))?;
        let max_tokens = max_tokens(names, fields, &model, tokens.len())?;
        for answer in 0..n {
            let seed = sampling.seed.wrapping_add((row * n + answer) as i64);
            seeds.push(seed);
            choices.push(GenerateRequest {
                model: model.id.clone(),
                prompt: tokens.clone(),
                max_tokens,
                sampling: Sampling { seed, ..sampling },
                max_price: Amount::default(),
            });
        }
    }
    let order = Order {
        caller,
        model,
        choices,
        stops: fields.texts("stop"),
        prompt_field: names.prompt,
        place,
        streams: fields.flag("stream"),
    };
    Ok((order, seeds))
}

fn sampling(fields: &Fields) -> Result<Sampling, ApiError> {
    let seed = match fields.integer("seed") {
        Some(seed) => seed,
        None => {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).map_err(|error| {
                tracing::error!(%error, "the system gives no random numbers");
                ApiError::internal()
            })?;
            // A number that every JSON library keeps as it is.
            i64::from(u32::from_le_bytes(bytes))
        }
    };
    Ok(Sampling {
        temperature: fields.number("temperature").unwrap_or(1.0) as f32,
        top_p: fields.number("top_p").unwrap_or(1.0) as f32,
        top_k: fields.integer("top_k").and_then(|top_k| u32::try_from(top_k).ok()),
        seed,
    })
}

/// The maximum of tokens, which fits the model after this prompt.
fn max_tokens(names: Names, fields: &Fields, model: &ModelInfo, prompt: usize) -> Result<u32, ApiError> {
    let context = model.context_length;
    let too_long = |param: &str, message: String| {
        let mut error = ApiError::invalid(param, message);
        error.code = "context_length_exceeded";
        error
    };
    if prompt == 0 {
        return Err(ApiError::invalid(
            names.prompt,
            format!("`{}` has no tokens", names.prompt),
        ));
    }
    let room = u32::try_from(prompt)
        .ok()
        .and_then(|prompt| context.checked_sub(prompt))
        .filter(|room| *room > 0);
    let Some(room) = room else {
        let message = format!(
            "`{}` has {prompt} tokens, and this model takes {context} with its answer: shorten it",
            names.prompt
        );
        return Err(too_long(names.prompt, message));
    };
    let given = names
        .max_tokens
        .iter()
        .find_map(|name| Some((*name, fields.integer(name)?)));
    match given {
        None => Ok(room.min(names.default_tokens.unwrap_or(DEFAULT_TOKENS))),
        Some((_, tokens)) if tokens <= i64::from(room) => Ok(tokens as u32),
        Some((name, tokens)) => {
            let message = format!(
                "`{name}` is {tokens}, and after a prompt of {prompt} tokens this model has room for {room}: lower it"
            );
            Err(too_long(name, message))
        }
    }
}
