//! How much memory this process uses, and has used at the most.

/// Peak resident bytes, where the system tells (Linux).
pub(crate) fn peak_bytes() -> Option<u64> {
    line_of(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Resident bytes now, where the system tells (Linux).
pub(crate) fn resident_bytes() -> Option<u64> {
    line_of(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

fn line_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_and_present_are_read_from_the_status_file() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n";
        assert_eq!(line_of(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(line_of(status, "VmRSS:"), Some(1 << 20));
        assert_eq!(line_of("Name:\tx\n", "VmHWM:"), None);
    }
}
