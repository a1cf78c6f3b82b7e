//! The benchmark's figures as a person reads them.

use anyhow::Result;

use super::times::Times;
use super::{BenchReport, Budget};
use crate::output::{grouped, print, table};

const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn show(report: &BenchReport) -> Result<()> {
    print(&times_table(report))?;
    let how = match report.mode {
        "open" => "by a schedule; latency counts from when each was due",
        _ => "each when a client was free",
    };
    print(&format!(
        "\n{} requests of {} users, {how}; {} clients, {} workers; {:.0} a second; {:.0} \
         candidates a request; {} degraded, {} given up; snapshot {}",
        grouped(report.requests as usize),
        grouped(report.asking_users),
        report.clients,
        report.workers,
        report.requests_a_second,
        report.candidates_mean,
        report.degraded,
        report.unserved,
        report.snapshot
    ))?;
    if !report.budgets.is_empty() {
        print(&format!("\n{}", budget_table(report)))?;
    }
    print(&format!("\n{}", memory_text(report)))?;
    if let Some(search) = &report.search {
        let row = |point: &super::search::RatePoint| {
            let us = |value: f64| format!("{value:.0}");
            let latency = &point.latency;
            vec![
                us(point.rate),
                us(point.served_rate),
                us(latency.p50_us),
                us(latency.p99_us),
                us(latency.p999_us),
                point.degraded.to_string(),
                point.unserved.to_string(),
            ]
        };
        let rows: Vec<Vec<String>> = search.points.iter().map(row).collect();
        let header = ["due a second", "served", "p50 µs", "p99 µs", "p99.9 µs", "degraded", "lost"];
        print(&format!(
            "\n{}\nhighest rate with p99 under {:.0} µs: {:.0} a second",
            table(&header, &[], &rows),
            search.p99_us_max,
            search.rate
        ))?;
    }
    print(&format!("\n{}", capacity_text(report)))
}

fn times_table(report: &BenchReport) -> String {
    let row = |kind: &str, times: &Times| {
        let us = |value: f64| format!("{value:.0}");
        vec![
            kind.to_owned(),
            times.name.clone(),
            us(times.p50_us),
            us(times.p99_us),
            us(times.p999_us),
            format!("{:.1}", times.mean_us),
        ]
    };
    let mut rows = vec![row("client", &report.latency), row("request", &report.total)];
    rows.extend(report.stages.iter().map(|times| row("stage", times)));
    rows.extend(report.channels.iter().map(|times| row("channel", times)));
    table(&["", "", "p50 µs", "p99 µs", "p99.9 µs", "mean µs"], &[0, 1], &rows).to_string()
}

fn budget_table(report: &BenchReport) -> String {
    let row = |one: &Budget| {
        let verdict = if one.p99_us <= one.budget_us as f64 { "within" } else { "over" };
        let p99 = format!("{:.0}", one.p99_us);
        vec![one.name.clone(), one.budget_us.to_string(), p99, verdict.to_owned()]
    };
    let sum: u64 = report.budgets.iter().map(|one| one.budget_us).sum();
    let whole = Budget { name: "sum".into(), budget_us: sum, p99_us: report.total.p99_us };
    let rows: Vec<Vec<String>> = report.budgets.iter().chain([&whole]).map(row).collect();
    table(&["budget", "µs", "p99 µs", ""], &[0, 3], &rows).to_string()
}

fn memory_text(report: &BenchReport) -> String {
    let footprint = &report.footprint;
    let mib = |bytes: u64| format!("{:.0} MiB", bytes as f64 / MIB);
    let rows: Vec<Vec<String>> = footprint
        .parts
        .iter()
        .map(|part| vec![part.name.clone(), part.kind.clone(), grouped(part.bytes as usize)])
        .collect();
    format!(
        "{}\n{:.0} bytes an item ({}), {:.0} a user ({}); resident {}: snapshot {}, engine {}, \
         {:.0} bytes an asking user's record, {} bytes more after the requests",
        table(&["part", "kind", "bytes"], &[0, 1], &rows),
        footprint.bytes_an_item,
        grouped(footprint.items),
        footprint.bytes_a_user,
        grouped(footprint.users),
        mib(footprint.resident_bytes),
        mib(footprint.resident_snapshot_bytes),
        mib(footprint.resident_engine_bytes),
        footprint.resident_record_bytes,
        footprint.resident_growth_bytes,
    )
}

fn capacity_text(report: &BenchReport) -> String {
    let Some(first) = report.capacity.first() else {
        return "no rate held: the load cannot be carried by such cores".to_owned();
    };
    let basis = match report.search {
        Some(_) => "from the highest rate whose p99 held",
        None => {
            "from the closed loop's throughput, whose waits nobody counted: an upper bound \
                 (--open-loop searches the rate that holds)"
        }
    };
    let row = |one: &super::Capacity| {
        vec![
            format!("{:.0} %", one.load * 100.0),
            grouped(one.cores as usize),
            format!("{} x {}", grouped(one.servers as usize), one.cores_a_server),
            format!("{:.1} GiB", one.bytes_a_server as f64 / MIB / 1024.0),
            format!("{:.0} GiB", one.bytes as f64 / MIB / 1024.0),
        ]
    };
    let rows: Vec<Vec<String>> = report.capacity.iter().map(row).collect();
    format!(
        "{} requests a second on {} items, {basis}:\n{}",
        grouped(first.requests_a_second as usize),
        grouped(report.footprint.items),
        table(&["load", "cores", "servers x cores", "each", "memory"], &[], &rows)
    )
}
