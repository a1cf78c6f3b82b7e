//! The measurements: name, unit, target, which run tells, and where in its JSON.

use std::fmt;

use super::json;
use super::runs::{Output, Run};

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    Above(f64),
    /// To four decimals.
    Equals(f64),
}

impl Target {
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Target::AtMost(target) => value <= target,
            Target::AtLeast(target) => value >= target,
            Target::Above(target) => value > target,
            Target::Equals(target) => {
                (value * 1e4).round().total_cmp(&(target * 1e4).round()).is_eq()
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtMost(target) => write!(f, "<={}", number(*target)),
            Target::AtLeast(target) => write!(f, ">={}", number(*target)),
            Target::Above(target) => write!(f, ">{}", number(*target)),
            Target::Equals(target) => write!(f, "={}", number(*target)),
        }
    }
}

/// At most five decimals, no trailing zeros.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.5}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// The wall clock around the whole run.
    WallSeconds,
    /// The most resident memory, in MiB.
    PeakMib,
    /// A number of the run's JSON, divided by the second field.
    Json(&'static str, f64),
    /// The least of the numbers at `value`, over the elements of an array whose `k` is the given.
    JsonLeast { array: &'static str, k: f64, value: &'static str },
    /// A number for each element of an array; the measurement's name has `*` for its name.
    JsonEach(&'static str),
}

/// One measurement.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) target: Option<Target>,
    pub(crate) run: Run,
    source: Source,
}

impl Measurement {
    /// The named values that the run's output gives.
    pub(crate) fn read(&self, output: &Output) -> Result<Vec<(String, f64)>, String> {
        match self.source {
            Source::WallSeconds => Ok(vec![(self.name.to_owned(), output.wall_seconds)]),
            Source::PeakMib => match output.peak_bytes {
                Some(bytes) => Ok(vec![(self.name.to_owned(), bytes as f64 / MIB)]),
                None => Err("this system does not tell a process's peak memory".to_owned()),
            },
            Source::Json(path, divisor) => {
                let value = json::number(&output.document, path)? / divisor;
                Ok(vec![(self.name.to_owned(), value)])
            }
            Source::JsonLeast { array, k, value } => {
                let least = json::least(&output.document, array, ("k", k), value)?;
                Ok(vec![(self.name.to_owned(), least)])
            }
            Source::JsonEach(path) => {
                let found = json::numbers(&output.document, path)?;
                Ok(found
                    .into_iter()
                    .map(|(of, v)| (self.name.replace('*', &plain(&of)), v))
                    .collect())
            }
        }
    }
}

/// A name as part of a measurement's: small letters, digits and underscores.
fn plain(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(letter).collect()
}

const MIB: f64 = 1024.0 * 1024.0;

const fn row(
    name: &'static str,
    unit: &'static str,
    target: Option<Target>,
    run: Run,
    source: Source,
) -> Measurement {
    Measurement { name, unit, target, run, source }
}

/// The merge beats every channel where its least lead does: the lower ends of the 95 % paired
/// intervals of its recall at `k` minus each channel's.
const fn lead_at(k: f64) -> Source {
    Source::JsonLeast { array: "report.comparisons", k, value: "recall.low" }
}

/// All measurements, cheap ones of one run together.
pub(crate) const MEASUREMENTS: &[Measurement] = &[
    row("demo_seconds", "s", Some(Target::AtMost(60.0)), Run::Demo, Source::WallSeconds),
    row(
        "demo_memory_mib",
        "MiB",
        Some(Target::AtMost(1024.0)),
        Run::Demo,
        Source::Json("peak_memory_bytes", MIB),
    ),
    row("ml1m_merged_lead_100", "recall", Some(Target::Above(0.0)), Run::Demo, lead_at(100.0)),
    row("ml1m_merged_lead_500", "recall", Some(Target::Above(0.0)), Run::Demo, lead_at(500.0)),
    row(
        "ml1m_merged_recall_500",
        "recall",
        None,
        Run::Demo,
        Source::Json("report.merged.list.curve[k=500].recall", 1.0),
    ),
    row(
        "gowalla_popular_recall_20",
        "recall",
        Some(Target::Equals(0.0416)),
        Run::Gowalla,
        Source::Json("report.channels[channel=popular].list.curve[k=20].recall", 1.0),
    ),
    row(
        "gowalla_popular_ndcg_20",
        "ndcg",
        Some(Target::Equals(0.0317)),
        Run::Gowalla,
        Source::Json("report.channels[channel=popular].list.curve[k=20].ndcg", 1.0),
    ),
    row(
        "gowalla_item_cf_recall_20",
        "recall",
        Some(Target::AtLeast(0.157)),
        Run::Gowalla,
        Source::Json("report.channels[channel=item_cf].list.curve[k=20].recall", 1.0),
    ),
    row(
        "gowalla_item_cf_ndcg_20",
        "ndcg",
        Some(Target::AtLeast(0.121)),
        Run::Gowalla,
        Source::Json("report.channels[channel=item_cf].list.curve[k=20].ndcg", 1.0),
    ),
    row(
        "gowalla_ials_recall_20",
        "recall",
        Some(Target::AtLeast(0.150)),
        Run::Gowalla,
        Source::Json("report.channels[channel=u2i_vector].list.curve[k=20].recall", 1.0),
    ),
    row("retrieve_p50_us", "us", None, Run::Retrieve, Source::Json("total.p50_us", 1.0)),
    row(
        "retrieve_p99_us",
        "us",
        Some(Target::AtMost(2000.0)),
        Run::Retrieve,
        Source::Json("total.p99_us", 1.0),
    ),
    row("retrieve_*_p99_us", "us", None, Run::Retrieve, Source::JsonEach("channels[].p99_us")),
    row("kuairand_merged_lead_500", "recall", ABOVE_0, Run::KuaiRand, lead_at(500.0)),
    row("kuairand_merged_recall_500", "recall", None, Run::KuaiRand, MERGED_500),
    row("kuairand_seconds", "s", None, Run::KuaiRand, Source::WallSeconds),
    row("kuairand_memory_mib", "MiB", None, Run::KuaiRand, Source::PeakMib),
    row("kuairand_recall_500_by_item_age_*", "recall", None, Run::KuaiRand, ITEM_AGE),
    row("kuairand_recall_500_by_days_known_*", "recall", None, Run::KuaiRand, DAYS_KNOWN),
    row("kuairand_recall_500_by_user_age_*", "recall", None, Run::KuaiRand, USER_AGE),
    row("sim1m_merged_lead_500", "recall", ABOVE_0, Run::Judge1m, lead_at(500.0)),
    row("sim1m_merged_recall_500", "recall", None, Run::Judge1m, MERGED_500),
    row("sim1m_recall_500_by_item_age_*", "recall", None, Run::Judge1m, ITEM_AGE),
    row("sim1m_recall_500_by_days_known_*", "recall", None, Run::Judge1m, DAYS_KNOWN),
    row("sim1m_recall_500_by_user_age_*", "recall", None, Run::Judge1m, USER_AGE),
    row("simulate_5m_seconds", "s", at_most(300.0), Run::Simulate5m, Source::WallSeconds),
    row("simulate_5m_memory_mib", "MiB", at_most(12_288.0), Run::Simulate5m, Source::PeakMib),
    row("ingest_train_5m_seconds", "s", at_most(900.0), Run::Train5m, Source::WallSeconds),
    row("ingest_train_5m_memory_mib", "MiB", at_most(12_288.0), Run::Train5m, Source::PeakMib),
    row("wide_p99_us", "us", at_most(1_000.0), Run::Wide, Source::Json("total.p99_us", 1.0)),
    row(
        "wide_default_plan_p99_us",
        "us",
        at_most(1_000.0),
        Run::WideDefaultPlan,
        Source::Json("total.p99_us", 1.0),
    ),
    row("wide_p50_us", "us", None, Run::Wide, Source::Json("total.p50_us", 1.0)),
    row(
        "wide_eligibility_p99_us",
        "us",
        at_most(10.0),
        Run::Wide,
        Source::Json("stages[name=eligibility].p99_us", 1.0),
    ),
    row("wide_stage_*_p99_us", "us", None, Run::Wide, Source::JsonEach("stages[].p99_us")),
    row("wide_channel_*_p99_us", "us", None, Run::Wide, Source::JsonEach("channels[].p99_us")),
    row("wide_degraded_share", "share", None, Run::Wide, Source::Json("degraded_share", 1.0)),
    row("wide_candidates", "items", None, Run::Wide, Source::Json("candidates_mean", 1.0)),
    row("wide_requests_a_second_1_core", "1/s", None, Run::WideLoad1, RATE),
    row("wide_requests_a_second_2_cores", "1/s", None, Run::WideLoad2, RATE),
    row("wide_cores_for_100k", "cores", None, Run::WideLoad1, Source::Json(CORES, 1.0)),
    row("wide_bytes_an_item", "B", None, Run::Wide, Source::Json(AN_ITEM, 1.0)),
    row("wide_bytes_a_user", "B", None, Run::Wide, Source::Json(A_USER, 1.0)),
    row("wide_memory_mib", "MiB", None, Run::Wide, Source::PeakMib),
    row("stuck_channel_p99_over_deadline_ms", "ms", at_most(5.0), Run::Stuck, STUCK_OVER),
    row("stuck_channel_flagged_share", "share", EQUALS_1, Run::Stuck, STUCK_FLAGGED),
    row("stuck_channel_threads_left", "threads", EQUALS_0, Run::Stuck, STUCK_THREADS),
    row("stuck_channel_memory_growth_mib", "MiB", None, Run::Stuck, STUCK_MEMORY),
];

const ABOVE_0: Option<Target> = Some(Target::Above(0.0));
const EQUALS_0: Option<Target> = Some(Target::Equals(0.0));
const EQUALS_1: Option<Target> = Some(Target::Equals(1.0));

const fn at_most(value: f64) -> Option<Target> {
    Some(Target::AtMost(value))
}

const MERGED_500: Source = Source::Json("report.merged.list.curve[k=500].recall", 1.0);
/// The time since a user's first event.
const DAYS_KNOWN: Source =
    Source::JsonEach("report.headline.by_user_age[].recall[list=merged].recall");
const ITEM_AGE: Source = Source::JsonEach("report.by_item_age[].recall[list=merged].recall");
/// A user's age is counted in events: that is what channels have to go on.
const USER_AGE: Source = Source::JsonEach("report.by_user_events[].recall[list=merged].recall");
const RATE: Source = Source::Json("search.rate", 1.0);
/// The first scenario, a load of 0.75: a dot in a key would part the path.
const CORES: &str = "capacity[cores_a_server=16].cores";
const AN_ITEM: &str = "footprint.bytes_an_item";
const A_USER: &str = "footprint.bytes_a_user";
const STUCK_OVER: Source = Source::Json("p99_over_deadline_ms", 1.0);
const STUCK_FLAGGED: Source = Source::Json("flagged_share", 1.0);
const STUCK_THREADS: Source = Source::Json("threads_left", 1.0);
const STUCK_MEMORY: Source = Source::Json("resident_kib_left", 1024.0);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_judge_in_their_direction() {
        assert!(Target::AtMost(60.0).is_met(60.0) && !Target::AtMost(60.0).is_met(60.1));
        assert!(Target::AtLeast(0.15).is_met(0.15) && !Target::AtLeast(0.15).is_met(0.1499));
        assert!(!Target::Above(0.0).is_met(0.0) && !Target::Above(0.0).is_met(f64::NAN));
        assert!(Target::Equals(0.0416).is_met(0.04157) && !Target::Equals(0.0416).is_met(0.04154));
    }

    #[test]
    fn names_are_unique_and_plain() {
        for (at, measurement) in MEASUREMENTS.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_*".contains(c);
            assert!(measurement.name.chars().all(plain), "{}", measurement.name);
            assert!(MEASUREMENTS[..at].iter().all(|earlier| earlier.name != measurement.name));
        }
    }

    #[test]
    fn a_measurement_of_many_takes_the_name_of_each() {
        let document = json!({"channels": [{"name": "popular", "p99_us": 12.5}]});
        let output = Output { wall_seconds: 1.0, peak_bytes: None, document };
        let each = MEASUREMENTS.iter().find(|each| each.name == "retrieve_*_p99_us").unwrap();
        let expected = [("retrieve_popular_p99_us".to_owned(), 12.5)];
        assert_eq!(each.read(&output).unwrap(), expected);
    }
}
