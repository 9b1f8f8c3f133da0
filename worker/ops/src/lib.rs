//! The vocabulary of tensors and operators, which every backend, engine and importer speaks.
//!
//! [`tensor`] has tensors as jobs carry them, [`layout`] shapes and strides, [`words`] the operators as kernels take
//! them, and [`operators`] the table of operators with the trait that backends implement. [`program`] is what an engine
//! makes of a package. Nothing here computes, and nothing here knows a chain, files or devices.

pub mod layout;
pub mod operators;
pub mod program;
pub mod tensor;
pub mod weights;
pub mod words;
