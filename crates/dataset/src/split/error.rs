//! Why a data set could not be divided.

/// Why a data set could not be divided.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A share that leaves one side empty, or is no number.
    #[error("{field} must be above 0 and below 1, this is {share}")]
    Share {
        /// The field at fault.
        field: &'static str,
        /// Its value.
        share: f64,
    },
    /// A split by time of events without times.
    #[error(
        "{kind} needs a time on every event and {without} have none; \
         leave_one_out (file order) and random_per_user do without"
    )]
    NoTimes {
        /// The kind of split.
        kind: &'static str,
        /// Number of events without a time.
        without: u64,
    },
    /// A fixed split of data that came without a test file.
    #[error("a fixed split needs a test file of its own, and this data set has none")]
    NoTestEvents,
    /// All events are of one time, or there are none: no cut leaves something on both sides.
    #[error("all {events} events are of one time: no moment divides them")]
    OneMoment {
        /// Number of events.
        events: u64,
    },
    /// Too few users with events to hold some out and train on others.
    #[error("holding out users needs at least 2 users with events, there are {users}")]
    TooFewUsers {
        /// Number of users with events.
        users: u64,
    },
}
