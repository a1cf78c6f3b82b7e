//! A kind of channel of a user's own crate: registered, configured and answered like the rest.

mod support;

use std::sync::Arc;
use std::time::Instant;

use gannet_core::{ChannelName, ItemIndex};
use gannet_models::Snapshot;
use gannet_retrieval::{
    Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Engine, Found,
    RawRequest, RetrievalConfig,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    every: u32,
}

/// Every n-th item of the catalogue.
struct EveryNth {
    name: ChannelName,
    every: u32,
}

impl EveryNth {
    fn build(spec: &ChannelSpec, _: &Snapshot) -> Result<Arc<dyn Channel>, ChannelSpecError> {
        let parameters: Result<Parameters, _> = spec.parameters.clone().try_into();
        match parameters {
            Ok(Parameters { every: every @ 1.. }) => {
                Ok(Arc::new(Self { name: spec.name.clone(), every }))
            }
            Ok(_) => Err(refuse(spec, "every: expected at least 1")),
            Err(error) => Err(refuse(spec, error.message())),
        }
    }
}

fn refuse(spec: &ChannelSpec, why: &str) -> ChannelSpecError {
    ChannelSpecError::Parameters { channel: spec.name.clone(), why: why.to_owned() }
}

impl Channel for EveryNth {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let rows = (0..ask.eligible.len() as u32).step_by(self.every as usize).map(ItemIndex);
        let open = rows.filter(|item| ask.eligible.contains(*item)).take(fetch_k);
        let found = open.map(|item| Found { item, channel_score: 1.0, trigger: None });
        Ok(ChannelList { found: found.collect(), ..ChannelList::default() })
    }
}

fn engine(every: &str) -> Result<Engine, String> {
    let text = format!(
        r#"
        [[channel]]
        name = "sevens"
        kind = "every_nth"
        every = {every}

        [[plan]]
        name = "home"
        handover = 20
        [[plan.channel]]
        name = "sevens"

        [[scene]]
        name = "home"
        plan = "home"
        "#
    );
    let config: RetrievalConfig = toml::from_str(&text).map_err(|error| error.to_string())?;
    let mut options = support::options(Arc::new(support::RunningClock::started(Instant::now())));
    options.kinds.register("every_nth", Arc::new(EveryNth::build));
    let snapshot = Arc::new(support::snapshot(500, 4));
    Engine::new(options, snapshot, &config, None).map_err(|error| error.to_string())
}

#[test]
fn a_kind_from_outside_is_built_from_its_parameters_and_answers() {
    let engine = engine("7").unwrap();
    let retrieval = engine.retrieve(engine.admit(RawRequest::default()).unwrap());
    let rows: Vec<u32> = retrieval.candidates.iter().map(|one| one.item.0).collect();
    assert_eq!(&rows[..4], [0, 7, 14, 21]);
    assert_eq!(rows.len(), 20);
}

#[test]
fn a_bad_parameter_of_a_kind_from_outside_names_the_channel() {
    let error = |every| engine(every).err().unwrap();
    assert_eq!(error("0"), "channel sevens: every: expected at least 1");
    assert!(error("-1").starts_with("channel sevens: "), "{}", error("-1"));
}
