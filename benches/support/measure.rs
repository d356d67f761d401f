//! How benchmarks measure.
//!
//! They count CPU time of their own process, which other processes on the machine hardly change; wall time tells how busy the machine is.

use cpu_time::ProcessTime;

/// Seconds of CPU time that this takes, and what it returns.
pub(crate) fn cpu<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let start = ProcessTime::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

/// The middle one.
#[allow(dead_code, reason = "a benchmark may have but one round")]
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The most memory that this process ever held, as Linux tells it; not a number elsewhere.
#[allow(dead_code, reason = "a benchmark may measure time alone")]
pub(crate) fn peak_mebibytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    peak.map_or(f64::NAN, |kibibytes| kibibytes / 1024.0)
}
