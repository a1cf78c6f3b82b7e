//! How many cores and how much memory a load takes, from what one machine was measured to do.

use serde::Serialize;

/// The load of the founding question.
pub(super) const REQUESTS_A_SECOND: f64 = 100_000.0;

/// Shares of the measured rate that a core is asked for: a quarter in hand for the peaks within a
/// second, or half for the loss of one of two sites.
const LOADS: [f64; 2] = [0.75, 0.5];

/// Cores of the servers that one would hire.
const CORES_A_SERVER: [u64; 2] = [16, 64];

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// Highest rate at which the p99 of latency stayed under the target, by cores used.
    pub(super) rate: f64,
    pub(super) cores: usize,
    /// Resident memory of one process: snapshot, channels and the users that asked.
    pub(super) resident_bytes: u64,
}

/// One way to carry the load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Capacity {
    pub(super) requests_a_second: f64,
    /// Share of the measured rate that each core is asked for.
    pub(super) load: f64,
    pub(super) cores: u64,
    pub(super) cores_a_server: u64,
    pub(super) servers: u64,
    /// Every server holds the whole snapshot.
    pub(super) bytes_a_server: u64,
    pub(super) bytes: u64,
}

/// The scenarios; none where nothing was served in time.
pub(super) fn table(requests_a_second: f64, measured: Measured) -> Vec<Capacity> {
    let rate_a_core = measured.rate / measured.cores.max(1) as f64;
    if !(rate_a_core > 0.0 && rate_a_core.is_finite()) {
        return Vec::new();
    }
    let scenario = |load: f64, cores_a_server: u64| {
        let cores = (requests_a_second / (rate_a_core * load)).ceil() as u64;
        let servers = cores.div_ceil(cores_a_server);
        Capacity {
            requests_a_second,
            load,
            cores,
            cores_a_server,
            servers,
            bytes_a_server: measured.resident_bytes,
            bytes: servers.saturating_mul(measured.resident_bytes),
        }
    };
    let of = |load: f64| CORES_A_SERVER.map(|cores_a_server| scenario(load, cores_a_server));
    LOADS.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_and_servers_are_rounded_up_and_memory_is_one_snapshot_a_server() {
        let measured = Measured { rate: 3_000.0, cores: 2, resident_bytes: 4 << 30 };
        let all = table(100_000.0, measured);
        // 1,500 a core at three quarters: 1,125, so 88.9 cores.
        assert_eq!((all[0].load, all[0].cores, all[0].servers), (0.75, 89, 6));
        assert_eq!(all[0].bytes, 6 * (4 << 30));
        assert_eq!((all[3].load, all[3].cores, all[3].cores_a_server), (0.5, 134, 64));
        assert_eq!(all[3].servers, 3);
    }

    #[test]
    fn a_rate_of_nothing_carries_nothing() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(table(1.0, Measured { rate, cores: 1, resident_bytes: 1 }).is_empty());
        }
        let tiny = table(1.0, Measured { rate: 1e6, cores: 1, resident_bytes: 1 });
        assert!(tiny.iter().all(|one| (one.cores, one.servers) == (1, 1)));
    }
}
