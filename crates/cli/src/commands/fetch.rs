//! `gannet fetch`: a public data set into the cache, verified.

use anyhow::Result;
use gannet_dataset::{fetch_movielens_1m, read_movielens_1m};
use serde_json::json;

use crate::app::App;
use crate::args::{FetchArgs, FetchName};
use crate::output::{grouped, print, print_json};

pub(crate) fn run(app: &App, args: &FetchArgs) -> Result<()> {
    let FetchName::Movielens1m = args.name;
    let fetched = fetch_movielens_1m(&app.folders.cache, &app.progress)?;
    // Reading is part of fetching: the checksum that both sources share is of the normal form.
    let dataset = read_movielens_1m(&fetched, app.clock.now(), &app.progress)?.dataset;
    let (events, users, items) =
        (dataset.events.interactions.len(), dataset.users.len(), dataset.catalogue.len());
    if app.json {
        return print_json(&json!({
            "name": dataset.name,
            "folder": fetched.folder,
            "origin": fetched.origin.to_string(),
            "from_cache": fetched.from_cache,
            "checksum": gannet_dataset::MOVIELENS_1M_CHECKSUM,
            "events": events, "users": users, "items": items,
        }));
    }
    print(&format!(
        "movielens-1m: {} ratings of {} users on {} films, checksum verified\n\
         {} {} ({})",
        grouped(events),
        grouped(users),
        grouped(items),
        if fetched.from_cache { "already in" } else { "fetched into" },
        fetched.folder.display(),
        fetched.origin,
    ))
}
