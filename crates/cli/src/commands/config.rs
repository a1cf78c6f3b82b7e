//! `gannet config show`.

use anyhow::Result;

use crate::app::App;
use crate::output::{print, print_json, table};

pub(crate) fn show(app: &App) -> Result<()> {
    let values = &app.config.values;
    if app.json {
        return print_json(values);
    }
    let rows: Vec<Vec<String>> = values
        .iter()
        .map(|one| vec![one.key.clone(), one.value.clone(), one.origin.clone()])
        .collect();
    print(&table(&["setting", "value", "origin"], &[0, 1, 2], &rows).to_string())
}
