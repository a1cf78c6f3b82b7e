//! Runs an engine with a channel of one's own on a small snapshot and prints one answer:
//! `cargo run -p gannet-example-own-channel`.

use std::error::Error;
use std::io::Write;

use gannet_core::ItemId;
use gannet_example_own_channel::world;
use gannet_retrieval::{RawHistoryEntry, RawRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let engine = world::engine("history_max = 5")?;
    let liked =
        RawHistoryEntry { item: ItemId::new("item 3")?, kind: None, value: None, time: None };
    let request = engine.admit(RawRequest { history: vec![liked], ..RawRequest::default() })?;
    let retrieval = engine.retrieve(request);
    let mut out = std::io::stdout().lock();
    writeln!(out, "who liked item 3 of author 3 gets:")?;
    let catalogue = &engine.state().snapshot.catalogue;
    for candidate in retrieval.candidates.iter().take(5) {
        let author = catalogue.author(candidate.item).map_or("", |one| catalogue.author_name(one));
        writeln!(out, "  {} of {author}", catalogue.id(candidate.item))?;
    }
    Ok(())
}
