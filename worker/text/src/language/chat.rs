//! Conversations: a model's chat template makes one text of the messages.
//!
//! Templates are Jinja, as Hugging Face's libraries apply them. A message may hold the text of a special token, which
//! must stay text. So a mark, which is a character of Unicode's private use that no message has, is put into every
//! place of a message where a special token could begin or end. Special tokens without a mark are then those of the
//! template. The marks go before the text becomes tokens.

use super::{LanguageError, Special};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context, syntax::SyntaxConfig};
use std::collections::BTreeSet;

/// Name under which the environment knows the template.
const NAME: &str = "chat";
/// Steps that a template may take: a few for each message, and more than a long conversation needs.
const FUEL: u64 = 1 << 20;
/// Characters that a mark may be.
const MARKS: std::ops::RangeInclusive<char> = '\u{f0000}'..='\u{ffffd}';

/// Speaker in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The author of the instructions on the model's behaviour.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool that the model has called.
    Tool,
}

impl Role {
    /// The role as templates name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// Message in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The speaker.
    pub role: Role,
    /// The text.
    pub content: String,
}

/// A chat template that has been parsed.
pub(super) struct Template {
    environment: Environment<'static>,
    /// Characters of the template that could be marks.
    private: BTreeSet<char>,
}

/// A text with marks in it.
pub(super) struct Marked {
    pub text: String,
    mark: char,
}

impl Marked {
    /// A part of the text without its marks.
    pub fn plain(&self, part: &str) -> String {
        part.chars().filter(|character| *character != self.mark).collect()
    }
}

impl Template {
    pub fn new(text: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| error.to_string())?);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        environment.add_function("raise_exception", |reason: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        });
        let added = environment.add_template_owned(NAME, text.to_owned());
        added.map_err(|error| format!("{error:#}"))?;
        Ok(Self {
            environment,
            private: text.chars().filter(|character| MARKS.contains(character)).collect(),
        })
    }

    /// The text of a conversation and the beginning of an answer. `ends` are the tokens that begin a text and that end
    /// an answer, as templates name them.
    pub fn render(&self, messages: &[Message], ends: [&str; 2], specials: &[Special]) -> Result<Marked, LanguageError> {
        let refused = |reason: String| LanguageError::Conversation { reason };
        let mark = self
            .mark(messages)
            .ok_or_else(|| refused("it holds every character of private use".to_owned()))?;
        let borders = Borders::new(specials);
        let messages = messages.iter().map(|message| {
            let content = borders.mark(&message.content, mark);
            Value::from_pairs([("role", message.role.name().to_owned()), ("content", content)])
        });
        let messages: Vec<Value> = messages.collect();
        let [bos_token, eos_token] = ends;
        let values = context! { messages, bos_token, eos_token, add_generation_prompt => true };
        let template = self
            .environment
            .get_template(NAME)
            .map_err(|error| refused(error.to_string()))?;
        let text = template.render(values).map_err(|error| refused(reason(&error)))?;
        Ok(Marked { text, mark })
    }

    /// A mark that neither the template nor a message has.
    fn mark(&self, messages: &[Message]) -> Option<char> {
        let contents = messages.iter().flat_map(|message| message.content.chars());
        let used: BTreeSet<char> = contents.filter(|character| MARKS.contains(character)).collect();
        MARKS
            .into_iter()
            .find(|mark| !used.contains(mark) && !self.private.contains(mark))
    }
}

/// The message of a template's exception, or the reason why it cannot be applied.
fn reason(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::InvalidOperation, Some(detail)) => detail.to_owned(),
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {FUEL} steps"),
        _ => error.to_string(),
    }
}

/// The characters that special tokens begin with, and those that they end with.
struct Borders<'s> {
    specials: &'s [Special],
    first: BTreeSet<char>,
    last: BTreeSet<char>,
}

impl<'s> Borders<'s> {
    fn new(specials: &'s [Special]) -> Self {
        let contents = || specials.iter().map(|special| special.content.chars());
        Self {
            specials,
            first: contents().filter_map(|mut characters| characters.next()).collect(),
            last: contents().filter_map(|mut characters| characters.next_back()).collect(),
        }
    }

    /// A message in which no special token begins or ends, and which is no part of one, whatever stands around it.
    fn mark(&self, content: &str, mark: char) -> String {
        let mut marked = String::with_capacity(content.len());
        // Templates may take spaces away.
        let inner = content.trim();
        let mut is_part = !inner.is_empty() && self.specials.iter().any(|special| special.content.contains(inner));
        for character in content.chars() {
            if self.last.contains(&character) {
                marked.push(mark);
            }
            marked.push(character);
            if self.first.contains(&character) || is_part && !character.is_whitespace() {
                marked.push(mark);
                is_part = false;
            }
        }
        marked
    }
}
