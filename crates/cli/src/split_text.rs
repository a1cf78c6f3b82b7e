//! A split as text: what a command line says and what a snapshot's recipe remembers.

use anyhow::{Context, Result, bail};
use gannet_dataset::{Dataset, SplitKind};
use gannet_evaluation::Profile;

/// Share of each user's (or all) events that train where none is named.
const SHARE_DEFAULT: f64 = 0.8;
/// Seed of random splits: fixed, so that a split can be made again from its text.
const SEED: u64 = 7;

/// `None` for `none`: everything trains.
pub(crate) fn parse(text: &str, dataset: &Dataset, profile: Profile) -> Result<Option<SplitKind>> {
    let (word, share) = match text.split_once(':') {
        Some((word, share)) => {
            let share: f64 =
                share.parse().with_context(|| format!("split {text:?}: {share:?} is no share"))?;
            (word, Some(share))
        }
        None => (text, None),
    };
    let train_share = share.unwrap_or(SHARE_DEFAULT);
    let kind = match word {
        "auto" => return Ok(Some(automatic(dataset, profile, train_share))),
        "none" => return Ok(None),
        "fixed" => SplitKind::Fixed,
        "leave-one-out" => SplitKind::LeaveOneOut,
        "temporal-global" => SplitKind::TemporalGlobal { train_share },
        "temporal-per-user" => SplitKind::TemporalPerUser { train_share },
        "random-per-user" => SplitKind::RandomPerUser { train_share, seed: SEED },
        "held-out-users" => held_out_users(train_share),
        _ => bail!(
            "unknown split {word:?}: expected auto, none, fixed, leave-one-out, temporal-global, \
             temporal-per-user, random-per-user or held-out-users"
        ),
    };
    if share.is_some() && matches!(kind, SplitKind::Fixed | SplitKind::LeaveOneOut) {
        bail!("split {word} takes no share");
    }
    Ok(Some(kind))
}

/// What the profile's papers hold out; for the rest published files where there are some, else
/// each user's last events, else a random part of them.
fn automatic(dataset: &Dataset, profile: Profile, train_share: f64) -> SplitKind {
    let timed = dataset.events.interactions.first().is_some_and(|event| event.time.is_some());
    match (profile, &dataset.test_events, timed) {
        (Profile::LeaveOneOut, _, _) => SplitKind::LeaveOneOut,
        (Profile::MultVae, _, _) => held_out_users(train_share),
        (Profile::LightGcn, Some(_), _) => SplitKind::Fixed,
        (Profile::LightGcn, None, true) => SplitKind::TemporalPerUser { train_share },
        (Profile::LightGcn, None, false) => SplitKind::RandomPerUser { train_share, seed: SEED },
    }
}

fn held_out_users(train_share: f64) -> SplitKind {
    SplitKind::HeldOutUsers {
        user_share: 1.0 - train_share,
        fold_in_share: SHARE_DEFAULT,
        seed: SEED,
    }
}

/// The text from which [`parse`] makes the same split.
pub(crate) fn text(kind: &SplitKind) -> String {
    match kind {
        SplitKind::Fixed => "fixed".to_owned(),
        SplitKind::LeaveOneOut => "leave-one-out".to_owned(),
        SplitKind::TemporalGlobal { train_share } => format!("temporal-global:{train_share}"),
        SplitKind::TemporalPerUser { train_share } => format!("temporal-per-user:{train_share}"),
        SplitKind::RandomPerUser { train_share, .. } => format!("random-per-user:{train_share}"),
        SplitKind::HeldOutUsers { user_share, .. } => {
            format!("held-out-users:{}", 1.0 - user_share)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gannet_core::{Catalogue, EventKinds, StringTable};
    use gannet_dataset::Events;

    use super::*;

    fn untimed() -> Dataset {
        Dataset {
            name: "x".to_owned(),
            catalogue: Arc::new(Catalogue::from_items([]).unwrap()),
            users: Arc::new(StringTable::new()),
            user_fields: Arc::default(),
            scenes: Vec::new(),
            kinds: EventKinds::implicit("view"),
            events: Events::default(),
            test_events: None,
        }
    }

    #[test]
    fn a_split_is_made_again_from_its_text() {
        let parse = |text: &str| parse(text, &untimed(), Profile::LightGcn).unwrap();
        for text_of in [
            "fixed",
            "leave-one-out",
            "temporal-global:0.9",
            "temporal-per-user",
            "random-per-user:0.75",
            "held-out-users:0.75",
        ] {
            let kind = parse(text_of).unwrap();
            assert_eq!(parse(&text(&kind)), Some(kind), "{text_of}");
        }
        assert_eq!(parse("none"), None);
        assert_eq!(parse("auto"), parse("random-per-user:0.8"));
    }

    #[test]
    fn a_split_that_is_none_says_what_would_be() {
        for bad in ["temporal", "fixed:0.5", "temporal-global:x"] {
            assert!(parse(bad, &untimed(), Profile::LightGcn).is_err(), "{bad} was taken");
        }
    }
}
