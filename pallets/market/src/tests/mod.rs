//! The market's stories, told against the real pallets for models and workers.

mod agenda;
mod auctions;
mod claims;
mod demands;
mod disputes;
mod games;
mod generations;
mod money;
mod offers;
mod queries;
mod seals;
mod submission;
mod terms;
mod withholding;
