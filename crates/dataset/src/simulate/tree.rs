//! The tag tree: three levels, small for a small catalogue and of some hundred leaves for a large.

use super::words::{FORMS, LEAVES, VARIETIES};

/// From so many items on, every topic has varieties of its own.
const LARGE_FROM: u32 = 20_000;

/// The most leaves that a tree has.
const LEAVES_MAX: usize = 360;

/// A leaf's position among the leaves of its tree; those of one branch are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf(u16);

/// In the place of a leaf that an item does not have: nobody is interested in it.
pub(super) const NO_LEAF: Leaf = Leaf(LEAVES_MAX as u16);

/// What is added to the interest in all leaves of a root, of a middle, and in one leaf, for one
/// leaf of interest: leaves of one middle are akin by 0.4, those of one root by 0.15.
const KINSHIP: [f32; 3] = [0.15, 0.25, 0.6];

/// The interest in each leaf, by its position.
#[derive(Debug, Clone)]
pub(super) struct Interests([f32; LEAVES_MAX + 1]);

impl Interests {
    /// From some leaves of interest and how much each counts.
    pub(super) fn new(tree: Tree, leaves: &[(Leaf, f32)]) -> Self {
        let mut by_leaf = [0.0; LEAVES_MAX + 1];
        for (leaf, weight) in leaves {
            let at = usize::from(leaf.0);
            for (size, kinship) in [tree.leaves * tree.middles, tree.leaves, 1].iter().zip(KINSHIP)
            {
                let first = at - at % size;
                by_leaf[first..first + size].iter_mut().for_each(|own| *own += kinship * weight);
            }
        }
        Self(by_leaf)
    }

    /// The greatest interest in any of an item's leaves.
    pub(super) fn most(&self, leaves: [Leaf; 3]) -> f32 {
        leaves.iter().map(|leaf| self.0[usize::from(leaf.0)]).fold(0.0, f32::max)
    }
}

/// How many there are under each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tree {
    middles: usize,
    leaves: usize,
}

impl Tree {
    /// The tree that fits so many items: 36 leaves, or 360 (`sports/football/lessons`).
    pub(super) fn of(item_count: u32) -> Self {
        match item_count < LARGE_FROM {
            true => Self { middles: 2, leaves: 3 },
            false => Self { middles: 6, leaves: VARIETIES.len() },
        }
    }

    /// Number of leaves.
    pub(super) fn leaf_count(self) -> usize {
        LEAVES.len() / 6 * self.middles * self.leaves
    }

    /// The leaf at a position.
    pub(super) fn leaf(self, at: usize) -> Leaf {
        Leaf(at as u16)
    }

    /// The position of a leaf.
    pub(super) fn position(self, leaf: Leaf) -> usize {
        usize::from(leaf.0)
    }

    /// The whole path of a leaf.
    pub(super) fn path(self, leaf: Leaf) -> String {
        let at = self.position(leaf);
        if self.middles == 2 {
            return LEAVES[at].to_owned();
        }
        let topic = LEAVES[at / self.leaves];
        let root = topic.split('/').next().unwrap_or(topic);
        format!("{root}/{}/{}", subject(topic), VARIETIES[at % self.leaves])
    }

    /// What a title says of a leaf.
    pub(super) fn subject(self, leaf: Leaf) -> &'static str {
        let at = self.position(leaf);
        subject(LEAVES[if self.middles == 2 { at } else { at / self.leaves }])
    }
}

fn subject(topic: &'static str) -> &'static str {
    topic.rsplit('/').next().unwrap_or(topic)
}

/// A title's last words, by a number.
pub(super) fn form(number: u32) -> &'static str {
    FORMS[number as usize % FORMS.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn leaves_are_as_near_as_their_paths_are_alike() {
        for (item_count, leaf_count) in [(1, 36), (LARGE_FROM, 360)] {
            let tree = Tree::of(item_count);
            assert_eq!(tree.leaf_count(), leaf_count);
            let leaves: Vec<Leaf> = (0..leaf_count).map(|at| tree.leaf(at)).collect();
            let paths: Vec<String> = leaves.iter().map(|leaf| tree.path(*leaf)).collect();
            assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), leaf_count);
            for (at, leaf) in leaves.iter().enumerate() {
                assert_eq!(tree.position(*leaf), at);
                let interests = Interests::new(tree, &[(*leaf, 1.0)]);
                let interest = |leaf| interests.most([leaf, NO_LEAF, NO_LEAF]);
                assert_eq!(interest(NO_LEAF), 0.0);
                for (other, path) in leaves.iter().zip(&paths) {
                    let (own, path) = (paths[at].split('/'), path.split('/'));
                    let alike = own.zip(path).take_while(|(own, other)| own == other).count();
                    assert_eq!(interest(*other), [0.0, 0.15, 0.4, 1.0][alike]);
                }
            }
        }
    }
}
