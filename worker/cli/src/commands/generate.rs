//! `assay-worker generate`
//!
//! Text goes in and comes out where the package has a tokenizer, and tokens otherwise.

use crate::config::EngineArg;
use anyhow::{Context, bail};
use assay_engine::generate::{Generator, Sampling};
use assay_package::{Package, generation::MAX_CANDIDATES};
use assay_text::language::{Detokeniser, Language, LanguageError, Message, Role};
use clap::Args;
use std::{
    io::{Write, stdout},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Folder of the package
    package: PathBuf,
    /// The text to go on from
    #[arg(
        long,
        value_name = "TEXT",
        required_unless_present = "tokens",
        conflicts_with = "tokens"
    )]
    prompt: Option<String>,
    /// The tokens to go on from, such as 1,15,7; tokens are printed then
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    tokens: Vec<i64>,
    /// Take the prompt for what a user says in a conversation, and answer
    #[arg(long, requires = "prompt")]
    chat: bool,
    /// Instructions on the model's behaviour in the conversation
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// Say how many tokens a second were read and made
    #[arg(long)]
    stats: bool,
    /// Divisor of the logits; 0 takes the best token every time
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Choose among this many of the best tokens
    #[arg(long, default_value_t = MAX_CANDIDATES)]
    top_k: u32,
    /// Choose among the best tokens that together have this probability
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// The same seed gives the same tokens
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: i64,
    /// Maximum number of tokens to make
    #[arg(long, default_value_t = 64)]
    max_tokens: u32,
    /// Engine that runs the model
    #[arg(long, value_enum, default_value_t = EngineArg::Cpu)]
    engine: EngineArg,
    /// The GPU for the engine, by its index [default: 0]
    #[arg(long, value_name = "INDEX")]
    gpu: Option<usize>,
    /// Threads [default: as many as there are processors]
    #[arg(long)]
    threads: Option<usize>,
}

/// Generates, and prints what is made as it comes.
pub fn run(args: &GenerateArgs) -> anyhow::Result<ExitCode> {
    let package = Package::load(&args.package).with_context(|| format!("package {}", args.package.display()))?;
    let Some(generation) = package.generation() else {
        bail!(
            "the package generates nothing: import its language model with `assay-worker models import --generation`"
        );
    };
    let language = args.prompt.as_ref().map(|_| language(&package)).transpose()?;
    let prompt = match (&language, &args.prompt) {
        (Some(language), Some(text)) => tokens_of(args, language, text)?,
        _ => args.tokens.clone(),
    };
    let sampling = Sampling {
        temperature: args.temperature,
        top_p: args.top_p,
        top_k: args.top_k,
        seed: args.seed,
        max_tokens: args.max_tokens.min(generation.max_length.saturating_sub(1)),
    };
    args.engine.check_gpu(args.gpu)?;
    let threads = match args.threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let engine = assay_engine::open(args.engine.into(), args.gpu, threads)?;
    let model = engine.load(&package)?;
    let mut generator = Generator::new(&model)?;
    let mut printer = Printer::new(language.as_ref());
    let sequence = generator.generate(&prompt, sampling, |token| printer.token(token));
    let stats = printer.finish()?;
    sequence?;
    if args.stats {
        eprintln!("{}", stats.written(prompt.len()));
    }
    Ok(ExitCode::SUCCESS)
}

fn language(package: &Package) -> anyhow::Result<Language> {
    Language::of(package).map_err(|error| match error {
        LanguageError::NoTokenizer => anyhow::Error::new(error).context(
            "the package takes no text; give tokens with --tokens, or import the model with --asset tokenizer.json",
        ),
        error => error.into(),
    })
}

/// The tokens of a text, or of a conversation that it begins.
fn tokens_of(args: &GenerateArgs, language: &Language, text: &str) -> anyhow::Result<Vec<i64>> {
    if !args.chat {
        return Ok(language.encode(text)?);
    }
    if !language.converses() {
        bail!(
            "the package has no chat template: leave --chat out, or import the model with --asset chat_template.jinja"
        );
    }
    let message = |role, content: &str| Message {
        role,
        content: content.to_owned(),
    };
    let system = args.system.iter().map(|text| message(Role::System, text));
    let messages: Vec<Message> = system.chain([message(Role::User, text)]).collect();
    Ok(language.chat(&messages)?)
}

/// Prints what is made, and takes the time.
struct Printer<'l> {
    text: Option<Detokeniser<'l>>,
    /// Error of the output, if it could not be printed.
    printed: anyhow::Result<()>,
    stats: Stats,
}

/// When tokens were made.
struct Stats {
    begun: Instant,
    /// From the beginning to the first token.
    first: Duration,
    /// From the beginning to the last token.
    last: Duration,
    made: u32,
}

impl<'l> Printer<'l> {
    /// Prints text of a language, or tokens without one. The time begins.
    fn new(language: Option<&'l Language>) -> Self {
        Self {
            text: language.map(Language::detokeniser),
            printed: Ok(()),
            stats: Stats {
                begun: Instant::now(),
                first: Duration::ZERO,
                last: Duration::ZERO,
                made: 0,
            },
        }
    }

    fn token(&mut self, token: i64) {
        let stats = &mut self.stats;
        stats.last = stats.begun.elapsed();
        if stats.made == 0 {
            stats.first = stats.last;
        }
        stats.made += 1;
        if self.printed.is_ok() {
            self.printed = self.print(token);
        }
    }

    fn print(&mut self, token: i64) -> anyhow::Result<()> {
        let text = match &mut self.text {
            Some(stream) => stream.push(token)?,
            None => format!("{token} "),
        };
        let mut out = stdout();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Prints what is still held back.
    fn finish(self) -> anyhow::Result<Stats> {
        self.printed?;
        let rest = self.text.map_or(Ok(String::new()), Detokeniser::finish)?;
        writeln!(stdout(), "{rest}")?;
        Ok(self.stats)
    }
}

impl Stats {
    /// Speeds, for people: the first token comes with the reading of the prompt.
    fn written(&self, prompt: usize) -> String {
        let speed = |tokens: f64, time: Duration| tokens / time.as_secs_f64().max(f64::MIN_POSITIVE);
        let (first, others) = (self.first, self.last.saturating_sub(self.first));
        let read = format!(
            "prompt: {prompt} tokens in {:.3} s, {:.1} tokens/s",
            first.as_secs_f64(),
            speed(prompt as f64, first)
        );
        match self.made.saturating_sub(1) {
            0 => read,
            more => format!(
                "{read}\nthen: {more} tokens in {:.3} s, {:.1} tokens/s",
                others.as_secs_f64(),
                speed(f64::from(more), others)
            ),
        }
    }
}
