//! Guards the round trip through a dataset folder, and that damage is named and never read.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field};
use gannet_core::{
    Catalogue, CatalogueBuilder, EventKind, EventKinds, FieldTable, FieldValue, Interaction, Item,
    ItemId, ItemIndex, KindIndex, Marks, SceneIndex, StringTable, TagPath, Timestamp, UserIndex,
};
use gannet_dataset::{
    Dataset, Events, StoreError, ingest, normal_form_checksum, open, read_manifest,
};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn kinds() -> EventKinds {
    EventKinds::new(vec![
        EventKind::new("rating", 1.0, Some(4.0)),
        EventKind {
            negative_below: Some(0.25),
            marks: Marks::Exposed,
            ..EventKind::new("ありがとう", 0.5, None)
        },
    ])
    .unwrap()
}

/// Some of two fields of text and one of numbers.
fn fields() -> impl Strategy<Value = Vec<(String, FieldValue)>> {
    let number = any::<f64>().prop_filter("a number is finite", |number| number.is_finite());
    let text = || prop::option::of(".{1,3}".prop_map(FieldValue::Text));
    let all = (text(), prop::option::of(number.prop_map(FieldValue::Number)), text());
    all.prop_map(|(music, length, city)| {
        let named = [("music", music), ("length", length), ("cité", city)];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let tag = prop_oneof![Just("a"), Just("a/b"), Just("a/b/c"), Just("d e/ü"), Just("z")];
    let one = (
        ".{0,8}",
        prop::collection::vec(tag, 0..4),
        prop::option::of(".{0,4}"),
        prop::option::of(any::<i64>()),
        (any::<bool>(), prop::option::of(any::<i64>())),
        fields(),
    );
    prop::collection::vec(one, 1..20).prop_map(|rows| {
        let mut items = Vec::new();
        for (at, (title, tags, author, published, shown, fields)) in rows.into_iter().enumerate() {
            let (available, expires) = shown;
            let id = ItemId::new(format!("é{at}\n\"")).unwrap();
            let tags = tags.into_iter().map(|tag| TagPath::new(tag).unwrap());
            let (mut distinct, published) = (Vec::new(), published.map(Timestamp));
            for tag in tags {
                if !distinct.contains(&tag) {
                    distinct.push(tag);
                }
            }
            items.push(Item {
                title,
                tags: distinct,
                author,
                published,
                available,
                expires: expires.map(Timestamp),
                fields,
                ..Item::bare(id)
            });
        }
        items
    })
}

fn events(item_count: u32) -> impl Strategy<Value = Events> {
    let finite = any::<f32>().prop_filter("a value is a number", |value| !value.is_nan());
    let (time, scene) = (prop::option::of(any::<i64>()), prop::option::of(0..2u8));
    let one = (0..5u32, 0..item_count, 0..2u8, finite, time, scene);
    prop::collection::vec(one, 0..60).prop_map(|rows| {
        let mut events = Events::default();
        for (user, item, kind, value, time, scene) in rows {
            let (item, kind, time) = (ItemIndex(item), KindIndex(kind), time.map(Timestamp));
            let scene = scene.map(SceneIndex);
            events.users.push(UserIndex(user));
            events.interactions.push(Interaction { item, kind, value, time, scene });
        }
        events
    })
}

fn datasets() -> impl Strategy<Value = Dataset> {
    let with_events = |items: Vec<Item>| {
        let count = items.len() as u32;
        let user_fields = prop::collection::vec(fields(), 5);
        (Just(items), user_fields, events(count), prop::option::of(events(count)))
    };
    items().prop_flat_map(with_events).prop_map(|(items, user_rows, events, test_events)| {
        let mut user_fields = FieldTable::new();
        for (user, row) in user_rows.iter().enumerate() {
            for (name, value) in row {
                user_fields.set(user, name, value).unwrap();
            }
        }
        let mut catalogue = CatalogueBuilder::new();
        for item in &items {
            catalogue.add(item).unwrap();
        }
        Dataset {
            name: "any name \u{1f426}".into(),
            catalogue: Arc::new(catalogue.finish()),
            users: Arc::new(["5", "1", "übung", " ", "none"].into_iter().collect::<StringTable>()),
            user_fields: Arc::new(user_fields),
            scenes: vec!["home".into(), "tab-1".into()],
            kinds: kinds(),
            events,
            test_events,
        }
    })
}

fn small() -> Dataset {
    let catalogue = CatalogueBuilder::new();
    let mut catalogue = catalogue;
    for item in 0..50 {
        catalogue.add(&Item::bare(ItemId::new(format!("i{item}")).unwrap())).unwrap();
    }
    let mut events = Events::default();
    for at in 0..500u32 {
        events.users.push(UserIndex(at % 7));
        let (item, kind) = (ItemIndex(at * 13 % 50), KindIndex(0));
        let time = Some(Timestamp(i64::from(at)));
        events.interactions.push(Interaction { item, kind, value: 4.0, time, scene: None });
    }
    Dataset {
        name: "small".into(),
        catalogue: Arc::new(catalogue.finish()),
        users: Arc::new((0..7).map(|user| format!("u{user}")).collect::<StringTable>()),
        user_fields: Arc::default(),
        scenes: Vec::new(),
        kinds: kinds(),
        events,
        test_events: None,
    }
}

fn edit_manifest(folder: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let path = folder.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_data_set_comes_back_as_it_went(dataset in datasets()) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("set");
        let manifest = ingest(&dataset, &folder).unwrap();
        prop_assert_eq!(&open(&folder).unwrap(), &dataset);
        prop_assert_eq!(&read_manifest(&folder).unwrap(), &manifest);
        prop_assert_eq!(manifest.files.len(), 3 + usize::from(dataset.test_events.is_some()));
        for file in &manifest.files {
            let bytes = fs::metadata(folder.join(&file.name)).unwrap().len();
            prop_assert_eq!(bytes, file.bytes);
        }
    }
}

#[test]
fn every_flipped_byte_of_a_file_is_found_by_its_checksum() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    ingest(&small(), &folder).unwrap();
    for name in ["items.parquet", "users.parquet", "events.parquet"] {
        let path = folder.join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 20) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let error = open(&folder).unwrap_err();
            assert!(matches!(error, StoreError::Checksum { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(open(&folder).unwrap(), small());
}

#[test]
fn a_truncated_or_missing_file_is_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    let manifest = ingest(&small(), &folder).unwrap();
    let path = folder.join("events.parquet");
    let whole = manifest.files.iter().find(|file| file.name == "events.parquet").unwrap().bytes;
    for bytes in [0, 1, whole / 2, whole - 1] {
        File::options().write(true).open(&path).unwrap().set_len(bytes).unwrap();
        let error = open(&folder).unwrap_err();
        let StoreError::Length { path: at, expected, found } = &error else { panic!("{error}") };
        assert_eq!((at, *expected, *found), (&path, whole, bytes));
    }
    fs::remove_file(&path).unwrap();
    assert!(
        matches!(open(&folder).unwrap_err(), StoreError::MissingFile { path: at } if at == path)
    );
}

#[test]
fn a_folder_that_is_no_data_set_is_refused_and_never_replaced() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("photos");
    assert!(matches!(open(&folder).unwrap_err(), StoreError::Missing { .. }));
    fs::create_dir(&folder).unwrap();
    assert!(matches!(open(&folder).unwrap_err(), StoreError::NotADataset { .. }));
    fs::write(folder.join("summer.jpg"), "precious").unwrap();
    assert!(matches!(ingest(&small(), &folder).unwrap_err(), StoreError::NotADataset { .. }));
    fs::write(folder.join("manifest.json"), "{\"name\": \"somebody else's\"}").unwrap();
    assert!(matches!(open(&folder).unwrap_err(), StoreError::BadManifest { .. }));
    assert!(matches!(ingest(&small(), &folder).unwrap_err(), StoreError::NotADataset { .. }));
    assert_eq!(fs::read_to_string(folder.join("summer.jpg")).unwrap(), "precious");
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(open(&file).unwrap_err(), StoreError::NotADataset { .. }));
    assert!(matches!(ingest(&small(), &file).unwrap_err(), StoreError::NotADataset { .. }));
}

#[test]
fn an_empty_manifest_is_told_from_a_wrong_one_and_can_be_written_again() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    ingest(&small(), &folder).unwrap();
    fs::write(folder.join("manifest.json"), "").unwrap();
    assert!(matches!(open(&folder).unwrap_err(), StoreError::EmptyManifest { .. }));
    ingest(&small(), &folder).unwrap();
    assert_eq!(open(&folder).unwrap(), small());
}

#[test]
fn a_newer_format_is_refused_and_left_untouched() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    ingest(&small(), &folder).unwrap();
    edit_manifest(&folder, |manifest| {
        manifest["format_version"] = 3.into();
        manifest["kinds"] = "of another shape".into();
    });
    let before = fs::read(folder.join("manifest.json")).unwrap();
    let error = open(&folder).unwrap_err();
    assert!(matches!(error, StoreError::NewerFormat { found: 3, known: 2, .. }), "{error}");
    assert!(ingest(&small(), &folder).is_err(), "a newer program's data was replaced");
    assert_eq!(fs::read(folder.join("manifest.json")).unwrap(), before);
}

/// A file of version 1, as the first release wrote it.
fn write_version_1(folder: &Path, name: &str, columns: Vec<(&str, bool, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, nullable, column)| (name, column, nullable)),
    )
    .unwrap();
    let file = File::create(folder.join(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_folder_of_version_1_is_still_read() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    fs::create_dir(&folder).unwrap();
    let text = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let times = |times: [Option<i64>; 2]| {
        let times = TimestampMillisecondArray::from(times.to_vec()).with_timezone("UTC");
        Arc::new(times) as ArrayRef
    };
    let tag = Field::new("item", DataType::Utf8, false);
    let mut tags = ListBuilder::new(StringBuilder::new()).with_field(tag);
    tags.append_value([Some("film/horror"), Some("space")]);
    tags.append_value(Vec::<Option<&str>>::new());
    let author = Arc::new(StringArray::from(vec![Some("Scott"), None])) as ArrayRef;
    write_version_1(
        &folder,
        "items.parquet",
        vec![
            ("id", false, text(&["1", "2"])),
            ("title", false, text(&["Alien", ""])),
            ("tags", false, Arc::new(tags.finish())),
            ("author", true, author),
            ("published", true, times([Some(-5), None])),
            ("available", false, Arc::new(BooleanArray::from(vec![true, false]))),
        ],
    );
    write_version_1(&folder, "users.parquet", vec![("id", false, text(&["a", "b"]))]);
    write_version_1(
        &folder,
        "events.parquet",
        vec![
            ("user", false, text(&["b", "a"])),
            ("item", false, text(&["1", "1"])),
            ("kind", false, text(&["rating", "rating"])),
            ("value", false, Arc::new(Float32Array::from(vec![4.0, 2.5]))),
            ("time", true, times([Some(7), None])),
        ],
    );
    let files: Vec<serde_json::Value> = ["items.parquet", "users.parquet", "events.parquet"]
        .into_iter()
        .map(|name| serde_json::json!({"name": name, "rows": 2, "bytes": 0, "sha256": ""}))
        .collect();
    let manifest = serde_json::json!({
        "format": "gannet dataset", "format_version": 1, "name": "old",
        "kinds": [{"name": "rating", "weight": 1.0, "positive_from": 4.0}],
        "item_count": 2, "user_count": 2, "event_count": 2, "test_event_count": null,
        "first_time": 7, "last_time": 7, "events_without_time": 1,
        "normal_form_sha256": "", "files": files,
    });
    fs::write(folder.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    for name in ["items.parquet", "users.parquet", "events.parquet"] {
        let content = fs::read(folder.join(name)).unwrap();
        replace_file(&folder, name, &content);
    }

    let dataset = open(&folder).unwrap();
    let alien = dataset.catalogue.item(ItemIndex(0));
    assert_eq!((alien.title.as_str(), alien.author.as_deref()), ("Alien", Some("Scott")));
    assert_eq!((alien.tags.len(), alien.published), (2, Some(Timestamp(-5))));
    assert_eq!((alien.expires, alien.fields.len()), (None, 0));
    assert!(!dataset.catalogue.item(ItemIndex(1)).available);
    assert_eq!(dataset.events.users, [UserIndex(1), UserIndex(0)]);
    let event = &dataset.events.interactions[0];
    assert_eq!((event.value, event.time, event.scene), (4.0, Some(Timestamp(7)), None));
    assert_eq!(dataset.kinds, EventKinds::rating(4.0));
    // Written again it is of the newer version and the same data.
    let newer = ingest(&dataset, &folder).unwrap();
    assert_eq!(newer.format_version, 2);
    assert_eq!(open(&folder).unwrap(), dataset);
}

#[test]
fn what_the_first_version_did_not_know_counts_in_the_checksum_only_where_it_is() {
    let plain = normal_form_checksum(&small());
    // The checksum that the first version gave for the same data.
    assert_eq!(plain, "0c4be19985d085575f16ca87ffbea8f113807c52ffc7ef3deeaff8c37a2addfe");
    let mut scened = small();
    scened.scenes = vec!["home".into()];
    scened.events.interactions[3].scene = Some(SceneIndex(0));
    let mut with_fields = small();
    let mut user_fields = FieldTable::new();
    user_fields.set(2, "age", &FieldValue::Number(30.0)).unwrap();
    with_fields.user_fields = Arc::new(user_fields.clone());
    let mut older = small();
    user_fields.set(2, "age", &FieldValue::Number(31.0)).unwrap();
    older.user_fields = Arc::new(user_fields);
    let expiring = |fields: Vec<(String, FieldValue)>, expires| {
        let bare = |item: u32| Item::bare(ItemId::new(format!("i{item}")).unwrap());
        let items: Vec<Item> = (0..50)
            .map(|item| match item {
                7 => Item { expires, fields: fields.clone(), ..bare(item) },
                _ => bare(item),
            })
            .collect();
        Dataset { catalogue: Arc::new(Catalogue::from_items(&items).unwrap()), ..small() }
    };
    let music = vec![("music".to_owned(), FieldValue::Text("m".into()))];
    let sets =
        [scened, with_fields, older, expiring(vec![], Some(Timestamp(1))), expiring(music, None)];
    let mut sums: Vec<String> = sets.iter().map(normal_form_checksum).collect();
    sums.push(plain);
    sums.sort();
    sums.dedup();
    assert_eq!(sums.len(), 6, "two different data sets share a checksum");
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    let spoils: [fn(&mut serde_json::Value); 4] = [
        |manifest| manifest["event_count"] = 7.into(),
        |manifest| manifest["files"] = serde_json::json!([]),
        |manifest| manifest["kinds"] = serde_json::json!([]),
        |manifest| manifest["format"] = "parquet".into(),
    ];
    for spoil in spoils {
        let _ = fs::remove_dir_all(&folder);
        ingest(&small(), &folder).unwrap();
        edit_manifest(&folder, spoil);
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::BadManifest { .. }), "{error}");
    }
}

#[test]
fn a_newer_data_set_replaces_the_older_one_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    let mut dataset = small();
    dataset.test_events = Some(dataset.events.clone());
    ingest(&dataset, &folder).unwrap();
    assert_eq!(open(&folder).unwrap(), dataset);
    ingest(&small(), &folder).unwrap();
    assert_eq!(open(&folder).unwrap(), small());
    assert_eq!(names(place.path()), [".set.lock", "set"]);
    assert_eq!(
        names(&folder),
        ["events.parquet", "items.parquet", "manifest.json", "users.parquet"]
    );
}

#[test]
fn leftovers_of_a_writer_that_died_neither_block_nor_lose_the_older_data_set() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    ingest(&small(), &folder).unwrap();
    fs::create_dir(place.path().join(".set.new")).unwrap();
    fs::write(place.path().join(".set.new/items.parquet"), "half").unwrap();
    fs::rename(&folder, place.path().join(".set.old")).unwrap();
    assert_eq!(open(&folder).unwrap(), small(), "died between the two moves");
    let mut renamed = small();
    renamed.name = "newer".into();
    ingest(&renamed, &folder).unwrap();
    assert_eq!(open(&folder).unwrap().name, "newer");
    assert_eq!(names(place.path()), [".set.lock", "set"]);
}

#[test]
fn two_writers_of_one_folder_do_not_mix() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    let lock = File::create(place.path().join(".set.lock")).unwrap();
    lock.try_lock().unwrap();
    assert!(matches!(ingest(&small(), &folder).unwrap_err(), StoreError::Busy { .. }));
    drop(lock);
    ingest(&small(), &folder).unwrap();
}

/// Puts a file in the place of another, and a manifest that vouches for it.
fn replace_file(folder: &Path, name: &str, content: &[u8]) {
    fs::write(folder.join(name), content).unwrap();
    let sha256: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    edit_manifest(folder, |manifest| {
        let files = manifest["files"].as_array_mut().unwrap();
        let stored = files.iter_mut().find(|file| file["name"] == name).unwrap();
        stored["bytes"] = content.len().into();
        stored["sha256"] = sha256.into();
    });
}

fn contents_error(folder: &Path, name: &str) -> String {
    match open(folder).unwrap_err() {
        StoreError::Contents { path, why } if path == folder.join(name) => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_file_with_the_right_checksum_and_the_wrong_contents_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (folder, other) = (place.path().join("set"), place.path().join("other"));
    ingest(&small(), &folder).unwrap();
    let mut strangers = small();
    strangers.users = Arc::new((0..7).map(|user| format!("other{user}")).collect());
    ingest(&strangers, &other).unwrap();

    replace_file(&folder, "items.parquet", b"not a Parquet file at all");
    contents_error(&folder, "items.parquet");

    ingest(&small(), &folder).unwrap();
    replace_file(&folder, "events.parquet", &fs::read(other.join("users.parquet")).unwrap());
    let why = contents_error(&folder, "events.parquet");
    assert!(why.contains("columns are not those of format 2"), "{why}");

    ingest(&small(), &folder).unwrap();
    replace_file(&folder, "events.parquet", &fs::read(other.join("events.parquet")).unwrap());
    let why = contents_error(&folder, "events.parquet");
    assert_eq!(why, "row 1: no user is called \"other0\"");

    ingest(&small(), &folder).unwrap();
    edit_manifest(&folder, |manifest| manifest["kinds"][0]["name"] = "click".into());
    let why = contents_error(&folder, "events.parquet");
    assert_eq!(why, "row 1: no kind is called \"rating\"");

    ingest(&small(), &folder).unwrap();
    edit_manifest(&folder, |manifest| {
        manifest["user_count"] = 8.into();
        let files = manifest["files"].as_array_mut().unwrap();
        files.iter_mut().find(|file| file["name"] == "users.parquet").unwrap()["rows"] = 8.into();
    });
    let why = contents_error(&folder, "users.parquet");
    assert_eq!(why, "7 rows where the manifest says 8");
}

#[test]
fn what_the_disk_refuses_is_named_with_its_path() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "precious").unwrap();
    let error = ingest(&small(), &file.join("set")).unwrap_err();
    assert!(matches!(&error, StoreError::Disk { path, .. } if *path == file), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");

    // A folder in the place of the lock, and of the manifest.
    let folder = place.path().join("set");
    fs::create_dir(place.path().join(".set.lock")).unwrap();
    let error = ingest(&small(), &folder).unwrap_err();
    assert!(matches!(&error, StoreError::Disk { path, .. } if path.ends_with(".set.lock")));
    fs::remove_dir(place.path().join(".set.lock")).unwrap();
    fs::create_dir_all(folder.join("manifest.json")).unwrap();
    let error = open(&folder).unwrap_err();
    assert!(matches!(&error, StoreError::Disk { path, .. } if path.ends_with("manifest.json")));
    let error = ingest(&small(), &folder).unwrap_err();
    assert!(matches!(error, StoreError::NotADataset { .. }), "{error}");
}
