//! A dislike that comes with a request pushes its item, author, tags and neighbours away from the
//! answer to that very request.

use gannet_core::ItemIndex;

use super::*;

/// 120 items in 6 groups: a group shares an author's name modulo 5, a tag, neighbours and a
/// direction of its vectors.
fn groups() -> World {
    let mut world = ring(120);
    let directions = [[3, 0, 0], [0, 3, 0], [0, 0, 3], [-3, 0, 0], [0, -3, 0], [0, 0, -3]];
    for at in 0..120usize {
        let group = at % 6;
        let item = &mut world.items[at];
        item.tags = vec![[0, 4, 5, 1, 2, 3][group]];
        item.vector = directions[group];
        item.vector[(group + 1) % 3] = (at % 2) as i8;
        item.popularity = 1;
        item.neighbours =
            (1..8).map(|step| (((at + 6 * step) % 120) as u32, 9 - step as u8)).collect();
    }
    world
}

fn answer(world: &World, kind: &str, parameters: &str, fresh: Vec<EventSpec>) -> Vec<ItemIndex> {
    let state = world.state();
    let channel = build(kind, parameters, &state.snapshot).unwrap();
    let wish = Wish { fresh, ..Wish::of_nobody() };
    let list = channel.retrieve(&world.ask(&state, &wish), 16).unwrap();
    list.found.into_iter().map(|found| found.item).collect()
}

#[test]
fn after_a_dislike_there_is_less_of_its_author_tag_and_neighbours_and_the_item_is_gone() {
    let world = groups();
    let likes = || vec![liked(1), liked(2), liked(7), liked(8)];
    let disliked = |item| EventSpec { item, kind: 1, value: 1, day: Some(1) };
    let author = |item: ItemIndex| item.0 % 5;
    let group = |item: ItemIndex| item.0 % 6;
    for (kind, parameters, by_author) in [
        ("item_cf", "", false),
        ("inverted", "", false),
        ("inverted", "model = 'author'", true),
        ("u2i_vector", "model = 'brought'\nnegative_weight = 1.0", false),
        ("u2i_vector", "model = 'items_only'\nnegative_weight = 1.0", false),
        ("i2i_vector", "model = 'brought'", false),
    ] {
        let before = answer(&world, kind, parameters, likes());
        let pushed = before[0];
        let after = answer(&world, kind, parameters, [likes(), vec![disliked(pushed.0)]].concat());
        let count = |items: &[ItemIndex]| match by_author {
            true => items.iter().filter(|item| author(**item) == author(pushed)).count(),
            false => items.iter().filter(|item| group(**item) == group(pushed)).count(),
        };
        assert!(!after.contains(&pushed), "{kind} {parameters}");
        assert!(count(&after) < count(&before), "{kind} {parameters}: {before:?} then {after:?}");
    }
}

#[test]
fn without_a_weight_a_dislike_takes_the_item_away_and_nothing_else() {
    let world = groups();
    let disliked = EventSpec { item: 13, kind: 1, value: 1, day: Some(1) };
    for (kind, parameters) in [
        ("item_cf", "negative_weight = 0.0"),
        ("inverted", "negative_weight = 0.0"),
        ("i2i_vector", "model = 'brought'\nnegative_weight = 0.0"),
    ] {
        let before = answer(&world, kind, parameters, vec![liked(1)]);
        let after = answer(&world, kind, parameters, vec![liked(1), disliked.clone()]);
        let kept: Vec<_> = before.into_iter().filter(|item| item.0 != 13).collect();
        assert_eq!(after[..kept.len().min(after.len())], kept[..kept.len().min(after.len())]);
    }
}
