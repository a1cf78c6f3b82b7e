//! `gannet advise`: which channels a data set is good for, and why.

use anyhow::{Result, bail};
use gannet_dataset::{TrainSet, open};
use serde_json::json;

use crate::advice::{Advice, Facts, Verdict, advise, config_text, split_advice};
use crate::app::App;
use crate::args::AdviseArgs;
use crate::output::{grouped, print, print_json, table};

pub(crate) fn run(app: &App, args: &AdviseArgs) -> Result<()> {
    let folder = app.folders.dataset(&args.dataset)?;
    if !folder.exists() {
        bail!("no data set {:?}; `gannet ingest` stores one", args.dataset);
    }
    let facts = Facts::of(&TrainSet::whole(&open(&folder)?));
    let advice = advise(&facts);
    let (split, split_why) = split_advice(&facts);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if app.json {
        return print_json(&json!({
            "dataset": args.dataset,
            "facts": facts,
            "advice": advice,
            "split": { "split": split, "why": split_why },
            "item_cf_seconds": facts.item_cf_seconds(cores),
            "training_mib": facts.training_mib(),
            "config": config_text(&advice),
        }));
    }
    print(&summary(&args.dataset, &facts))?;
    let row =
        |one: &Advice| vec![one.verdict.as_str().to_owned(), one.channel.clone(), one.why.clone()];
    let rows: Vec<Vec<String>> = advice.iter().map(row).collect();
    print(&table(&["", "channel", "because"], &[0, 1, 2], &rows).to_string())?;
    print(&format!("\njudge by --split {split}: {split_why}"))?;
    print(&format!(
        "counting item pairs will take about {:.0} s on {cores} cores, training at least {:.0} MiB",
        facts.item_cf_seconds(cores),
        facts.training_mib()
    ))?;
    print("\nwho found so:")?;
    for one in advice.iter().filter(|one| one.verdict != Verdict::Leave) {
        print(&format!("  {:<16} {}", one.channel, one.source))?;
    }
    let name = &args.dataset;
    print(&format!(
        "\nto try it, write this to gannet.toml, then\n  gannet train --dataset {name} --split \
         {split}\n  gannet evaluate\n\n{}",
        config_text(&advice)
    ))
}

fn summary(name: &str, facts: &Facts) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let times = match facts.is_timed() {
        true => format!("{:.0} days", facts.span_days),
        false => "no times".to_owned(),
    };
    format!(
        "{name}: {} items, {} users, {} events ({} positive, {} negative), {times}\n{} of the \
         users have fewer than 5 positive events; {} of positive events repeat an earlier one\n",
        grouped(facts.items),
        grouped(facts.users),
        grouped(facts.events),
        grouped(facts.positives),
        grouped(facts.negatives),
        percent(facts.thin_users_share),
        percent(facts.repeat_share),
    )
}
