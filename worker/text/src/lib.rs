//! Inputs of models from what people have: text, JSON, files of tensors.

pub mod inputs;
pub mod tokenizer;
