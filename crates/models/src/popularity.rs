//! How popular each item is, everywhere and in each scene.

use gannet_core::ItemIndex;

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Time-decayed positive events of each item, and the items in that order; beside it the best of
/// each scene, for what is popular on a detail page need not be popular at home.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    scores: Vec<f32>,
    order: Vec<ItemIndex>,
    scenes: Vec<ScenePopularity>,
}

/// The most popular items of one scene. Sparse: most items never appear in most scenes.
#[derive(Debug, Clone, PartialEq)]
struct ScenePopularity {
    scene: String,
    order: Vec<(ItemIndex, f32)>,
}

impl Popularity {
    /// From one finite score an item; equal scores keep the order of the items.
    pub fn new(scores: Vec<f32>) -> Self {
        let mut order: Vec<ItemIndex> = (0..scores.len() as u32).map(ItemIndex).collect();
        order.sort_unstable_by(|a, b| scores[b.at()].total_cmp(&scores[a.at()]).then(a.cmp(b)));
        Self { scores, order, scenes: Vec::new() }
    }

    /// The same with the items of scenes: distinct names, of each scene distinct items with finite
    /// scores in any order.
    pub fn with_scenes(self, scenes: Vec<(String, Vec<(ItemIndex, f32)>)>) -> Self {
        let ordered = |(scene, mut order): (String, Vec<(ItemIndex, f32)>)| {
            order.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            ScenePopularity { scene, order }
        };
        Self { scenes: scenes.into_iter().map(ordered).collect(), ..self }
    }

    /// The score of an item.
    pub fn score(&self, item: ItemIndex) -> f32 {
        self.scores[item.at()]
    }

    /// All scores, by item.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// All items, the most popular first.
    pub fn order(&self) -> &[ItemIndex] {
        &self.order
    }

    /// The items with positive events in a scene, the most popular there first, with their scores
    /// there; only as many as training kept. `None` where no event names the scene.
    pub fn of_scene(&self, scene: &str) -> Option<&[(ItemIndex, f32)]> {
        let found = self.scenes.iter().find(|one| one.scene == scene)?;
        Some(&found.order)
    }

    /// The scenes that [`Popularity::of_scene`] knows.
    pub fn scenes(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.scenes.iter().map(|one| one.scene.as_str())
    }
}

impl Part for Popularity {
    const KIND: &'static str = "popularity";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put("scores", Array::F32(self.scores.clone()));
        arrays.put_strings("scenes", self.scenes());
        let all = || self.scenes.iter().flat_map(|one| &one.order);
        arrays.put("scene_items", Array::U32(all().map(|(item, _)| item.0).collect()));
        arrays.put("scene_scores", Array::F32(all().map(|(_, score)| *score).collect()));
        let lengths = self.scenes.iter().map(|one| one.order.len() as u64).collect();
        arrays.put("scene_lengths", Array::U64(lengths));
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let scores = arrays.take_f32("scores")?;
        require_finite("scores", &scores)?;
        let names = arrays.take_table("scenes")?;
        let items = arrays.take_u32("scene_items")?;
        let scene_scores = arrays.take_f32("scene_scores")?;
        let lengths = arrays.take_u64("scene_lengths")?;
        require_length("scene_lengths", lengths.len(), names.len())?;
        require_length("scene_scores", scene_scores.len(), items.len())?;
        require_finite("scene_scores", &scene_scores)?;
        let mut rest = items.into_iter().zip(scene_scores);
        let mut scenes = Vec::with_capacity(names.len());
        for (name, length) in names.iter().zip(lengths) {
            let bad = |why: &str| ArraysError::contents("scene_items", format!("{name:?}: {why}"));
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let entries: Vec<_> =
                rest.by_ref().take(length).map(|(item, score)| (ItemIndex(item), score)).collect();
            if entries.len() != length {
                return Err(bad("fewer items than it should have"));
            }
            let mut distinct: Vec<u32> = entries.iter().map(|(item, _)| item.0).collect();
            distinct.sort_unstable();
            if distinct.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(bad("an item is there twice"));
            }
            if distinct.last().is_some_and(|last| *last as usize >= scores.len()) {
                return Err(bad("names an item that has no score"));
            }
            scenes.push((name.to_owned(), entries));
        }
        match rest.next() {
            Some(_) => Err(ArraysError::contents("scene_items", "more than the scenes have")),
            None => Ok(Self::new(scores).with_scenes(scenes)),
        }
    }
}
