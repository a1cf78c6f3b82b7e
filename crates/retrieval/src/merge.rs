//! Many lists into one: a pure function of the lists and the plan.

use gannet_core::ChannelName;

use crate::{Candidate, ChannelList, Plan};

/// A channel's list as the merge takes it. Its position is the channel's place in the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelAnswer {
    /// The channel.
    pub channel: ChannelName,
    /// Its list; empty where it failed or came late.
    pub list: ChannelList,
}

/// Merges lists in the plan's channel order, with quotas and refill. At most `plan.handover`
/// candidates, each item once with every channel's evidence; ties go to the channel that comes
/// first in the plan, then to the lower rank: the same lists give the same answer, always.
/// A plan's channel without an answer here counts as empty, so leaving one out asks "what if".
pub fn merge(answers: &[ChannelAnswer], plan: &Plan) -> Vec<Candidate> {
    let _ = (answers, plan);
    Vec::new()
}
