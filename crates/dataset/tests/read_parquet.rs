//! Parquet of many writers, and what is wrong with some of it.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float32Array, Float64Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field};
use gannet_core::{
    EventKind, EventKinds, FieldValue, ItemIndex, KindIndex, SceneIndex, Silent, Timestamp,
};
use gannet_dataset::{
    Dataset, Format, ReadError, ReadOptions, ReadOutcome, Source, TableMapping,
    normal_form_checksum, read,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

const NOW: Timestamp = Timestamp(1_000_000_000_000);

fn write(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(64)).build();
    let file = File::create(folder.join(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn text(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

fn kinds() -> EventKinds {
    EventKinds::new(vec![EventKind::new("watch", 1.0, None), EventKind::new("like", 2.0, None)])
        .unwrap()
}

fn try_read(folder: &Path, share: f64, mapping: &str) -> Result<ReadOutcome, ReadError> {
    let mapping: TableMapping = serde_json::from_str(mapping).unwrap();
    let source = Source { folder: folder.to_owned(), format: Format::Parquet(mapping) };
    let mut options = ReadOptions::new("parquet", NOW);
    options.kinds = Some(kinds());
    options.bad_rows_share_max = share;
    read(&source, &options, &Silent)
}

fn read_clean(folder: &Path) -> Dataset {
    let outcome = try_read(folder, 0.0, "{}").unwrap_or_else(|error| panic!("{error}"));
    outcome.dataset
}

fn events(folder: &Path, more: Vec<(&str, ArrayRef)>) {
    let mut columns = vec![("user", text(&["u", "v"])), ("item", text(&["b", "a"]))];
    columns.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    columns.extend(more);
    write(folder, "events.parquet", columns);
}

#[test]
fn standard_names_are_found_and_other_columns_become_fields() {
    let folder = tempfile::tempdir().unwrap();
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("film/horror"), None, Some(" ")]);
    tags.append_null();
    write(
        folder.path(),
        "items.parquet",
        vec![
            ("id", text(&["b", "a"])),
            ("title", text(&["Bee", ""])),
            ("tags", Arc::new(tags.finish())),
            ("author", Arc::new(StringArray::from(vec![None, Some("x")]))),
            ("published", Arc::new(Date32Array::from(vec![Some(1), None]))),
            ("expires", Arc::new(Int64Array::from(vec![None, Some(9)]))),
            ("available", Arc::new(BooleanArray::from(vec![Some(false), None]))),
            ("music", Arc::new(StringArray::from(vec![Some("m"), Some("")]))),
            ("length", Arc::new(Int32Array::from(vec![None, Some(-7)]))),
            ("live", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ],
    );
    write(
        folder.path(),
        "users.parquet",
        vec![("id", text(&["w", "u"])), ("age", Arc::new(Float32Array::from(vec![30.5, 2.0])))],
    );
    let times = TimestampMicrosecondArray::from(vec![1_999, 5_000]).with_timezone("+02:00");
    events(
        folder.path(),
        vec![
            ("kind", text(&["like", "watch"])),
            ("value", Arc::new(Int64Array::from(vec![None, Some(3)]))),
            ("time", Arc::new(times)),
            ("scene", Arc::new(StringArray::from(vec![Some("home"), None]))),
        ],
    );
    write(
        folder.path(),
        "test_events.parquet",
        vec![
            ("user", text(&["w"])),
            ("item", text(&["c"])),
            ("kind", text(&["like"])),
            ("time", Arc::new(Int64Array::from(vec![7]))),
        ],
    );
    let dataset = read_clean(folder.path());
    let bee = dataset.catalogue.item(dataset.catalogue.find("b").unwrap());
    assert_eq!((bee.title.as_str(), bee.author.as_deref()), ("Bee", None));
    assert_eq!(bee.tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["film/horror"]);
    assert_eq!((bee.published, bee.expires), (Some(Timestamp(86_400_000)), None));
    assert!(!bee.available);
    let field = |name: &str, text: &str| (name.to_owned(), FieldValue::Text(text.to_owned()));
    assert_eq!(bee.fields, [field("music", "m"), field("live", "true")]);
    let a = dataset.catalogue.item(ItemIndex(0));
    assert_eq!((a.id.as_str(), a.available, a.expires), ("a", true, Some(Timestamp(9))));
    assert_eq!(a.fields, [("length".to_owned(), FieldValue::Number(-7.0))]);
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["u", "v", "w"]);
    let age = dataset.user_fields.find("age").unwrap();
    let ages = [0, 1, 2].map(|user| dataset.user_fields.number(age, user));
    assert_eq!(ages, [Some(2.0), None, Some(30.5)]);
    assert_eq!(dataset.scenes, ["home"]);
    let first = &dataset.events.interactions[0];
    assert_eq!((first.kind, first.value, first.scene), (KindIndex(1), 1.0, Some(SceneIndex(0))));
    let second = &dataset.events.interactions[1];
    assert_eq!((first.time, second.time), (Some(Timestamp(1)), Some(Timestamp(5))));
    assert_eq!((second.value, second.scene), (3.0, None));
    assert_eq!(dataset.test_events.as_ref().unwrap().interactions.len(), 1);
}

#[test]
fn every_form_of_ids_and_times_gives_the_same_data() {
    let ids: Vec<u64> = (0..500).map(|at| at * 7 % 40).collect();
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let dictionary: DictionaryArray<Int32Type> = texts.iter().map(String::as_str).collect();
    let forms: [ArrayRef; 6] = [
        Arc::new(StringArray::from(texts.clone())),
        Arc::new(LargeStringArray::from(texts.clone())),
        Arc::new(StringViewArray::from_iter_values(&texts)),
        Arc::new(dictionary),
        Arc::new(UInt64Array::from(ids.clone())),
        Arc::new(Int32Array::from_iter_values(ids.iter().map(|id| *id as i32))),
    ];
    let seconds: Vec<i64> = (0..500).collect();
    let times: [ArrayRef; 6] = [
        Arc::new(TimestampSecondArray::from(seconds.clone())),
        Arc::new(TimestampNanosecondArray::from_iter_values(
            seconds.iter().map(|time| time * 1_000_000_000),
        )),
        Arc::new(Int64Array::from_iter_values(seconds.iter().map(|time| time * 1000))),
        Arc::new(StringArray::from_iter_values(
            seconds.iter().map(|time| format!("1970-01-01T00:0{}:{:02}Z", time / 60, time % 60)),
        )),
        Arc::new(TimestampSecondArray::from(seconds.clone()).with_timezone("UTC")),
        Arc::new(UInt64Array::from_iter_values(seconds.iter().map(|time| *time as u64 * 1000))),
    ];
    let mut sums = Vec::new();
    for (ids, times) in forms.into_iter().zip(times) {
        let folder = tempfile::tempdir().unwrap();
        let columns = vec![
            ("user", Arc::clone(&ids)),
            ("item", Arc::clone(&ids)),
            ("scene", text(&["home"; 500])),
            ("time", times),
        ];
        write(folder.path(), "events.parquet", columns);
        sums.push(normal_form_checksum(&read_clean(folder.path())));
    }
    sums.dedup();
    assert_eq!(sums.len(), 1);
}

#[test]
fn columns_of_other_names_are_mapped() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "log.parquet",
        vec![
            ("uid", Arc::new(Int64Array::from(vec![5])) as ArrayRef),
            ("vid", text(&["x"])),
            ("ts", Arc::new(Int64Array::from(vec![7]))),
        ],
    );
    write(
        folder.path(),
        "videos.parquet",
        vec![
            ("vid", text(&["x"])),
            ("genre", text(&["a; b"])),
            ("odd", Arc::new(TimestampSecondArray::from(vec![1]))),
            ("music", text(&["m"])),
        ],
    );
    let mapping = r#"{
        "events": {"file": "log.parquet", "user": "uid", "item": "vid", "time": "ts",
                   "time_unit": "seconds"},
        "items": {"file": "videos.parquet", "id": "vid", "tags": "genre", "tag_separator": ";",
                  "fields": ["music"]}}"#;
    let dataset = try_read(folder.path(), 0.0, mapping).unwrap().dataset;
    assert_eq!(dataset.users.get(0), "5");
    assert_eq!(dataset.events.interactions[0].time, Some(Timestamp(7_000)));
    let item = dataset.catalogue.item(ItemIndex(0));
    assert_eq!((item.tags.len(), item.fields.len()), (2, 1));
    let wrong = mapping.replace("\"uid\"", "\"who\"");
    let error = try_read(folder.path(), 0.0, &wrong).unwrap_err().to_string();
    assert!(error.contains("no column \"who\"; its header is: uid, vid, ts"), "{error}");
}

#[test]
fn columns_of_other_types_and_nested_ones_are_named() {
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Utf8, false)),
        text(&["x", "y"]),
    )]));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let times: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1, 2]));
    for (column, wrong, expected) in [
        ("user", &floats, "column \"user\": expected text or whole numbers, found Float64"),
        ("item", &nested, "column \"item\": expected text or whole numbers, found a nested"),
        ("kind", &flags, "column \"kind\": expected text or whole numbers, found Boolean"),
        ("time", &floats, "column \"time\": expected timestamps"),
        ("value", &times, "column \"value\": expected numbers, found Timestamp"),
        ("scene", &nested, "column \"scene\": expected text"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        events(folder.path(), vec![(column, Arc::clone(wrong))]);
        let error = try_read(folder.path(), 0.0, "{}").unwrap_err();
        assert!(matches!(error, ReadError::ColumnType { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains("events.parquet") && error.contains(expected), "{error}");
    }
    for wrong in [&nested, &times] {
        let folder = tempfile::tempdir().unwrap();
        events(folder.path(), vec![]);
        let columns = vec![("id", text(&["a", "b"])), ("extra", Arc::clone(wrong))];
        write(folder.path(), "items.parquet", columns);
        let error = try_read(folder.path(), 0.0, "{}").unwrap_err().to_string();
        assert!(error.contains("items.parquet: column \"extra\": expected text, numb"), "{error}");
        let mapping = r#"{"items": {"fields": []}}"#;
        assert!(try_read(folder.path(), 0.0, mapping).is_ok());
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "events.parquet", vec![("user", text(&["u"]))]);
    let error = try_read(folder.path(), 0.0, "{}").unwrap_err().to_string();
    assert!(error.contains("no column \"item\"; its header is: user"), "{error}");
}

/// Nine bad rows and a good one.
fn write_bad_cells(folder: &Path) {
    let long = "x".repeat(300);
    write(
        folder,
        "events.parquet",
        vec![
            (
                "user",
                Arc::new(StringArray::from(vec![
                    None,
                    Some("a"),
                    Some(""),
                    Some("a"),
                    Some("a"),
                    Some("a"),
                    Some("a"),
                    Some("a"),
                    Some("good"),
                    Some("a"),
                ])),
            ),
            ("item", text(&["i", &long, "i", "i", "i", "i", "i", "i", "i", "i"])),
            (
                "kind",
                text(&[
                    "watch", "watch", "watch", "share", "watch", "watch", "watch", "watch", "like",
                    "watch",
                ]),
            ),
            (
                "value",
                Arc::new(Float64Array::from(vec![
                    1.0,
                    1.0,
                    1.0,
                    1.0,
                    f64::NAN,
                    f64::INFINITY,
                    1e300,
                    1.0,
                    1.0,
                    1.0,
                ])),
            ),
            (
                "time",
                Arc::new(Int64Array::from(vec![
                    Some(1),
                    Some(1),
                    Some(1),
                    Some(1),
                    Some(1),
                    Some(1),
                    Some(1),
                    None,
                    Some(1),
                    Some(NOW.0 + 1),
                ])),
            ),
        ],
    );
}

#[test]
fn a_bad_row_names_the_column_as_the_file_does() {
    let folder = tempfile::tempdir().unwrap();
    let users = StringArray::from_iter([Some("u"), Some(""), None, Some("u")]);
    let values = Float32Array::from(vec![f32::NAN, 1.0, 1.0, 1.0]);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("who", Arc::new(users)), ("what", text(&["i"; 4])), ("stars", Arc::new(values))];
    write(folder.path(), "events.parquet", columns);
    let mapping = r#"{"events": {"user": "who", "item": "what", "value": "stars"}}"#;
    let told = try_read(folder.path(), 1.0, mapping).unwrap().bad_rows.to_string();
    for expected in [
        "events.parquet:1: stars: expected a finite number",
        "events.parquet:2: who: expected an id of 1 to 256 bytes",
        "events.parquet:3: who: expected a name",
    ] {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn bad_cells_are_bad_rows_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    write_bad_cells(folder.path());
    let outcome = try_read(folder.path(), 1.0, "{}").unwrap();
    let found: Vec<String> = outcome.bad_rows.first().iter().map(ToString::to_string).collect();
    let expected = [
        "events.parquet:1: user: expected a name, found \"null\"",
        "events.parquet:2: item: expected an id of 1 to 256 bytes",
        "events.parquet:3: user: expected an id of 1 to 256 bytes, found \"\"",
        "events.parquet:4: kind: expected one of watch, like, found \"share\"",
        "events.parquet:5: value: expected a finite number, found \"NaN\"",
        "events.parquet:6: value: expected a finite number, found \"inf\"",
        "events.parquet:7: value: expected a finite number",
        "events.parquet:8: time: expected a time, found \"null\"",
        "events.parquet:10: time: expected a time that is not in the future",
    ];
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    let dataset = &outcome.dataset;
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["good"], "a row was half-applied");
    assert_eq!(dataset.catalogue.len(), 1);
}

#[test]
fn items_given_twice_and_fields_that_are_no_numbers_are_bad_rows() {
    let folder = tempfile::tempdir().unwrap();
    events(folder.path(), vec![]);
    write(
        folder.path(),
        "items.parquet",
        vec![
            ("id", text(&["a", "a", "b", "c"])),
            ("price", Arc::new(Float64Array::from(vec![1.0, 2.0, f64::NAN, 4.0]))),
            ("music", text(&["m", "m", "m", &"x".repeat(300)])),
        ],
    );
    let outcome = try_read(folder.path(), 1.0, "{}").unwrap();
    let found: Vec<String> = outcome.bad_rows.first().iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 3);
    assert!(found[0].contains("items.parquet:2: id: expected an id not given before"), "{found:?}");
    assert!(found[1].contains("items.parquet:3: price: expected a finite number"), "{found:?}");
    assert!(found[2].contains("items.parquet:4: music: expected text of 1 to 256"), "{found:?}");
}

#[test]
fn ten_thousand_bad_rows_are_counted_and_ten_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let users: Vec<String> = (0..11_000).map(|at| format!("u{at}")).collect();
    let kinds = (0..11_000).map(|at| if at % 11 == 0 { "watch" } else { "nonsense" });
    write(
        folder.path(),
        "events.parquet",
        vec![
            ("user", Arc::new(StringArray::from(users))),
            ("item", text(&["i"; 11_000])),
            ("kind", Arc::new(StringArray::from_iter_values(kinds))),
        ],
    );
    let error = try_read(folder.path(), 0.001, "{}").unwrap_err();
    let ReadError::TooManyBadRows { bad_rows, .. } = &error else { panic!("{error}") };
    assert_eq!((bad_rows.count(), bad_rows.row_count()), (10_000, 11_000));
    assert_eq!(bad_rows.first().len(), 10);
    let text = error.to_string();
    assert!(text.contains("10000 of 11000 rows were refused"), "{text}");
    assert!(text.contains("and 9990 more") && text.contains("90.9091 %"), "{text}");
    let outcome = try_read(folder.path(), 1.0, "{}").unwrap();
    assert_eq!((outcome.bad_rows.count(), outcome.dataset.users.len()), (10_000, 1_000));
}

#[test]
fn cut_and_damaged_files_are_named_and_never_crash() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..2_000).map(|at| format!("id{}", at % 300)).collect();
    let column = || Arc::new(StringArray::from(ids.clone())) as ArrayRef;
    let numbers = Float32Array::from_iter_values((0..2_000).map(|at| at as f32));
    let columns = vec![("user", column()), ("item", column()), ("value", Arc::new(numbers) as _)];
    write(folder.path(), "events.parquet", columns);
    let path = folder.path().join("events.parquet");
    let whole = fs::read(&path).unwrap();
    for bytes in [1, 7, 12, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..bytes]).unwrap();
        let error = try_read(folder.path(), 1.0, "{}").unwrap_err();
        assert!(matches!(error, ReadError::Parquet { .. }), "{error}");
        assert!(error.to_string().contains("events.parquet"), "{error}");
    }
    fs::write(&path, "").unwrap();
    let error = try_read(folder.path(), 1.0, "{}").unwrap_err();
    assert!(matches!(error, ReadError::Empty { .. }), "{error}");
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        // Damage within values may pass for other values; what matters is that nothing panics.
        if let Err(error) = try_read(folder.path(), 1.0, "{}") {
            assert!(error.to_string().contains("events.parquet"), "{error}");
        }
    }
}

#[test]
fn an_author_of_a_hundred_thousand_items_and_a_user_of_as_many_events() {
    let folder = tempfile::tempdir().unwrap();
    let count = 100_000;
    let ids = || Arc::new(Int64Array::from_iter_values(0..count)) as ArrayRef;
    let authors: DictionaryArray<Int32Type> = (0..count).map(|_| "one").collect();
    write(
        folder.path(),
        "items.parquet",
        vec![("id", ids()), ("author", Arc::new(authors) as ArrayRef)],
    );
    let users: DictionaryArray<Int32Type> = (0..count).map(|_| "busy").collect();
    write(
        folder.path(),
        "events.parquet",
        vec![
            ("user", Arc::new(users) as ArrayRef),
            ("item", ids()),
            ("time", Arc::new(Int64Array::from_iter_values((0..count).rev())) as ArrayRef),
        ],
    );
    let dataset = read_clean(folder.path());
    assert_eq!((dataset.catalogue.len(), dataset.catalogue.author_count()), (100_000, 1));
    assert_eq!((dataset.users.len(), dataset.events.users.len()), (1, 100_000));
    assert!(dataset.events.interactions.is_sorted_by_key(|event| event.time));
    assert_eq!(dataset.events.interactions[0].item, ItemIndex(99_999));
}
