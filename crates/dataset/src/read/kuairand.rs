//! KuaiRand (Pure, 1K and 27K) as published: Gao et al., "KuaiRand: An Unbiased Sequential
//! Recommendation Dataset with Randomly Exposed Videos", CIKM 2022.
//!
//! `log_standard_*.csv` and `log_random_*.csv` hold the log (all of them are read, in order of
//! their names), `video_features_basic_*.csv` the videos, `user_features_*.csv`, where it is there,
//! the users. What a row becomes: see `short_video`. `tab` is the scene (`tab-0`, `tab-1` ...).
//! A row that was neither clicked nor played is an exposure; `is_click` alone would not do, for in
//! the single-column feed videos play by themselves. Other files of a folder are left aside, such
//! as a partial copy's `user_sequences.tsv`, whose history has no times.

use super::ReadOutcome;
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::reading::Reading;
use super::short_video::{
    ACTIONS, Play, VideoColumns, amount, files, kinds, plain, read_users, table,
};

const TEXTS: [&str; 5] = ["video_type", "upload_type", "visible_status", "music_id", "music_type"];
const NUMBERS: [&str; 3] = ["video_duration", "server_width", "server_height"];

pub(crate) fn read(mut reading: Reading<'_>) -> Result<ReadOutcome, ReadError> {
    let missing = |name: &str, wanted: &str| ReadError::Missing {
        path: reading.folder.join(name),
        wanted: wanted.to_owned(),
    };
    let videos = files(reading.folder, &["video_features_basic_"])?;
    if videos.is_empty() {
        return Err(missing("video_features_basic_*.csv", "KuaiRand has its videos there"));
    }
    let logs = files(reading.folder, &["log_standard_", "log_random_"])?;
    let Some(first) = logs.first() else {
        return Err(missing("log_standard_*.csv", "KuaiRand has its events there"));
    };
    let path = reading.folder.join(first);
    for name in &videos {
        read_videos(&mut reading, name)?;
    }
    for name in files(reading.folder, &["user_features_"])? {
        read_users(&mut reading, &name)?;
    }
    for name in &logs {
        read_log(&mut reading, name)?;
    }
    let (kinds, _) = kinds(&reading)?;
    reading.finish(kinds, &path)
}

fn read_videos(reading: &mut Reading<'_>, name: &str) -> Result<(), ReadError> {
    let mut videos = table(reading, name)?;
    let tag = videos.column("tag")?;
    let columns = VideoColumns::of(&videos, reading, &TEXTS, &NUMBERS)?;
    while let Some(row) = videos.next()? {
        let row = row.and_then(|row| {
            let tags = row.optional(Some(tag))?.map(|text| field::pieces(text, ","));
            let tags = tags.unwrap_or_default().into_iter().map(plain).collect();
            columns.add(reading, &row, tags)
        });
        reading.count(videos.place(), row);
    }
    Ok(())
}

fn read_log(reading: &mut Reading<'_>, name: &str) -> Result<(), ReadError> {
    let (kinds, watch) = kinds(reading)?;
    let now = reading.options.now;
    let mut log = table(reading, name)?;
    let [user, item, time, click] =
        ["user_id", "video_id", "time_ms", "is_click"].map(|name| log.column(name));
    let (user, item, time, click) = (user?, item?, time?, click?);
    let (played, length) = (log.column("play_time_ms")?, log.column("duration_ms")?);
    let tab = log.column("tab")?;
    let mut actions = Vec::new();
    for (column, kind) in ACTIONS {
        actions.push((log.column(column)?, kind));
    }
    let mut scene = String::new();
    while let Some(row) = log.next()? {
        let row = row.and_then(|row| {
            let time_text = row.text(time)?;
            scene.clear();
            let tab = row.optional(Some(tab))?.map(|tab| {
                scene.push_str("tab-");
                scene.push_str(plain(tab.trim()));
                scene.as_str()
            });
            let play = Play {
                user: row.text(user)?,
                item: row.text(item)?,
                time: field::event_time("time_ms", time_text, TimeUnit::Milliseconds, now)?,
                scene: tab,
                played_ms: amount(&row, played)?,
                length_ms: amount(&row, length)?,
                clicked: amount(&row, click)? > 0.0,
            };
            let mut done = [None; ACTIONS.len()];
            for (done, (column, kind)) in done.iter_mut().zip(&actions) {
                *done = (amount(&row, *column)? > 0.0).then_some(*kind);
            }
            play.add(reading, (&kinds, watch), done.into_iter().flatten())
        });
        reading.count(log.place(), row);
    }
    Ok(())
}
