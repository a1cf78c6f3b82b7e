//! What is wrong with real files, and what each reader makes of it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use gannet_core::{EventKind, EventKinds, Silent, Timestamp};
use gannet_dataset::{
    CsvMapping, FixedSplitSettings, Format, MovielensSettings, ReadError, ReadOptions, ReadOutcome,
    Source, TypedHeaderMapping, read,
};

const NOW: Timestamp = Timestamp(1_000_000_000_000);
const ALL_MAY_BE_BAD: f64 = 1.0;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn read_sharing(folder: &Path, format: &Format, share: f64) -> Result<ReadOutcome, ReadError> {
    let mut options = ReadOptions::new("bad", NOW);
    options.bad_rows_share_max = share;
    read(&Source { folder: folder.to_owned(), format: format.clone() }, &options, &Silent)
}

fn dat() -> Format {
    Format::MovielensDat(MovielensSettings::default())
}

fn movielens_csv() -> Format {
    Format::MovielensCsv(MovielensSettings::default())
}

fn csv(json: &str) -> Format {
    Format::Csv(serde_json::from_str::<CsvMapping>(json).unwrap())
}

const EVENTS: &str = r#"{"events": {"file": "e.csv", "user": "u", "item": "i", "kind": "k",
    "value": "v", "time": "t", "time_unit": "milliseconds"}}"#;

/// Reads one good row and `row`, which must be refused with `file:line: ...` as its message.
fn refused(row: &[u8]) -> String {
    let mut content = b"u,i,k,v,t\n".to_vec();
    content.extend_from_slice(row);
    content.extend_from_slice(b"\ngood,good,play,1,5\n");
    let folder = folder(&[("e.csv", &content)]);
    let kind = |name: &str| EventKind::new(name, 1.0, None);
    let mut options = ReadOptions::new("bad", NOW);
    options.bad_rows_share_max = ALL_MAY_BE_BAD;
    options.kinds = Some(EventKinds::new(vec![kind("play"), kind("like")]).unwrap());
    let source = Source { folder: folder.path().to_owned(), format: csv(EVENTS) };
    let outcome = read(&source, &options, &Silent).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.bad_rows.count(), 1, "{}", outcome.bad_rows);
    assert_eq!(outcome.bad_rows.row_count(), 2);
    let dataset = &outcome.dataset;
    assert_eq!((dataset.users.len(), dataset.catalogue.len()), (1, 1), "a row was half-applied");
    assert_eq!(dataset.events.users.len(), 1);
    outcome.bad_rows.first()[0].to_string()
}

#[test]
fn every_bad_field_is_named_with_its_line_and_what_was_expected() {
    let long = "x".repeat(257);
    let cases: [(&[u8], &str); 16] = [
        (b"a,b,play,1", "e.csv:2: expected 5 fields, found \"4 fields\""),
        (b"a,b,play,1,5,6", "expected 5 fields, found \"6 fields\""),
        (b",b,play,1,5", "expected an id of 1 to 256 bytes, found \"\""),
        (b"a,,play,1,5", "expected an id of 1 to 256 bytes, found \"\""),
        (&[long.as_bytes(), b",b,play,1,5"].concat(), "an id of 1 to 256 bytes"),
        (&[b"a,", long.as_bytes(), b",play,1,5"].concat(), "an id of 1 to 256 bytes"),
        (b"a,b,share,1,5", "k: expected one of play, like, found \"share\""),
        (b"a,b,play,many,5", "v: expected a finite number, found \"many\""),
        (b"a,b,play,NaN,5", "v: expected a finite number"),
        (b"a,b,play,inf,5", "v: expected a finite number"),
        (b"a,b,play,1e39,5", "v: expected a finite number"),
        (b"a,b,play,1,-5", "t: expected a time after 1970, found \"-5\""),
        (b"a,b,play,1,1000000000001", "t: expected a time that is not in the future"),
        (b"a,b,play,1,", "t: expected milliseconds since 1970"),
        (b"a,b,play,1,5x", "t: expected milliseconds since 1970"),
        (b"a,\xff\xfe,play,1,5", "i: expected text in the file's encoding"),
    ];
    for (row, expected) in cases {
        let message = refused(row);
        assert!(message.starts_with("e.csv:2: "), "{message}");
        assert!(message.contains(expected), "{message} has no {expected}");
    }
}

#[test]
fn a_time_of_this_very_moment_is_not_in_the_future() {
    let folder =
        folder(&[("x.inter", b"user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1e9\n")]);
    let format = Format::TypedHeader(TypedHeaderMapping::default());
    assert!(read_sharing(folder.path(), &format, 0.0).is_ok());
}

#[test]
fn the_first_row_of_an_item_is_kept_and_later_ones_are_refused() {
    let folder = folder(&[
        ("movies.dat", b"1::First (1990)::A\n1::Second (1991)::B\n"),
        ("ratings.dat", b"1::1::5::100\n"),
    ]);
    let outcome = read_sharing(folder.path(), &dat(), ALL_MAY_BE_BAD).unwrap();
    let item = outcome.dataset.catalogue.item(gannet_core::ItemIndex(0));
    assert_eq!(item.title, "First (1990)");
    assert_eq!(outcome.dataset.catalogue.tag_count(), 1, "nothing of the second is kept");
    let message = outcome.bad_rows.first()[0].to_string();
    assert!(message.contains("movies.dat:2") && message.contains("not given before"), "{message}");
}

#[test]
fn too_many_bad_rows_stop_with_the_first_ten_of_them() {
    let good = "1::1::5::100\n".repeat(1000);
    let movies: (&str, &[u8]) = ("movies.dat", b"1::Film (1990)::A\n");
    let one = folder(&[movies, ("ratings.dat", format!("{good}bad\n").as_bytes())]);
    let outcome = read_sharing(one.path(), &dat(), 0.001).unwrap();
    assert_eq!((outcome.bad_rows.count(), outcome.bad_rows.row_count()), (1, 1002));
    let many = folder(&[movies, ("ratings.dat", (good + &"bad\n".repeat(12)).as_bytes())]);
    let error = read_sharing(many.path(), &dat(), 0.001).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("12 of 1013 rows were refused"), "{text}");
    assert!(text.contains("ratings.dat:1001: expected UserID::MovieID::Rating"), "{text}");
    assert!(text.contains("ratings.dat:1010") && !text.contains("ratings.dat:1011"), "{text}");
    assert!(text.contains("and 2 more") && text.contains("0.1000 %"), "{text}");
}

#[test]
fn a_share_that_is_no_share_is_refused() {
    let folder = folder(&[]);
    for bad in [-0.1, 1.1, f64::NAN] {
        let error = read_sharing(folder.path(), &dat(), bad).unwrap_err();
        assert!(matches!(error, ReadError::Setting { .. }), "{error}");
    }
}

#[test]
fn a_row_without_an_end_of_its_quote_loses_every_line_that_it_swallows() {
    let folder = folder(&[
        ("movies.csv", b"movieId,title,genres\n1,\"open,A\n2,b,B\n3,c,C\n"),
        ("ratings.csv", b"userId,movieId,rating,timestamp\n1,1,5,100\n"),
    ]);
    let outcome = read_sharing(folder.path(), &movielens_csv(), ALL_MAY_BE_BAD).unwrap();
    assert_eq!(outcome.bad_rows.count(), 3);
    let message = outcome.bad_rows.first()[0].to_string();
    assert!(message.contains("movies.csv:2: expected a closing quote"), "{message}");
}

#[test]
fn giant_lines_are_refused_in_bounded_memory_and_reading_goes_on() {
    let giant = "x".repeat(3 << 20);
    let ratings = format!("1::1::5::100\n{giant}\n1::1::5::200\n");
    let movies: (&str, &[u8]) = ("movies.dat", b"1::Film (1990)::A\n");
    let folder = folder(&[movies, ("ratings.dat", ratings.as_bytes())]);
    let outcome = read_sharing(folder.path(), &dat(), ALL_MAY_BE_BAD).unwrap();
    assert_eq!(outcome.dataset.events.users.len(), 2);
    let message = outcome.bad_rows.first()[0].to_string();
    assert!(message.contains("ratings.dat:2: expected a line of at most 1048576"), "{message}");
}

#[test]
fn a_giant_quoted_field_is_refused_and_reading_goes_on() {
    let giant = "line\n".repeat(300_000);
    let movies = format!("movieId,title,genres\n1,\"{giant}\",A\n2,b,B\n");
    let ratings: (&str, &[u8]) = ("ratings.csv", b"userId,movieId,rating,timestamp\n1,1,5,100\n");
    let folder = folder(&[("movies.csv", movies.as_bytes()), ratings]);
    let outcome = read_sharing(folder.path(), &movielens_csv(), ALL_MAY_BE_BAD).unwrap();
    assert!(outcome.bad_rows.count() > 200_000);
    let message = outcome.bad_rows.first()[0].to_string();
    assert!(message.contains("movies.csv:2") && message.contains("quote left open"), "{message}");
}

#[test]
fn a_line_of_a_fixed_file_is_taken_whole_or_not_at_all() {
    let long = "9".repeat(300);
    let train = format!("0 1 2 {long} 3\n1 4\n");
    let folder = folder(&[("train.txt", train.as_bytes()), ("test.txt", b"0 5\n")]);
    let format = Format::FixedSplit(FixedSplitSettings {});
    let outcome = read_sharing(folder.path(), &format, ALL_MAY_BE_BAD).unwrap();
    assert_eq!((outcome.bad_rows.count(), outcome.dataset.events.users.len()), (1, 1));
    assert_eq!(outcome.dataset.catalogue.find("1"), None);
}

#[test]
fn unknown_columns_are_refused_with_the_header() {
    let folder = folder(&[
        ("e.csv", b"user,item\nu,i\n"),
        ("x.inter", b"uid:token\titem_id:token\nu\ti\n"),
        ("movies.csv", b"movieId,name,genres\n1,a,b\n"),
    ]);
    let mapping = csv(r#"{"events": {"file": "e.csv", "user": "user", "item": "video"}}"#);
    let error = read_sharing(folder.path(), &mapping, 0.0).unwrap_err().to_string();
    assert!(error.contains("no column \"video\"; its header is: user, item"), "{error}");
    let typed = Format::TypedHeader(TypedHeaderMapping::default());
    let error = read_sharing(folder.path(), &typed, 0.0).unwrap_err().to_string();
    assert!(error.contains("\"user_id\"") && error.contains("uid:token"), "{error}");
    let error = read_sharing(folder.path(), &movielens_csv(), 0.0).unwrap_err().to_string();
    assert!(error.contains("\"title\""), "{error}");
}

#[test]
fn headers_without_types_are_refused_where_types_belong() {
    let folder = folder(&[("x.inter", b"user_id\titem_id:string\nu\ti\n")]);
    let typed = Format::TypedHeader(TypedHeaderMapping::default());
    let error = read_sharing(folder.path(), &typed, 0.0).unwrap_err().to_string();
    assert!(error.contains("user_id:token"), "{error}");
}

#[test]
fn missing_and_empty_files_and_folders_in_their_place_are_told_apart() {
    let error = |folder: &Path| read_sharing(folder, &dat(), 0.0).unwrap_err();
    let empty = folder(&[]);
    assert!(matches!(error(empty.path()), ReadError::Missing { .. }));
    assert!(matches!(error(&empty.path().join("absent")), ReadError::Missing { .. }));
    let movies = empty.path().join("movies.dat");
    fs::create_dir(&movies).unwrap();
    assert!(matches!(error(empty.path()), ReadError::FolderForFile { path } if path == movies));
    let file = folder(&[("a", b"x")]);
    let path = file.path().join("a");
    assert!(matches!(error(&path), ReadError::FileForFolder { .. }));
    let hollow = folder(&[("movies.dat", b"")]);
    assert!(matches!(error(hollow.path()), ReadError::Empty { .. }));
    let blank = folder(&[("movies.dat", b"\n\n"), ("ratings.dat", b"\n")]);
    assert!(matches!(error(blank.path()), ReadError::Empty { .. }));
}

#[test]
fn a_header_alone_is_an_empty_file() {
    let folder = folder(&[("x.inter", b"user_id:token\titem_id:token\n")]);
    let typed = Format::TypedHeader(TypedHeaderMapping::default());
    let error = read_sharing(folder.path(), &typed, 0.0).unwrap_err();
    assert!(matches!(error, ReadError::Empty { .. }), "{error}");
}

#[test]
fn several_files_that_fit_must_be_told_apart_by_name() {
    let content = b"user_id:token\titem_id:token\nu\ti\n";
    let folder = folder(&[("a.inter", content), ("b.inter", content)]);
    let typed = |stem: Option<&str>| {
        let stem = stem.map(str::to_owned);
        Format::TypedHeader(TypedHeaderMapping { stem, ..TypedHeaderMapping::default() })
    };
    let error = read_sharing(folder.path(), &typed(None), 0.0).unwrap_err().to_string();
    assert!(error.contains("a, b") && error.contains("stem"), "{error}");
    assert!(read_sharing(folder.path(), &typed(Some("b")), 0.0).is_ok());
}

#[test]
fn settings_that_cannot_be_meant_are_named() {
    let folder = folder(&[("e.csv", b"u,i,k\nu,i,play\n")]);
    let with = |more: &str| {
        let events = r#"{"events": {"file": "e.csv", "user": "u", "item": "i"}"#;
        read_sharing(folder.path(), &csv(&format!("{events}{more}}}")), 0.0).map(|_| ())
    };
    assert!(with("").is_ok());
    for (more, setting) in [
        (r#", "delimiter": "，""#, "delimiter"),
        (r#", "delimiter": "\n""#, "delimiter"),
        (r#", "encoding": "klingon""#, "encoding"),
    ] {
        let error = with(more).unwrap_err().to_string();
        assert!(error.contains(setting), "{error}");
    }
    let kinds = csv(r#"{"events": {"file": "e.csv", "user": "u", "item": "i", "kind": "k"}}"#);
    let error = read_sharing(folder.path(), &kinds, 0.0).unwrap_err().to_string();
    assert!(error.contains("`kinds`"), "{error}");
}
