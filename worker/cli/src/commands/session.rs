//! `assay-worker request --session`: a worker is asked directly, and answers at once.

use super::{
    checks::{self, OwnSessions, Place, ReceiptCheckArgs, close_those_left},
    outcomes::{INTERRUPTED, SHOWN_CLASSES, classes},
    printer::Printer,
    visitor::Visitor,
};
use crate::{cli::NodeArgs, config::NetworkArgs};
use anyhow::{Context, bail};
use assay_client::{
    chain::{Balance, Client, Key, SessionOffer},
    request::{
        find_model, find_package,
        outcome::greatest,
        plan::{Ask, Inputs, read},
    },
    units,
};
use assay_daemon::shutdown::Shutdown;
use assay_media::{
    labels::{Characters, Labels, Ranked},
    sound::Carried,
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use assay_session::{
    Answer, Piece, Sampling, Session,
    request::{CheckedRequest, tokens},
};
use assay_text::{inputs::JobInput, language::Language};
use assay_types::{H256, ModelParts, ModelVersion, SessionId, schema::ModelKind};
use clap::Args;
use serde::Serialize;
use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, time::Instant};

/// Options of requests in a session.
#[derive(Debug, Args)]
pub struct SessionArgs {
    /// Ask a worker directly, over the workers' network, in a session that is opened for these requests and closed
    /// after them: answers come at once, each with a signed receipt
    #[arg(long, conflicts_with_all = [
        "resume", "ceiling", "auction", "deadline", "window", "no_output", "digest", "accept", "wait", "save"
    ])]
    pub(super) session: bool,
    /// Budget of the session, in ASY, of which what is not spent comes back; without it what the requests cost by the
    /// cheapest offer
    #[arg(long, value_name = "ASY", requires = "session")]
    budget: Option<String>,
    /// Ask every input this many times
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
    #[command(flatten)]
    checks: ReceiptCheckArgs,
}

/// Requests that are asked in a session.
pub(super) struct Asking {
    pub(super) ask: Ask,
    pub(super) session: SessionArgs,
    pub(super) network: NetworkArgs,
    /// Folder of the journal.
    pub(super) folder: PathBuf,
    pub(super) json: bool,
}

/// A request.
struct Question {
    name: String,
    /// Inputs for a plain model, from which the price follows.
    request: CheckedRequest,
    /// Prompt and sampling for a language model.
    generation: Option<(Vec<i64>, Sampling)>,
    /// The tensors of a step that goes on from the answer to the one before it; of any other question, none.
    step: Vec<Tensor>,
}

/// Questions to one model, in their order.
struct Questions<'m> {
    parts: &'m ModelParts,
    all: Vec<Question>,
    /// Tensors that each takes from the answer to the one before it.
    carried: Vec<Carried>,
}

/// Means by which answers are put into words.
struct Words {
    language: Option<Language>,
    labels: Option<Labels>,
    characters: Option<Characters>,
}

/// An answer as it is printed.
#[derive(Debug, Serialize)]
struct Told {
    input: String,
    session: SessionId,
    sequence: u32,
    worker: String,
    price: String,
    output_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<usize>,
    /// The number that the model answers with, where its first output is a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f32>,
    /// The best classes, of a model that names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<Vec<Ranked>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Whether the receipt was drawn for a check.
    is_drawn: bool,
}

impl Asking {
    pub(super) async fn run(mut self, key: &Key, node: &NodeArgs) -> anyhow::Result<ExitCode> {
        let mut shutdown = Shutdown::on_signal(false);
        let client = super::connect(node).await?;
        let snapshot = client.finalized().await?;
        let model = find_model(&snapshot, &self.ask.model).await?;
        let package = find_package(&self.ask.models_dir, &model)?;
        let parts = &model.record.parts;
        let questions = Questions::of(parts, read(&self.ask, &model, &package)?)?;
        let offers = snapshot.session_offers(model.version).await?;
        let offers = offers.into_iter().map(|(_, offer)| offer).collect::<Vec<_>>();
        let budget = self.budget(&offers, model.version, &questions.all)?;

        self.network.join = true;
        let visitor = Visitor::join(&self.network)
            .await?
            .context("the workers' network is joined")?;
        let own = self.own(&client, key, &visitor, &model.record.root, budget)?;
        let sessions = &own.sessions;
        close_those_left(sessions).await;
        own.warm(questions.all.len().saturating_mul(self.session.repeat as usize))
            .await;
        let session = tokio::select! {
            session = Session::open(sessions, model.version, budget) => session?,
            () = shutdown.requested() => return Ok(ExitCode::from(INTERRUPTED)),
        };
        if let (Some(number), Some(worker)) = (session.number().await, session.worker().await) {
            eprintln!(
                "session {number} with {worker}, for at most {} ASY",
                units::format(budget)
            );
        }
        let words = Words::of(&package);
        let began = Instant::now();
        let asked = tokio::select! {
            asked = self.ask_all(&session, &questions, &words) => Some(asked),
            never = own.look_after() => match never {},
            () = shutdown.requested() => None,
        };
        let asking = began.elapsed();
        // Before the session's window begins to pass.
        let checked = own.check().await;
        let closed = session.close().await;
        let spent = session.spent().await;
        eprintln!(
            "asked for {:.1} s; {} ASY are promised, and the rest of the budget comes back",
            asking.as_secs_f64(),
            units::format(spent)
        );
        let Some(told) = asked else {
            return Ok(ExitCode::from(INTERRUPTED));
        };
        if let (true, Ok(told)) = (self.json, &told) {
            println!("{}", serde_json::to_string_pretty(told)?);
        }
        checked?;
        // Whatever came of the requests: a receipt of a worker that failed may be wrong, and is challenged then.
        tokio::select! {
            settled = own.settle() => settled?,
            () = shutdown.requested() => {
                eprintln!("interrupted: a challenge that is made must be played on; ask in a session again soon");
                return Ok(ExitCode::from(INTERRUPTED));
            }
        }
        told?;
        closed.context("the session is not closed; the next request in a session closes it, and so does its time")?;
        Ok(ExitCode::SUCCESS)
    }

    fn budget(&self, offers: &[SessionOffer], model: ModelVersion, questions: &[Question]) -> anyhow::Result<Balance> {
        if let Some(budget) = &self.session.budget {
            return units::parse(budget).context("--budget");
        }
        let work: Vec<u64> = questions.iter().map(|question| question.request.units).collect();
        let work = work.repeat(self.session.repeat as usize);
        let Some(budget) = least_budget(offers, &work) else {
            bail!(
                "{} workers offer sessions on {model}, and none by whose terms {} requests fit into one: ask for fewer with \
                 --limit, or submit jobs without --session",
                offers.len(),
                work.len()
            );
        };
        Ok(budget)
    }

    /// The sessions of this account, with checks on the model that is asked.
    fn own(
        &self,
        client: &Client,
        key: &Key,
        visitor: &Visitor,
        root: &H256,
        budget: Balance,
    ) -> anyhow::Result<OwnSessions> {
        let account = checks::account(client, key)?;
        self.session.checks.sessions(Place {
            client,
            account: &account,
            key,
            node: visitor.network.node(),
            folder: &self.folder,
            models_dir: &self.ask.models_dir,
            roots: Some(BTreeSet::from([*root])),
            budget,
        })
    }

    /// Asks one after the other, and prints each answer when it is there.
    async fn ask_all(&self, session: &Session, questions: &Questions<'_>, words: &Words) -> anyhow::Result<Vec<Told>> {
        let mut told = Vec::new();
        for _ in 0..self.session.repeat {
            let mut before: Option<Answer> = None;
            for question in &questions.all {
                if !self.json {
                    println!("{}:", question.name);
                }
                let mut printer = Printer::new(words.language.as_ref());
                let request = questions.request(question, before.as_ref());
                let request = request.with_context(|| question.name.clone())?;
                let answer = question.ask(session, request, |piece| match self.json {
                    true => Ok(()),
                    false => printer.piece(piece),
                });
                let answer = answer.await.with_context(|| question.name.clone())?;
                let line = Told::of(question, &answer, words);
                if !self.json {
                    printer.finish()?;
                    println!("{}\n", line.text());
                }
                told.push(line);
                before = Some(answer);
            }
        }
        Ok(told)
    }
}

impl Words {
    fn of(package: &Package) -> Self {
        Self {
            language: Language::of(package).ok(),
            labels: Labels::of(package),
            characters: Characters::of(package),
        }
    }
}

impl<'m> Questions<'m> {
    fn of(parts: &'m ModelParts, inputs: Inputs) -> anyhow::Result<Self> {
        let Inputs { jobs, carried } = inputs;
        let all = jobs
            .into_iter()
            .map(|input| Question::of(parts, input, !carried.is_empty()));
        let all = all.collect::<anyhow::Result<_>>()?;
        Ok(Self { parts, all, carried })
    }

    /// The request of a question, after the answer to the question before.
    fn request(&self, question: &Question, before: Option<&Answer>) -> anyhow::Result<CheckedRequest> {
        let Some(before) = before.filter(|_| !question.step.is_empty()) else {
            return Ok(question.request.clone());
        };
        let tensors = carry(&question.step, &before.outputs, &self.carried);
        let tensors = tensors.context("the answer before it lacks an output that is carried")?;
        Ok(CheckedRequest::plain(self.parts, &tensors)?)
    }
}

/// The tensors of a step with what the outputs of the step before it carry; `None` where one is not there.
fn carry(step: &[Tensor], outputs: &[Tensor], carried: &[Carried]) -> Option<Vec<Tensor>> {
    let mut tensors = step.to_vec();
    for Carried { output, input } in carried {
        *tensors.get_mut(*input)? = outputs.get(*output)?.clone();
    }
    Some(tensors)
}

impl Question {
    fn of(parts: &ModelParts, input: JobInput, is_step: bool) -> anyhow::Result<Self> {
        let JobInput { name, tensors, .. } = input;
        let (request, generation) = match parts.kind {
            ModelKind::Plain => (CheckedRequest::plain(parts, &tensors), None),
            ModelKind::Generation => {
                let given = sampling_of(&tensors).with_context(|| format!("{name}: is no prompt"))?;
                (CheckedRequest::generation(parts, &given.0, &given.1), Some(given))
            }
        };
        Ok(Self {
            request: request.with_context(|| name.clone())?,
            name,
            generation,
            step: if is_step { tensors } else { vec![] },
        })
    }

    async fn ask(
        &self,
        session: &Session,
        request: CheckedRequest,
        mut told: impl FnMut(&Piece) -> anyhow::Result<()>,
    ) -> anyhow::Result<Answer> {
        let Some((prompt, sampling)) = &self.generation else {
            return Ok(session.ask(request).await?);
        };
        let mut generation = session.generate(prompt, sampling)?;
        while let Some(piece) = generation.next().await {
            told(&piece)?;
        }
        Ok(generation.answer().await?)
    }
}

impl Told {
    fn of(question: &Question, answer: &Answer, words: &Words) -> Self {
        let receipt = &answer.receipt.message;
        let tokens = question.generation.as_ref().map(|_| answer.tokens.clone());
        let text = tokens.as_ref().zip(words.language.as_ref());
        let text = text.and_then(|(tokens, language)| language.decode(tokens).ok());
        let first = answer.outputs.first().filter(|_| tokens.is_none());
        let text = text.or_else(|| words.characters.as_ref()?.spell(first?));
        Self {
            input: question.name.clone(),
            session: receipt.session,
            sequence: receipt.sequence,
            worker: answer.worker.to_string(),
            price: units::format(answer.price),
            output_digest: format!("0x{}", hex::encode(receipt.output_digest)),
            answer: first.and_then(greatest),
            value: first.and_then(single),
            best: first.and_then(|output| words.labels.as_ref()?.rank(output, SHOWN_CLASSES)),
            tokens,
            text,
            is_drawn: answer.is_drawn,
        }
    }

    /// Lines about an answer, below what was generated.
    fn text(&self) -> String {
        // What was generated has been printed as it came.
        let read = self.text.as_deref().filter(|_| self.tokens.is_none());
        let read = read.map_or_else(String::new, |text| format!("  {text}\n"));
        let best = self.best.as_deref().map_or_else(String::new, classes);
        let answer = match (self.value, self.answer) {
            (Some(value), _) => format!("answer {value:.3}, "),
            (None, Some(answer)) => format!("answer {answer}, "),
            (None, None) => String::new(),
        };
        format!(
            "{read}{best}  {answer}{} ASY, receipt {} of session {}, output {}",
            self.price, self.sequence, self.session, self.output_digest
        )
    }
}

/// The number of a tensor that has only one, in binary32.
fn single(tensor: &Tensor) -> Option<f32> {
    let bytes = <[u8; 4]>::try_from(tensor.bytes()).ok()?;
    (tensor.dtype() == DataType::Float32).then(|| f32::from_le_bytes(bytes))
}

/// The least budget of a session in which requests of this work are asked, by the cheapest of these offers that has
/// such a session.
fn least_budget(offers: &[SessionOffer], work: &[u64]) -> Option<Balance> {
    let budgets = offers.iter().filter_map(|SessionOffer { terms, .. }| {
        let prices = work.iter().map(|units| terms.price(*units));
        // Saturating: no offer has such a budget.
        let budget = prices.fold(0, Balance::saturating_add).max(terms.min_budget);
        (budget <= terms.max_budget).then_some(budget)
    });
    budgets.min()
}

/// Prompt and sampling of a generation's inputs; `None` if they are not those of one.
fn sampling_of(tensors: &[Tensor]) -> Option<(Vec<i64>, Sampling)> {
    let [prompt, temperature, top_p, top_k, seed, max_tokens] = tensors else {
        return None;
    };
    let number = |tensor: &Tensor| Some(f32::from_le_bytes(tensor.bytes().try_into().ok()?));
    let integer = |tensor: &Tensor| Some(i64::from_le_bytes(tensor.bytes().try_into().ok()?));
    let count = |tensor| u32::try_from(integer(tensor)?).ok();
    let sampling = Sampling {
        temperature: number(temperature)?,
        top_p: number(top_p)?,
        top_k: count(top_k)?,
        seed: integer(seed)?,
        max_tokens: count(max_tokens)?,
    };
    Some((tokens(prompt.bytes()), sampling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::{chain::SessionTerms, units::UNIT};
    use assay_session::SessionPair;

    fn offer(base: Balance, max_budget: Balance) -> SessionOffer {
        SessionOffer {
            terms: SessionTerms {
                base,
                rate: 0,
                min_budget: 3,
                max_budget,
                lock_percent: 100,
                max_blocks: 10,
                window_blocks: 10,
            },
            key: SessionPair::ed25519(&[1; 32]).public(),
            capacity: 1,
        }
    }

    #[test]
    fn the_budget_is_what_the_cheapest_offer_asks_that_has_room_for_all_requests() {
        let offers = [offer(2, 100), offer(1, 4), offer(3, 100)];
        assert_eq!(least_budget(&offers, &[0; 2]), Some(3), "the minimum of an offer");
        assert_eq!(least_budget(&offers, &[0; 4]), Some(4));
        assert_eq!(
            least_budget(&offers, &[0; 5]),
            Some(10),
            "the cheapest takes no such budget"
        );
        assert_eq!(least_budget(&offers, &[0; 51]), None);
        assert_eq!(least_budget(&[], &[0]), None);
    }

    #[test]
    fn a_step_takes_what_the_one_before_it_carries_and_keeps_the_rest() {
        let number = |number: f32| {
            let bytes = number.to_le_bytes().to_vec();
            Tensor::new(DataType::Float32, vec![1, 1], bytes).expect("one number")
        };
        let carried = [Carried { output: 1, input: 1 }];
        let step = carry(&[number(7.0), number(0.0)], &[number(1.0), number(2.0)], &carried);
        assert_eq!(step, Some(vec![number(7.0), number(2.0)]));
        assert_eq!(carry(&[number(7.0), number(0.0)], &[number(1.0)], &carried), None);
        assert_eq!(single(&number(0.5)), Some(0.5));
    }

    #[test]
    fn prompt_and_sampling_are_read_from_the_inputs_of_a_job() {
        let tensor = |dtype, shape, bytes: Vec<u8>| Tensor::new(dtype, shape, bytes).expect("as many bytes");
        let number = |number: f32| tensor(DataType::Float32, vec![1], number.to_le_bytes().to_vec());
        let integer = |integer: i64| tensor(DataType::Int64, vec![1], integer.to_le_bytes().to_vec());
        let prompt: Vec<u8> = [5i64, 6].iter().flat_map(|token| token.to_le_bytes()).collect();
        let prompt = tensor(DataType::Int64, vec![1, 2], prompt);
        let tensors = [prompt, number(0.5), number(0.9), integer(8), integer(-1), integer(16)];
        let sampling = Sampling {
            temperature: 0.5,
            top_p: 0.9,
            top_k: 8,
            seed: -1,
            max_tokens: 16,
        };
        assert_eq!(sampling_of(&tensors), Some((vec![5, 6], sampling)));
        assert_eq!(sampling_of(&tensors[1..]), None);
    }

    #[test]
    fn an_answer_is_named_by_its_receipt() {
        let mut told = Told {
            input: "a#0".into(),
            session: 4,
            sequence: 2,
            worker: "5Grw".into(),
            price: units::format(UNIT / 2),
            output_digest: "0x12".into(),
            answer: Some(7),
            value: None,
            best: None,
            tokens: None,
            text: None,
            is_drawn: false,
        };
        assert_eq!(told.text(), "  answer 7, 0.5 ASY, receipt 2 of session 4, output 0x12");
        told.value = Some(0.25);
        assert_eq!(
            told.text(),
            "  answer 0.250, 0.5 ASY, receipt 2 of session 4, output 0x12"
        );
    }
}
