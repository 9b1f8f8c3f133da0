//! Inputs of models from what people have: text, conversations, JSON, files of tensors.

pub mod inputs;
pub mod language;
pub mod tokenizer;
