//! All plans, and which of them a request runs: by scene, user segment and experiment arm.

use std::sync::Arc;

use gannet_core::{ArmName, ExperimentName, PlanName, SceneName, SegmentName, UserId};

use crate::Plan;
use crate::segment::Segment;

/// All plans and the scenes that name them. Invariant: every place that names a plan names one
/// that is there, and there is a scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Plans {
    pub(crate) plans: Vec<Arc<Plan>>,
    pub(crate) scenes: Vec<Scene>,
    pub(crate) segments: Vec<Segment>,
}

/// What one request runs, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The segment of users that the request is of.
    pub segment: Option<SegmentName>,
    /// The arm of the scene's experiment that it is of.
    pub arm: Option<ArmName>,
}

/// One way by which a scene's requests come to a plan; a condition that is absent always holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// The segment of users.
    pub segment: Option<&'a SegmentName>,
    /// The arm of the scene's experiment.
    pub arm: Option<&'a ArmName>,
    /// What such requests run.
    pub plan: &'a PlanName,
}

/// A place where candidates are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    pub(crate) name: SceneName,
    pub(crate) plan: usize,
    /// The expression that its items satisfy.
    pub(crate) eligible: Option<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) experiment: Option<Experiment>,
}

/// A plan for some of a scene's requests; a condition that is absent always holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) segment: Option<SegmentName>,
    pub(crate) arm: Option<ArmName>,
    pub(crate) plan: usize,
}

/// A scene's requests shared out among arms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Experiment {
    pub(crate) name: ExperimentName,
    pub(crate) arms: Vec<Arm>,
}

/// One side of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arm {
    pub(crate) name: ArmName,
    /// Of the users, 0 to 1.
    pub(crate) share: f64,
    /// Where no rule of the scene matches; absent: the scene's own.
    pub(crate) plan: Option<usize>,
}

impl Plans {
    /// The plan of a scene's requests of a segment and an arm: the first rule of the scene whose
    /// conditions hold, else the arm's plan, else the scene's. `None` for a scene that is not
    /// configured.
    pub fn resolve(
        &self,
        scene: &SceneName,
        segment: Option<&SegmentName>,
        arm: Option<&ArmName>,
    ) -> Option<&Arc<Plan>> {
        let scene = self.scene(scene)?;
        let holds = |rule: &&Rule| {
            (rule.segment.is_none() || rule.segment.as_ref() == segment)
                && (rule.arm.is_none() || rule.arm.as_ref() == arm)
        };
        let by_rule = || scene.rules.iter().find(holds).map(|rule| rule.plan);
        let by_arm = || scene.arms().find(|one| Some(&one.name) == arm)?.plan;
        Some(&self.plans[by_rule().or_else(by_arm).unwrap_or(scene.plan)])
    }

    /// All plans.
    pub fn all(&self) -> &[Arc<Plan>] {
        &self.plans
    }

    /// The configured scenes, the first being the one of a request that names none.
    pub fn scenes(&self) -> impl Iterator<Item = &SceneName> + '_ {
        self.scenes.iter().map(|scene| &scene.name)
    }

    /// The configured segments, in the order in which they are tried.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentName> + '_ {
        self.segments.iter().map(|segment| &segment.name)
    }

    /// The arms of a scene's experiment.
    pub fn arms(&self, scene: &SceneName) -> impl Iterator<Item = &ArmName> + '_ {
        self.scene(scene).into_iter().flat_map(Scene::arms).map(|arm| &arm.name)
    }

    /// The arm that a scene's experiment gives to a user, always the same one.
    pub fn arm_of(&self, scene: &SceneName, user: &UserId) -> Option<&ArmName> {
        self.scene(scene)?.experiment.as_ref()?.arm_of(user)
    }

    /// What a scene's items must satisfy, in the language of request filters; `None`: nothing.
    pub fn eligible(&self, scene: &SceneName) -> Option<&str> {
        self.scene(scene)?.eligible.as_deref()
    }

    /// How a scene's requests come to plans: the first route that fits is taken.
    pub fn routes(&self, scene: &SceneName) -> impl Iterator<Item = Route<'_>> + '_ {
        let scene = self.scene(scene);
        let name = |plan: usize| &self.plans[plan].name;
        let by_rule = scene.into_iter().flat_map(|scene| &scene.rules);
        let by_rule = by_rule.map(|rule| (rule.segment.as_ref(), rule.arm.as_ref(), rule.plan));
        let by_arm = scene.into_iter().flat_map(Scene::arms);
        let by_arm = by_arm.filter_map(|arm| Some((None, Some(&arm.name), arm.plan?)));
        let by_scene = scene.into_iter().map(|scene| (None, None, scene.plan));
        let all = by_rule.chain(by_arm).chain(by_scene);
        all.map(move |(segment, arm, plan)| Route { segment, arm, plan: name(plan) })
    }

    pub(crate) fn scene(&self, name: &SceneName) -> Option<&Scene> {
        self.scenes.iter().find(|scene| scene.name == *name)
    }
}

impl Scene {
    fn arms(&self) -> impl Iterator<Item = &Arm> + '_ {
        self.experiment.iter().flat_map(|experiment| &experiment.arms)
    }
}

impl Experiment {
    /// The user's place in [0, 1) is the 64-bit FNV-1a hash of the experiment's name, a byte
    /// 0xFF (which no UTF-8 text has) and the user's id, mixed by MurmurHash3's finaliser, over
    /// 2^64. The arms lie on [0, 1) one after the other, each as long as its share; a place past
    /// the last has no arm. Another experiment's name shuffles the users anew.
    fn arm_of(&self, user: &UserId) -> Option<&ArmName> {
        let bytes = self.name.as_str().bytes().chain([0xFF]).chain(user.as_str().bytes());
        let place = place_of(bytes);
        let mut end = 0.0;
        let within = |arm: &&Arm| {
            end += arm.share;
            place < end
        };
        self.arms.iter().find(within).map(|arm| &arm.name)
    }
}

fn place_of(bytes: impl Iterator<Item = u8>) -> f64 {
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // FNV leaves the upper bits of similar ids similar, and they decide.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    // 53 bits are what a double holds exactly.
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment(name: &str, shares: &[f64]) -> Experiment {
        let arm = |(at, share): (usize, &f64)| Arm {
            name: ArmName::new(&format!("arm{at}")).expect("a name"),
            share: *share,
            plan: None,
        };
        Experiment {
            name: ExperimentName::new(name).expect("a name"),
            arms: shares.iter().enumerate().map(arm).collect(),
        }
    }

    fn counts(experiment: &Experiment, id: impl Fn(u32) -> String) -> Vec<usize> {
        let mut counts = vec![0; experiment.arms.len() + 1];
        for at in 0..10_000 {
            let arm = experiment.arm_of(&UserId::new(id(at)).expect("an id"));
            let place = experiment.arms.iter().position(|one| Some(&one.name) == arm);
            counts[place.unwrap_or(experiment.arms.len())] += 1;
        }
        counts
    }

    #[test]
    fn arms_get_their_shares_of_any_ids() {
        // Four standard deviations of a binomial count.
        let near = |count: usize, share: f64| {
            let deviation = (10_000.0 * share * (1.0 - share)).sqrt();
            (count as f64 - 10_000.0 * share).abs() <= 4.0 * deviation
        };
        let ids: [fn(u32) -> String; 3] =
            [|at| at.to_string(), |at| format!("user-{}", at * 1000), |at| format!("{at:0>40}")];
        for id in ids {
            for shares in [vec![0.5, 0.5], vec![0.25; 4], vec![0.1, 0.2]] {
                let got = counts(&experiment("merge", &shares), id);
                for (count, share) in got.iter().zip(&shares) {
                    assert!(near(*count, *share), "{shares:?}: {got:?}");
                }
            }
        }
    }

    #[test]
    fn another_experiment_shuffles_anew_and_the_same_never_moves() {
        let user = |at: u32| UserId::new(at.to_string()).expect("an id");
        let (one, other) = (experiment("one", &[0.5, 0.5]), experiment("other", &[0.5, 0.5]));
        let agree = (0..10_000).filter(|at| one.arm_of(&user(*at)) == other.arm_of(&user(*at)));
        let agree = agree.count();
        assert!((4_800..=5_200).contains(&agree), "{agree}");
        // Guards the hash: a change of it would move every user of a running experiment.
        let first: String = (0..16)
            .map(|at| one.arm_of(&user(at)).expect("the shares add up to 1").as_str())
            .map(|name| &name[3..])
            .collect();
        assert_eq!(first, "1101001100111001");
        assert!((0..10_000).all(|at| one.arm_of(&user(at)).is_some()));
    }
}
