//! `gannet vectors`: vectors that were trained elsewhere come in, and trained ones go out.
//!
//! An import never changes a snapshot: it writes a new one with the same parts and the vectors
//! beside them, and makes that the current one. The old one stays, as after training.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gannet_core::{Bitmap, ModelName};
use gannet_dataset::{VectorFile, VectorFileOptions, VectorFormat, read_vectors, write_vectors};
use gannet_models::{Metric, Model, Snapshot, UserVectors, Vectors};
use gannet_vectors::Matrix;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::args::{MetricName, VectorFormatName, VectorsExportArgs, VectorsImportArgs};
use crate::output::{grouped, print, print_json, table};
use crate::pipeline;

/// What became of the rows of one file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Matched {
    /// Rows of the file.
    rows: usize,
    /// Rows whose id the snapshot knows.
    known: usize,
    /// Rows whose id it does not know: left out.
    unknown: usize,
    /// Rows of zeros under the cosine, which have no direction: left out.
    zero: usize,
}

/// Rows by the snapshot's index; those without a vector are zeros and not in the bitmap.
struct Placed {
    rows: Matrix,
    known: Bitmap,
    matched: Matched,
}

/// Puts each vector where its id stands, of length 1 where the metric is the cosine.
fn place(
    file: &VectorFile,
    count: usize,
    metric: Metric,
    find: impl Fn(&str) -> Option<u32>,
) -> Placed {
    let mut rows = Matrix::zeros(count, file.dim);
    let mut known = Bitmap::empty(count);
    let mut matched = Matched { rows: file.ids.len(), known: 0, unknown: 0, zero: 0 };
    for (id, vector) in file.ids.iter().zip(file.values.chunks_exact(file.dim)) {
        let Some(at) = find(id) else {
            matched.unknown += 1;
            continue;
        };
        // In doubles: the squares of large f32 overflow.
        let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let scale = match metric {
            Metric::InnerProduct => 1.0,
            Metric::Cosine if length > 0.0 => 1.0 / length,
            Metric::Cosine => {
                matched.zero += 1;
                continue;
            }
        };
        for (to, from) in rows.row_mut(at as usize).iter_mut().zip(vector) {
            *to = (f64::from(*from) * scale) as f32;
        }
        known.set(at);
        matched.known += 1;
    }
    Placed { rows, known, matched }
}

pub(crate) fn import(app: &App, args: &VectorsImportArgs) -> Result<()> {
    let name = ModelName::new(&args.name)?;
    let snapshot = app.current_snapshot()?;
    if let Some(model) = snapshot.models.get(&name)
        && !matches!(model, Model::Vectors(_))
    {
        bail!("model {name} is one that training made ({}); choose another name", model.kind());
    }
    if args.model_version.is_empty() || args.model_version.len() > 64 {
        bail!("a version has 1 to 64 bytes; it is what query vectors are checked against");
    }
    let metric = match args.metric {
        MetricName::InnerProduct => Metric::InnerProduct,
        MetricName::Cosine => Metric::Cosine,
    };
    let options = |ids: &Option<std::path::PathBuf>, tensor: &Option<String>| VectorFileOptions {
        ids: ids.clone(),
        tensor: tensor.clone(),
        id_column: args.id_column.clone(),
        vector_column: args.vector_column.clone(),
    };
    let items = read_vectors(&args.items, &options(&args.ids, &args.tensor))?;
    let users = args.users.as_ref().map(|path| {
        let users = read_vectors(path, &options(&args.user_ids, &args.user_tensor))?;
        if users.dim != items.dim {
            bail!(
                "{}: vectors of {} components, the items' have {}: users and items of one model \
                 must live in one space",
                path.display(),
                users.dim,
                items.dim
            );
        }
        Ok(users)
    });
    let users = users.transpose()?;
    let catalogue = &snapshot.catalogue;
    let item_rows = place(&items, catalogue.len(), metric, |id| catalogue.find(id).map(|at| at.0));
    if item_rows.matched.known == 0 {
        bail!(
            "{}: none of {} ids is an item of snapshot {}; nothing was written",
            args.items.display(),
            items.ids.len(),
            snapshot.version
        );
    }
    let histories = &snapshot.histories;
    let find_user = |id: &str| histories.find(id).map(|at| at.0);
    let user_rows = users.map(|users| place(&users, histories.len(), metric, find_user));
    let (item_match, user_match) = (item_rows.matched, user_rows.as_ref().map(|rows| rows.matched));
    let vectors = Vectors {
        version: args.model_version.clone(),
        metric,
        items: Arc::new(item_rows.rows),
        known_items: Arc::new(item_rows.known),
        users: user_rows
            .map(|rows| UserVectors { rows: Arc::new(rows.rows), known: Arc::new(rows.known) }),
    };
    let (version, folder) = store(app, &snapshot, &name, vectors)?;
    let stored =
        Stored { version, folder, name, dim: items.dim, items: item_match, users: user_match };
    say(app, &stored)
}

/// What an import made.
struct Stored {
    version: String,
    folder: std::path::PathBuf,
    name: ModelName,
    dim: usize,
    items: Matched,
    users: Option<Matched>,
}

fn say(app: &App, stored: &Stored) -> Result<()> {
    let Stored { version, folder, name, .. } = stored;
    let (item_match, user_match) = (stored.items, stored.users);
    if app.json {
        return print_json(&json!({
            "snapshot": version, "folder": folder, "model": name.as_str(), "dim": stored.dim,
            "items": item_match, "users": user_match,
        }));
    }
    print(&format!("items: {}", words(item_match)))?;
    if let Some(matched) = user_match {
        print(&format!("users: {}", words(matched)))?;
    }
    let uses = if user_match.is_some() { "u2i_vector" } else { "i2i_vector" };
    print(&format!(
        "snapshot {version} in {}; the one before stays\n\nA channel reads it so:\n\n\
         [[channel]]\nname = \"{name}\"\nkind = \"{uses}\"\nmodel = \"{name}\"\n\n\
         and a plan by:\n\n[[plan.channel]]\nname = \"{name}\"\nfetch_k = 500",
        folder.display()
    ))
}

fn words(matched: Matched) -> String {
    let zero = match matched.zero {
        0 => String::new(),
        zero => format!(", {} zeros without a direction left out", grouped(zero)),
    };
    format!(
        "{} of {} rows taken, {} with an unknown id left out{zero}",
        grouped(matched.known),
        grouped(matched.rows),
        grouped(matched.unknown)
    )
}

#[derive(Serialize)]
struct Imported<'a> {
    imported: Vec<Import<'a>>,
}

#[derive(Serialize)]
struct Import<'a> {
    model: &'a str,
    version: &'a str,
    before: &'a str,
}

/// Writes the snapshot with one model more, and makes it the current one.
fn store(
    app: &App,
    snapshot: &Snapshot,
    name: &ModelName,
    vectors: Vectors,
) -> Result<(String, std::path::PathBuf)> {
    let created = app.clock.now();
    let imported = Imported {
        imported: vec![Import {
            model: name.as_str(),
            version: &vectors.version,
            before: &snapshot.version,
        }],
    };
    let recipe = format!("{}\n{}", snapshot.recipe.trim_end(), toml::to_string(&imported)?);
    let dataset =
        pipeline::making(snapshot).map_or_else(|_| "import".into(), |making| making.dataset);
    let mut next = Snapshot {
        version: pipeline::version(&dataset, created.0)?,
        created,
        recipe,
        ..snapshot.clone()
    };
    next.models.insert(name.clone(), Model::Vectors(Arc::new(vectors)));
    // Somebody may have trained meanwhile: their snapshot must not go back to the older parts.
    let current = app.snapshots()?.current_version()?;
    if current.as_ref() != Some(&snapshot.version) {
        bail!("the current snapshot changed while the files were read; run the import again");
    }
    let folder = app.store_snapshot(&next)?;
    Ok((next.version, folder))
}

pub(crate) fn show(app: &App) -> Result<()> {
    let snapshot = app.current_snapshot()?;
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for (name, model) in &snapshot.models {
        let (kind, version, metric, dim, items, users) = match model {
            Model::Vectors(one) => {
                let metric = match one.metric {
                    Metric::InnerProduct => "inner_product",
                    Metric::Cosine => "cosine",
                };
                let users = one.users.as_ref().map_or(0, |users| users.known.count());
                let items = one.known_items.count();
                ("imported", &one.version, metric, one.items.dim(), items, users)
            }
            Model::Factors(one) => {
                let (items, users) = (one.items.height(), one.users.height());
                ("trained", &one.version, "inner_product", one.items.dim(), items, users)
            }
            _ => continue,
        };
        all.push(json!({
            "model": name.as_str(), "origin": kind, "version": version, "metric": metric,
            "dim": dim, "items": items, "users": users,
        }));
        rows.push(vec![
            name.to_string(),
            kind.to_owned(),
            version.clone(),
            metric.to_owned(),
            dim.to_string(),
            format!("{} of {}", grouped(items), grouped(snapshot.catalogue.len())),
            format!("{} of {}", grouped(users), grouped(snapshot.histories.len())),
        ]);
    }
    if app.json {
        return print_json(&json!({ "snapshot": snapshot.version, "vectors": all }));
    }
    if rows.is_empty() {
        return print("the current snapshot has no vectors; `gannet vectors import` brings some");
    }
    let header = ["model", "origin", "version", "metric", "dim", "items", "users"];
    print(&table(&header, &[0, 1, 2, 3], &rows).to_string())
}

pub(crate) fn export(app: &App, args: &VectorsExportArgs) -> Result<()> {
    let snapshot = app.current_snapshot()?;
    let format = match args.format {
        VectorFormatName::Npy => VectorFormat::Npy,
        VectorFormatName::Safetensors => VectorFormat::Safetensors,
        VectorFormatName::Parquet => VectorFormat::Parquet,
    };
    let model = snapshot.models.get(&ModelName::new(&args.model)?);
    let every = |count: usize| Bitmap::full(count);
    let (items, known_items, users) = match model {
        Some(Model::Factors(one)) => {
            let users = (one.users.clone(), every(one.users.height()));
            (one.items.clone(), every(one.items.height()), Some(users))
        }
        Some(Model::Vectors(one)) => {
            let users = one.users.as_ref();
            let users = users.map(|users| (users.rows.clone(), (*users.known).clone()));
            (one.items.clone(), (*one.known_items).clone(), users)
        }
        _ => bail!("no vectors named {:?}; `gannet vectors show` lists them", args.model),
    };
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let mut files = Vec::new();
    let parts =
        [Some(("items", items, known_items)), users.map(|(rows, known)| ("users", rows, known))];
    for (name, rows, known) in parts.into_iter().flatten() {
        let taken = (0..rows.height() as u32).filter(|row| known.contains(*row));
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        for row in taken {
            ids.push(match name {
                "items" => snapshot.catalogue.id(row.into()),
                _ => snapshot.histories.id(row.into()),
            });
            values.extend_from_slice(rows.row(row as usize));
        }
        files.extend(write_vectors(&args.out, name, format, &ids, (rows.dim(), &values))?);
    }
    if app.json {
        return print_json(&json!({ "files": files }));
    }
    files.iter().try_for_each(|file| print(&file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use gannet_core::StringTable;

    use super::*;

    #[test]
    fn rows_stand_where_their_ids_do_and_the_rest_is_counted() {
        let ids: StringTable = ["b", "ghost", "a", "zero"].into_iter().collect();
        let file = VectorFile { ids, dim: 2, values: vec![3.0, 4.0, 1.0, 1.0, 0.0, 2.0, 0.0, 0.0] };
        let find = |id: &str| ["a", "b", "zero"].iter().position(|one| *one == id);
        let find = |id: &str| find(id).map(|at| at as u32);
        let cosine = place(&file, 3, Metric::Cosine, find);
        assert_eq!(cosine.rows.values(), [0.0, 1.0, 0.6, 0.8, 0.0, 0.0]);
        assert_eq!(cosine.matched, Matched { rows: 4, known: 2, unknown: 1, zero: 1 });
        assert!(!cosine.known.contains(2));
        let product = place(&file, 3, Metric::InnerProduct, find);
        assert_eq!(product.rows.values(), [0.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
        assert_eq!(product.matched, Matched { rows: 4, known: 3, unknown: 1, zero: 0 });
    }

    #[test]
    fn large_vectors_are_normalised_without_overflow() {
        let ids: StringTable = ["a"].into_iter().collect();
        let file = VectorFile { ids, dim: 2, values: vec![3e38, 3e38] };
        let placed = place(&file, 1, Metric::Cosine, |_| Some(0));
        assert!((placed.rows.row(0)[0] - 0.5f32.sqrt()).abs() < 1e-6);
    }
}
