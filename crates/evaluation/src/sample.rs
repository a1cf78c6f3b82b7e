//! Which test users are judged.

use gannet_dataset::TestUser;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

/// At most `users_max` of the users that have held-out items, in the order of the test set.
pub(crate) fn sample(users: &[TestUser], users_max: Option<usize>, seed: u64) -> Vec<&TestUser> {
    let mut chosen: Vec<&TestUser> =
        users.iter().filter(|user| !user.held_out().is_empty()).collect();
    if let Some(most) = users_max.filter(|most| *most < chosen.len()) {
        chosen.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        chosen.truncate(most);
        chosen.sort_by_key(|user| user.user);
    }
    chosen
}
