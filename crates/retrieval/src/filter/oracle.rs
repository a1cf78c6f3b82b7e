//! What a filter means, item by item and slowly, and the tests that hold the masks to it.

use gannet_core::{Catalogue, FieldValue, Item, ItemId, ItemIndex, TagPath, Timestamp};
use proptest::prelude::*;

use super::*;

const CITIES: [&str; 3] = ["Oslo", "Xi'an", "say \"hi\" \\o/"];
const TAGS: [&str; 5] = ["film", "film/horror", "film/horror/old", "music", "filmy"];

fn is_true(node: &Node, item: &Item, now: Timestamp) -> bool {
    match node {
        Node::All(parts) => parts.iter().all(|part| is_true(part, item, now)),
        Node::Any(parts) => parts.iter().any(|part| is_true(part, item, now)),
        Node::Not(part) => !is_true(part, item, now),
        Node::Test(test) => match test.field.as_str() {
            "tags" => holds_texts(test, &item.tags.iter().map(TagPath::as_str).collect::<Vec<_>>()),
            "author" => {
                holds_texts(test, &item.author.iter().map(String::as_str).collect::<Vec<_>>())
            }
            "published" => holds_number(test, item.published.map(|time| time.0 as f64)),
            "expires" => holds_number(test, item.expires.map(|time| time.0 as f64)),
            "age_days" => {
                let hour = now.0 - now.0.rem_euclid(3_600_000);
                let age = |time: Timestamp| (hour - time.0) as f64 / 86_400_000.0;
                holds_number(test, item.published.map(age))
            }
            name => match item.fields.iter().find(|(field, _)| field == name) {
                Some((_, FieldValue::Text(text))) => holds_texts(test, &[text]),
                Some((_, FieldValue::Number(number))) => holds_number(test, Some(*number)),
                None => false,
            },
        },
    }
}

fn holds_texts(test: &Test, own: &[&str]) -> bool {
    let is_tag = test.field == "tags";
    let same = |own: &str, value: &FilterValue| match value {
        FilterValue::Text(wanted) if is_tag => {
            own == wanted || own.starts_with(&format!("{wanted}/"))
        }
        FilterValue::Text(wanted) => own == wanted,
        FilterValue::Number(_) => false,
    };
    let any = |value: &FilterValue| own.iter().any(|own| same(own, value));
    match &test.operation {
        Operation::Compare(Comparison::Unequal, value) => !own.is_empty() && !any(value),
        Operation::Compare(_, value) => any(value),
        Operation::In(values) => values.iter().any(any),
    }
}

fn holds_number(test: &Test, own: Option<f64>) -> bool {
    let Some(own) = own else {
        return false;
    };
    let number = |value: &FilterValue| match value {
        FilterValue::Number(number) => *number,
        FilterValue::Text(_) => f64::NAN,
    };
    match &test.operation {
        Operation::In(values) => values.iter().any(|value| number(value) == own),
        Operation::Compare(comparison, value) => {
            let order = own.partial_cmp(&number(value)).expect("no NaN here");
            match comparison {
                Comparison::Equal => order.is_eq(),
                Comparison::Unequal => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::Greater => order.is_gt(),
                Comparison::AtLeast => order.is_ge(),
            }
        }
    }
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let hours = || prop::option::of((-3i64..100).prop_map(|hour| Timestamp(hour * 3_600_000)));
    let one = (
        prop::collection::vec(0..TAGS.len(), 0..3),
        prop::option::of(0..3u8),
        hours(),
        hours(),
        prop::option::of(0..CITIES.len()),
        prop::option::of(-3i32..4),
    );
    prop::collection::vec(one, 0..150).prop_map(|rows| {
        let item = |(at, (tags, author, published, expires, city, length)): (usize, _)| {
            let tags: Vec<usize> = tags;
            let city: Option<usize> = city;
            let length: Option<i32> = length;
            let author: Option<u8> = author;
            let city = city.map(|at| ("city".to_owned(), FieldValue::Text(CITIES[at].into())));
            let length =
                length.map(|it| ("a length".to_owned(), FieldValue::Number(f64::from(it) / 2.0)));
            Item {
                tags: tags.iter().map(|tag| TagPath::new(TAGS[*tag]).expect("a tag")).collect(),
                author: author.map(|author| format!("a{author}")),
                published,
                expires,
                fields: city.into_iter().chain(length).collect(),
                ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
            }
        };
        rows.into_iter().enumerate().map(item).collect()
    })
}

/// The first item has all fields, so that every filter suits the catalogue.
fn catalogue(items: &mut Vec<Item>) -> Catalogue {
    let fields = vec![
        ("city".to_owned(), FieldValue::Text("Oslo".into())),
        ("a length".to_owned(), FieldValue::Number(1.0)),
    ];
    items.push(Item { fields, ..Item::bare(ItemId::new("last").expect("an id")) });
    Catalogue::from_items(&*items).expect("distinct ids")
}

fn tests() -> impl Strategy<Value = Node> {
    let test = |field: &str, operation| {
        Node::Test(Test { field: field.to_owned(), at: Position(1), operation })
    };
    let texts = (0..3usize, prop::collection::vec(0..6usize, 1..4), any::<bool>(), any::<bool>());
    let texts = texts.prop_map(move |(field, values, is_list, is_equal)| {
        let name = |at: usize| match field {
            0 => TAGS.get(at).map_or("no such tag", |tag| *tag).to_owned(),
            1 => format!("a{at}"),
            _ => CITIES.get(at).map_or("", |city| *city).to_owned(),
        };
        let values: Vec<FilterValue> =
            values.into_iter().map(|at| FilterValue::Text(name(at))).collect();
        let comparison = if is_equal { Comparison::Equal } else { Comparison::Unequal };
        let operation = match is_list {
            true => Operation::In(values),
            false => Operation::Compare(comparison, values[0].clone()),
        };
        test(["tags", "author", "city"][field], operation)
    });
    let numbers = (0..4usize, prop::collection::vec(-3i32..7, 1..4), 0..7usize);
    let numbers = numbers.prop_map(move |(field, values, operator)| {
        let scale = [3_600_000.0 * 20.0, 3_600_000.0 * 20.0, 0.5, 0.5][field];
        let number = |value: i32| FilterValue::Number(f64::from(value) * scale + 0.0);
        let comparisons = [
            Comparison::Equal,
            Comparison::Unequal,
            Comparison::Less,
            Comparison::AtMost,
            Comparison::Greater,
            Comparison::AtLeast,
        ];
        let operation = match comparisons.get(operator) {
            Some(comparison) => Operation::Compare(*comparison, number(values[0])),
            None => Operation::In(values.into_iter().map(number).collect()),
        };
        test(["published", "expires", "age_days", "a length"][field], operation)
    });
    prop_oneof![texts, numbers]
}

fn nodes() -> impl Strategy<Value = Node> {
    tests().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::Any),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #[test]
    fn a_printed_filter_reads_as_itself(node in nodes()) {
        let filter = FilterExpression(node);
        let text = filter.to_string();
        prop_assert_eq!(FilterExpression::parse(&text), Ok(filter.clone()), "{}", text);
        let canonical = filter.canonical();
        let again = FilterExpression::parse(&canonical).expect("canonical text reads");
        prop_assert_eq!(again.canonical(), canonical);
    }

    #[test]
    fn a_mask_holds_what_each_item_says(
        items in items(),
        node in nodes(),
        now in -5i64..400_000_000,
        base in prop::collection::vec(any::<bool>(), 151),
    ) {
        let mut items = items;
        let catalogue = catalogue(&mut items);
        let filter = FilterExpression(node);
        prop_assert_eq!(filter.check(&catalogue), Ok(()));
        let mask = filter.mask(&catalogue, Timestamp(now)).expect("it suits the catalogue");
        let canonical = FilterExpression::parse(&filter.canonical()).expect("canonical text reads");
        let by_canonical = canonical.mask(&catalogue, Timestamp(now)).expect("it suits as well");
        prop_assert_eq!(&mask, &by_canonical);
        let base = Bitmap::from_fn(items.len(), |row| base[row as usize]);
        let of_base = filter.mask_of(&catalogue, Timestamp(now), &base).expect("it suits");
        for (row, item) in items.iter().enumerate() {
            let expected = is_true(&filter.0, item, Timestamp(now));
            prop_assert_eq!(mask.contains(row as u32), expected, "{} of {:?}", filter, item);
            let of_base = of_base.contains(row as u32);
            prop_assert_eq!(of_base, expected && base.contains(row as u32));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}", words in prop::collection::vec(
        prop::sample::select(vec!["tags", "and", "or", "not", "(", ")", "[", "]", ",", "=", "<",
            "in", "any", "\"x\"", "-1e3", "`", "\"", "é", "1.2.3"]), 0..20)) {
        let _ = FilterExpression::parse(&text);
        let _ = FilterExpression::parse(&words.join(" "));
        let _ = FilterExpression::parse(&words.concat());
    }
}

fn fault(text: &str) -> (usize, FilterFault) {
    let mut items = Vec::new();
    let catalogue = catalogue(&mut items);
    let filter = FilterExpression::parse(text).and_then(|filter| filter.check(&catalogue));
    let error = filter.expect_err(text);
    (error.at, error.fault)
}

#[test]
fn every_fault_has_its_place_and_says_what_was_expected() {
    let long = "x".repeat(BYTES_MAX + 1);
    assert_eq!(fault(&long), (1, FilterFault::TooLong(BYTES_MAX + 1)));
    let deep = |depth: usize| format!("{}tags = \"a\"{}", "(".repeat(depth), ")".repeat(depth));
    assert!(FilterExpression::parse(&deep(DEPTH_MAX)).is_ok());
    assert_eq!(fault(&deep(DEPTH_MAX + 1)), (DEPTH_MAX + 1, FilterFault::TooDeep));
    let nots = "not ".repeat(DEPTH_MAX + 1) + "tags = \"a\"";
    assert_eq!(fault(&nots).1, FilterFault::TooDeep);
    assert_eq!(fault(&deep(100_000)).1, FilterFault::TooDeep, "and no stack is lost");
    let many = vec!["tags = \"a\""; TESTS_MAX + 1].join(" or ");
    assert_eq!(fault(&many).1, FilterFault::TooManyTests);
    let list = format!("tags any [{}]", vec!["\"a\""; VALUES_MAX + 1].join(","));
    assert_eq!(fault(&list).1, FilterFault::TooManyValues);
    assert_eq!(fault("city = \"Oslo"), (8, FilterFault::Unterminated));
    assert_eq!(fault("`a length > 1"), (1, FilterFault::Unterminated));
    assert_eq!(fault(r#"city = "a\n""#), (8, FilterFault::Escape));
    assert_eq!(fault("é = 1"), (1, FilterFault::Character('é')));
    assert_eq!(fault("`a length` < 1e999"), (14, FilterFault::Number("1e999".into())));
    assert_eq!(fault("`a length` < 12px"), (14, FilterFault::Number("12px".into())));
    assert_eq!(fault("city == \"Oslo\""), (6, FilterFault::Operator("==".into())));
    assert_eq!(fault("city like \"Oslo\""), (6, FilterFault::Operator("like".into())));
    let expected =
        |at, expected, found: &str| (at, FilterFault::Expected { expected, found: found.into() });
    assert_eq!(fault(""), expected(1, "a field, not, or (", "the end"));
    assert_eq!(fault("city = Oslo"), expected(8, "a text in quotes or a number", "\"Oslo\""));
    assert_eq!(fault("city = \"Oslo\" city"), expected(15, "and, or, or the end", "\"city\""));
    assert_eq!(fault("(city = \"Oslo\""), expected(15, "and, or, or )", "the end"));
    assert_eq!(fault("tags any []"), expected(11, "a text in quotes or a number", "\"]\""));
    assert_eq!(fault("tags any [\"a\" \"b\"]"), expected(15, ", or ]", "the text \"b\""));
    assert_eq!(fault("and"), expected(1, "a field, not, or (", "\"and\""));
    let (at, unknown) = fault("city = \"Oslo\" and Author = \"a\"");
    assert_eq!(at, 19);
    let known = "tags, author, published, expires, age_days, city, `a length`";
    assert_eq!(unknown, FilterFault::Field { field: "Author".into(), known: known.into() });
    let wrong = |field: &str, expected| FilterFault::Type { field: field.into(), expected };
    let no_order = "=, !=, in or any: texts have no order";
    assert_eq!(fault("city < \"Oslo\""), (1, wrong("city", no_order)));
    assert_eq!(fault("author in [1]"), (1, wrong("author", "texts in quotes")));
    assert_eq!(fault("`a length` = \"1\""), (1, wrong("a length", "numbers")));
    assert_eq!(fault("age_days > \"2026-01-01\""), (1, wrong("age_days", "numbers")));
    assert_eq!(fault("published > \"soon\""), (1, FilterFault::Time("soon".into())));
}

#[test]
fn dates_are_utc_and_a_missing_value_satisfies_only_a_not() {
    let published = |ms| Item {
        published: Some(Timestamp(ms)),
        ..Item::bare(ItemId::new(format!("{ms}")).expect("an id"))
    };
    let bare = Item::bare(ItemId::new("bare").expect("an id"));
    let items = [published(1_767_225_600_000), published(1_767_225_599_999), bare];
    let catalogue = Catalogue::from_items(&items).expect("distinct ids");
    let rows = |text: &str| {
        let filter = FilterExpression::parse(text).expect("a filter");
        let mask = filter.mask(&catalogue, Timestamp(0)).expect("it suits");
        (0..3).filter(|row| mask.contains(*row)).collect::<Vec<u32>>()
    };
    for from in [
        "\"2026-01-01\"",
        "\"2026-01-01T00:00:00\"",
        "\"2026-01-01T02:00:00+02:00\"",
        "\"2026-01-01T00:00:00Z\"",
        "1767225600000",
    ] {
        assert_eq!(rows(&format!("published >= {from}")), [0], "{from}");
        assert_eq!(rows(&format!("NOT published >= {from}")), [1, 2], "{from}");
    }
    let signs = [-0.0, 0.0, 1.0].map(|number| Item {
        fields: vec![("change".to_owned(), FieldValue::Number(number))],
        ..Item::bare(ItemId::new(format!("{number:?}")).expect("an id"))
    });
    let signs = Catalogue::from_items(&signs).expect("distinct ids");
    for text in ["change = 0", "change in [0]", "change in [0, 5]", "not change in [1]"] {
        let filter = FilterExpression::parse(text).expect("a filter");
        let mask = filter.mask(&signs, Timestamp(0)).expect("it suits");
        assert_eq!((0..3).map(|row| mask.contains(row)).collect::<Vec<_>>(), [true, true, false]);
    }
    assert_eq!(rows("author != \"a\""), [0u32; 0]);
    assert_eq!(rows("not author = \"a\""), [0, 1, 2]);
    assert!(FilterExpression::parse("age_days < 3 or author = \"a\"").expect("one").reads_now());
    assert_eq!(catalogue.indices().map(ItemIndex::at).sum::<usize>(), 3);
}
