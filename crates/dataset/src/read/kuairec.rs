//! KuaiRec 2.0 as published: Gao et al., "KuaiRec: A Fully-Observed Dataset and Insights for
//! Evaluating Recommender Systems", CIKM 2022.
//!
//! The log is `big_matrix.csv`, or `small_matrix.csv` where that is not there (of both, the big one
//! alone is read: the small one is other users shown nearly every video). Each row is a play: see
//! `short_video`. About 4 % of the small matrix have no time and are bad rows: `--max-bad-rows
//! 0.05` lets them pass. Videos come from `item_categories.csv` (`feat`, the tags) and the first
//! row of each video in `item_daily_features.csv`; daily counts are left aside, for they tell of
//! days after the event. Users come from `user_features.csv`. All but the log may be absent.

use std::collections::HashMap;

use super::ReadOutcome;
use super::builder::ItemFacts;
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::reading::Reading;
use super::short_video::{Play, VideoColumns, amount, kinds, read_users, table};
use crate::bad_rows::BadField;

const TEXTS: [&str; 6] =
    ["video_type", "upload_type", "visible_status", "music_id", "video_tag_id", "video_tag_name"];
const NUMBERS: [&str; 3] = ["video_duration", "video_width", "video_height"];

pub(crate) fn read(mut reading: Reading<'_>) -> Result<ReadOutcome, ReadError> {
    let there = |name: &str| reading.folder.join(name).exists();
    let log = if there("big_matrix.csv") { "big_matrix.csv" } else { "small_matrix.csv" };
    if !there(log) {
        let wanted = "KuaiRec has its events there, or in small_matrix.csv".to_owned();
        return Err(ReadError::Missing { path: reading.folder.join("big_matrix.csv"), wanted });
    }
    let [has_tags, has_features, has_users] =
        ["item_categories.csv", "item_daily_features.csv", "user_features.csv"].map(there);
    let tags = if has_tags { read_tags(&mut reading)? } else { Tags::default() };
    if has_features {
        read_features(&mut reading, &tags)?;
    }
    for (id, own) in &tags.in_order {
        if !reading.builder.knows_item(id) {
            let item = ItemFacts { tags: of_list(own), ..ItemFacts::bare(id) };
            // Checked when its row was read.
            let _ = reading.builder.add_item_row("video_id", &item);
        }
    }
    if has_users {
        read_users(&mut reading, "user_features.csv")?;
    }
    read_log(&mut reading, log)?;
    let (kinds, _) = kinds(&reading)?;
    let path = reading.folder.join(log);
    reading.finish(kinds, &path)
}

/// The tags of each video, as written.
#[derive(Default)]
struct Tags {
    in_order: Vec<(String, String)>,
    by_id: HashMap<String, usize>,
}

/// The tags of a list such as `[27, 9]`.
fn of_list(list: &str) -> Vec<&str> {
    field::pieces(list.trim().trim_start_matches('[').trim_end_matches(']'), ",")
}

fn read_tags(reading: &mut Reading<'_>) -> Result<Tags, ReadError> {
    let mut categories = table(reading, "item_categories.csv")?;
    let (id, feat) = (categories.column("video_id")?, categories.column("feat")?);
    let mut tags = Tags::default();
    while let Some(row) = categories.next()? {
        let row = row.and_then(|row| {
            let (id, list) = (row.text(id)?, row.text(feat)?);
            field::check_id("video_id", id)?;
            for tag in of_list(list) {
                field::tag("feat", tag)?;
            }
            if tags.by_id.contains_key(id) {
                return Err(BadField::new("video_id", "an id not given before", id));
            }
            tags.by_id.insert(id.to_owned(), tags.in_order.len());
            tags.in_order.push((id.to_owned(), list.to_owned()));
            Ok(())
        });
        reading.count(categories.place(), row);
    }
    Ok(tags)
}

fn read_features(reading: &mut Reading<'_>, tags: &Tags) -> Result<(), ReadError> {
    let mut videos = table(reading, "item_daily_features.csv")?;
    let columns = VideoColumns::of(&videos, reading, &TEXTS, &NUMBERS)?;
    while let Some(row) = videos.next()? {
        let row = row.and_then(|row| {
            let id = columns.id(&row)?;
            if reading.builder.knows_item(id) {
                return Ok(());
            }
            let own = tags.by_id.get(id).map(|at| tags.in_order[*at].1.as_str());
            columns.add(reading, &row, own.map(of_list).unwrap_or_default())
        });
        reading.count(videos.place(), row);
    }
    Ok(())
}

fn read_log(reading: &mut Reading<'_>, name: &str) -> Result<(), ReadError> {
    let (kinds, watch) = kinds(reading)?;
    let now = reading.options.now;
    let mut log = table(reading, name)?;
    let (user, item) = (log.column("user_id")?, log.column("video_id")?);
    let (played, length) = (log.column("play_duration")?, log.column("video_duration")?);
    let time = log.column("timestamp")?;
    while let Some(row) = log.next()? {
        let row = row.and_then(|row| {
            let play = Play {
                user: row.text(user)?,
                item: row.text(item)?,
                time: field::event_time("timestamp", row.text(time)?, TimeUnit::Seconds, now)?,
                scene: None,
                played_ms: amount(&row, played)?,
                length_ms: amount(&row, length)?,
                clicked: false,
            };
            play.add(reading, (&kinds, watch), std::iter::empty())
        });
        reading.count(log.place(), row);
    }
    Ok(())
}
