//! `gannet serve`.

use anyhow::Result;
use serde_json::json;

use crate::app::App;
use crate::args::ServeArgs;
use crate::output::{print, print_json};
use crate::serving;

pub(crate) fn run(app: &App, args: &ServeArgs) -> Result<()> {
    let snapshot = app.current_snapshot()?;
    let version = snapshot.version.clone();
    serving::serve(app, snapshot, args.listen.as_deref(), |address| {
        if app.json {
            return print_json(&json!({ "address": address.to_string(), "snapshot": version }));
        }
        print(&format!("serving snapshot {version} on http://{address}; ^C ends"))
    })
}
