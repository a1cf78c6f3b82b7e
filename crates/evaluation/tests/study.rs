//! A whole study against counting by hand.
#![allow(clippy::unwrap_used)]

mod world;

use std::collections::BTreeSet;

use gannet_core::{ChannelName, ItemIndex, SceneIndex, SceneName, Silent, Timestamp, UserId};
use gannet_dataset::{Split, SplitKind, split};
use gannet_evaluation::{
    EvaluateError, EvaluationReport, Profile, ReportAbout, Segment, StudyOptions, channel_recall,
    evaluate, html, tune_merge_weights, validation_lists,
};
use gannet_retrieval::{Cap, ChannelAnswer, Engine, Plan, RawRequest, merge};

const HANDOVER: usize = 40;

fn options() -> StudyOptions {
    StudyOptions {
        curve_at: vec![5, 10, 40, 80],
        compare_at: vec![10, 40],
        equal_k: 20,
        resamples: 1000,
        ..StudyOptions::default()
    }
}

fn world() -> (Split, Engine) {
    let split = world::per_user();
    let engine = world::engine(&split, &world::config("rrf", HANDOVER, 60));
    (split, engine)
}

fn study(split: &Split, engine: &Engine, options: &StudyOptions) -> EvaluationReport {
    evaluate(engine, &split.train, &split.test, options, &Silent).expect("a report")
}

/// Every test user's held-out items and lists, asked one by one.
fn by_hand(split: &Split, engine: &Engine) -> Vec<(BTreeSet<ItemIndex>, Vec<ChannelAnswer>)> {
    let ask = |user: &gannet_dataset::TestUser| {
        let raw = RawRequest {
            user: Some(UserId::new(split.train.users().get(user.user.0)).unwrap()),
            now: user.now,
            keep_lists: true,
            ..RawRequest::default()
        };
        let answer = engine.retrieve(engine.admit(raw).unwrap());
        (user.held_out().iter().copied().collect(), answer.lists)
    };
    split.test.users().iter().map(ask).collect()
}

fn recall(wanted: &BTreeSet<ItemIndex>, list: impl Iterator<Item = ItemIndex>) -> f64 {
    let found: BTreeSet<ItemIndex> = list.collect();
    wanted.intersection(&found).count() as f64 / wanted.len() as f64
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

fn found(answer: &ChannelAnswer, k: usize) -> impl Iterator<Item = ItemIndex> + '_ {
    answer.list.found.iter().take(k).map(|found| found.item)
}

#[test]
fn standalone_marginal_exclusive_union_and_overlap_are_what_brute_force_counts() {
    let (split, engine) = world();
    let report = study(&split, &engine, &options());
    let plan = engine.state().plans.all()[0].as_ref().clone();
    let asked = by_hand(&split, &engine);
    assert!(asked.len() > 40, "{} users are judged", asked.len());
    let merged = |lists: &[ChannelAnswer]| {
        merge(lists, &plan).into_iter().map(|one| one.item).collect::<Vec<_>>()
    };
    let whole = mean(asked.iter().map(|(wanted, lists)| recall(wanted, merged(lists).into_iter())));
    close(report.merged.recall, whole);
    assert!(whole > 0.0);
    for (at, channel) in report.channels.iter().enumerate() {
        for point in &channel.list.curve {
            let k = point.k;
            close(point.recall, mean(asked.iter().map(|(w, l)| recall(w, found(&l[at], k)))));
        }
        let without = asked.iter().map(|(wanted, lists)| {
            let others: Vec<ChannelAnswer> =
                lists.iter().filter(|one| one.channel != lists[at].channel).cloned().collect();
            recall(wanted, merged(&others).into_iter())
        });
        close(channel.marginal_recall.mean, whole - mean(without));
        for (cut, told) in
            [(60, channel.exclusive_recall_at_fetch_k), (20, channel.exclusive_recall_at_equal_k)]
        {
            let alone = asked.iter().map(|(wanted, lists)| {
                let others: BTreeSet<ItemIndex> = (0..lists.len())
                    .filter(|other| *other != at)
                    .flat_map(|other| found(&lists[other], cut))
                    .collect();
                recall(wanted, found(&lists[at], cut).filter(|item| !others.contains(item)))
            });
            close(told, mean(alone));
        }
    }
    let union =
        |cut| mean(asked.iter().map(|(w, l)| recall(w, l.iter().flat_map(|one| found(one, cut)))));
    close(report.merged.union.recall_at_fetch_k, union(60));
    close(report.merged.union.recall_at_equal_k, union(20));
    let shared = |cut| {
        let both = asked.iter().map(|(_, lists)| {
            let row: BTreeSet<ItemIndex> = found(&lists[0], cut).collect();
            found(&lists[1], cut).filter(|item| row.contains(item)).count()
        });
        both.sum::<usize>() as f64 / (asked.len() * cut) as f64
    };
    close(report.overlap_at_equal_k.shares[0][1], shared(20));
    close(report.overlap_at_fetch_k.shares[0][1], shared(60));
}

/// Of every answer of the engine: what its channels found, without what fills a short answer.
fn handed_over(split: &Split, engine: &Engine) -> Vec<Vec<ItemIndex>> {
    let answer = |user: &gannet_dataset::TestUser| {
        let raw = RawRequest {
            user: Some(UserId::new(split.train.users().get(user.user.0)).unwrap()),
            now: user.now,
            ..RawRequest::default()
        };
        let answer = engine.retrieve(engine.admit(raw).unwrap());
        let found = |one: &&gannet_retrieval::Candidate| {
            one.evidence.iter().any(|evidence| evidence.channel.as_str() != "fallback")
        };
        answer.candidates.iter().filter(found).map(|one| one.item).collect()
    };
    split.test.users().iter().map(answer).collect()
}

fn recall_of(split: &Split, answers: &[Vec<ItemIndex>]) -> f64 {
    let both = split.test.users().iter().zip(answers);
    mean(both.map(|(user, answer)| {
        recall(&user.held_out().iter().copied().collect(), answer.iter().copied())
    }))
}

#[test]
fn an_evaluation_with_caps_hands_over_what_the_engine_does() {
    let split = world::per_user();
    let free = world::config("rrf", HANDOVER, 60);
    let uncapped = recall_of(&split, &handed_over(&split, &world::engine(&split, &free)));
    for (hard, max) in [(false, 2), (true, 1)] {
        let capped = |fetch_k| {
            let mut config = world::config("rrf", HANDOVER, fetch_k);
            let cap = Cap { field: "author".to_owned(), max, level: None, hard };
            config.plans[0].caps = vec![cap];
            config
        };
        let serving = world::engine(&split, &capped(60));
        let answers = handed_over(&split, &serving);
        let most_of_one = |answer: &Vec<ItemIndex>| {
            (0..30).map(|author| answer.iter().filter(|item| item.0 / 10 == author).count()).max()
        };
        assert!(!hard || answers.iter().all(|answer| most_of_one(answer) == Some(max)));
        // Judged as the command does: longer lists, and the plan that serves.
        let plan = serving.state().plans.all()[0].as_ref().clone();
        let options = StudyOptions { plan: Some(plan), ..options() };
        let report = study(&split, &world::engine(&split, &capped(100)), &options);
        let whole = recall_of(&split, &answers);
        close(report.merged.recall, whole);
        let lengths = answers.iter().map(|answer| answer.len() as f64);
        close(report.merged.list.length_mean, mean(lengths));
        assert!((whole - uncapped).abs() > 1e-4, "the caps change the answers");
        for channel in &report.channels {
            let name = ChannelName::new(&channel.channel).unwrap();
            serving.set_channel_enabled(&name, false).unwrap();
            let without = recall_of(&split, &handed_over(&split, &serving));
            serving.set_channel_enabled(&name, true).unwrap();
            close(channel.marginal_recall.mean, whole - without);
        }
    }
}

#[test]
fn recall_by_scene_counts_each_held_out_event_where_it_happened() {
    let (plain, engine) = world();
    let report = study(&plain, &engine, &options());
    assert!(report.by_scene.is_empty());
    assert!(!report.tables().iter().any(|table| table.title.contains("scene")));
    let mut dataset = world::dataset();
    dataset.scenes = ["unseen", "feed & co", "search"].map(str::to_owned).to_vec();
    let scene_of = |item: ItemIndex| [Some(1), Some(2), None][item.at() % 3].map(SceneIndex);
    let events = dataset.events.interactions.iter_mut();
    events.for_each(|event| event.scene = scene_of(event.item));
    let split = split(&dataset, &SplitKind::TemporalPerUser { train_share: 0.5 }).unwrap();
    let engine = world::engine(&split, &world::config("rrf", HANDOVER, 60));
    let report = study(&split, &engine, &options());
    let answers = handed_over(&split, &engine);
    let asked = by_hand(&split, &engine);
    let parts = [("feed & co", Some(1)), ("search", Some(2)), ("no scene", None)];
    assert_eq!(report.by_scene.len(), parts.len(), "a scene without held-out events has no row");
    for (segment, (name, scene)) in report.by_scene.iter().zip(parts) {
        let here = |item: &&ItemIndex| scene_of(**item) == scene.map(SceneIndex);
        let (mut wanted, mut hits, mut first) = (0, 0, 0);
        for ((held_out, lists), answer) in asked.iter().zip(&answers) {
            wanted += held_out.iter().filter(here).count();
            hits += held_out.iter().filter(here).filter(|item| answer.contains(item)).count();
            let list: Vec<ItemIndex> = found(&lists[0], HANDOVER).collect();
            first += held_out.iter().filter(here).filter(|item| list.contains(item)).count();
        }
        assert_eq!((segment.name.as_str(), segment.count), (name, wanted as u64));
        assert!(hits > 0, "{name}");
        close(segment.recall.last().unwrap().recall, hits as f64 / wanted as f64);
        close(segment.recall[0].recall, first as f64 / wanted as f64);
    }
    let table = report.tables().into_iter().find(|table| table.title.contains("by scene")).unwrap();
    assert_eq!((table.rows.len(), table.columns.len()), (3, 3 + report.channels.len()));
    let page = html(&report, &ReportAbout::default());
    assert!(page.contains("by scene") && page.contains("feed &amp; co"));
}

#[test]
fn a_silent_channel_brings_nothing_and_k_may_exceed_every_list() {
    let (split, engine) = world();
    let options = StudyOptions { curve_at: vec![10, 100_000], ..options() };
    let report = study(&split, &engine, &options);
    let silent = &report.channels[3];
    assert_eq!((silent.standalone_recall, silent.marginal_recall.mean), (0.0, 0.0));
    assert_eq!((silent.list.empty_share, silent.list.coverage), (1.0, 0.0));
    assert_eq!(silent.list.novelty_bits, 0.0);
    assert_eq!(report.overlap_at_fetch_k.shares[3], [0.0; 4]);
    let channel = &report.channels[0].list;
    assert!(channel.recall_at(100_000) >= channel.recall_at(10));
    // Everything that any list has is in a merge of boundless size.
    let all = report.merged.list.recall_at(100_000).unwrap();
    close(all, report.merged.union.recall_at_fetch_k);
}

#[test]
fn the_report_does_not_depend_on_the_number_of_threads() {
    let (split, engine) = world();
    let run = |threads| {
        let pool = rayon_pool(threads);
        pool.install(|| study(&split, &engine, &options()).without_latency())
    };
    assert_eq!(run(1), run(4));
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn a_sample_is_drawn_by_the_seed_and_said() {
    let (split, engine) = world();
    let sample = |seed| {
        let options = StudyOptions { users_max: Some(20), seed, ..options() };
        study(&split, &engine, &options).without_latency()
    };
    let report = sample(1);
    assert_eq!(report.users, 20);
    assert!(report.warnings.iter().any(|one| one.contains("sample of 20")));
    assert_eq!(report, sample(1));
    assert_ne!(report.merged.recall, sample(2).merged.recall);
}

#[test]
fn nobody_to_judge_is_an_error() {
    let (whole, engine) = world();
    let mut dataset = world::dataset();
    dataset.events.interactions.iter_mut().for_each(|event| event.value = 1.0);
    let empty = split(&dataset, &SplitKind::TemporalPerUser { train_share: 0.5 }).unwrap();
    let error = evaluate(&engine, &whole.train, &empty.test, &options(), &Silent).unwrap_err();
    assert_eq!(error, EvaluateError::EmptyTestSet);
    let walk = ChannelName::new("walk1").unwrap();
    let error =
        channel_recall(&engine, &walk, &whole.train, &empty.test, &[10], &options(), &Silent);
    assert_eq!(error, Err(EvaluateError::EmptyTestSet));
    let plan = engine.state().plans.all()[0].as_ref().clone();
    assert_eq!(tune_merge_weights(&[], &plan, 10, &Silent), Err(EvaluateError::EmptyTestSet));
}

#[test]
fn unknown_scenes_and_channels_are_named() {
    let (split, engine) = world();
    let scene = Some(SceneName::new("elsewhere").unwrap());
    let options = StudyOptions { scene, ..options() };
    let error = evaluate(&engine, &split.train, &split.test, &options, &Silent).unwrap_err();
    assert!(error.to_string().contains("elsewhere") && error.to_string().contains("home"));
    let channel = ChannelName::new("walk5").unwrap();
    let options = StudyOptions::default();
    let error =
        channel_recall(&engine, &channel, &split.train, &split.test, &[5], &options, &Silent);
    assert!(error.unwrap_err().to_string().contains("walk5"));
}

#[test]
fn a_snapshot_trained_on_the_test_events_is_found_out() {
    let (split, _) = world();
    let whole = world::dataset();
    let all = gannet_dataset::TrainSet::whole(&whole);
    let leaky = Split { train: all, ..split.clone() };
    let engine = world::engine(&leaky, &world::config("rrf", HANDOVER, 60));
    // The same catalogue by id, another history.
    let report = study(&split, &engine, &options());
    assert!(report.warnings.iter().any(|one| one.contains("too good")), "{:?}", report.warnings);
}

#[test]
fn one_channels_recall_is_the_studys() {
    let (split, engine) = world();
    let report = study(&split, &engine, &options());
    for channel in &report.channels {
        let name = ChannelName::new(&channel.channel).unwrap();
        let alone =
            channel_recall(&engine, &name, &split.train, &split.test, &[10], &options(), &Silent);
        close(alone.unwrap(), channel.list.recall_at(10).unwrap());
    }
}

#[test]
fn the_profiles_are_printed_as_their_papers_do() {
    let (split, engine) = world();
    for profile in Profile::ALL {
        let report = study(&split, &engine, &StudyOptions { profile, ..options() });
        let names: Vec<&str> =
            report.merged.list.headline.iter().map(|one| one.name.as_str()).collect();
        match profile {
            Profile::LightGcn => assert_eq!(names, ["recall@20", "ndcg@20"]),
            Profile::MultVae => assert_eq!(names, ["recall@20", "recall@50", "ndcg@100"]),
            Profile::LeaveOneOut => assert_eq!(names, ["HR@10", "ndcg@10"]),
        }
    }
}

#[test]
fn users_who_fold_in_are_judged_by_the_history_they_bring() {
    let kind = SplitKind::HeldOutUsers { user_share: 0.3, fold_in_share: 0.5, seed: 3 };
    let split = split(&world::dataset(), &kind).unwrap();
    let engine = world::engine(&split, &world::config("rrf", HANDOVER, 60));
    let report = study(&split, &engine, &options());
    assert!(report.merged.recall > 0.0);
    assert_eq!(report.by_user_events[0].name, "6 to 20", "carried events count");
    let carried = &split.test.users()[0].fold_in[0].item;
    assert!(!split.test.users()[0].held_out().contains(carried));
}

#[test]
fn merge_weights_never_lose_on_the_users_they_are_tuned_on() {
    let (split, engine) = world();
    let plan = engine.state().plans.all()[0].as_ref().clone();
    let users = validation_lists(&engine, &split.train, &split.test, &options(), &Silent).unwrap();
    let tuned = tune_merge_weights(&users, &plan, 10, &Silent).unwrap();
    assert!(tuned.after >= tuned.before);
    assert_eq!(tuned, tune_merge_weights(&users, &plan, 10, &Silent).unwrap(), "deterministic");
    let mut better = Plan { rrf_k: tuned.rrf_k, ..plan.clone() };
    for channel in &mut better.channels {
        channel.weight = tuned.weights[&channel.channel];
    }
    let again = tune_merge_weights(&users, &better, 10, &Silent).unwrap();
    close(again.before, tuned.after);
    let snake = world::engine(&split, &world::config("snake", HANDOVER, 60));
    let plan = snake.state().plans.all()[0].as_ref().clone();
    let untouched = tune_merge_weights(&users, &plan, 10, &Silent).unwrap();
    assert_eq!(untouched.before, untouched.after);
}

#[test]
fn tuned_weights_lose_to_no_channel_on_the_users_they_are_tuned_on() {
    let (split, engine) = world();
    let plan = engine.state().plans.all()[0].as_ref().clone();
    let users = validation_lists(&engine, &split.train, &split.test, &options(), &Silent).unwrap();
    let tuned = tune_merge_weights(&users, &plan, HANDOVER, &Silent).unwrap();
    for ruler in &plan.channels {
        let mut alone = plan.clone();
        for channel in &mut alone.channels {
            channel.weight = if channel.channel == ruler.channel { 1.0 } else { 1e-6 };
        }
        let alone = tune_merge_weights(&users, &alone, HANDOVER, &Silent).unwrap().before;
        assert!(tuned.after >= alone, "{}: {alone} over {}", ruler.channel, tuned.after);
    }
}

fn page() -> (EvaluationReport, String) {
    let (split, engine) = world();
    let split_warning = Some("a <b>warning</b> & more".to_owned());
    let report = study(&split, &engine, &StudyOptions { split_warning, ..options() });
    let about = ReportAbout {
        dataset: "<script>alert('x')</script> & \"co\"".to_owned(),
        split: "temporal per user".to_owned(),
        sees_other_users_future: true,
        made: "today".to_owned(),
        notes: vec![("<i>".to_owned(), "</main>".to_owned())],
    };
    let page = html(&report, &about);
    (report, page)
}

#[test]
fn the_page_is_one_balanced_document_with_nothing_from_outside() {
    let (_, page) = page();
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let tag = &piece[..piece.find('>').expect("every tag ends")];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
        } else if !tag.ends_with('/') && !tag.starts_with('!') && name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} never end");
    for outside in ["http://", "https://", "<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)") && page.contains("&lt;/main&gt;"));
    assert!(page.contains("a &lt;b&gt;warning&lt;/b&gt; &amp; more"));
    assert!(page.contains("sees other users"));
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn the_page_and_the_tables_hold_every_channels_numbers() {
    let (report, page) = page();
    let cells: Vec<String> =
        report.tables().into_iter().flat_map(|table| table.rows.into_iter().flatten()).collect();
    for channel in &report.channels {
        let wanted = [
            format!("{:.4}", channel.standalone_recall),
            format!("{:+.4}", channel.marginal_recall.mean),
            format!("{:.4}", channel.exclusive_recall_at_fetch_k),
            format!("{:.4}", channel.list.coverage),
            format!("{:.2}", channel.list.novelty_bits),
            channel.list.latency.p99_us.to_string(),
        ];
        for number in wanted {
            assert!(page.contains(&format!(">{number}<")), "{number} is not on the page");
            assert!(cells.contains(&number), "{number} is in no table");
        }
    }
    for table in report.tables() {
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.title);
    }
}

#[test]
fn json_has_stable_names() {
    let (report, _) = page();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["profile"], "lightgcn");
    assert!(json["channels"][0]["list"]["curve"][0]["recall"].is_number());
    assert!(json["merged"]["list"]["latency"]["p99_us"].is_number());
    assert!(json["comparisons"][0]["recall"]["low"].is_number());
}

#[test]
fn the_headline_is_recall_at_the_handover_by_age_of_item_and_of_user() {
    // The last ten users come a year after everybody else: under a global cut nothing is known of
    // them, and they are told apart.
    let mut dataset = world::dataset();
    let events = dataset.events.users.iter().zip(&mut dataset.events.interactions);
    for (user, event) in events.filter(|(user, _)| user.0 >= world::USERS - 10) {
        event.time =
            event.time.map(|time| Timestamp(time.0 + (365 + i64::from(user.0)) * 86_400_000));
    }
    let split = split(&dataset, &SplitKind::TemporalGlobal { train_share: 0.7 }).unwrap();
    assert_eq!(split.counts.users_without_history, 10);
    let engine = world::engine(&split, &world::config("rrf", HANDOVER, 60));
    let report = study(&split, &engine, &options());
    let headline = &report.headline;
    assert_eq!((headline.name.as_str(), headline.k), (&*format!("recall@{HANDOVER}"), HANDOVER));
    assert_eq!(headline.merged, report.merged.recall);
    let count = |segments: &[Segment]| segments.iter().map(|one| one.count).sum::<u64>();
    assert_eq!(count(&headline.by_user_age), report.users as u64);
    assert_eq!(count(&headline.by_item_age), report.held_out);
    let strangers = &headline.by_user_age[0];
    assert_eq!((strangers.name.as_str(), strangers.count), ("no history", 10));
    assert_eq!(strangers.recall, report.by_history[1].recall);
    // The parts make up the whole, weighted by their users.
    let whole = headline
        .by_user_age
        .iter()
        .map(|one| one.count as f64 * one.recall.last().expect("the merge is last").recall);
    assert!((whole.sum::<f64>() / report.users as f64 - headline.merged).abs() < 1e-9);
    // Strangers ask when training ends, not by the machine's clock: items with a date have an age.
    let unknown = headline.by_item_age.iter().find(|one| one.name == "unknown");
    assert!(unknown.map_or(0, |one| one.count) < report.held_out / 2, "{:?}", headline.by_item_age);
    let tables = report.tables();
    assert!(
        tables[0].title.contains("age of the item") && tables[1].title.contains("age of the user")
    );
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["headline"]["by_item_age"][0]["recall"][0]["recall"].is_number());
    assert!(json["headline"]["by_user_age"][0]["name"].is_string());
}
