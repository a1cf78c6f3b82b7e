//! Counters and histograms for Prometheus, fed from the same report that clients see.

use gannet_retrieval::Report;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// All metrics of a server. Label values come from the configuration or from closed lists, never
/// from a request: a client cannot make series.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    request_us: Histograms,
    stage_us: Histograms,
    channel_us: Histograms,
    channel_answers: Family<Labels, Counter>,
    dropped: Family<Labels, Counter>,
    answers: Family<Labels, Counter>,
    degraded: Counter,
    fallback: Counter,
}

/// From 16 microseconds to half a second.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(16.0, 2.0, 16))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histograms = || Histograms::new_with_constructor(histogram as fn() -> Histogram);
        let mut metrics = Self {
            registry: Registry::with_prefix("gannet"),
            requests: Family::default(),
            request_us: histograms(),
            stage_us: histograms(),
            channel_us: histograms(),
            channel_answers: Family::default(),
            dropped: Family::default(),
            answers: Family::default(),
            degraded: Counter::default(),
            fallback: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let requests = self.requests.clone();
        registry.register("http_requests", "Requests by route, method and status", requests);
        let request_us = self.request_us.clone();
        registry.register("http_request_microseconds", "Time of a request by route", request_us);
        let stage_us = self.stage_us.clone();
        registry.register("stage_microseconds", "Time of a stage of retrieval", stage_us);
        let channel_us = self.channel_us.clone();
        registry.register(
            "channel_microseconds",
            "Time of a channel, waiting excluded",
            channel_us,
        );
        let answers = self.channel_answers.clone();
        registry.register("channel_answers", "Lists by channel and how the channel ended", answers);
        let dropped = self.dropped.clone();
        registry.register("dropped", "Items left out by channel and reason", dropped);
        registry.register("answers", "Answers by scene", self.answers.clone());
        let degraded = self.degraded.clone();
        registry.register("degraded_answers", "Answers with a channel missing", degraded);
        let fallback = self.fallback.clone();
        registry.register("fallback_candidates", "Candidates of the fallback list", fallback);
    }

    pub(crate) fn count_request(&self, route: &str, method: &str, status: u16, took_us: u64) {
        let route = route.to_owned();
        let labels = vec![
            ("route", route.clone()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
        self.request_us.get_or_create(&vec![("route", route)]).observe(took_us as f64);
    }

    pub(crate) fn count_answer(&self, scene: &str, report: &Report) {
        self.answers.get_or_create(&vec![("scene", scene.to_owned())]).inc();
        for stage in &report.stages {
            let labels = vec![("stage", stage.stage.as_str().to_owned())];
            self.stage_us.get_or_create(&labels).observe(stage.took_us as f64);
        }
        for channel in &report.channels {
            let name = || ("channel", channel.channel.to_string());
            self.channel_us.get_or_create(&vec![name()]).observe(channel.run_us as f64);
            let labels = vec![name(), ("status", channel.status.as_str().to_owned())];
            self.channel_answers.get_or_create(&labels).inc();
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

    /// The text that Prometheus reads (OpenMetrics 1.0).
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }
}
