//! Stories of decisions and of parameters.

mod decisions;
mod parameters;
