//! Metric profiles by name, because papers that print "recall@20" mean different things by it.

use serde::{Deserialize, Serialize};

/// Whose rules of judging hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The LightGCN papers (He et al. 2020): recall = hits / held out; headline recall@20 and
    /// ndcg@20.
    #[default]
    #[serde(rename = "lightgcn")]
    LightGcn,
    /// The Mult-VAE papers (Liang et al. 2018): recall = hits / min(K, held out); headline
    /// recall@20, recall@50 and ndcg@100; unseen users fold in.
    #[serde(rename = "multvae")]
    MultVae,
    /// One held-out event a user, all items ranked: recall is the hit rate, 1 where any held-out
    /// item is among the first K; headline HR@10 and ndcg@10.
    LeaveOneOut,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 3] = [Profile::LightGcn, Profile::MultVae, Profile::LeaveOneOut];

    /// The word used in reports and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::LightGcn => "lightgcn",
            Profile::MultVae => "multvae",
            Profile::LeaveOneOut => "leave_one_out",
        }
    }

    /// What the profile's recall is called in print.
    pub fn recall_name(self) -> &'static str {
        match self {
            Profile::LightGcn | Profile::MultVae => "recall",
            Profile::LeaveOneOut => "HR",
        }
    }

    /// What the recall is, in words.
    pub fn definition(self) -> &'static str {
        match self {
            Profile::LightGcn => "hits / held-out items, mean over users",
            Profile::MultVae => "hits / min(K, held-out items), mean over users",
            Profile::LeaveOneOut => "share of users with a held-out item among the first K",
        }
    }

    /// The profile's recall of one user: `hits` among the first `k`, `held_out` items wanted. 0
    /// where nothing is held out or `k` is 0.
    pub fn recall(self, hits: usize, k: usize, held_out: usize) -> f64 {
        let wanted = match self {
            Profile::LightGcn => held_out,
            Profile::MultVae => held_out.min(k),
            Profile::LeaveOneOut => return f64::from(u8::from(hits > 0)),
        };
        if wanted == 0 { 0.0 } else { hits as f64 / wanted as f64 }
    }

    /// The K at which the profile's papers print recall.
    pub fn recall_at(self) -> &'static [usize] {
        match self {
            Profile::LightGcn => &[20],
            Profile::MultVae => &[20, 50],
            Profile::LeaveOneOut => &[10],
        }
    }

    /// The K at which the profile's papers print NDCG.
    pub fn ndcg_at(self) -> &'static [usize] {
        match self {
            Profile::LightGcn => &[20],
            Profile::MultVae => &[100],
            Profile::LeaveOneOut => &[10],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_differ_as_documented() {
        // 3 hits among the first 5, 10 items held out.
        assert_eq!(Profile::LightGcn.recall(3, 5, 10), 0.3);
        assert_eq!(Profile::MultVae.recall(3, 5, 10), 0.6);
        assert_eq!(Profile::LeaveOneOut.recall(3, 5, 10), 1.0);
        // With one held-out item the three are the same.
        for profile in Profile::ALL {
            assert_eq!(profile.recall(1, 5, 1), 1.0);
            assert_eq!(profile.recall(0, 5, 1), 0.0);
            assert_eq!(profile.recall(0, 5, 0), 0.0);
        }
        assert_eq!(Profile::MultVae.recall(0, 0, 3), 0.0);
    }
}
