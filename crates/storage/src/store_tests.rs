use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use gannet_core::{
    Catalogue, ChannelName, EventKinds, FieldValue, Interaction, Item, ItemId, ItemIndex,
    KindIndex, ModelName, SparseRows, StringTable, TagPath, Timestamp,
};
use gannet_models::{
    Arrays, Factors, FoldIn, Histories, ItemNeighbours, KeyIndex, MergeWeights, Model, Part,
    Popularity, Recency, UserItems,
};
use gannet_vectors::Matrix;
use proptest::prelude::*;

use super::*;
use crate::manifest::{FORMAT, MANIFEST_SUM, sha256, sum_line};
use crate::part_file;
use crate::write::Step;

/// The numbers that a snapshot is made from: a seed and what follows from it.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, range: Range<u32>) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        range.start + (self.0 >> 33) as u32 % (range.end - range.start)
    }

    fn item(&mut self, at: u32) -> Item {
        Item {
            id: ItemId::new(format!("Face/Off {at} (1997) 飞")).unwrap(),
            title: format!("title {at}"),
            tags: vec![TagPath::new(&format!("a/b{}", self.next(0..4))).unwrap()],
            author: (self.next(0..2) == 1).then(|| "author".to_owned()),
            published: (self.next(0..3) > 0).then(|| Timestamp(i64::from(self.next(0..9999)) - 99)),
            available: self.next(0..5) > 0,
            expires: (self.next(0..3) == 0).then(|| Timestamp(i64::from(self.next(0..9999)))),
            fields: vec![
                ("city".into(), FieldValue::Text(format!("城 {}", self.next(0..4)))),
                ("length".into(), FieldValue::Number(f64::from(self.next(0..99)) / 7.0)),
            ],
        }
    }

    fn histories(&mut self, items: u32, users: u32) -> Histories {
        let (mut offsets, mut events) = (vec![0], Vec::new());
        for _ in 0..users {
            for _ in 0..if items == 0 { 0 } else { self.next(0..6) } {
                let item = ItemIndex(self.next(0..items));
                let time = (self.next(0..4) > 0).then(|| Timestamp(i64::from(self.next(0..999))));
                let value = self.next(1..6) as f32;
                events.push(Interaction { item, kind: KindIndex(0), value, time, scene: None });
            }
            offsets.push(events.len() as u64);
        }
        let table: StringTable = (0..users).map(|user| format!("user {user}")).collect();
        Histories::new(table, offsets, events)
    }

    fn matrix(&mut self, height: u32) -> Matrix {
        let values = (0..height * 3).map(|_| self.next(0..999) as f32 / 7.0 - 70.0);
        Matrix::from_values(values.collect(), 3).unwrap()
    }

    fn factors(&mut self, items: u32, users: u32, can_fold_in: bool) -> Factors {
        let mut gram = self.matrix(3);
        (0..3).for_each(|at| gram.row_mut(at)[at] = 1e6);
        let fold_in = FoldIn { gram, alpha: 0.1 + 0.2, lambda: 3e-7, alpha0: 0.123, nu: 1.0 / 3.0 };
        Factors {
            version: format!("of {}", self.0),
            items: Arc::new(self.matrix(items)),
            users: Arc::new(self.matrix(users)),
            fold_in: can_fold_in.then_some(fold_in),
        }
    }

    /// One model of every kind.
    fn models(&mut self, catalogue: &Catalogue, users: u32) -> BTreeMap<ModelName, Model> {
        let items = catalogue.indices().count() as u32;
        let weights: Vec<f32> = (0..items).map(|_| self.next(0..99) as f32 / 7.0).collect();
        let list = |item: u32| (items > 1).then(|| ((item + 1) % items.max(1), 0.5));
        let lists = SparseRows::from_rows(items, (0..items).map(list));
        let items_of_users = SparseRows::from_rows(items, (0..users).map(|_| list(0)));
        let dated = catalogue.indices().filter_map(|item| Some((item, catalogue.published(item)?)));
        let user_items = UserItems {
            users_of_items: items_of_users.transpose(),
            user_norms: vec![1.0; users as usize],
            item_weights: weights.clone(),
            items_of_users,
            shrinkage: 10.0,
            neighbour_count: 20,
            recency_exponent: 0.25,
        };
        let models = [
            ("ials", Model::Factors(Arc::new(self.factors(items, users, true)))),
            ("towers", Model::Factors(Arc::new(self.factors(items, users, false)))),
            ("popularity", Model::Popularity(Arc::new(Popularity::new(weights)))),
            ("recency", Model::Recency(Arc::new(Recency::new(dated.collect(), |_| 0.0)))),
            (
                "tags",
                Model::KeyIndex(Arc::new(KeyIndex::of_catalogue(catalogue, "tags", 0.5).unwrap())),
            ),
            (
                "item_cf",
                Model::ItemNeighbours(Arc::new(ItemNeighbours { lists, recency_exponent: 0.5 })),
            ),
            ("user_items", Model::UserItems(Arc::new(user_items))),
        ];
        models.into_iter().map(|(name, model)| (ModelName::new(name).unwrap(), model)).collect()
    }
}

/// A snapshot whose items, users and events follow from a few numbers.
fn made(version: &str, items: u32, users: u32, seed: u64) -> Snapshot {
    let mut numbers = Numbers(seed);
    let all: Vec<Item> = (0..items).map(|at| numbers.item(at)).collect();
    let catalogue = Catalogue::from_items(&all).unwrap();
    Snapshot {
        version: version.to_owned(),
        created: Timestamp(seed as i64),
        kinds: EventKinds::rating(4.0),
        histories: Arc::new(numbers.histories(items, users)),
        models: numbers.models(&catalogue, users),
        catalogue: Arc::new(catalogue),
        merge_weights: MergeWeights {
            weights: BTreeMap::from([(ChannelName::new("popular").unwrap(), 0.3)]),
            rrf_k: Some(20.0),
        },
        recipe: "[data]\nname = \"made\"\n".to_owned(),
    }
}

fn small(version: &str, seed: u64) -> Snapshot {
    made(version, 5, 4, seed)
}

/// Everything that a snapshot holds, in a form that can be compared.
fn facts(snapshot: &Snapshot) -> (String, i64, EventKinds, String, BTreeMap<String, Arrays>) {
    let mut parts = BTreeMap::from([
        ("catalogue".to_owned(), snapshot.catalogue.to_arrays()),
        ("histories".to_owned(), snapshot.histories.to_arrays()),
        ("merge_weights".to_owned(), snapshot.merge_weights.to_arrays()),
    ]);
    for (name, model) in &snapshot.models {
        parts.insert(format!("{name} {}", model.kind()), model.to_arrays());
    }
    let Snapshot { version, created, kinds, recipe, .. } = snapshot;
    (version.clone(), created.0, kinds.clone(), recipe.clone(), parts)
}

fn store() -> (tempfile::TempDir, SnapshotStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::open(folder.path().join("snapshots")).unwrap();
    (folder, store)
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Writes a manifest with a fitting checksum, as a program of our own would.
fn rewrite_manifest(folder: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join(MANIFEST)).unwrap();
    assert!(text.contains(from));
    let text = text.replacen(from, to, 1);
    fs::write(folder.join(MANIFEST_SUM), sum_line(&sha256(text.as_bytes()))).unwrap();
    fs::write(folder.join(MANIFEST), text).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_snapshot_comes_back_as_it_was(
        items in 0u32..9,
        users in 0u32..9,
        seed in 0u64..1 << 40,
    ) {
        let (_folder, store) = store();
        let snapshot = made("v1", items, users, seed);
        let place = store.write(&snapshot).unwrap();
        prop_assert_eq!(facts(&store.current().unwrap().unwrap()), facts(&snapshot));
        prop_assert_eq!(facts(&store.read("v1").unwrap()), facts(&snapshot));
        prop_assert_eq!(place, store.root().join("v1"));
    }
}

#[test]
fn a_user_is_folded_in_alike_before_and_after_the_disk() {
    let (_folder, store) = store();
    let snapshot = small("v1", 7);
    store.write(&snapshot).unwrap();
    let ials = ModelName::new("ials").unwrap();
    let folded = |snapshot: &Snapshot| match &snapshot.models[&ials] {
        Model::Factors(model) => {
            model.fold_in(&[(ItemIndex(1), 1.0), (ItemIndex(3), 0.5)]).unwrap()
        }
        other => panic!("{}", other.kind()),
    };
    let before = folded(&snapshot);
    assert!(before.iter().any(|value| *value != 0.0), "{before:?}");
    assert_eq!(folded(&store.current().unwrap().unwrap()), before);
}

#[test]
fn a_store_that_was_never_written_is_empty_and_not_an_error() {
    let (folder, store) = store();
    assert!(store.current().unwrap().is_none());
    assert!(store.versions().unwrap().is_empty());
    assert!(store.retain(1).unwrap().is_empty());
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(SnapshotStore::open(folder.path().join("file")).is_err());
}

#[test]
fn the_same_snapshot_gives_the_same_bytes() {
    let ((_one, first), (_two, second)) = (store(), store());
    let left = first.write(&small("v1", 7)).unwrap();
    let right = second.write(&small("v1", 7)).unwrap();
    for (left, right) in files_of(&left).iter().zip(&files_of(&right)) {
        assert_eq!(fs::read(left).unwrap(), fs::read(right).unwrap(), "{}", left.display());
    }
}

#[test]
fn inspect_names_every_file_with_its_length() {
    let (_folder, store) = store();
    let place = store.write(&small("v1", 7)).unwrap();
    let manifest = store.inspect("v1").unwrap();
    assert_eq!(manifest.files.len() + 2, files_of(&place).len());
    let length = |name: &str| place.join(name).metadata().unwrap().len();
    assert!(manifest.files.iter().all(|file| length(&file.name) == file.bytes));
    assert_eq!(manifest.bytes(), manifest.files.iter().map(|file| file.bytes).sum::<u64>());
    assert_eq!(store.verify("v1").unwrap(), manifest);
}

#[test]
fn a_truncated_file_is_always_found() {
    let (_folder, store) = store();
    let place = store.write(&small("v1", 7)).unwrap();
    for path in files_of(&place) {
        let whole = fs::read(&path).unwrap();
        for keep in [0, 1, 7, 8, 63, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..keep.min(whole.len() - 1)]).unwrap();
            let error = store.current().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(path.parent().unwrap().to_str().unwrap()), "{error}");
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(store.verify("v1").is_err(), "{} with a byte more", path.display());
        fs::write(&path, whole).unwrap();
    }
    store.current().unwrap().unwrap();
}

#[test]
fn a_flipped_bit_is_always_found() {
    let (_folder, store) = store();
    let place = store.write(&small("v1", 7)).unwrap();
    let mut files = files_of(&place);
    files.push(store.root().join(CURRENT));
    let mut state = 1u64;
    for round in 0..600 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let path = &files[round % files.len()];
        let whole = fs::read(path).unwrap();
        let bit = (state >> 20) as usize % (whole.len() * 8);
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(path, bytes).unwrap();
        assert!(store.current().is_err(), "{} bit {bit}", path.display());
        fs::write(path, whole).unwrap();
    }
}

#[test]
fn a_missing_file_is_named() {
    let (_folder, store) = store();
    let place = store.write(&small("v1", 7)).unwrap();
    for path in files_of(&place) {
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = store.current().map(|_| ()).unwrap_err();
        assert!(matches!(error, ReadError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        fs::create_dir(&path).unwrap();
        assert!(store.current().is_err(), "a folder in place of {}", path.display());
        fs::remove_dir(&path).unwrap();
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_current_that_points_nowhere_is_an_error_and_can_be_mended() {
    let (_folder, store) = store();
    store.write(&small("v1", 1)).unwrap();
    store.write(&small("v2", 2)).unwrap();
    fs::remove_dir_all(store.root().join("v2")).unwrap();
    assert!(matches!(store.current(), Err(ReadError::Missing { .. })));
    for text in ["", "\n", "v1", "v1\n", "../v1 00\n", "v1 00\n", "\u{0} \n"] {
        fs::write(store.root().join(CURRENT), text).unwrap();
        assert!(store.current().is_err(), "{text:?}");
    }
    store.make_current("v1").unwrap();
    assert_eq!(store.current().unwrap().unwrap().version, "v1");
    assert!(store.make_current("v2").is_err());
}

#[test]
fn unknown_files_are_ignored() {
    let (_folder, store) = store();
    let place = store.write(&small("v1", 7)).unwrap();
    fs::write(place.join("notes.txt"), "mine").unwrap();
    fs::write(store.root().join("notes.txt"), "mine").unwrap();
    fs::create_dir(store.root().join("folder")).unwrap();
    store.current().unwrap().unwrap();
    assert_eq!(store.versions().unwrap(), ["v1"]);
}

#[test]
fn a_newer_format_is_refused_and_left_untouched() {
    let (_folder, store) = store();
    let place = store.write(&small("v1", 7)).unwrap();
    let newer = format!("\"format\": {}", FORMAT + 1);
    rewrite_manifest(&place, &format!("\"format\": {FORMAT}"), &newer);
    let before: Vec<_> = files_of(&place).iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(matches!(store.current(), Err(ReadError::Format { got: 3, .. })));
    store.write(&small("v2", 8)).unwrap();
    assert!(store.retain(1).unwrap().is_empty(), "what cannot be read is not removed");
    let after: Vec<_> = files_of(&place).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(before, after);
}

/// Takes what format 2 brought out of a folder: fields, expiry, scenes, and the field's name.
fn make_format_1(place: &Path) {
    let mut manifest: Manifest =
        serde_json::from_slice(&fs::read(place.join(MANIFEST)).unwrap()).unwrap();
    manifest.format = 1;
    for file in &mut manifest.files {
        let path = place.join(&file.name);
        let newer = |name: &str| {
            name.starts_with("expires")
                || name.starts_with("fields.")
                || name.contains("scene")
                || name.starts_with("user_fields")
        };
        if file.kind == "recipe" {
            continue;
        }
        let mut arrays = part_file::from_bytes(&fs::read(&path).unwrap()).unwrap();
        arrays.arrays.retain(|name, _| !newer(name));
        if file.kind == "key_index" {
            file.kind = "tag_index".to_owned();
            arrays.texts.remove("field").unwrap();
        }
        let mut bytes = Vec::new();
        part_file::write(arrays, &mut bytes).unwrap();
        fs::write(&path, &bytes).unwrap();
        (file.bytes, file.sha256) = (bytes.len() as u64, sha256(&bytes));
    }
    let text = serde_json::to_vec_pretty(&manifest).unwrap();
    fs::write(place.join(MANIFEST), &text).unwrap();
    fs::write(place.join(MANIFEST_SUM), sum_line(&sha256(&text))).unwrap();
}

#[test]
fn a_snapshot_of_format_1_is_read_as_it_was_meant() {
    let (_folder, store) = store();
    let mut snapshot = small("v1", 7);
    let place = store.write(&snapshot).unwrap();
    make_format_1(&place);
    let manifest = fs::read_to_string(place.join(MANIFEST)).unwrap();
    let sum = sha256(manifest.as_bytes());
    fs::write(store.root().join(CURRENT), format!("v1 {sum}\n")).unwrap();
    let items = snapshot.catalogue.indices().map(|item| {
        let item = snapshot.catalogue.item(item);
        Item { expires: None, fields: Vec::new(), ..item }
    });
    snapshot.catalogue = Arc::new(Catalogue::from_items(&items.collect::<Vec<_>>()).unwrap());
    assert_eq!(facts(&store.current().unwrap().unwrap()), facts(&snapshot));
}

#[test]
fn a_manifest_cannot_name_files_outside_its_folder() {
    for name in ["../outside", "/outside", "a\\\\b", ".hidden", "", "a/b"] {
        let (_folder, store) = store();
        let place = store.write(&small("v1", 7)).unwrap();
        rewrite_manifest(&place, "\"recipe.toml\"", &format!("\"{name}\""));
        assert!(matches!(store.read("v1"), Err(ReadError::Contents { .. })), "{name}");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let ((_one, store), (_two, other)) = (store(), store());
    let mut mixed = small("v1", 7);
    mixed.histories = made("v1", 9, 4, 3).histories;
    mixed.models = made("v1", 9, 4, 3).models;
    assert!(matches!(store.write(&mixed), Err(WriteError::Snapshot(_))));
    // The same with files whose checksums are right.
    let place = store.write(&small("v1", 7)).unwrap();
    let foreign = other.write(&made("v1", 9, 4, 3)).unwrap();
    let name = "item_cf.safetensors";
    let facts = |store: &SnapshotStore| {
        store.inspect("v1").unwrap().files.into_iter().find(|file| file.name == name).unwrap()
    };
    let (own, theirs) = (facts(&store), facts(&other));
    fs::copy(foreign.join(name), place.join(name)).unwrap();
    rewrite_manifest(&place, &own.sha256, &theirs.sha256);
    let bytes = |bytes: u64| format!("\"item_neighbours\",\n      \"bytes\": {bytes}");
    rewrite_manifest(&place, &bytes(own.bytes), &bytes(theirs.bytes));
    assert!(matches!(store.read("v1"), Err(ReadError::Snapshot { .. })));
}

#[test]
fn versions_that_could_leave_the_store_are_refused() {
    let (_folder, store) = store();
    let long = "v".repeat(65);
    for version in [
        "", ".", "..", "../v1", "a/b", "a\\b", "/v1", ".new-v1", "-v", "CURRENT", "current",
        "Lock", "v 1", "v\0", "飞", &long,
    ] {
        assert!(matches!(store.read(version), Err(ReadError::Version { .. })), "{version:?}");
        let snapshot = Snapshot { version: version.to_owned(), ..small("v1", 1) };
        assert!(matches!(store.write(&snapshot), Err(WriteError::Version(_))), "{version:?}");
        assert!(store.make_current(version).is_err());
    }
    assert!(!store.root().exists());
}

#[test]
fn a_snapshot_never_changes_once_it_is_there() {
    let (_folder, store) = store();
    store.write(&small("v1", 1)).unwrap();
    assert!(matches!(store.write(&small("v1", 2)), Err(WriteError::Exists { .. })));
    assert_eq!(facts(&store.current().unwrap().unwrap()), facts(&small("v1", 1)));
}

#[test]
fn a_model_cannot_take_the_name_of_another_part() {
    let (_folder, store) = store();
    let mut snapshot = small("v1", 1);
    let model = snapshot.models.values().next().unwrap().clone();
    snapshot.models.insert(ModelName::new("catalogue").unwrap(), model);
    assert!(matches!(store.write(&snapshot), Err(WriteError::ModelName { .. })));
    assert!(!store.has_leftovers(), "a write that failed cleans up");
}

#[test]
fn a_kill_after_any_step_leaves_the_old_or_the_new_snapshot() {
    let (_folder, whole) = store();
    whole.write(&small("v1", 1)).unwrap();
    let mut steps = Vec::new();
    whole
        .write_observed(&small("v2", 2), &mut |step| {
            steps.push(step);
            Ok(())
        })
        .unwrap();
    assert!(steps.len() > 15);
    for (stop, last) in steps.iter().enumerate() {
        let (_folder, store) = store();
        store.write(&small("v1", 1)).unwrap();
        let mut done = 0;
        let killed = store.write_observed(&small("v2", 2), &mut |step| {
            done += 1;
            let source = io::Error::other(format!("killed after {step:?}"));
            let path = PathBuf::new();
            let kill = WriteError::Io { path, action: "go on", source };
            if done > stop { Err(kill) } else { Ok(()) }
        });
        assert!(killed.is_err());
        let expected = if *last == Step::CurrentRenamed { "v2" } else { "v1" };
        // Another start: it finds a store that answers, and clears what was left.
        let store = SnapshotStore::open(store.root()).unwrap();
        assert_eq!(store.current().unwrap().unwrap().version, expected, "{last:?}");
        assert!(!store.has_leftovers(), "{last:?}");
        for version in store.versions().unwrap() {
            store.verify(&version).unwrap();
        }
        store.write(&small("v3", 3)).unwrap();
        assert_eq!(store.current().unwrap().unwrap().version, "v3");
    }
}

#[test]
fn retain_keeps_the_newest_and_the_current_one() {
    let (_folder, store) = store();
    for at in 1..=5 {
        store.write(&small(&format!("v{at}"), at)).unwrap();
    }
    store.make_current("v2").unwrap();
    assert_eq!(store.retain(2).unwrap(), ["v3", "v1"]);
    assert_eq!(store.versions().unwrap(), ["v2", "v4", "v5"]);
    assert_eq!(store.retain(0).unwrap(), ["v5", "v4"]);
    assert_eq!(store.current().unwrap().unwrap().version, "v2");
}

#[test]
fn two_writers_exclude_one_another_and_readers_do_not_wait() {
    let (_folder, store) = store();
    store.write(&small("v1", 1)).unwrap();
    let lock = store.lock().unwrap();
    fs::create_dir(store.root().join(".new-v2")).unwrap();
    let second = SnapshotStore::open(store.root()).unwrap();
    assert!(second.has_leftovers(), "the other one's work in progress is not cleared");
    assert!(matches!(second.write(&small("v2", 2)), Err(WriteError::Locked { .. })));
    assert_eq!(second.current().unwrap().unwrap().version, "v1");
    drop(lock);
    second.write(&small("v2", 2)).unwrap();
}
