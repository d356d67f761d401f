//! Comparing variants: a small difference that is planted is found, and where there is none, chance is not taken for one.

use std::ops::Range;

use stormglass::explore::{Compared, Figure, compare, figures};
use stormglass::scenario::Scenario;

use super::trials::read;

/// An M/M/4 at half of what it can do, whose work takes so long on average.
fn desk(work: &str, seconds: u64) -> Scenario {
    read(&format!(
        r#"Scenario(name: "a desk", system: Services(services: [Service(name: "desk", workers: 4, work: Exponential("{work}"))]),
            workload: (to: "desk", arrivals: Poisson("200/s"), warm_up: "1s"), network: (latency: Constant("100us")),
            duration: "{seconds}s")"#
    ))
}

fn measured(scenario: &Scenario, seeds: Range<u64>) -> Vec<Vec<Figure>> {
    seeds.map(|seed| figures(&scenario.run(seed))).collect()
}

fn compared(first: Vec<Vec<Figure>>, second: Vec<Vec<Figure>>) -> Vec<Compared> {
    compare(&first.into_iter().zip(second).map(|(first, second)| [first, second]).collect::<Vec<_>>()).figures
}

/// In fifty seeds: `stormglass compare` of these two files does the same.
#[test]
fn three_percent_more_work_are_found() {
    let figures = compared(measured(&desk("10ms", 20), 0..50), measured(&desk("10.3ms", 20), 0..50));
    let mean = figures.iter().find(|figure| figure.name == "requests of clients/all/mean").expect("requests are measured");
    assert!(mean.differs() && mean.winner() == Some(0), "{mean:?}");
    let part = mean.part().expect("it is not zero");
    assert!((0.02..0.06).contains(&part), "more work by 3 %, and longer waits: {part}");
}

/// The same scenario on other seeds: 200 comparisons, of which five in a hundred may claim something. That 18 do or more happens once in a
/// hundred times.
#[test]
fn where_nothing_differs_few_comparisons_claim_something() {
    const SEEDS: u64 = 6;
    let scenario = desk("10ms", 4);
    let claims = (0..200).filter(|trial| {
        let from = trial * 2 * SEEDS;
        let figures = compared(measured(&scenario, from..from + SEEDS), measured(&scenario, from + SEEDS..from + 2 * SEEDS));
        figures.iter().any(Compared::differs)
    });
    let claims = claims.count();
    println!("{claims} of 200 claim a difference");
    assert!(claims <= 18, "{claims} of 200");
}
