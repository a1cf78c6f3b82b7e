//! Advice for a data set: which channels to start with, in which order, and why.
//!
//! Facts are counted, rules read nothing but facts: whoever doubts an advice sees the number that
//! it rests on.

mod facts;
mod rules;

pub(crate) use facts::Facts;
pub(crate) use rules::{Advice, Verdict, advise, config_text, split_advice};
