//! Random draws: propensities are what they say, and new items have their floor.

use super::*;

/// The channel's lists over many minutes: how often each item was found, and with which score.
fn frequencies(world: &World, wish: &Wish, parameters: &str, fetch_k: usize) -> Vec<(f64, f64)> {
    const MINUTES: u64 = 8_000;
    let state = world.state();
    let channel = build("explore", parameters, &state.snapshot).unwrap();
    let ask = world.ask(&state, wish);
    let mut times = vec![(0u32, 0.0); world.items.len()];
    for minute in 0..MINUTES {
        let mut profile = (*ask.profile).clone();
        profile.seed = minute.wrapping_mul(0x2545_F491_4F6C_DD1D);
        let ask = Ask { profile: Arc::new(profile), ..ask.clone() };
        for found in channel.retrieve(&ask, fetch_k).unwrap().found {
            let (count, score) = &mut times[found.item.at()];
            assert!(*count == 0 || *score == f64::from(found.channel_score), "one propensity");
            (*count, *score) = (*count + 1, f64::from(found.channel_score));
        }
    }
    times.into_iter().map(|(count, score)| (f64::from(count) / MINUTES as f64, score)).collect()
}

#[test]
fn an_item_is_drawn_as_often_as_its_propensity_says() {
    let mut world = ring(60);
    for at in [3, 17, 31] {
        world.items[at].available = false;
    }
    let plain = Wish { blocked: vec![5, 6], now_day: 60, ..Wish::of_user(0) };
    let filtered = Wish { filter: Some(1), ..plain.clone() };
    for (wish, parameters, fetch_k) in [
        (&plain, "", 10),
        (&plain, "", 45),
        (&plain, "new_days = 20.0\nnew_share = 0.5", 10),
        (&filtered, "", 4),
        (&filtered, "new_days = 30.0\nnew_share = 0.25", 8),
    ] {
        for (at, (frequency, propensity)) in
            frequencies(&world, wish, parameters, fetch_k).into_iter().enumerate()
        {
            let item = gannet_core::ItemIndex(at as u32);
            assert_eq!(propensity > 0.0, world.is_eligible(wish, item), "{at} of {parameters}");
            // Five standard deviations of a share of 8,000.
            let tolerance = 5.0 * (propensity * (1.0 - propensity) / 8_000.0).sqrt() + 1e-6;
            assert!(
                (frequency - propensity).abs() <= tolerance,
                "{at} of {parameters:?}: {frequency} against {propensity}"
            );
        }
    }
}

#[test]
fn the_same_request_draws_the_same_and_the_next_minute_something_else() {
    let world = ring(200);
    let state = world.state();
    let channel = build("explore", "", &state.snapshot).unwrap();
    let found = |seed: u64| {
        let ask = world.ask(&state, &Wish::of_nobody());
        let mut profile = (*ask.profile).clone();
        profile.seed = seed;
        channel.retrieve(&Ask { profile: Arc::new(profile), ..ask }, 10).unwrap().found
    };
    assert_eq!(found(1), found(1));
    assert_ne!(found(1), found(2));
}

#[test]
fn new_items_of_which_little_is_known_have_their_share_of_the_recent() {
    let world = ring(90);
    let state = world.state();
    let parameters = "floor_share = 0.25\nfloor_days = 40.0\nfloor_popularity = 1.0";
    let channel = build("recent", parameters, &state.snapshot).unwrap();
    let wish = Wish { now_day: 89, ..Wish::of_nobody() };
    let list = channel.retrieve(&world.ask(&state, &wish), 20).unwrap();
    let is_kept = |at: usize| at % 4 == 3;
    for (at, found) in list.found.iter().enumerate().filter(|(at, _)| is_kept(*at)) {
        let item = &world.items[found.item.at()];
        assert_eq!(item.popularity, 0, "place {at}");
        assert!(item.published_day.unwrap() > 49, "place {at}");
    }
    let plain = build("recent", "", &state.snapshot).unwrap();
    let plain = plain.retrieve(&world.ask(&state, &wish), 20).unwrap();
    assert_ne!(plain.found, list.found);
    assert_eq!(plain.found[..3], list.found[..3]);
}
