//! From facts to advice: what to start with, what to add, what to leave.

use gannet_core::ModelName;
use serde::Serialize;

use super::facts::{Facts, Returning};

/// What to do with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// From the first day.
    Start,
    /// As soon as the first ones run: it finds what they do not.
    Add,
    /// Not on this data.
    Leave,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verdict::Start => "start",
            Verdict::Add => "add",
            Verdict::Leave => "leave",
        }
    }
}

/// One channel's advice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Advice {
    /// The channel's name in the configuration.
    pub(crate) channel: String,
    pub(crate) kind: &'static str,
    pub(crate) model: String,
    pub(crate) verdict: Verdict,
    /// The figures that speak.
    pub(crate) why: String,
    /// Who found so.
    pub(crate) source: &'static str,
}

/// Positive events of a median user from which his own history says more than everybody's.
const HISTORY_MEDIAN_MIN: usize = 2;
/// Positive events of a median user from which nearest users can be told apart.
const USER_CF_MEDIAN_MIN: usize = 5;
/// Positive events from which vectors of 64 numbers are worth fitting.
const FACTOR_EVENTS_MIN: usize = 20_000;
/// Lift over chance from which a field is a habit of users rather than of fashion.
const LIFT_MIN: f64 = 1.2;
/// Coverage below which a field finds too few items.
const COVERAGE_MIN: f64 = 0.2;
/// Share of late events on new items from which new items need channels of their own.
const NEW_ITEMS_MIN: f64 = 0.02;
/// Events a day from which a rise can be told from noise.
const TRENDING_EVENTS_A_DAY_MIN: f64 = 1_000.0;

/// Advice for every kind of channel, the first to start with first.
pub(crate) fn advise(facts: &Facts) -> Vec<Advice> {
    let mut all = vec![
        popular(facts),
        item_cf(facts),
        u2i_vector(facts),
        user_cf(facts),
        recent(facts),
        trending(facts),
        explore(facts),
        i2i_vector(),
    ];
    all.extend(facts.returning.iter().map(|habit| inverted(facts, habit)));
    all.sort_by_key(|advice| advice.verdict);
    all
}

fn advice(
    (channel, kind, model): (&str, &'static str, &str),
    verdict: Verdict,
    why: String,
    source: &'static str,
) -> Advice {
    Advice { channel: channel.to_owned(), kind, model: model.to_owned(), verdict, why, source }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn popular(facts: &Facts) -> Advice {
    let scenes = match facts.scenes.len() {
        0 | 1 => String::new(),
        scenes => format!("; {scenes} scenes: set by_scene"),
    };
    let why = format!(
        "answers everybody, strangers too; the top hundredth of the items has {} of the positive \
         events{scenes}",
        percent(facts.head_share)
    );
    let source = "Cremonesi, Koren and Turrin 2010: popularity is the yardstick";
    advice(("popular", "popular", "popularity"), Verdict::Start, why, source)
}

fn item_cf(facts: &Facts) -> Advice {
    let median = facts.positives_a_user_median;
    let verdict = if median >= HISTORY_MEDIAN_MIN { Verdict::Start } else { Verdict::Leave };
    let why = format!(
        "a median user likes {median} items{}; needs no times, no tags, and says why",
        if verdict == Verdict::Leave { ": no pairs to count" } else { "" }
    );
    let source = "Sarwar et al. 2001; Linden, Smith and York 2003 (Amazon)";
    advice(("item_cf", "item_cf", "item_cf"), verdict, why, source)
}

fn u2i_vector(facts: &Facts) -> Advice {
    let (events, median) = (facts.positives, facts.positives_an_item_median);
    let verdict = if events >= FACTOR_EVENTS_MIN { Verdict::Add } else { Verdict::Leave };
    let why = format!(
        "{events} positive events, {median} for a median item; generalises over items that share \
         no user, {FACTOR_EVENTS_MIN} events are the least"
    );
    let source = "Hu, Koren and Volinsky 2008; Rendle et al. 2022 (iALS tuned well)";
    advice(("u2i_vector", "u2i_vector", "ials"), verdict, why, source)
}

fn user_cf(facts: &Facts) -> Advice {
    let median = facts.positives_a_user_median;
    let verdict = if median >= USER_CF_MEDIAN_MIN { Verdict::Add } else { Verdict::Leave };
    let why = format!(
        "a median user likes {median} items; neighbours need about {USER_CF_MEDIAN_MIN} to be \
         told apart; finds what item lists smooth away"
    );
    let source = "Herlocker et al. 1999; Aiolli 2013";
    advice(("user_cf", "user_cf", "user_items"), verdict, why, source)
}

fn recent(facts: &Facts) -> Advice {
    let new = facts.new_item_share;
    let verdict = match facts.is_timed() && new >= NEW_ITEMS_MIN {
        true => Verdict::Start,
        false => Verdict::Leave,
    };
    let why = match facts.is_timed() {
        true => format!(
            "{} of the positive events of the last tenth of the span are on items that first \
             appeared there: no trained model knows them",
            percent(new)
        ),
        false => "the events have no times".to_owned(),
    };
    let source = "Schein et al. 2002 on cold start";
    advice(("recent", "recent", "recency"), verdict, why, source)
}

fn trending(facts: &Facts) -> Advice {
    let a_day = if facts.is_timed() { facts.events as f64 / facts.span_days } else { 0.0 };
    let verdict = match facts.span_days >= 7.0 && a_day >= TRENDING_EVENTS_A_DAY_MIN {
        true => Verdict::Add,
        false => Verdict::Leave,
    };
    let why = format!(
        "{a_day:.0} events a day over {:.0} days; a rise is told from noise with some \
         {TRENDING_EVENTS_A_DAY_MIN} a day and a week of past",
        facts.span_days
    );
    let source = "Kleinberg 2002 on bursts";
    advice(("trending", "trending", "trending"), verdict, why, source)
}

fn explore(facts: &Facts) -> Advice {
    let verdict = match facts.new_item_share >= NEW_ITEMS_MIN || facts.head_share > 0.5 {
        true => Verdict::Add,
        false => Verdict::Leave,
    };
    let why = format!(
        "{} of the positive events are on the top hundredth, {} of the late ones on new items; a \
         small random share with known propensities is what later learning without bias needs",
        percent(facts.head_share),
        percent(facts.new_item_share)
    );
    let source = "Chen et al. 2019 (YouTube, REINFORCE); Bottou et al. 2013";
    advice(("explore", "explore", ""), verdict, why, source)
}

fn i2i_vector() -> Advice {
    let why = "needs item vectors: bring your own with `gannet vectors import`".to_owned();
    let source = "Grbovic and Cheng 2018 (Airbnb); Wang et al. 2018 (EGES)";
    advice(("i2i_vector", "i2i_vector", ""), Verdict::Leave, why, source)
}

fn inverted(facts: &Facts, habit: &Returning) -> Advice {
    let is_habit = habit.lift() >= LIFT_MIN && habit.coverage >= COVERAGE_MIN;
    // A model is named as its field, and names are plain.
    let is_habit = is_habit && ModelName::new(&habit.field).is_ok();
    let verdict = match (is_habit && habit.keys > 1, facts.new_item_share >= NEW_ITEMS_MIN) {
        // What is new has no events, but it has its keys.
        (true, true) => Verdict::Start,
        (true, false) => Verdict::Add,
        _ => Verdict::Leave,
    };
    let why = format!(
        "{} of the items have it ({} keys); users come back to a key in {} of their later likes, \
         in {} by chance: {:.1} times as often",
        percent(habit.coverage),
        habit.keys,
        percent(habit.own),
        percent(habit.others),
        habit.lift()
    );
    let channel = match habit.field.as_str() {
        "tags" => "inverted".to_owned(),
        field => format!("inverted_{}", name_of(field)),
    };
    let source = "Salton, Wong and Yang 1975; Rocchio 1971";
    advice((&channel, "inverted", &habit.field), verdict, why, source)
}

/// A field's name as a channel's may be written.
fn name_of(field: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    field.chars().take(40).map(plain).collect()
}

/// How to hold out, as `--split` takes it, and why.
pub(crate) fn split_advice(facts: &Facts) -> (&'static str, &'static str) {
    match facts.is_timed() {
        true => ("temporal-global:0.9", "judges the future by the past, as serving will be judged"),
        false => {
            ("random-per-user:0.8", "the events have no times: a random part is the next best")
        }
    }
}

/// The channels to start with and to add, as a configuration to begin from.
pub(crate) fn config_text(advice: &[Advice]) -> String {
    let wanted = || advice.iter().filter(|one| one.verdict != Verdict::Leave);
    let mut text = String::new();
    for one in wanted() {
        text += &format!("[[channel]]\nname = \"{}\"\nkind = \"{}\"\n", one.channel, one.kind);
        if !one.model.is_empty() {
            text += &format!("model = \"{}\"\noptional = true\n", one.model);
        }
        text.push('\n');
    }
    text += "[[plan]]\nname = \"home\"\nhandover = 500\n\n";
    for one in wanted() {
        text += &format!("[[plan.channel]]\nname = \"{}\"\n\n", one.channel);
    }
    text + "[[scene]]\nname = \"home\"\nplan = \"home\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            items: 1_000,
            users: 500,
            events: 50_000,
            positives: 40_000,
            negatives: 0,
            positives_a_user_median: 60,
            positives_an_item_median: 20,
            thin_users_share: 0.1,
            head_share: 0.2,
            repeat_share: 0.0,
            span_days: 30.0,
            new_item_share: 0.1,
            scenes: Vec::new(),
            returning: vec![Returning {
                field: "music_id".into(),
                coverage: 0.9,
                keys: 40,
                own: 0.4,
                others: 0.2,
            }],
            pair_additions: 1e6,
        }
    }

    fn verdict(facts: &Facts, channel: &str) -> Verdict {
        let all = advise(facts);
        all.iter().find(|advice| advice.channel == channel).expect("every kind is named").verdict
    }

    #[test]
    fn each_fact_turns_the_advice_that_rests_on_it() {
        let full = facts();
        for channel in ["popular", "item_cf", "recent", "inverted_music_id"] {
            assert_eq!(verdict(&full, channel), Verdict::Start, "{channel}");
        }
        for channel in ["u2i_vector", "user_cf", "trending", "explore"] {
            assert_eq!(verdict(&full, channel), Verdict::Add, "{channel}");
        }
        let untimed = Facts { span_days: 0.0, new_item_share: 0.0, ..facts() };
        assert_eq!(verdict(&untimed, "recent"), Verdict::Leave);
        assert_eq!(verdict(&untimed, "trending"), Verdict::Leave);
        assert_eq!(verdict(&untimed, "explore"), Verdict::Leave);
        assert_eq!(verdict(&untimed, "inverted_music_id"), Verdict::Add);
        assert_eq!(split_advice(&untimed).0, "random-per-user:0.8");
        let thin = Facts { positives_a_user_median: 1, positives: 600, ..facts() };
        for channel in ["item_cf", "user_cf", "u2i_vector"] {
            assert_eq!(verdict(&thin, channel), Verdict::Leave, "{channel}");
        }
        let fashion = Returning { own: 0.2, ..facts().returning[0].clone() };
        let fashion = Facts { returning: vec![fashion], ..facts() };
        assert_eq!(verdict(&fashion, "inverted_music_id"), Verdict::Leave);
    }

    #[test]
    fn the_configuration_to_paste_is_a_checked_one() {
        let text = config_text(&advise(&facts()));
        let config: gannet_retrieval::RetrievalConfig = toml::from_str(&text).expect("TOML");
        let (specs, plans) = config.check().expect("a plan that can be met");
        assert_eq!(specs.len(), plans.all()[0].channels.len());
    }
}
