//! The same data through three formats is the same data set.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use gannet_core::{Silent, Timestamp};
use gannet_dataset::{
    Dataset, Format, MovielensSettings, ReadOptions, Source, TypedHeaderMapping,
    normal_form_checksum, read,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(2_000_000_000_000);

#[derive(Debug, Clone)]
struct Film {
    id: u32,
    title: String,
    year: Option<i16>,
    genres: Vec<String>,
}

#[derive(Debug, Clone)]
struct Rating {
    user: u32,
    film: u32,
    halves: u8,
    seconds: i64,
}

fn films() -> impl Strategy<Value = Vec<Film>> {
    let title = "[A-Za-zéñÿ',\".&!?-]([A-Za-zéñÿ',\".&!? -]{0,10}[A-Za-zéñÿ',\".&!?-])?";
    let genres = prop::collection::btree_set("[A-Z][a-z'-]{0,5}", 0..4);
    let film = (title, prop::option::of(1900i16..2030), genres);
    prop::collection::vec(film, 1..20).prop_map(|films| {
        let film = |(at, (title, year, genres)): (usize, (String, Option<i16>, _))| {
            let genres: std::collections::BTreeSet<String> = genres;
            Film { id: at as u32 * 3, title, year, genres: genres.into_iter().collect() }
        };
        films.into_iter().enumerate().map(film).collect()
    })
}

fn ratings() -> impl Strategy<Value = Vec<Rating>> {
    let rating =
        (0u32..12, 0u32..60, 1u8..=10, 0i64..50).prop_map(|(user, film, halves, seconds)| Rating {
            user,
            film,
            halves,
            seconds: 900_000_000 + seconds,
        });
    prop::collection::vec(rating, 1..80)
}

impl Film {
    fn full_title(&self) -> String {
        match self.year {
            Some(year) => format!("{} ({year})", self.title),
            None => self.title.clone(),
        }
    }
}

impl Rating {
    fn stars(&self) -> String {
        (f32::from(self.halves) / 2.0).to_string()
    }
}

fn write_dat(folder: &Path, films: &[Film], ratings: &[Rating]) {
    let mut movies = Vec::new();
    for film in films {
        let line = format!("{}::{}::{}\n", film.id, film.full_title(), film.genres.join("|"));
        // Every character of the strategy is one byte of Latin-1.
        movies.extend(line.chars().map(|character| u32::from(character) as u8));
    }
    fs::write(folder.join("movies.dat"), movies).unwrap();
    let lines = ratings.iter().map(|rating| {
        format!("{}::{}::{}::{}\n", rating.user, rating.film, rating.stars(), rating.seconds)
    });
    fs::write(folder.join("ratings.dat"), lines.collect::<String>()).unwrap();
}

fn write_csv(folder: &Path, films: &[Film], ratings: &[Rating]) {
    let mut movies = csv::Writer::from_path(folder.join("movies.csv")).unwrap();
    movies.write_record(["movieId", "title", "genres"]).unwrap();
    for film in films {
        let genres = match film.genres.join("|") {
            none if none.is_empty() => "(no genres listed)".to_owned(),
            genres => genres,
        };
        movies.write_record([film.id.to_string(), film.full_title(), genres]).unwrap();
    }
    movies.flush().unwrap();
    let mut table = csv::Writer::from_path(folder.join("ratings.csv")).unwrap();
    table.write_record(["timestamp", "userId", "movieId", "rating"]).unwrap();
    for rating in ratings {
        let Rating { user, film, seconds, .. } = rating;
        let (user, film) = (user.to_string(), film.to_string());
        table.write_record([seconds.to_string(), user, film, rating.stars()]).unwrap();
    }
    table.flush().unwrap();
}

fn write_typed(folder: &Path, films: &[Film], ratings: &[Rating]) {
    let mut items =
        "item_id:token\ttitle:token\tgenre:token_seq\trelease_year:float\r\n".to_owned();
    for film in films {
        let year = film.year.map_or(String::new(), |year| format!("{year}.0"));
        let genres = film.genres.join(" ");
        items += &format!("{}\t{}\t{genres}\t{year}\r\n", film.id, film.full_title());
    }
    fs::write(folder.join("x.item"), items).unwrap();
    let mut events = "user_id:token\titem_id:token\trating:float\ttimestamp:float\r\n".to_owned();
    for rating in ratings {
        let Rating { user, film, seconds, .. } = rating;
        events += &format!("{user}\t{film}\t{}\t{seconds}.0\r\n", rating.stars());
    }
    fs::write(folder.join("x.inter"), events).unwrap();
}

fn read_back(folder: &Path, format: Format) -> Dataset {
    let source = Source { folder: folder.to_owned(), format };
    let mut options = ReadOptions::new("round trip", NOW);
    options.bad_rows_share_max = 0.0;
    read(&source, &options, &Silent).unwrap_or_else(|error| panic!("{error}")).dataset
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn three_formats_give_one_normal_form(films in films(), ratings in ratings()) {
        let folder = tempfile::tempdir().unwrap();
        write_dat(folder.path(), &films, &ratings);
        write_csv(folder.path(), &films, &ratings);
        write_typed(folder.path(), &films, &ratings);
        let dat = read_back(folder.path(), Format::MovielensDat(MovielensSettings::default()));
        let csv = read_back(folder.path(), Format::MovielensCsv(MovielensSettings::default()));
        let typed = read_back(folder.path(), Format::TypedHeader(TypedHeaderMapping::default()));
        prop_assert_eq!(&dat, &csv);
        prop_assert_eq!(&dat, &typed);
        prop_assert_eq!(normal_form_checksum(&dat), normal_form_checksum(&typed));

        // The slow obvious form: rows sorted by user and time, equal ones in file order.
        let mut expected = ratings.clone();
        expected.sort_by_key(|rating| (rating.user, rating.seconds));
        prop_assert_eq!(dat.events.users.len(), expected.len());
        for (at, rating) in expected.iter().enumerate() {
            let (user, event) = (dat.events.users[at], dat.events.interactions[at]);
            prop_assert_eq!(dat.users.get(user.0), rating.user.to_string());
            prop_assert_eq!(dat.catalogue.id(event.item), rating.film.to_string());
            prop_assert_eq!(event.value, f32::from(rating.halves) / 2.0);
            prop_assert_eq!(event.time, Some(Timestamp::from_seconds(rating.seconds)));
        }
        for film in &films {
            let item = dat.catalogue.find(&film.id.to_string()).expect("kept without ratings too");
            let item = dat.catalogue.item(item);
            prop_assert_eq!(item.title, film.full_title());
            let genres: Vec<String> = item.tags.iter().map(ToString::to_string).collect();
            prop_assert_eq!(&genres, &film.genres);
        }
    }

    #[test]
    fn one_changed_event_changes_the_checksum(
        films in films(),
        ratings in ratings(),
        at in 0usize..80,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write_dat(folder.path(), &films, &ratings);
        let format = Format::MovielensDat(MovielensSettings::default());
        let mut dataset = read_back(folder.path(), format);
        let before = normal_form_checksum(&dataset);
        let at = at % dataset.events.interactions.len();
        dataset.events.interactions[at].value += 0.5;
        prop_assert_ne!(normal_form_checksum(&dataset), before);
    }
}
