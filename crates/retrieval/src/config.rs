//! `[[channel]]`, `[[plan]]` and `[[scene]]` as written in a configuration file.

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct ConfigError {
    /// The key at fault, as a path such as `plan.home.channel[2].fetch_k`.
    pub field: String,
    /// What was expected.
    pub why: String,
}

/// The retrieval part of a configuration, as written; checked when an engine is built on it.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrievalConfig {}
