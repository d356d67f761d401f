//! Scratch.
use stormglass_check::base::{Ratio, RunKey};
use stormglass_check::check::isolation::generate::{HistoryShape, generate};
use stormglass_check::check::isolation::{Level, Phenomenon, Transactions, check};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let size: usize = args[1].parse().unwrap();
    let seeds: u64 = args[2].parse().unwrap();
    let planted = match args.get(3).map(String::as_str) {
        Some("skew") => Some(Phenomenon::WriteSkew),
        Some("fork") => Some(Phenomenon::LongFork),
        Some("single") => Some(Phenomenon::ReadSkew),
        Some("lost") => Some(Phenomenon::LostUpdate),
        _ => None,
    };
    let writes: u32 = args.get(4).map_or(32, |t| t.parse().unwrap());
    for seed in 0..seeds {
        let shape = HistoryShape {
            registers: true,
            planted,
            writes,
            aborted: Ratio::new(1, 20).unwrap(),
            unknown: Ratio::new(1, 20).unwrap(),
            ..HistoryShape::new(20, size)
        };
        let made = generate(&shape, RunKey::from_seed(seed));
        let transactions = Transactions::from(&made.history);
        let started = std::time::Instant::now();
        let report = check(&transactions, 20_000_000);
        let verdicts: Vec<String> =
            Level::ALL.iter().map(|l| format!("{:?}", report.verdict(*l)).chars().next().unwrap().to_string()).collect();
        println!(
            "{size} {seed} {} steps {} edges {} time {:?} {:?}",
            verdicts.concat(),
            report.steps,
            report.edges,
            started.elapsed(),
            report.counts.iter().map(|(a, c)| format!("{a} {c}")).collect::<Vec<_>>()
        );
    }
}
