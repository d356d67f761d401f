//! What queueing theory says exactly, and what scenarios of services show of it: the exact value lies in the interval of replications.

use stormglass::base::Duration;
use stormglass::trace::Cell;
use stormglass::world::Outcome;

use super::trials::{read, text};

/// The mean length of work in all scenarios here, in seconds.
const WORK: f64 = 0.01;

/// What is put in place of what.
type Edit = (&'static str, &'static str);

/// A figure that is known exactly.
struct Form {
    name: &'static str,
    file: &'static str,
    /// What is put in place of what in the file: of several, the figures count so often each.
    ///
    /// Where what is known is the limit of large numbers, twice the figure of 2,000 less that of 1,000 is as far from it as the square of
    /// one over the number is, and not as one over the number (Richardson).
    variants: Vec<(f64, Vec<Edit>)>,
    /// For how many simulated seconds a few replications are run, if they tell anything, and for how many all twenty.
    seconds: [Option<u64>; 2],
    /// What a run shows.
    shown: fn(&Outcome) -> f64,
    exact: f64,
    /// How wide half the interval of twenty may be, as a part of the value.
    widest: f64,
}

/// The cell of this column in the row of this service, or of clients.
fn cell(outcome: &Outcome, row: &str, column: &str) -> f64 {
    let found = outcome.tables.iter().find_map(|table| Some((table, table.rows.iter().find(|found| found.name == row)?)));
    let (table, row) = found.expect("each service has a row, and clients have");
    let place = table.columns.iter().position(|title| *title == column).expect("there is such a column");
    match row.cells[place] {
        Cell::Length(length) => length.as_nanos() as f64 / 1e9,
        Cell::Count(count) => count as f64,
        _ => panic!("`{column}` is neither a length nor a number"),
    }
}

/// Erlang C: the chance to wait before so many workers, each busy for this part of the time.
fn erlang_c(workers: u32, load: f64) -> f64 {
    // By Erlang B, which has a recurrence without large numbers.
    let offered = load * f64::from(workers);
    let blocked = (1..=workers).fold(1.0, |blocked, count| offered * blocked / (f64::from(count) + offered * blocked));
    blocked / (1.0 - load * (1.0 - blocked))
}

/// The mean wait before an M/M/c.
fn mean_wait(workers: u32, load: f64) -> f64 {
    WORK * erlang_c(workers, load) / (f64::from(workers) * (1.0 - load))
}

/// The wait before an M/M/c that one request in a hundred exceeds.
fn p99_of_waits(workers: u32, load: f64) -> f64 {
    WORK * libm::log(erlang_c(workers, load) / 0.01) / (f64::from(workers) * (1.0 - load))
}

/// The mean wait for the shortest of `d` queues out of very many, each an M/M/1 (Mitzenmacher, 2001): all of the time in the system but
/// the work.
fn wait_of_choices(load: f64, d: u32) -> f64 {
    let d = f64::from(d);
    let exponent = |i: i32| if d == 1.0 { f64::from(i - 1) } else { (libm::pow(d, f64::from(i)) - d) / (d - 1.0) };
    let time: f64 = (1..10_000).map(|i| libm::pow(load, exponent(i))).take_while(|term| *term > 1e-18).sum();
    WORK * (time - 1.0)
}

/// The length that this share of hedged requests exceeds, whose work is exponential and whose copy goes out after so long: exp(-t) before,
/// exp(-t) · exp(-(t - after)) from then on.
fn hedged_exceeded(after: f64, share: f64) -> f64 {
    WORK * (after - libm::log(share)) / 2.0
}

/// How many attempts a request has at most so many of which each fails with this chance.
fn attempts(fails: f64, most: i32) -> f64 {
    (1.0 - libm::pow(fails, f64::from(most))) / (1.0 - fails)
}

fn desk_mean(outcome: &Outcome) -> f64 {
    cell(outcome, "desk", "mean")
}

fn desk_p99(outcome: &Outcome) -> f64 {
    cell(outcome, "desk", "99 %")
}

fn api_mean(outcome: &Outcome) -> f64 {
    cell(outcome, "api", "mean")
}

fn forms() -> Vec<Form> {
    let row = |name, file, [few, all]: [u64; 2], shown, exact, widest| {
        let seconds = [Some(few).filter(|few| *few > 0), Some(all)];
        Form { name, file, variants: vec![(1.0, vec![])], seconds, shown, exact, widest }
    };
    let choices = |name, d, to, few, widest| {
        let policy = ("balance: Choices(d: 2)", to);
        let doubled = [("instances: 1000", "instances: 2000"), ("90000/s", "180000/s")];
        let variants = vec![(-1.0, vec![policy]), (2.0, [vec![policy], doubled.to_vec()].concat())];
        Form { variants, ..row(name, "a-thousand-queues", [few, 20], api_mean, wait_of_choices(0.9, d), widest) }
    };
    let random = vec![(1.0, vec![("balance: Choices(d: 2), warm_up: \"1s\"", "balance: Random, warm_up: \"20s\"")])];
    // Pollaczek and Khinchine: λ E[S²] / (2 (1 - ρ)); twice the squares of the means, as both lengths are exponential.
    let square = 2.0 * (0.95 * 0.008 * 0.008 + 0.05 * 0.048 * 0.048);
    let hops = 2e-6;
    vec![
        row("M/M/1 at 0.9: mean wait", "one-worker", [400, 20_000], desk_mean, mean_wait(1, 0.9), 0.02),
        row("M/M/1 at 0.9: p99 of waits", "one-worker", [400, 20_000], desk_p99, p99_of_waits(1, 0.9), 0.05),
        row("M/M/2 at 0.8: mean wait", "one-queue", [200, 8_000], desk_mean, mean_wait(2, 0.8), 0.02),
        row("M/M/2 at 0.8: p99 of waits", "one-queue", [200, 8_000], desk_p99, p99_of_waits(2, 0.8), 0.05),
        row("two M/M/1 at 0.8: mean wait", "two-queues", [200, 8_000], desk_mean, mean_wait(1, 0.8), 0.02),
        row("M/M/4 at 0.9: mean wait", "four-workers", [100, 8_000], desk_mean, mean_wait(4, 0.9), 0.02),
        row("M/M/4 at 0.9: p99 of waits", "four-workers", [100, 8_000], desk_p99, p99_of_waits(4, 0.9), 0.05),
        row("M/M/10 at 0.8: mean wait", "ten-workers", [60, 2_000], desk_mean, mean_wait(10, 0.8), 0.02),
        row("M/M/10 at 0.8: p99 of waits", "ten-workers", [60, 2_000], desk_p99, p99_of_waits(10, 0.8), 0.05),
        row("M/M/110 at 100/110: mean wait", "square-root-staffing", [4, 800], desk_mean, mean_wait(110, 100.0 / 110.0), 0.02),
        row("M/G/1 at 0.8: mean wait", "heavy-tail", [4_000, 20_000], desk_mean, 80.0 * square / (2.0 * 0.2), 0.02),
        Form {
            variants: random,
            ..row("1 of 1000 queues: mean wait", "a-thousand-queues", [0, 60], api_mean, wait_of_choices(0.9, 1), 0.02)
        },
        choices("the shorter of 2 queues: mean wait", 2, "balance: Choices(d: 2)", 2, 0.02),
        choices("the shortest of 3 queues: mean wait", 3, "balance: Choices(d: 3)", 0, 0.02),
        row(
            "fan-out to 100: share of slow requests",
            "fan-out",
            [20, 2_000],
            |outcome| (cell(outcome, "all", "mean") - 0.001 - 4e-6) / 0.999,
            1.0 - libm::pow(0.99, 100.0),
            0.02,
        ),
        row(
            "hedging after p95: p99",
            "hedging-exponential",
            [20, 2_000],
            |outcome| cell(outcome, "all", "99 %"),
            hedged_exceeded(2.995_732_3, 0.01) + hops,
            0.05,
        ),
        row(
            "hedging after p95: p99.9",
            "hedging-exponential",
            [20, 2_000],
            |outcome| cell(outcome, "all", "99.9 %"),
            hedged_exceeded(2.995_732_3, 0.001) + hops,
            0.05,
        ),
        row(
            "hedging after p95: requests a call",
            "hedging-exponential",
            [20, 2_000],
            |outcome| cell(outcome, "search", "requests") / cell(outcome, "all", "requests"),
            1.0 + libm::exp((hops - 0.029_957_323) / WORK),
            0.02,
        ),
        row(
            "at most 4 attempts, half of which fail",
            "retries-of-four",
            [20, 2_000],
            |outcome| cell(outcome, "desk", "requests") / cell(outcome, "all", "requests"),
            attempts(0.5, 4),
            0.02,
        ),
    ]
}

/// The mean of these, and half the width of its interval at 99 % (Student's t).
fn interval(samples: &[f64]) -> (f64, f64) {
    // Quantiles of 0.995 with one degree of freedom less than there are samples.
    const T: [(usize, f64); 2] = [(6, 4.032), (20, 2.861)];
    let t = T.iter().find(|(count, _)| *count == samples.len()).expect("a number of samples with a quantile").1;
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum::<f64>() / (count - 1.0);
    (mean, t * (variance / count).sqrt())
}

/// Runs so many replications of each row for its first, or its second, length. What is not as it is to be.
fn replicate(replications: u64, length: usize, widest: impl Fn(&Form) -> f64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known: Option<(Form, Vec<Vec<Outcome>>)> = None;
    println!("{:<40}{:>12}{:>12}{:>12}{:>9}", "", "exact", "mean", "± (99 %)", "% of it");
    for form in forms() {
        let Some(seconds) = form.seconds[length] else { continue };
        // Rows of one file, one after the other, look at the same runs.
        let runs = match known.take() {
            Some((before, runs)) if (before.file, &before.variants) == (form.file, &form.variants) => runs,
            _ => form.variants.iter().map(|(_, edits)| run(form.file, edits, seconds, replications)).collect(),
        };
        let weighed = |seed: usize| form.variants.iter().zip(&runs).map(|((weight, _), runs)| weight * (form.shown)(&runs[seed])).sum();
        let (mean, half) = interval(&(0..replications as usize).map(weighed).collect::<Vec<f64>>());
        println!("{:<40}{:>12.6}{mean:>12.6}{half:>12.6}{:>9.2}", form.name, form.exact, 100.0 * half / form.exact);
        for ((weight, edits), runs) in form.variants.iter().zip(&runs).filter(|_| form.variants.len() > 1) {
            let (mean, half) = interval(&runs.iter().map(form.shown).collect::<Vec<_>>());
            let of = edits.last().map_or("", |(_, to)| to);
            println!("    {weight:>4} × {of:<29}{:>12}{mean:>12.6}{half:>12.6}", "");
        }
        if (mean - form.exact).abs() > half {
            wrong.push(format!("{}: {} is not within {half} of {mean}", form.name, form.exact));
        }
        if half > widest(&form) * form.exact {
            wrong.push(format!("{}: {half} is wide beside {}", form.name, form.exact));
        }
        known = Some((form, runs));
    }
    wrong
}

/// So many replications of a scenario, edited, that last so long.
fn run(file: &str, edits: &[Edit], seconds: u64, replications: u64) -> Vec<Outcome> {
    let mut written = text(&format!("service/{file}.ron"));
    for (from, to) in edits {
        assert!(written.contains(from), "{file} has {from}");
        written = written.replace(from, to);
    }
    let mut scenario = read(&written);
    scenario.conditions.duration = Duration::from_secs(seconds);
    scenario.conditions.events = u64::MAX;
    (0..replications).map(|seed| scenario.run(seed)).collect()
}

#[test]
fn the_formulas_have_their_known_values() {
    let near = |found: f64, known: f64| assert!((found - known).abs() <= 0.0006 * known, "{found} for {known}");
    for (workers, load, waits, mean, p99) in
        [(1, 0.9, 0.9, 9.0, 45.0), (2, 0.8, 0.7111, 1.778, 10.66), (4, 0.9, 0.7878, 1.969, 10.92), (10, 0.8, 0.4092, 0.2046, 1.856)]
    {
        near(erlang_c(workers, load), waits);
        near(mean_wait(workers, load) / WORK, mean);
        near(p99_of_waits(workers, load) / WORK, p99);
    }
    for (d, time) in [(1, 10.0), (2, 2.614), (3, 2.028)] {
        near(wait_of_choices(0.9, d) / WORK + 1.0, time);
    }
    near(hedged_exceeded(-libm::log(0.05), 0.001) / WORK, 4.952);
    near(attempts(0.5, 4), 1.875);
}

/// A few short replications of each; `closed_forms_in_twenty_replications` has the rest.
#[test]
fn runs_show_what_theory_says() {
    let wrong = replicate(6, 0, |_| 0.7);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[ignore = "minutes; run it in release: cargo test --release --test runs closed_forms -- --ignored --nocapture"]
fn closed_forms_in_twenty_replications() {
    let wrong = replicate(20, 1, |form| form.widest);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
