//! What a study is told.

use gannet_core::SceneName;
use gannet_retrieval::Plan;

use crate::{EvaluateError, Profile};

/// How a study is run. The defaults judge every test user on the first scene's plan.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyOptions {
    /// Whose rules of judging.
    pub profile: Profile,
    /// The scene that is asked; `None`: the first configured.
    pub scene: Option<SceneName>,
    /// The plan by which lists are cut, merged and judged; `None`: the scene's own. An engine
    /// built for judging may ask its channels for longer lists (curves up to K = 1,000) and give
    /// them generous deadlines; this is then the plan that serves.
    pub plan: Option<Plan>,
    /// At most so many users, drawn by `seed`; `None`: all.
    pub users_max: Option<usize>,
    /// Draws users and resamples.
    pub seed: u64,
    /// The K of the curves.
    pub curve_at: Vec<usize>,
    /// The K at which the merged candidates are held against every single channel.
    pub compare_at: Vec<usize>,
    /// The K at which channels are compared on equal terms (union, exclusive hits, overlap).
    pub equal_k: usize,
    /// Resamples of the bootstrap; at least 1,000.
    pub resamples: usize,
    /// How the test set was held out, where it was done in a way that a reader must know, such
    /// as "sees other users' future": printed as a warning.
    pub split_warning: Option<String>,
}

impl Default for StudyOptions {
    fn default() -> Self {
        Self {
            profile: Profile::LightGcn,
            scene: None,
            plan: None,
            users_max: None,
            seed: 7,
            curve_at: vec![10, 20, 50, 100, 200, 500, 1000],
            compare_at: vec![20, 100, 500],
            equal_k: 100,
            resamples: 2000,
            split_warning: None,
        }
    }
}

impl StudyOptions {
    pub(crate) fn check(&self) -> Result<(), EvaluateError> {
        let error = |field, why: &str| Err(EvaluateError::Options { field, why: why.to_owned() });
        let good = |ks: &[usize]| {
            !ks.is_empty() && ks[0] > 0 && ks.windows(2).all(|pair| pair[0] < pair[1])
        };
        if !good(&self.curve_at) {
            return error("curve_at", "needs positive numbers in rising order");
        }
        if !good(&self.compare_at) {
            return error("compare_at", "needs positive numbers in rising order");
        }
        if self.equal_k == 0 {
            return error("equal_k", "must be positive");
        }
        if self.users_max == Some(0) {
            return error("users_max", "must be positive");
        }
        if self.resamples < 1000 {
            return error("resamples", "at least 1,000, or the ends of the intervals are noise");
        }
        Ok(())
    }

    /// Every K that anything in the report is taken at, rising.
    pub(crate) fn all_ks(&self, plan: &Plan) -> Vec<usize> {
        let mut ks = [&self.curve_at[..], &self.compare_at, self.profile.recall_at()].concat();
        ks.extend(self.profile.ndcg_at());
        ks.extend([self.equal_k, plan.handover.max(1)]);
        ks.sort_unstable();
        ks.dedup();
        ks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_options_that_make_no_sense() {
        let good = StudyOptions::default();
        assert_eq!(good.check(), Ok(()));
        let field = |options: StudyOptions| match options.check() {
            Err(EvaluateError::Options { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(StudyOptions { curve_at: vec![], ..good.clone() }), "curve_at");
        assert_eq!(field(StudyOptions { curve_at: vec![0, 5], ..good.clone() }), "curve_at");
        assert_eq!(field(StudyOptions { compare_at: vec![5, 5], ..good.clone() }), "compare_at");
        assert_eq!(field(StudyOptions { equal_k: 0, ..good.clone() }), "equal_k");
        assert_eq!(field(StudyOptions { users_max: Some(0), ..good.clone() }), "users_max");
        assert_eq!(field(StudyOptions { resamples: 10, ..good }), "resamples");
    }
}
