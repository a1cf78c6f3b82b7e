//! Counters and histograms for Prometheus, fed from the same report that clients see.

use std::time::Duration;

use gannet_core::ChannelName;
use gannet_retrieval::{Report, RequestError};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// All metrics of a server. Label values come from the configuration or from closed lists, never
/// from a request: a client cannot make series.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    request_time: Histograms,
    running: Gauge,
    waiting: Gauge,
    stage_time: Histograms,
    channel_time: Histograms,
    channel_answers: Family<Labels, Counter>,
    channel_faults: Family<Labels, Counter>,
    dropped: Family<Labels, Counter>,
    answers: Family<Labels, Counter>,
    degraded: Counter,
    fallback: Counter,
    config_reloads: Family<Labels, Counter>,
    snapshot_reloads: Family<Labels, Counter>,
    enabled: Family<Labels, Gauge>,
    events: Counter,
    batches_refused: Counter,
}

/// From 16 microseconds to 8 seconds, in seconds as Prometheus wants all times.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(16e-6, 2.0, 20))
}

fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

fn count_outcome(family: &Family<Labels, Counter>, is_taken: bool) {
    let outcome = if is_taken { "taken" } else { "refused" };
    family.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histograms = || Histograms::new_with_constructor(histogram as fn() -> Histogram);
        let mut metrics = Self {
            registry: Registry::with_prefix("gannet"),
            requests: Family::default(),
            request_time: histograms(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            stage_time: histograms(),
            channel_time: histograms(),
            channel_answers: Family::default(),
            channel_faults: Family::default(),
            dropped: Family::default(),
            answers: Family::default(),
            degraded: Counter::default(),
            fallback: Counter::default(),
            config_reloads: Family::default(),
            snapshot_reloads: Family::default(),
            enabled: Family::default(),
            events: Counter::default(),
            batches_refused: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let mut time = |name, help, family: &Histograms| {
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        };
        time("http_request", "Time of a request by route", &self.request_time);
        time("stage", "Time of a stage of retrieval", &self.stage_time);
        time("channel", "Time of a channel, waiting excluded", &self.channel_time);
        let mut count = |name, help, family: &Family<Labels, Counter>| {
            registry.register(name, help, family.clone());
        };
        count("http_requests", "Requests by route, method and status", &self.requests);
        count("answers", "Answers by scene", &self.answers);
        count(
            "channel_answers",
            "Lists by channel and how the channel ended",
            &self.channel_answers,
        );
        count("channel_faults", "Faults mended in a channel's lists", &self.channel_faults);
        count("dropped", "Items left out by channel and reason", &self.dropped);
        let help = "Configurations taken while serving, by outcome";
        count("config_reloads", help, &self.config_reloads);
        let help = "Snapshots taken while serving, by outcome";
        count("snapshot_reloads", help, &self.snapshot_reloads);
        let enabled = self.enabled.clone();
        registry.register("channel_enabled", "1 where a channel is switched on", enabled);
        let degraded = self.degraded.clone();
        registry.register("degraded_answers", "Answers with a channel missing", degraded);
        let fallback = self.fallback.clone();
        registry.register("fallback_candidates", "Candidates of the fallback list", fallback);
        registry.register("events", "Events taken", self.events.clone());
        let refused = self.batches_refused.clone();
        registry.register("event_batches_refused", "Batches with an event at fault", refused);
        registry.register("requests_running", "Requests on a thread now", self.running.clone());
        let waiting = self.waiting.clone();
        registry.register("requests_waiting", "Requests waiting for a thread now", waiting);
    }

    pub(crate) fn count_request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        let labels = vec![
            ("route", route.clone()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
        self.request_time.get_or_create(&vec![("route", route)]).observe(took.as_secs_f64());
    }

    pub(crate) fn count_config_reload(&self, is_taken: bool) {
        count_outcome(&self.config_reloads, is_taken);
    }

    pub(crate) fn count_snapshot_reload(&self, is_taken: bool) {
        count_outcome(&self.snapshot_reloads, is_taken);
    }

    /// What the switches of the configured channels are; others have none any more.
    pub(crate) fn set_switches<'a>(&self, switches: impl Iterator<Item = (&'a ChannelName, bool)>) {
        self.enabled.clear();
        for (channel, enabled) in switches {
            let labels = vec![("channel", channel.to_string())];
            self.enabled.get_or_create(&labels).set(i64::from(enabled));
        }
    }

    pub(crate) fn count_events(&self, applied: &Result<usize, RequestError>) {
        match applied {
            Ok(events) => self.events.inc_by(*events as u64),
            Err(_) => self.batches_refused.inc(),
        };
    }

    pub(crate) fn count_answer(&self, scene: &str, report: &Report) {
        self.answers.get_or_create(&vec![("scene", scene.to_owned())]).inc();
        for stage in &report.stages {
            let labels = vec![("stage", stage.stage.as_str().to_owned())];
            self.stage_time.get_or_create(&labels).observe(seconds(stage.took_us));
        }
        for channel in &report.channels {
            let name = || ("channel", channel.channel.to_string());
            self.channel_time.get_or_create(&vec![name()]).observe(seconds(channel.run_us));
            let labels = vec![name(), ("status", channel.status.as_str().to_owned())];
            self.channel_answers.get_or_create(&labels).inc();
            let faults = u64::from(channel.faults.total());
            self.channel_faults.get_or_create(&vec![name()]).inc_by(faults);
            for (reason, count) in channel.dropped.iter() {
                let labels = vec![name(), ("reason", reason.as_str().to_owned())];
                self.dropped.get_or_create(&labels).inc_by(u64::from(count));
            }
        }
        if report.degraded {
            self.degraded.inc();
        }
        self.fallback.inc_by(report.filled_from_fallback as u64);
    }

    /// The text that Prometheus reads (OpenMetrics 1.0), with the requests that run and wait now.
    pub(crate) fn text(&self, (running, waiting): (usize, usize)) -> String {
        self.running.set(running as i64);
        self.waiting.set(waiting as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }
}
