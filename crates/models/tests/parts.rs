//! Every part leaves as arrays and comes back the same; damaged arrays are an error or another
//! sound part, never a panic.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{
    Catalogue, ChannelName, EventKinds, FieldValue, Interaction, Item, ItemId, ItemIndex,
    KindIndex, ModelName, SparseRows, TagPath, Timestamp,
};
use gannet_models::{
    Array, Arrays, ArraysError, Factors, FoldIn, Histories, ItemNeighbours, KeyIndex, MergeWeights,
    Model, Part, Popularity, Recency, Snapshot, SnapshotError, Trending, UserItems,
};
use gannet_vectors::Matrix;
use proptest::prelude::*;

fn items() -> impl Strategy<Value = Vec<Item>> {
    let tag = prop::sample::select(vec!["a", "a/b", "a/b/c", "d", "é/f"]);
    let item = (
        ".{0,6}",
        prop::collection::vec(tag, 0..4),
        prop::option::of(prop::sample::select(vec!["x", "y", "z"])),
        prop::option::of(any::<i64>()),
        any::<bool>(),
    );
    prop::collection::vec(item, 0..12).prop_map(|items| {
        let numbered = items.into_iter().enumerate();
        let made = numbered.map(|(at, (title, tags, author, published, available))| {
            let mut tags: Vec<_> = tags.into_iter().map(|tag| TagPath::new(tag).unwrap()).collect();
            tags.sort();
            tags.dedup();
            Item {
                id: ItemId::new(format!("item {at}")).unwrap(),
                title,
                tags,
                author: author.map(str::to_owned),
                published: published.map(Timestamp),
                available,
                expires: published.map(|time| Timestamp(time.saturating_add(1))),
                fields: vec![("place".to_owned(), FieldValue::Number(at as f64))],
            }
        });
        made.collect()
    })
}

fn catalogue() -> impl Strategy<Value = Catalogue> {
    items().prop_map(|items| Catalogue::from_items(&items).unwrap())
}

fn histories() -> impl Strategy<Value = Histories> {
    let event = (0u32..9, 0u8..3, -5f32..5.0, prop::option::of(any::<i64>()));
    prop::collection::vec(prop::collection::vec(event, 0..6), 0..6).prop_map(|users| {
        let mut offsets = vec![0];
        let mut events = Vec::new();
        for (item, kind, value, time) in users.iter().flatten().copied() {
            let (item, kind) = (ItemIndex(item), KindIndex(kind));
            events.push(Interaction { item, kind, value, time: time.map(Timestamp), scene: None });
        }
        for user in &users {
            offsets.push(offsets.last().unwrap() + user.len() as u64);
        }
        let names = (0..users.len()).map(|user| format!("user {user}")).collect();
        Histories::new(names, offsets, events)
    })
}

fn sparse(height: usize, width: u32) -> impl Strategy<Value = SparseRows> {
    let row = prop::collection::btree_map(0..width, 0.1f32..5.0, 0..width as usize);
    prop::collection::vec(row, height).prop_map(move |rows| SparseRows::from_rows(width, rows))
}

fn matrix(height: usize, dim: usize) -> impl Strategy<Value = Matrix> {
    prop::collection::vec(-2f32..2.0, height * dim)
        .prop_map(move |values| Matrix::from_values(values, dim).unwrap())
}

/// One model of each kind: 5 items, 4 users.
fn models() -> impl Strategy<Value = Vec<Model>> {
    let scores = prop::collection::vec(-5f32..5.0, 5);
    let times = prop::collection::vec(any::<i64>(), 5);
    let factors = (matrix(5, 3), matrix(4, 3), matrix(3, 3), any::<bool>());
    (scores, times, sparse(5, 5), sparse(4, 5), sparse(2, 5), factors).prop_map(
        |(scores, times, lists, items_of_users, postings, (items, users, gram, least_squares))| {
            let best_first = (0..5).map(|row| {
                let mut entries: Vec<_> = lists.entries(row).collect();
                entries.sort_by(|a, b| b.1.total_cmp(&a.1));
                entries
            });
            let fold_in = FoldIn { gram, alpha: 1.0, lambda: 0.003, alpha0: 0.1, nu: 0.7 };
            let published = times.into_iter().enumerate();
            let published = published.map(|(item, time)| (ItemIndex(item as u32), Timestamp(time)));
            vec![
                Model::Popularity(Arc::new(Popularity::new(scores.clone()).with_scenes(vec![
                    ("home".to_owned(), vec![(ItemIndex(1), scores[0]), (ItemIndex(4), scores[1])]),
                    ("empty".to_owned(), Vec::new()),
                ]))),
                Model::Trending(Arc::new(Trending::new(vec![
                    (ItemIndex(3), scores[2]),
                    (ItemIndex(0), scores[3]),
                ]))),
                Model::Recency(Arc::new(Recency::new(published.collect(), |_| 0.0))),
                Model::KeyIndex(Arc::new(KeyIndex {
                    field: "tags".to_owned(),
                    postings,
                    idf: vec![1.5, 0.25],
                    ancestor_discount: 0.3,
                })),
                Model::ItemNeighbours(Arc::new(ItemNeighbours {
                    lists: SparseRows::from_rows(5, best_first),
                    recency_exponent: 0.25,
                })),
                Model::Factors(Arc::new(Factors {
                    version: "7".into(),
                    items: Arc::new(items),
                    users: Arc::new(users),
                    fold_in: least_squares.then_some(fold_in),
                })),
                Model::UserItems(Arc::new(UserItems {
                    users_of_items: items_of_users.transpose(),
                    items_of_users,
                    item_weights: vec![0.5; 5],
                    user_norms: vec![1.0; 4],
                    shrinkage: 2.0,
                    neighbour_count: 50,
                    recency_exponent: 0.5,
                })),
            ]
        },
    )
}

/// Breaks one array: drops it, cuts or lengthens it, changes its type, or overwrites a value.
fn damage(arrays: &mut Arrays, which: prop::sample::Index, how: u8, at: prop::sample::Index) {
    let names: Vec<String> = arrays.arrays.keys().cloned().collect();
    let texts: Vec<String> = arrays.texts.keys().cloned().collect();
    if how == 6 && !texts.is_empty() {
        arrays.texts.remove(&texts[which.index(texts.len())]);
        return;
    }
    if how == 7 && !texts.is_empty() {
        let wrong = ["", "-1", "NaN", "inf", "99999999999999999999", "é"];
        let text = texts[which.index(texts.len())].clone();
        arrays.texts.insert(text, wrong[at.index(wrong.len())].to_owned());
        return;
    }
    if names.is_empty() {
        return;
    }
    let name = &names[which.index(names.len())];
    let array = arrays.arrays.get_mut(name).unwrap();
    macro_rules! change {
        ($values:expr, $wrong:expr) => {
            match how {
                0 => drop($values.pop()),
                1 => $values.push($wrong[0]),
                2 => $values.clear(),
                3 => $values.reverse(),
                _ if $values.is_empty() => {}
                _ => {
                    let position = at.index($values.len());
                    $values[position] = $wrong[at.index($wrong.len())];
                }
            }
        };
    }
    match array {
        _ if how == 5 => *array = Array::I64(vec![1]),
        Array::F32(values) => change!(values, [f32::NAN, f32::INFINITY, -1.0]),
        Array::U32(values) => change!(values, [u32::MAX, 1_000_000, 0]),
        Array::U64(values) => change!(values, [u64::MAX, 1 << 40, 0]),
        Array::I64(values) => change!(values, [i64::MIN, i64::MAX, 0]),
        Array::U8(values) => change!(values, [255, 0xc3, 2]),
    }
}

fn model_from(kind: &str, arrays: Arrays) -> Result<Model, ArraysError> {
    Model::from_arrays(kind, arrays)
}

proptest! {
    #[test]
    fn a_catalogue_comes_back(catalogue in catalogue()) {
        prop_assert_eq!(Catalogue::from_arrays(catalogue.to_arrays()), Ok(catalogue));
    }

    #[test]
    fn histories_come_back(histories in histories()) {
        prop_assert_eq!(Histories::from_arrays(histories.to_arrays()), Ok(histories));
    }

    #[test]
    fn merge_weights_come_back(
        weights in prop::collection::btree_map("[a-z]{1,4}", 0f32..9.0, 0..5),
        rrf_k in prop::option::of(0f32..500.0),
    ) {
        let name = |name: String| ChannelName::new(&name).unwrap();
        let named = weights.into_iter().map(|(channel, weight)| (name(channel), weight));
        let weights = MergeWeights { weights: named.collect(), rrf_k };
        prop_assert_eq!(MergeWeights::from_arrays(weights.to_arrays()), Ok(weights));
    }

    #[test]
    fn every_model_comes_back(models in models()) {
        for model in models {
            let again = model_from(model.kind(), model.to_arrays()).unwrap();
            prop_assert_eq!(again.kind(), model.kind());
            prop_assert_eq!(again.to_arrays(), model.to_arrays());
        }
    }

    #[test]
    fn damage_never_panics(
        (catalogue, histories, models) in (catalogue(), histories(), models()),
        which in any::<prop::sample::Index>(),
        how in 0u8..8,
        at in any::<prop::sample::Index>(),
    ) {
        let mut arrays = catalogue.to_arrays();
        damage(&mut arrays, which, how, at);
        if let Ok(other) = Catalogue::from_arrays(arrays) {
            other.indices().for_each(|item| drop(other.item(item)));
        }
        let mut arrays = histories.to_arrays();
        damage(&mut arrays, which, how, at);
        if let Ok(other) = Histories::from_arrays(arrays) {
            (0..other.len() as u32).for_each(|user| drop(other.events(user.into()).to_vec()));
        }
        for model in models {
            let mut arrays = model.to_arrays();
            damage(&mut arrays, which, how, at);
            if let Ok(other) = model_from(model.kind(), arrays.clone()) {
                prop_assert_eq!(other.kind(), model.kind());
            }
        }
    }

    #[test]
    fn a_missing_array_or_text_is_named(models in models(), which in any::<prop::sample::Index>()) {
        for model in models {
            let mut arrays = model.to_arrays();
            let names: Vec<_> = arrays.arrays.keys().cloned().collect();
            let name = names[which.index(names.len())].clone();
            arrays.arrays.remove(&name);
            let error = model_from(model.kind(), arrays).unwrap_err();
            prop_assert_eq!(error, ArraysError::Missing(name));
        }
    }
}

#[test]
fn parts_of_format_1_get_what_they_did_not_have() {
    let items = [Item::bare(ItemId::new("x").unwrap())];
    let catalogue = Catalogue::from_items(&items).unwrap();
    let mut arrays = catalogue.to_arrays();
    for newer in ["expires", "expires_known", "fields.names.bytes", "fields.names.ends"] {
        arrays.arrays.remove(newer).unwrap();
    }
    assert!(Catalogue::from_arrays(arrays.clone()).is_err());
    let (kind, arrays) = arrays.upgrade_from_format_1("catalogue").unwrap();
    assert_eq!(kind, "catalogue");
    assert_eq!(Catalogue::from_arrays(arrays), Ok(catalogue));
    assert!(Arrays::default().upgrade_from_format_1("histories").is_err(), "no events at all");
}

#[test]
fn popularity_of_a_scene_is_checked() {
    let popularity = Popularity::new(vec![1.0; 3]);
    let scenes = vec![("home".to_owned(), vec![(ItemIndex(2), 1.0), (ItemIndex(0), 2.0)])];
    let popularity = popularity.with_scenes(scenes);
    let order = [(ItemIndex(0), 2.0), (ItemIndex(2), 1.0)];
    assert_eq!(popularity.of_scene("home"), Some(&order[..]));
    for (name, wrong) in [
        ("scene_items", Array::U32(vec![0, 3])),
        ("scene_items", Array::U32(vec![0, 0])),
        ("scene_lengths", Array::U64(vec![3])),
        ("scene_lengths", Array::U64(vec![1])),
        ("scene_scores", Array::F32(vec![1.0, f32::NAN])),
    ] {
        let mut arrays = popularity.to_arrays();
        arrays.arrays.insert(name.to_owned(), wrong);
        assert!(Popularity::from_arrays(arrays).is_err(), "{name}");
    }
}

#[test]
fn lists_of_keys_have_the_most_popular_items_first() {
    let item = |id: &str, tag| {
        let tags = vec![TagPath::new(tag).unwrap()];
        Item { tags, ..Item::bare(ItemId::new(id).unwrap()) }
    };
    let items = [item("x", "a/b"), item("y", "a"), item("z", "a/b")];
    let catalogue = Catalogue::from_items(&items).unwrap();
    let popularity = Popularity::new(vec![1.0, 1.0, 5.0]);
    let list = |index: &KeyIndex, tag: &str| {
        index.postings.row(catalogue.find_tag(tag).unwrap() as usize).0.to_vec()
    };
    let index = KeyIndex::by_worth(&catalogue, "tags", 0.5, &popularity).unwrap();
    assert_eq!((list(&index, "a"), list(&index, "a/b")), (vec![2, 0, 1], vec![2, 0]));
    let flat = KeyIndex::by_worth(&catalogue, "tags", 0.0, &popularity).unwrap();
    assert_eq!((list(&flat, "a"), list(&flat, "a/b")), (vec![1], vec![2, 0]));
    let by_index = KeyIndex::of_catalogue(&catalogue, "tags", 0.5).unwrap();
    assert_eq!(list(&by_index, "a"), [0, 1, 2]);
    let values = |index: &KeyIndex| -> f32 { index.postings.parts().2.iter().sum() };
    assert!((values(&by_index) - values(&index)).abs() < 1e-6);
    assert!(KeyIndex::of_catalogue(&catalogue, "music", 0.5).is_none());
}

#[test]
fn an_unknown_kind_is_refused() {
    assert!(matches!(model_from("towers", Arrays::default()), Err(ArraysError::Kind(_))));
}

#[test]
fn tags_keep_their_numbers_and_need_their_ancestors() {
    let tags = vec![TagPath::new("a/b").unwrap(), TagPath::new("c").unwrap()];
    let item = Item { tags: tags.clone(), ..Item::bare(ItemId::new("x").unwrap()) };
    let mut arrays = Catalogue::from_items([&item]).unwrap().to_arrays();
    // Another order of the same names: other parts name tags by number.
    arrays.arrays.insert("tags.bytes".into(), Array::U8(b"caa/b".to_vec()));
    arrays.arrays.insert("tags.ends".into(), Array::U64(vec![1, 2, 5]));
    arrays.arrays.insert("item_tags".into(), Array::U32(vec![2, 0]));
    let catalogue = Catalogue::from_arrays(arrays.clone()).unwrap();
    assert_eq!(catalogue.item(ItemIndex(0)).tags, tags);
    assert_eq!(catalogue.find_tag("c"), Some(0));
    for (bytes, ends, item_tags) in [
        ("cxa/b", vec![1, 2, 5], vec![2, 0]),
        ("ca", vec![1, 2], vec![2, 0]),
        ("ca", vec![1, 2], vec![1, 1]),
        ("c/", vec![1, 2], vec![1, 0]),
    ] {
        arrays.arrays.insert("tags.bytes".into(), Array::U8(bytes.as_bytes().to_vec()));
        arrays.arrays.insert("tags.ends".into(), Array::U64(ends));
        arrays.arrays.insert("item_tags".into(), Array::U32(item_tags));
        let error = Catalogue::from_arrays(arrays.clone()).unwrap_err();
        assert!(matches!(error, ArraysError::Contents { .. }), "{error}");
    }
}

fn snapshot() -> Snapshot {
    let items: Vec<Item> =
        (0..3).map(|at| Item::bare(ItemId::new(at.to_string()).unwrap())).collect();
    let popularity = Model::Popularity(Arc::new(Popularity::new(vec![1.0; 3])));
    let event =
        Interaction { item: ItemIndex(2), kind: KindIndex(0), value: 1.0, time: None, scene: None };
    Snapshot {
        version: "1".into(),
        created: Timestamp(0),
        kinds: EventKinds::implicit("view"),
        catalogue: Arc::new(Catalogue::from_items(&items).unwrap()),
        histories: Arc::new(Histories::new(["ann"].iter().collect(), vec![0, 1], vec![event])),
        models: BTreeMap::from([(ModelName::new("popularity").unwrap(), popularity)]),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    }
}

#[test]
fn parts_of_two_generations_are_not_a_snapshot() {
    let mut mixed = snapshot();
    assert_eq!(mixed.check(), Ok(()));
    let popularity = Model::Popularity(Arc::new(Popularity::new(vec![1.0; 4])));
    mixed.models.insert(ModelName::new("popularity").unwrap(), popularity);
    assert!(matches!(mixed.check(), Err(SnapshotError::Count { got: 4, expected: 3, .. })));

    let mut mixed = snapshot();
    mixed.catalogue = Arc::new(Catalogue::from_items([]).unwrap());
    assert!(matches!(mixed.check(), Err(SnapshotError::Unknown { of: "item", index: 2, .. })));
}
