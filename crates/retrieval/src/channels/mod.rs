//! The kinds of channels that Gannet has: one file each.
//!
//! Every kind reads its parameters and its model through `spec`, sums in the one accumulator of
//! `scores`, and hands its list over through `selection`, so that all of them keep the same
//! promises: eligibility is asked late, ties go to the lower index, time is watched.

mod draw;
mod explore;
mod fade;
mod i2i_vector;
mod inverted;
mod item_cf;
mod popular;
mod ranking;
mod reading;
mod recent;
mod scores;
mod selection;
mod spec;
mod trending;
mod u2i_vector;
mod user_cf;
mod vector_model;
mod watch;

use std::sync::Arc;

use crate::ChannelKinds;

/// Registers every kind of this folder.
pub(crate) fn register(kinds: &mut ChannelKinds) {
    kinds.register_own("popular", Arc::new(popular::build));
    kinds.register_own("trending", Arc::new(trending::build));
    kinds.register_own("recent", Arc::new(recent::build));
    kinds.register_own("inverted", Arc::new(inverted::build));
    kinds.register_own("item_cf", Arc::new(item_cf::build));
    kinds.register_own("i2i_vector", Arc::new(i2i_vector::build));
    kinds.register_own("u2i_vector", Arc::new(u2i_vector::build));
    kinds.register_own("user_cf", Arc::new(user_cf::build));
    kinds.register_own("explore", Arc::new(explore::build));
}
