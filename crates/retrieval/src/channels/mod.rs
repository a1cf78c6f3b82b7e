//! The kinds of channels that Gannet has: one file each.

use crate::ChannelKinds;

/// Registers every kind of this folder.
pub(crate) fn register(kinds: &mut ChannelKinds) {
    let _ = kinds;
}
