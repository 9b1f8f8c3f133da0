//! Buys the recognition of a handwritten digit: `cargo run --workspace --example buy -- [NODE [SECRET]]`.

use assay_client::{
    chain::{Account, Client, Key},
    request::{
        chain::NodeSender,
        outcome::Outcome,
        plan::{Ask, Plan},
        progress::Progress,
        run::{Following, Request, Start, Until},
    },
};
use std::{env, error::Error, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let node = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9944".into());
    let key = Key::load(&env::args().nth(2).unwrap_or_else(|| "//Bob".into()))?;
    let mut ask = Ask {
        model: "digits".into(),
        input: Some("models/digits/inputs".into()),
        limit: Some(1),
        models_dir: "models".into(),
        accept: true,
        ..Ask::default()
    };
    ask.wishes.inline_output = true;

    let client = Client::connect(&[node]).await?;
    let plan = Plan::make(&client, &key, &ask).await?;
    let parts = &plan.model.record.parts;
    let account = Account::open(client.clone(), key)?;
    let start = Start::fresh(account.id(), plan.jobs.clone(), parts.clone(), None, plan.origin.after);
    let following = Following {
        until: Until::Closed,
        accept: true,
        patience: Duration::from_secs(240),
    };
    let mut request = Request::start(NodeSender::new(client, account), start, following);
    while let Some(step) = request.next().await {
        if let Progress::Finished(summary) = step? {
            let submitted: Vec<_> = summary.submitted.iter().map(|job| (job.input, job.job)).collect();
            for outcome in Outcome::all(parts, &plan.jobs, &submitted, &summary.tracker) {
                let digit = outcome.answer.map_or("?".into(), |digit| digit.to_string());
                println!("job {}: a {digit}, {}", outcome.job, outcome.result);
            }
        }
    }
    Ok(())
}
