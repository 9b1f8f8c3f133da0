//! `assay-worker chat`: a conversation in the terminal, through a gateway.

use anyhow::Context;
use assay_gateway::client::{Client, Conversation, Told};
use clap::Args;
use serde_json::{Map, Value, json};
use std::{
    io::{BufRead, IsTerminal, Write, stdin, stdout},
    process::ExitCode,
};
use tokio::task::spawn_blocking;

/// Options of `chat`.
#[derive(Debug, Args)]
pub struct ChatArgs {
    /// Text to send; without it lines are read from standard input, each of which is answered
    text: Option<String>,
    /// Address of the gateway; over a network, put TLS in front of both
    #[arg(
        long,
        env = "ASSAY_GATEWAY",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    gateway: String,
    /// The API key; a gateway that is open needs none
    #[arg(long, env = "ASSAY_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The model [default: the first one that converses]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Instructions on the model's behaviour
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Divisor of the logits; 0 takes the best token every time [default: 1]
    #[arg(long)]
    temperature: Option<f32>,
    /// The same seed gives the same answer [default: one is drawn]
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<i64>,
    /// Maximum number of tokens of an answer
    #[arg(long)]
    max_tokens: Option<u32>,
}

/// Asks, and prints what comes as it comes.
pub(super) async fn run(args: ChatArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.gateway, args.api_key.clone()).context("--gateway")?;
    let options = args.options();
    let talk = Conversation::begin(client, args.model.clone(), args.system.as_deref(), options);
    let mut talk = talk.await.context("the gateway")?;
    if let Some(text) = &args.text {
        answer(&mut talk, text).await?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{} at {}; an empty line ends the conversation",
        talk.model(),
        args.gateway
    );
    while let Some(text) = line().await? {
        // What cannot be answered does not end the conversation.
        if let Err(error) = answer(&mut talk, &text).await {
            crate::report(&error);
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl ChatArgs {
    /// Fields of every request besides.
    fn options(&self) -> Value {
        let given = [
            ("temperature", self.temperature.map(|number| json!(number))),
            ("seed", self.seed.map(|number| json!(number))),
            ("max_tokens", self.max_tokens.map(|number| json!(number))),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

/// Asks one question, and prints the answer and what is said of it.
async fn answer(talk: &mut Conversation, text: &str) -> anyhow::Result<()> {
    let told = talk.say(text, |piece| {
        print!("{piece}");
        // What cannot be written is noticed with the next piece.
        let _ = stdout().flush();
    });
    let told = told.await;
    println!();
    eprintln!("{}", in_words(&told?));
    Ok(())
}

/// Price, worker and checks of an answer.
fn in_words(told: &Told) -> String {
    let Told {
        price,
        worker,
        checked,
        receipt,
        tokens: (prompt, generated),
        finish,
        ..
    } = told;
    let cut = if finish == "length" {
        ", cut at the maximum of tokens"
    } else {
        ""
    };
    format!(
        "  {price} for {prompt} + {generated} tokens{cut}; computed by {worker}, checked: {checked}, receipt {receipt}"
    )
}

/// The next line that is not empty; `None` at the end.
async fn line() -> anyhow::Result<Option<String>> {
    if stdin().is_terminal() {
        print!("> ");
        stdout().flush()?;
    }
    let read = spawn_blocking(|| {
        let mut line = String::new();
        stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = read.await??;
    let text = line.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_s_price_worker_and_checks_are_told() {
        let told = Told {
            price: "0.5 ASY".to_owned(),
            worker: "5Grw".to_owned(),
            checked: "signed-receipt".to_owned(),
            receipt: "session-1-2".to_owned(),
            tokens: (9, 30),
            finish: "length".to_owned(),
            ..Told::default()
        };
        let words = in_words(&told);
        for part in ["0.5 ASY", "9 + 30", "5Grw", "signed-receipt", "session-1-2", "cut"] {
            assert!(words.contains(part), "{words}");
        }
    }
}
