//! Guards that a written simulation is the one in memory, and behaves as its description says.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, TimestampMillisecondType};
use gannet_core::{Interaction, ItemIndex, Silent, Timestamp, UserIndex};
use gannet_dataset::{
    Dataset, Simulation, SimulationError, SimulationOptions, StoreError, TruePreference,
    TruthMismatch, ingest, ingest_with_truth, open, open_truth, read_truth, simulate,
    write_simulation,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

fn options() -> SimulationOptions {
    SimulationOptions {
        user_count: 1_500,
        item_count: 20_000,
        event_count: 90_000,
        days: 30,
        ..SimulationOptions::default()
    }
}

type Row = (String, String, String, u32, i64, String);

/// Rows of `events.parquet`, in file order.
fn rows(folder: &Path) -> Vec<Row> {
    let file = File::open(folder.join("events.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let text = |name: &str, at: usize| {
            batch.column_by_name(name).unwrap().as_string::<i32>().value(at).to_owned()
        };
        let values = batch.column_by_name("value").unwrap().as_primitive::<Float32Type>();
        let times =
            batch.column_by_name("time").unwrap().as_primitive::<TimestampMillisecondType>();
        for at in 0..batch.num_rows() {
            let (user, item) = (text("user", at), text("item", at));
            let (kind, scene) = (text("kind", at), text("scene", at));
            rows.push((user, item, kind, values.value(at).to_bits(), times.value(at), scene));
        }
    }
    rows
}

fn row_of(dataset: &Dataset, user: UserIndex, event: &Interaction) -> Row {
    (
        dataset.users.get(user.0).to_owned(),
        dataset.catalogue.id(event.item).to_owned(),
        dataset.kinds.kind(event.kind).name.clone(),
        event.value.to_bits(),
        event.time.unwrap().0,
        dataset.scenes[usize::from(event.scene.unwrap().0)].clone(),
    )
}

fn events_of(dataset: &Dataset) -> impl Iterator<Item = (UserIndex, &Interaction)> {
    dataset.events.users.iter().copied().zip(&dataset.events.interactions)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn equal_options_give_equal_bytes_on_any_number_of_threads_and_those_of_the_one_in_memory() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let folder = place.path().join(name);
        let written = pool.install(|| write_simulation(&options(), &folder, &Silent)).unwrap();
        (folder, written)
    };
    let ((one, written), (five, again)) = (write("one", 1), write("five", 5));
    assert_eq!(written, again);
    assert_eq!((written.items, written.users, written.events), (20_000, 1_500, 90_000));
    let names = ["events.parquet", "gannet.toml", "items.parquet", "truth.json", "users.parquet"];
    assert_eq!(names_in(&one), names);
    for name in names {
        let (one, five) = (fs::read(one.join(name)).unwrap(), fs::read(five.join(name)).unwrap());
        assert!(one == five, "{name} differs");
    }
    let made = simulate(&options(), &Silent).unwrap();
    let mut written = rows(&one);
    written
        .sort_by_key(|row| (row.0.strip_prefix("user-").unwrap().parse::<u32>().unwrap(), row.4));
    let in_memory: Vec<Row> =
        events_of(&made.dataset).map(|(user, event)| row_of(&made.dataset, user, event)).collect();
    assert!(written == in_memory);
    assert_eq!(read_truth(&one).unwrap(), made.truth);
    assert_eq!(read_truth(&one.join("truth.json")).unwrap(), made.truth);
}

/// Mean of something over events.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Events of one list: a run of one user and scene without a long pause.
fn lists(dataset: &Dataset) -> Vec<Vec<Interaction>> {
    let mut lists: Vec<(UserIndex, Vec<Interaction>)> = Vec::new();
    for (user, event) in events_of(dataset) {
        let follows = |last: &Interaction| {
            last.scene == event.scene && event.time.unwrap().0 - last.time.unwrap().0 < 60_000
        };
        match lists.last_mut() {
            Some((same, list)) if *same == user && list.last().is_some_and(follows) => {
                list.push(*event);
            }
            _ => lists.push((user, vec![*event])),
        }
    }
    lists.into_iter().map(|(_, list)| list).collect()
}

#[test]
fn distributions_are_those_of_the_description() {
    let Simulation { dataset, truth } = simulate(&options(), &Silent).unwrap();
    let kind = |event: &Interaction| dataset.kinds.kind(event.kind).name.as_str();
    let strength = |event: &Interaction| dataset.kinds.strength(event.kind, event.value);
    // Position bias: the first places are looked at about twice as often as the eighth.
    let lists = lists(&dataset);
    let looked = |place: usize| {
        let there = lists.iter().filter_map(|list| list.get(place));
        mean(there.map(|event| f64::from(u8::from(kind(event) != "exposure"))))
    };
    let (first, fourth, eighth) = (looked(0), looked(3), looked(7));
    assert!(
        first > 0.85 && first > 1.6 * fourth && fourth > 1.2 * eighth,
        "{first} {fourth} {eighth}"
    );
    let share = |of: &dyn Fn(&Interaction) -> bool| {
        mean(events_of(&dataset).map(|(_, event)| f64::from(u8::from(of(event)))))
    };
    let exposed = share(&|event| kind(event) == "exposure");
    let positive = share(&|event| strength(event) > 0.0);
    let skipped = share(&|event| kind(event) == "watch" && strength(event) < 0.0);
    let disliked = share(&|event| kind(event) == "dislike");
    let all =
        format!("{exposed:.3} exposed {positive:.3} positive {skipped:.3} skipped {disliked:.3}");
    assert!((0.4..0.65).contains(&exposed) && (0.2..0.5).contains(&positive), "{all}");
    assert!((0.003..0.2).contains(&skipped) && (0.001..0.1).contains(&disliked), "{all}");
    // What is liked was truly preferred.
    let liked_as = |wanted: bool| {
        let looked = events_of(&dataset).filter(|(_, event)| kind(event) != "exposure");
        mean(looked.filter(|(_, event)| (strength(event) > 0.0) == wanted).map(|(user, event)| {
            f64::from(truth.preference(user, event.item, event.time.unwrap()))
        }))
    };
    assert!(liked_as(true) > liked_as(false) + 0.2, "{} {}", liked_as(true), liked_as(false));
    // Every scene, and nothing before its publication, after its end, or twice for one user.
    let scenes: BTreeSet<u8> =
        events_of(&dataset).map(|(_, event)| event.scene.unwrap().0).collect();
    assert_eq!(scenes.len(), dataset.scenes.len());
    let mut seen = BTreeSet::new();
    for (user, event) in events_of(&dataset) {
        assert!(seen.insert((user.0, event.item.0)), "{user:?} was shown {:?} twice", event.item);
        assert!(event.time >= dataset.catalogue.published(event.item));
        let slack = 14 * 60_000;
        let end = dataset.catalogue.expires(event.item);
        assert!(end.is_none_or(|end| event.time.unwrap().0 < end.0 + slack));
    }
}

#[test]
fn new_items_come_all_the_time_and_are_shown_and_the_rich_do_not_get_everything() {
    let options = options();
    let dataset = simulate(&options, &Silent).unwrap().dataset;
    let (start, day) = (options.start.0, 86_400_000);
    let mut published = BTreeMap::<i64, u32>::new();
    for item in dataset.catalogue.indices() {
        let moment = dataset.catalogue.published(item).unwrap().0 - start;
        *published.entry(moment.div_euclid(day)).or_default() += 1;
    }
    assert_eq!((published.keys().next(), published.keys().last()), (Some(&-30), Some(&29)));
    assert!(published.range(0..).all(|(_, count)| (240..300).contains(count)), "{published:?}");
    let mut shown = vec![0u32; dataset.catalogue.len()];
    dataset.events.interactions.iter().for_each(|event| shown[event.item.at()] += 1);
    let young = |event: &&Interaction| {
        let born = dataset.catalogue.published(event.item).unwrap();
        event.time.unwrap().0 - born.0 < day
    };
    let young = dataset.events.interactions.iter().filter(young).count() as f64 / 90_000.0;
    assert!((0.05..0.4).contains(&young), "{young} of the events are on items of the last day");
    let born_in_span = |item: &ItemIndex| dataset.catalogue.published(*item).unwrap().0 >= start;
    let of_span: Vec<ItemIndex> = dataset.catalogue.indices().filter(born_in_span).collect();
    let met = of_span.iter().filter(|item| shown[item.at()] > 0).count() as f64;
    assert!(met / of_span.len() as f64 > 0.6, "{met} of {}", of_span.len());
    shown.sort_unstable_by(|a, b| b.cmp(a));
    let top: u32 = shown[..200].iter().sum();
    let share = f64::from(top) / 90_000.0;
    assert!((0.05..0.5).contains(&share), "the first percent of the items has {share:.3}");
}

#[test]
fn a_few_authors_have_many_items_about_few_things() {
    let dataset = simulate(&options(), &Silent).unwrap().dataset;
    let catalogue = &dataset.catalogue;
    let mut tags_of = BTreeMap::<u32, BTreeMap<u32, u32>>::new();
    for item in catalogue.indices() {
        let tags = tags_of.entry(catalogue.author(item).unwrap()).or_default();
        *tags.entry(catalogue.tags(item)[0]).or_default() += 1;
    }
    let mut counts: Vec<(u32, u32)> =
        tags_of.values().map(|tags| (tags.values().sum(), *tags.values().max().unwrap())).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let (most, about_one) = counts[0];
    assert!(most > 20 * counts[counts.len() / 2].0, "{most} of the first author");
    assert!(f64::from(about_one) > 0.6 * f64::from(most));
    assert_eq!(catalogue.fields().len(), 3);
    assert_eq!(dataset.user_fields.row(0).len(), 3);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let field = |change: fn(&mut SimulationOptions)| {
        let mut changed = options();
        change(&mut changed);
        match simulate(&changed, &Silent) {
            Err(SimulationError::Option { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(field(|options| options.item_count = 0), "items");
    assert_eq!(field(|options| options.user_count = 0), "users");
    assert_eq!(field(|options| options.event_count = 0), "events");
    assert_eq!(field(|options| options.event_count = 1_500 * 6_666 + 1), "events");
    assert_eq!(field(|options| options.days = 0), "days");
    assert_eq!(field(|options| options.days = 4_000), "days");
    let least = SimulationOptions {
        user_count: 1,
        item_count: 1,
        event_count: 1,
        days: 1,
        ..SimulationOptions::default()
    };
    let dataset = simulate(&least, &Silent).unwrap().dataset;
    assert_eq!(dataset.events.users.len(), 1);
}

#[test]
fn a_refused_folder_is_left_as_it_was_and_nothing_half_written_stays() {
    let place = tempfile::tempdir().unwrap();
    let small = SimulationOptions { event_count: 3_000, ..options() };
    let theirs = place.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("letter"), "dear").unwrap();
    let refused = write_simulation(&small, &theirs, &Silent).unwrap_err();
    assert!(matches!(refused, SimulationError::Foreign { .. }), "{refused}");
    assert_eq!(
        (names_in(&theirs), names_in(place.path())),
        (vec!["letter".into()], vec!["theirs".into()])
    );
    // A file where the parent should be: the disk refuses, whoever runs this.
    let below = theirs.join("letter/deep");
    let error = write_simulation(&small, &below, &Silent).unwrap_err();
    assert!(
        matches!(error, SimulationError::Disk { .. } | SimulationError::Foreign { .. }),
        "{error}"
    );
    assert_eq!(names_in(&theirs), ["letter"]);
    // An older simulation stays where the options are refused, and is replaced by a newer one.
    let ours = place.path().join("ours");
    write_simulation(&small, &ours, &Silent).unwrap();
    let nothing = SimulationOptions { item_count: 0, ..small.clone() };
    assert!(write_simulation(&nothing, &ours, &Silent).is_err());
    assert_eq!(read_truth(&ours).unwrap().options(), &small);
    let other = SimulationOptions { seed: 9, ..small };
    write_simulation(&other, &ours, &Silent).unwrap();
    assert_eq!(read_truth(&ours).unwrap().options(), &other);
    assert_eq!(names_in(place.path()), ["ours", "theirs"]);
}

#[test]
fn a_truth_file_that_makes_no_sense_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("truth.json");
    for text in ["", "{}", r#"{"format":"other","version":1,"options":{},"kinds":[]}"#] {
        fs::write(&path, text).unwrap();
        assert!(matches!(read_truth(&path), Err(SimulationError::Contents { .. })), "{text}");
    }
    assert!(matches!(read_truth(&place.path().join("none")), Err(SimulationError::Disk { .. })));
}

fn few() -> SimulationOptions {
    SimulationOptions { user_count: 30, item_count: 90, event_count: 400, ..options() }
}

#[test]
fn a_stored_data_set_keeps_its_truth_and_damage_to_it_is_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("kept");
    let made = simulate(&few(), &Silent).unwrap();
    let manifest = ingest_with_truth(&made.dataset, Some(&made.truth), &folder).unwrap();
    assert!(manifest.files.iter().any(|file| file.name == "truth.json" && file.rows == 0));
    assert_eq!(open_truth(&folder).unwrap().as_ref(), Some(&made.truth));
    assert_eq!(open(&folder).unwrap().catalogue.len(), 90);
    let path = folder.join("truth.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let error = open_truth(&folder).unwrap_err();
    assert!(matches!(&error, StoreError::Length { path: at, .. } if *at == path), "{error}");
    fs::write(&path, text.replace("\"seed\": 1", "\"seed\": 2")).unwrap();
    let error = open_truth(&folder).unwrap_err();
    assert!(matches!(&error, StoreError::Checksum { path: at, .. } if *at == path), "{error}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(open_truth(&folder), Err(StoreError::MissingFile { .. })));
    ingest(&made.dataset, &folder).unwrap();
    assert_eq!(open_truth(&folder).unwrap(), None);
}

#[test]
fn a_truth_of_another_catalogue_or_of_other_users_is_not_stored() {
    let place = tempfile::tempdir().unwrap();
    let made = simulate(&few(), &Silent).unwrap();
    let mismatch = |options: SimulationOptions| {
        let truth = TruePreference::of(&options).unwrap();
        let folder = place.path().join("none");
        let error = ingest_with_truth(&made.dataset, Some(&truth), &folder).unwrap_err();
        assert!(error.to_string().contains("truth.json"), "{error}");
        assert!(!folder.exists(), "nothing is stored");
        truth.check(&made.dataset.catalogue, made.dataset.users.iter()).unwrap_err()
    };
    let fewer = mismatch(SimulationOptions { item_count: 89, ..few() });
    assert_eq!(fewer, TruthMismatch::ItemCount { truth: 89, found: 90 });
    let other = mismatch(SimulationOptions { seed: 2, ..few() });
    assert_eq!(other, TruthMismatch::Published { id: "item-1".to_owned() });
    let users = mismatch(SimulationOptions { user_count: 29, ..few() });
    assert_eq!(users, TruthMismatch::User { id: "user-30".to_owned() });
    assert!(made.truth.check(&made.dataset.catalogue, ["user-30"]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_best_are_those_of_a_full_sort(
        seed: u64,
        user in 0u32..50,
        k in 0usize..80,
        day in -5i64..40,
    ) {
        let small = SimulationOptions {
            user_count: 50, item_count: 300, event_count: 500, days: 30, seed,
            ..SimulationOptions::default()
        };
        let truth = TruePreference::of(&small).unwrap();
        let (user, moment) = (UserIndex(user), Timestamp(small.start.0 + day * 86_400_000));
        let among: Vec<ItemIndex> = truth.shown_at(moment).collect();
        let mut sorted = among.clone();
        let preference = |item: ItemIndex| truth.preference(user, item, moment);
        sorted.sort_by(|a, b| preference(*b).total_cmp(&preference(*a)).then(a.cmp(b)));
        sorted.truncate(k);
        prop_assert_eq!(truth.best(user, moment, k, among), sorted);
        prop_assert_eq!(truth.find_item("item-7"), Some(ItemIndex(6)));
        let unknown = ["item-0", "item-301", "item-007", "item-+7", "7"];
        let unknown = unknown.map(|id| truth.find_item(id));
        prop_assert!(unknown.iter().all(Option::is_none));
    }
}
