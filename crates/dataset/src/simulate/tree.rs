//! The tag tree: three levels, small for a small catalogue and of some hundred leaves for a large.

use super::words::{FORMS, LEAVES, VARIETIES};

/// From so many items on, every topic has varieties of its own.
const LARGE_FROM: u32 = 20_000;

/// A leaf with its ancestors in its bits: root, then 4 bits of the middle, then 5 of the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf(u16);

/// In the place of a leaf that an item does not have: akin to none.
pub(super) const NO_LEAF: Leaf = Leaf(u16::MAX);

impl Leaf {
    /// How near two leaves are, from 0 to 1.
    pub(super) fn kinship(self, other: Leaf) -> f32 {
        // By the leading bits that both have; without a branch, which nobody could foretell.
        KINSHIP[(self.0 ^ other.0).leading_zeros() as usize]
    }
}

/// Kinship by the number of leading bits that are alike: 7 of the root, 11 with the middle, 16.
const KINSHIP: [f32; 17] = {
    let mut by_bits = [0.0; 17];
    let mut bits = 7;
    while bits <= 16 {
        by_bits[bits] = match bits {
            16 => 1.0,
            11.. => 0.4,
            _ => 0.15,
        };
        bits += 1;
    }
    by_bits
};

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
        let (middle, leaf) = (at / self.leaves, at % self.leaves);
        let (root, middle) = (middle / self.middles, middle % self.middles);
        Leaf((root << 9 | middle << 5 | leaf) as u16)
    }

    /// The position of a leaf.
    pub(super) fn position(self, leaf: Leaf) -> usize {
        let (root, middle) = (usize::from(leaf.0 >> 9), usize::from(leaf.0 >> 5 & 15));
        (root * self.middles + middle) * self.leaves + usize::from(leaf.0 & 31)
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
                assert_eq!(leaf.kinship(NO_LEAF), 0.0);
                for (other, path) in leaves.iter().zip(&paths) {
                    let (own, path) = (paths[at].split('/'), path.split('/'));
                    let alike = own.zip(path).take_while(|(own, other)| own == other).count();
                    assert_eq!(leaf.kinship(*other), [0.0, 0.15, 0.4, 1.0][alike]);
                }
            }
        }
    }
}
