//! JSON lines as people write them, and what is wrong with some.
#![allow(clippy::unwrap_used)]

use std::fs;

use gannet_core::{EventKind, EventKinds, FieldValue, ItemIndex, KindIndex, Silent, Timestamp};
use gannet_dataset::{Format, ReadError, ReadOptions, ReadOutcome, Source, TableMapping, read};

const NOW: Timestamp = Timestamp(1_000_000_000_000);

fn try_read(
    files: &[(&str, &str)],
    share: f64,
    kinds: Option<EventKinds>,
) -> Result<ReadOutcome, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let format = Format::Jsonl(TableMapping::default());
    let mut options = ReadOptions::new("jsonl", NOW);
    options.bad_rows_share_max = share;
    options.kinds = kinds;
    read(&Source { folder: folder.path().to_owned(), format }, &options, &Silent)
}

fn kinds() -> Option<EventKinds> {
    let kind = |name: &str| EventKind::new(name, 1.0, None);
    Some(EventKinds::new(vec![kind("watch"), kind("like")]).unwrap())
}

#[test]
fn the_standard_names_are_read_and_other_keys_become_fields() {
    let outcome = try_read(
        &[
            (
                "items.jsonl",
                r#"{"id": 7, "title": "A \"b\"", "tags": ["x/y", 3], "author": null, "price": 1.5,
"published": "2001-01-01", "available": 0}"#
                    .replace('\n', " ")
                    .as_str(),
            ),
            ("users.jsonl", "{\"id\": \"w\", \"city\": \"Oslo\", \"age\": 7, \"new\": true}\n"),
            (
                "events.jsonl",
                "{\"user\": 1, \"item\": 7, \"kind\": \"like\", \"time\": 5, \"scene\": \"home\"}\n\
                 \n{\"item\": \"8\", \"user\": \"w\", \"value\": 2, \"time\": 6, \"more\": {}}\n",
            ),
        ],
        0.0,
        kinds(),
    )
    .unwrap();
    let dataset = outcome.dataset;
    let item = dataset.catalogue.item(ItemIndex(0));
    assert_eq!((item.id.as_str(), item.title.as_str(), item.available), ("7", "A \"b\"", false));
    assert_eq!(item.tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["x/y", "3"]);
    assert_eq!(item.published, Some(Timestamp(978_307_200_000)));
    assert_eq!(item.fields, [("price".to_owned(), FieldValue::Number(1.5))]);
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["1", "w"]);
    let names: Vec<&str> =
        dataset.user_fields.indices().map(|field| dataset.user_fields.name(field)).collect();
    assert_eq!(names, ["city", "age", "new"]);
    let events = &dataset.events.interactions;
    assert_eq!((events[0].kind, events[1].kind), (KindIndex(1), KindIndex(0)));
    assert_eq!((events[0].value, events[1].value), (1.0, 2.0));
    assert_eq!(dataset.scenes, ["home"]);
}

#[test]
fn bad_lines_are_bad_rows_with_their_number() {
    let giant = format!("{{\"user\": \"{}\"}}", "x".repeat(2 << 20));
    let bad = [
        ("not json", "a line that is one JSON object"),
        ("[1, 2]", "a line that is one JSON object"),
        ("{\"user\": \"u\", \"item\": \"i\", \"time\": 5", "one JSON object"),
        ("{\"item\": \"i\", \"time\": 5}", "user: expected text or a whole number, found \"null\""),
        ("{\"user\": 1.5, \"item\": \"i\", \"time\": 5}", "found \"1.5\""),
        ("{\"user\": \"u\", \"item\": [], \"time\": 5}", "found \"a list or an object\""),
        ("{\"user\": \"u\", \"item\": \"i\"}", "time: expected a time, as the events before"),
        ("{\"user\": \"u\", \"item\": \"i\", \"time\": 1000000000001}", "not in the future"),
        ("{\"user\": \"u\", \"item\": \"i\", \"time\": 5, \"value\": 1e39}", "a finite number"),
        ("{\"user\": \"u\", \"item\": \"i\", \"time\": 5, \"kind\": \"x\"}", "one of watch, like"),
        (giant.as_str(), "a line of at most 1048576 bytes"),
    ];
    for (line, expected) in bad {
        let good = "{\"user\": \"good\", \"item\": \"good\", \"time\": 5}\n";
        let content = format!("{good}{line}\n{good}");
        let outcome = try_read(&[("events.jsonl", &content)], 1.0, kinds()).unwrap();
        assert_eq!(outcome.bad_rows.count(), 1, "{line:.80}");
        let message = outcome.bad_rows.first()[0].to_string();
        assert!(message.starts_with("events.jsonl:2: "), "{message}");
        assert!(message.contains(expected), "{message} has no {expected}");
        assert_eq!(outcome.dataset.users.len(), 1, "a row was half-applied");
        assert_eq!(outcome.dataset.events.users.len(), 2);
    }
}

#[test]
fn a_field_keeps_the_type_of_its_first_value() {
    let items = "{\"id\": 1, \"size\": 5}\n{\"id\": 2, \"size\": \"big\"}\n{\"id\": 1}\n\
                 {\"id\": 3, \"size\": {\"w\": 1}}\n";
    let events = "{\"user\": \"u\", \"item\": 1}\n";
    let outcome = try_read(&[("items.jsonl", items), ("events.jsonl", events)], 1.0, None).unwrap();
    let found: Vec<String> = outcome.bad_rows.first().iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 3);
    assert!(found[0].contains("items.jsonl:2") && found[0].contains("numbers"), "{found:?}");
    assert!(found[1].contains("items.jsonl:3: id: expected an id not given"), "{found:?}");
    assert!(found[2].contains("size: expected text, a number or a boolean"), "{found:?}");
    assert_eq!(outcome.dataset.catalogue.len(), 1);
}

#[test]
fn kinds_that_nobody_configured_are_asked_for() {
    let events = "{\"user\": \"u\", \"item\": 1, \"kind\": \"like\"}\n";
    let error = try_read(&[("events.jsonl", events)], 1.0, None).unwrap_err().to_string();
    assert!(error.contains("`kinds`"), "{error}");
    let error = try_read(&[("items.jsonl", "{\"id\": 1}")], 1.0, None).unwrap_err();
    assert!(matches!(error, ReadError::Missing { .. }), "{error}");
}
