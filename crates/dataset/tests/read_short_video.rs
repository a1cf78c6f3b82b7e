//! KuaiRand and KuaiRec as they are published, in small; and the real thing where it is at hand.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};

use gannet_core::{FieldValue, Silent, Timestamp};
use gannet_dataset::{
    Dataset, Format, NoSettings, ReadError, ReadOptions, ReadOutcome, Source, read,
    short_video_kinds,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn try_read(folder: &Path, format: Format, share: f64) -> Result<ReadOutcome, ReadError> {
    let mut options = ReadOptions::new("videos", NOW);
    options.bad_rows_share_max = share;
    read(&Source { folder: folder.to_owned(), format }, &options, &Silent)
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Events as (user, item, kind, value, scene, strength).
fn rows(dataset: &Dataset) -> Vec<(&str, &str, &str, f32, &str, f32)> {
    let events = dataset.events.users.iter().zip(&dataset.events.interactions);
    events
        .map(|(user, event)| {
            let scene = event.scene.map_or("", |scene| &dataset.scenes[usize::from(scene.0)]);
            let kind = dataset.kinds.kind(event.kind).name.as_str();
            let strength = dataset.kinds.strength(event.kind, event.value);
            let item = dataset.catalogue.id(event.item);
            (dataset.users.get(user.0), item, kind, event.value, scene, strength)
        })
        .collect()
}

const LOG: &str = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,\
    is_forward,is_hate,long_view,play_time_ms,duration_ms,profile_stay_time,comment_stay_time,\
    is_profile_enter,is_rand,tab\n";
const VIDEOS: &str = "video_id,author_id,video_type,upload_dt,upload_type,visible_status,\
    video_duration,server_width,server_height,music_id,music_type,tag\n";

#[test]
fn kuairand_plays_exposures_and_actions_become_events() {
    let log = format!(
        "{LOG}1,5,20220425,0,1000,1,0,0,0,0,0,1,9000,9000,0,0,0,0,1\n\
         1,6,20220425,0,2000,0,0,0,0,0,0,0,1000,60000,0,0,0,0,0\n\
         1,7,20220425,0,3000,0,0,0,0,0,0,0,0,60000,0,0,0,0,1\n\
         1,5,20220425,0,4000,1,1,0,0,0,1,0,9000,0,0,0,0,0,1\n"
    );
    let random =
        format!("{LOG}2,5,20220425,0,900,1,0,1,1,1,0,1,90000,9000,0,0,0,1,4\n,5,1,1,1,1\n");
    let videos = format!(
        "{VIDEOS}5,77,NORMAL,2022-04-10,Web,0.0,9000.0,720.0,1280.0,915,9.0,\"39,2\"\n\
         9,,AD,,Web,0.0,,720.0,1280.0,,,\n"
    );
    let users = "user_id,user_active_degree,follow_user_num,onehot_feat1\n2,full_active,5,3.0\n\
                 8,,0,\n";
    let folder = folder(&[
        ("log_standard_4_22_to_5_08_1k.csv", &log),
        ("log_random_4_22_to_5_08_1k.csv", &random),
        ("video_features_basic_1k.csv", &videos),
        ("video_features_statistic_1k.csv", "not,looked,at\n"),
        ("user_features_1k.csv", users),
    ]);
    let outcome = try_read(folder.path(), Format::Kuairand(NoSettings {}), 1.0).unwrap();
    assert_eq!(outcome.bad_rows.count(), 1);
    assert!(
        outcome.bad_rows.first()[0].to_string().starts_with("log_random_4_22_to_5_08_1k.csv:3")
    );
    let dataset = &outcome.dataset;
    assert_eq!(
        rows(dataset),
        [
            ("1", "5", "watch", 1.0, "tab-1", 1.0),
            ("1", "6", "watch", 1000.0 / 18_000.0, "tab-0", -1.0),
            ("1", "7", "exposure", 1.0, "tab-1", 0.0),
            ("1", "5", "watch", 0.5, "tab-1", 0.0),
            ("1", "5", "like", 1.0, "tab-1", 2.0),
            ("1", "5", "dislike", 1.0, "tab-1", -1.0),
            ("2", "5", "watch", 10.0, "tab-4", 1.0),
            ("2", "5", "follow", 1.0, "tab-4", 2.0),
            ("2", "5", "comment", 1.0, "tab-4", 1.0),
            ("2", "5", "forward", 1.0, "tab-4", 2.0),
        ]
    );
    let video = dataset.catalogue.item(dataset.catalogue.find("5").unwrap());
    assert_eq!(video.author.as_deref(), Some("77"));
    assert_eq!(video.tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["39", "2"]);
    assert_eq!(video.published, Some(Timestamp(1_649_548_800_000)));
    let field = |name: &str| &video.fields.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(field("music_type"), &FieldValue::Text("9".into()));
    assert_eq!(field("video_duration"), &FieldValue::Number(9000.0));
    let other = dataset.catalogue.item(dataset.catalogue.find("9").unwrap());
    assert_eq!((other.author, other.published, other.tags.len()), (None, None, 0));
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["1", "2", "8"]);
    let degree = dataset.user_fields.find("user_active_degree").unwrap();
    assert_eq!(dataset.user_fields.text(degree, 1), Some("full_active"));
    let follows = dataset.user_fields.find("follow_user_num").unwrap();
    assert_eq!(dataset.user_fields.number(follows, 2), Some(0.0));
    assert_eq!(dataset.kinds, short_video_kinds());
}

#[test]
fn kuairand_without_its_files_or_columns_says_which() {
    let format = || Format::Kuairand(NoSettings {});
    let error = try_read(folder(&[]).path(), format(), 0.0).unwrap_err().to_string();
    assert!(error.contains("video_features_basic_*.csv"), "{error}");
    let videos: (&str, &str) = ("video_features_basic_pure.csv", VIDEOS);
    let error = try_read(folder(&[videos]).path(), format(), 0.0).unwrap_err().to_string();
    assert!(error.contains("log_standard_*.csv"), "{error}");
    let log = ("log_standard_x.csv", "user_id,video_id\n1,2\n");
    let error = try_read(folder(&[videos, log]).path(), format(), 0.0).unwrap_err().to_string();
    assert!(error.contains("no column \"time_ms\""), "{error}");
}

#[test]
fn kuairec_takes_tags_features_and_plays() {
    let folder = folder(&[
        (
            "big_matrix.csv",
            "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n\
             14,148,4381,6067,2020-07-05 05:27:48.378,20200705.0,1593898068.378,0.722\n\
             14,183,0,6100,2020-07-05 05:28:00.057,20200705.0,1593898080.057,0\n\
             14,148,5000,6100,,,,0.8\n",
        ),
        ("small_matrix.csv", "not looked at\n"),
        ("item_categories.csv", "video_id,feat\n148,\"[27, 9]\"\n500,[8]\n"),
        (
            "item_daily_features.csv",
            "video_id,date,author_id,video_type,upload_dt,upload_type,visible_status,\
             video_duration,video_width,video_height,music_id,video_tag_id,video_tag_name,\
             show_cnt\n\
             148,20200705,3309,NORMAL,2020-03-30,ShortImport,public,5966.0,720,1280,3350323409,\
             841,建筑,7\n148,20200706,3309,NORMAL,2020-03-30,ShortImport,public,,,,,,,9\n",
        ),
        ("user_features.csv", "user_id,user_active_degree,register_days\n14,full_active,107\n"),
    ]);
    let format = || Format::Kuairec(NoSettings {});
    let outcome = try_read(folder.path(), format(), 1.0).unwrap();
    assert_eq!(outcome.bad_rows.count(), 1, "a play without a time");
    let dataset = &outcome.dataset;
    let expected =
        [("14", "148", "watch", 4381.0 / 6067.0, "", 0.0), ("14", "183", "exposure", 1.0, "", 0.0)];
    assert_eq!(rows(dataset), expected);
    assert_eq!(dataset.events.interactions[0].time, Some(Timestamp(1_593_898_068_378)));
    let video = dataset.catalogue.item(dataset.catalogue.find("148").unwrap());
    assert_eq!(video.tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["27", "9"]);
    assert_eq!(video.author.as_deref(), Some("3309"));
    assert!(video.fields.contains(&("video_tag_name".into(), FieldValue::Text("建筑".into()))));
    let bare = dataset.catalogue.item(dataset.catalogue.find("500").unwrap());
    assert_eq!((bare.tags.len(), bare.author), (1, None));
    fs::remove_file(folder.path().join("big_matrix.csv")).unwrap();
    assert!(try_read(folder.path(), format(), 1.0).is_err(), "the small matrix is no table");
    fs::remove_file(folder.path().join("small_matrix.csv")).unwrap();
    let error = try_read(folder.path(), format(), 1.0).unwrap_err().to_string();
    assert!(error.contains("big_matrix.csv"), "{error}");
}

#[test]
fn the_real_part_of_kuairand_is_read_without_a_bad_row() {
    let Some(folder) = std::env::var_os("GANNET_DATA")
        .map(|data| PathBuf::from(data).join("kuairand-pure-partial"))
        .filter(|folder| folder.exists())
    else {
        eprintln!("skipped: GANNET_DATA names no folder with kuairand-pure-partial");
        return;
    };
    let outcome = try_read(&folder, Format::Kuairand(NoSettings {}), 0.0).unwrap();
    let dataset = &outcome.dataset;
    assert_eq!(dataset.users.len(), 25_156);
    assert_eq!(dataset.catalogue.len(), 7_583);
    // 228,329 rows and 5,183 likes, follows, comments, forwards and dislikes.
    assert_eq!(dataset.events.users.len(), 233_512);
    assert_eq!(dataset.scenes.len(), 15);
    let of = |kind: &str| {
        let kind = dataset.kinds.index(kind).unwrap();
        dataset.events.interactions.iter().filter(|event| event.kind == kind).count()
    };
    assert_eq!((of("exposure"), of("like"), of("dislike")), (21_756, 3_915, 190));
    let watch = dataset.kinds.index("watch").unwrap();
    let long = |event: &&gannet_core::Interaction| event.kind == watch && event.value >= 1.0;
    // The log says 70,963 long views.
    let long = dataset.events.interactions.iter().filter(long).count() as f64;
    assert!((long / 70_963.0 - 1.0).abs() < 0.02, "{long}");
}
