//! The same recall for parts of the users and parts of the held-out items.

use crate::Profile;
use crate::facts::{ITEM_AGES, USER_AGES};
use crate::judge::UserRow;
use crate::report::{ListRecall, Segment};
use crate::summary::{Judged, ratio};

/// Users with and without training history.
pub(crate) fn by_history(judged: &Judged<'_>, profile: Profile) -> Vec<Segment> {
    [("with history", true), ("without history", false)]
        .into_iter()
        .filter_map(|(name, known)| of_users(judged, profile, name, |row| row.has_history == known))
        .collect()
}

/// Users by the number of their training events.
pub(crate) fn by_user_events(judged: &Judged<'_>, profile: Profile) -> Vec<Segment> {
    [
        ("0", 0..=0),
        ("1 to 5", 1..=5),
        ("6 to 20", 6..=20),
        ("21 to 50", 21..=50),
        ("51 to 100", 51..=100),
        ("101 to 200", 101..=200),
        ("201 and more", 201..=u32::MAX),
    ]
    .into_iter()
    .filter_map(|(name, events)| {
        of_users(judged, profile, name, |row| events.contains(&row.train_events))
    })
    .collect()
}

/// Users by the time since their first event.
pub(crate) fn by_user_age(judged: &Judged<'_>, profile: Profile) -> Vec<Segment> {
    let of =
        |(age, name): (usize, &&str)| of_users(judged, profile, name, |row| row.user_age == age);
    USER_AGES.iter().enumerate().filter_map(of).collect()
}

/// Held-out items by their age at the request.
pub(crate) fn by_item_age(judged: &Judged<'_>) -> Vec<Segment> {
    let wanted = &judged.tallies.held_out_by_age;
    let segment = |(bucket, name): (usize, &&str)| {
        let hits = judged.tallies.lists.iter().map(|tally| tally.hits_by_age[bucket]);
        Segment {
            name: (*name).to_owned(),
            count: wanted[bucket],
            recall: named(judged, hits.map(|hits| ratio(hits, wanted[bucket]))),
        }
    };
    ITEM_AGES.iter().enumerate().filter(|(at, _)| wanted[*at] > 0).map(segment).collect()
}

/// Held-out items by the scene of the event, in the order of the data set; none where no event
/// names a scene.
pub(crate) fn by_scene(judged: &Judged<'_>) -> Vec<Segment> {
    let wanted = &judged.tallies.held_out_by_scene;
    let names = judged.asker.train.scenes().iter().map(String::as_str).chain(["no scene"]);
    if wanted.split_last().is_none_or(|(_, scenes)| scenes.iter().all(|count| *count == 0)) {
        return Vec::new();
    }
    let segment = |(bucket, name): (usize, &str)| {
        let hits = judged.tallies.lists.iter().map(|tally| tally.hits_by_scene[bucket]);
        Segment {
            name: name.to_owned(),
            count: wanted[bucket],
            recall: named(judged, hits.map(|hits| ratio(hits, wanted[bucket]))),
        }
    };
    names.enumerate().filter(|(bucket, _)| wanted[*bucket] > 0).map(segment).collect()
}

/// The mean recall of the users for whom `test` holds; `None` for nobody.
fn of_users(
    judged: &Judged<'_>,
    profile: Profile,
    name: &str,
    test: impl Fn(&UserRow) -> bool,
) -> Option<Segment> {
    let rows: Vec<&UserRow> = judged.rows.iter().filter(|row| test(row)).collect();
    let handover = judged.asker.plan.handover;
    let mean = |list| {
        let sum: f64 = rows.iter().map(|row| judged.recall(row, profile, list, handover)).sum();
        sum / rows.len() as f64
    };
    (!rows.is_empty()).then(|| Segment {
        name: name.to_owned(),
        count: rows.len() as u64,
        recall: named(judged, (0..=judged.channel_count()).map(mean)),
    })
}

fn named(judged: &Judged<'_>, recalls: impl Iterator<Item = f64>) -> Vec<ListRecall> {
    let lists = judged.names().into_iter().chain(["merged".to_owned()]);
    lists.zip(recalls).map(|(list, recall)| ListRecall { list, recall }).collect()
}
