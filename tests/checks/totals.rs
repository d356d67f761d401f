//! Queues that are emptied at the end, and banks, in files: against a reference that tries which insertion each item may be that came out,
//! and one that adds up what each read saw.

use std::fmt::Write as _;

use stormglass::base::{RunKey, Stream};
use stormglass::check::{CheckOptions, Verdict, run_check};

/// What was asked, and what came of it.
#[derive(Clone, Debug)]
enum Done {
    Enqueue(u64, Outcome),
    /// With what came out, if that is known.
    Dequeue(Option<Option<u64>>),
    Drain(Option<Vec<u64>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    Failed,
    Unknown,
}

/// An operation, and on which lines it begins and ends.
#[derive(Clone, Debug)]
struct Operation {
    done: Done,
    begins: u64,
    ends: u64,
}

/// Few items, a drain mostly, and in each hundred so many that come out and should not.
fn sample(random: &mut Stream) -> Vec<Operation> {
    let count = 3 + random.below(5);
    let mut held: Vec<u64> = Vec::new();
    let mut operations = Vec::new();
    for place in 0..count {
        let item = random.below(3);
        let lies = random.below(12) == 0;
        let done = match random.below(8) {
            0..4 => {
                let outcome =
                    [Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Failed, Outcome::Unknown][random.below(6) as usize];
                if outcome == Outcome::Ok || outcome == Outcome::Unknown && random.below(2) == 0 {
                    held.push(item);
                }
                Done::Enqueue(item, outcome)
            }
            4..6 if random.below(6) == 0 => {
                let _ = if held.is_empty() || random.below(2) == 0 { None } else { Some(held.swap_remove(0)) };
                Done::Dequeue(None)
            }
            4..6 => Done::Dequeue(Some(if lies { Some(item) } else { take(&mut held, random) })),
            _ if random.below(8) == 0 => Done::Drain(None),
            _ => {
                let mut out = std::mem::take(&mut held);
                match (lies, random.below(2)) {
                    (true, 0) => out.push(item),
                    (true, _) => drop(out.pop()),
                    (false, _) => {}
                }
                Done::Drain(Some(out))
            }
        };
        let begins = place * 10 + random.below(10);
        operations.push(Operation { done, begins, ends: begins + 1 + random.below(25) });
    }
    operations
}

fn take(held: &mut Vec<u64>, random: &mut Stream) -> Option<u64> {
    (!held.is_empty()).then(|| held.swap_remove(random.below(held.len() as u64) as usize))
}

/// As a file, an operation a process; the times are made to differ.
fn file(operations: &mut [Operation]) -> String {
    let mut lines: Vec<(u64, usize, bool)> = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        lines.extend([(operation.begins, place, false), (operation.ends, place, true)]);
    }
    lines.sort_unstable();
    let mut text = String::new();
    for (line, (_, place, ends)) in (1..).zip(lines) {
        let operation = &mut operations[place];
        let spot = if ends { &mut operation.ends } else { &mut operation.begins };
        *spot = line;
        let items = |items: &[u64]| items.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let (f, asked, kind, answer) = match &operation.done {
            Done::Enqueue(item, outcome) => {
                let kind = match outcome {
                    Outcome::Ok => "ok",
                    Outcome::Failed => "fail",
                    Outcome::Unknown => "info",
                };
                ("enqueue", item.to_string(), kind, item.to_string())
            }
            Done::Dequeue(None) => ("dequeue", "nil".to_owned(), "info", "nil".to_owned()),
            Done::Dequeue(Some(out)) => ("dequeue", "nil".to_owned(), "ok", out.map_or_else(|| "nil".to_owned(), |item| item.to_string())),
            Done::Drain(None) => ("drain", "nil".to_owned(), "info", "nil".to_owned()),
            Done::Drain(Some(out)) => ("drain", "nil".to_owned(), "ok", format!("[{}]", items(out))),
        };
        let (kind, value) = if ends { (kind, answer) } else { ("invoke", asked) };
        let _ = writeln!(text, "{{:process {place}, :type :{kind}, :f :{f}, :value {value}}}");
    }
    text
}

/// What must be: whether each item that came out can be one that went in, and whether none is lost. Nothing is known of losses if no drain
/// ended, or one may have taken items that nobody saw; a dequeue of unknown outcome may have taken one.
fn expected(operations: &[Operation]) -> Verdict {
    let mut outs: Vec<(u64, u64)> = Vec::new();
    let mut puts: Vec<(u64, u64, Option<u64>)> = Vec::new();
    let (mut drained, mut unknown_drains, mut unknown_dequeues, mut known) = (None, 0, 0, 0);
    for Operation { done, begins, ends } in operations {
        match done {
            Done::Enqueue(item, Outcome::Ok) => puts.push((*item, *begins, Some(*ends))),
            Done::Enqueue(item, Outcome::Unknown) => puts.push((*item, *begins, None)),
            Done::Enqueue(_, Outcome::Failed) => {}
            Done::Dequeue(None) => unknown_dequeues += 1,
            Done::Dequeue(Some(out)) => outs.extend(out.map(|item| (item, *ends))),
            Done::Drain(None) => unknown_drains += 1,
            Done::Drain(Some(out)) => {
                outs.extend(out.iter().map(|item| (*item, *ends)));
                drained = drained.max(Some(*begins));
            }
        }
        known += usize::from(matches!(done, Done::Enqueue(_, Outcome::Ok)));
    }
    let least = least_lost(&outs, &mut vec![false; puts.len()], &puts, drained.unwrap_or(0));
    match (least, drained) {
        (None, _) => Verdict::Violated,
        // Of no item anything is known.
        _ if known == 0 && outs.is_empty() => Verdict::Unknown,
        (_, None) => Verdict::Unknown,
        _ if unknown_drains > 0 => Verdict::Unknown,
        (Some(lost), _) if lost > unknown_dequeues => Verdict::Violated,
        _ => Verdict::Holds,
    }
}

/// How many items are lost at least that were in before the last drain began, whichever went in what came out; nothing if what came out
/// cannot have gone in.
fn least_lost(outs: &[(u64, u64)], taken: &mut Vec<bool>, puts: &[(u64, u64, Option<u64>)], drained: u64) -> Option<usize> {
    let Some(((item, ends), rest)) = outs.split_first() else {
        let lost = |(place, (.., ended)): (usize, &(u64, u64, Option<u64>))| !taken[place] && ended.is_some_and(|ended| ended < drained);
        return Some(puts.iter().enumerate().filter(|put| lost(*put)).count());
    };
    let mut least = None;
    for place in 0..puts.len() {
        let (put, begins, _) = puts[place];
        if put == *item && begins < *ends && !taken[place] {
            taken[place] = true;
            least = [least, least_lost(rest, taken, puts, drained)].into_iter().flatten().min();
            taken[place] = false;
        }
    }
    least
}

fn agree(rounds: u64) {
    let mut counts = [0; 3];
    for round in 0..rounds {
        let mut operations = sample(&mut RunKey::from_seed(round).stream("total-queue", 0));
        let text = file(&mut operations);
        let expected = expected(&operations);
        let found = run_check(text.as_bytes(), "total-queue", &CheckOptions::default()).expect("a history").verdict;
        assert_eq!(found, expected, "seed {round}:\n{text}");
        counts[expected as usize] += 1;
    }
    println!("total-queue: {counts:?}");
    assert!(counts.iter().all(|count| *count > rounds / 20), "{counts:?}");
}

/// Reads and transfers of any outcome, among two accounts with ten together. In each hundred reads some see too much or too little.
fn bank(random: &mut Stream, total: Option<i64>) -> (String, Verdict) {
    let (mut text, mut sums, mut below, mut known) = (String::new(), total.into_iter().collect::<Vec<i64>>(), false, 0);
    for process in 0..2 + random.below(5) {
        let outcome = ["ok", "ok", "ok", "fail", "info"][random.below(5) as usize];
        let (f, asked, answer) = if random.below(2) == 0 {
            let first = random.below(12) as i64 - 1 + i64::from(random.below(20) == 0);
            let second = 10 - first + i64::from(random.below(12) == 0);
            if outcome == "ok" {
                sums.push(first + second);
                below |= first < 0 || second < 0;
            }
            ("read", "nil".to_owned(), format!("{{:a {first} :b {second}}}"))
        } else {
            let moved = format!("{{:from :a :to :b :amount {}}}", random.below(4));
            ("transfer", moved.clone(), moved)
        };
        known += usize::from(outcome == "ok");
        let answer = if outcome == "ok" { &answer } else { &asked };
        let _ = writeln!(text, "{{:process {process}, :type :invoke, :f :{f}, :value {asked}}}");
        let _ = writeln!(text, "{{:process {process}, :type :{outcome}, :f :{f}, :value {answer}}}");
    }
    let verdict = match (known, below || sums.windows(2).any(|pair| pair[0] != pair[1])) {
        (0, _) => Verdict::Unknown,
        (_, true) => Verdict::Violated,
        (_, false) => Verdict::Holds,
    };
    (text, verdict)
}

fn banks_agree(rounds: u64) {
    let mut counts = [0; 3];
    for round in 0..rounds {
        let total = (round % 3 == 0).then_some(10);
        let (text, expected) = bank(&mut RunKey::from_seed(round).stream("bank", 0), total);
        let initial = total.map(|total| format!("{{:a {total} :b 0}}").parse().expect("EDN"));
        let found = run_check(text.as_bytes(), "bank", &CheckOptions { initial, ..CheckOptions::default() }).expect("a history").verdict;
        assert_eq!(found, expected, "seed {round}, {total:?}:\n{text}");
        counts[expected as usize] += 1;
    }
    println!("bank: {counts:?}");
    assert!(counts.iter().all(|count| *count > rounds / 50), "{counts:?}");
}

#[test]
fn banks_are_judged_as_the_reference_judges_them() {
    banks_agree(1_500);
}

/// `cargo test --release --test checks totals -- --ignored`
#[test]
#[ignore = "slow: 20,000 histories of each kind"]
fn totals_are_judged_as_the_references_judge_them_at_length() {
    agree(20_000);
    banks_agree(20_000);
}

#[test]
fn total_queues_are_judged_as_the_reference_judges_them() {
    agree(1_500);
}
