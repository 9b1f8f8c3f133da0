//! Inputs of models from what people have: text, conversations, JSON, files of tensors; and embeddings of texts.

pub mod embedding;
pub mod inputs;
pub mod language;
pub mod tokenizer;
