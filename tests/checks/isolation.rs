//! Hand-made histories: each phenomenon by its name, and what looks like one and is legal.

use expect_test::{Expect, expect};
use stormglass::base::{Act, ClientId, Committed, RunKey, Seen, Time, Transaction};
use stormglass::check::isolation::generate::{HistoryShape, generate};
use stormglass::check::isolation::model::Store;
use stormglass::check::isolation::{
    DEFAULT_BUDGET, Fate, ISOLATION, Level, Phenomenon, Report, Transactions, check, judge, judge_transactions,
};
use stormglass::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
use stormglass::check::{Fact, Verdict, linearizability};
use stormglass::history::{History, Outcome};
use stormglass::report::{explanation_text, isolation_text};

/// Transactions from lines such as `c1 0-5: r x 1 2, a x 3, w y 4, r z`: client, when it began and ended, and acts. A read of a list shows
/// its elements, one of a register its value after `=`. Behind the times may stand `fail` or `info`.
pub(crate) fn transactions(lines: &str) -> Transactions {
    let mut transactions = Transactions::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (head, acts) = line.split_once(':').expect("a colon");
        let head: Vec<&str> = head.split_whitespace().collect();
        let client = ClientId::new(head[0][1..].parse::<u32>().expect("a client") - 1);
        let (began, ended) = head[1].split_once('-').expect("a time span");
        let time = |text: &str| Time::from_nanos(text.parse().expect("a time"));
        let fate = match head.get(2) {
            None => Fate::Committed,
            Some(&"fail") => Fate::Aborted,
            _ => Fate::Unknown,
        };
        transactions.begin(client, time(began), Some(time(ended)), fate);
        for act in acts.split(',').map(str::trim).filter(|act| !act.is_empty()) {
            let words: Vec<&str> = act.split_whitespace().collect();
            let key = key(words[1]);
            let numbers: Vec<i64> = words[2..].iter().filter_map(|word| word.trim_start_matches('=').parse().ok()).collect();
            match words[0] {
                "r" if words.get(2).is_some_and(|word| word.starts_with('=')) => transactions.read(key, Some(&Seen::Number(numbers[0]))),
                "r" if numbers.is_empty() => transactions.read(key, Some(&Seen::Empty)),
                "r" => transactions.read(key, Some(&Seen::List(numbers))),
                "a" => transactions.append(key, numbers[0]),
                "w" => transactions.write(key, numbers[0]),
                "add" => transactions.add(key, numbers[0]),
                other => panic!("no act {other}"),
            }
        }
    }
    transactions
}

/// The keys `x`, `y` and `z` are 1, 2 and 3.
fn key(name: &str) -> u64 {
    u64::from(name.as_bytes()[0] - b'w')
}

pub(crate) fn names(report: &Report) -> String {
    let names: Vec<String> = report.counts.iter().map(|(anomaly, count)| format!("{anomaly} × {count}")).collect();
    let strongest: Vec<&str> = report.strongest().iter().map(|level| level.name()).collect();
    format!("{} | {}", names.join(", "), strongest.join(", "))
}

/// The names of what is wrong, how often, and the strongest levels that hold.
fn shows(lines: &str, expected: &Expect) {
    let report = check(&transactions(lines), DEFAULT_BUDGET);
    expected.assert_eq(&names(&report));
    let facts = report.findings.iter().flat_map(|finding| &finding.evidence).flat_map(|broken| &broken.facts);
    for (name, fact) in facts {
        assert!(!matches!(fact, Fact::Text(_)), "{name} is a phrase: {fact}");
    }
    for level in &report.levels {
        let implied = report.levels.iter().filter(|other| level.level.implies(other.level));
        assert!(
            level.verdict != Verdict::Holds || implied.clone().all(|other| other.verdict == Verdict::Holds),
            "{}",
            isolation_text(&report)
        );
        assert!(
            level.verdict == Verdict::Violated || implied.clone().all(|other| other.verdict != Verdict::Violated),
            "{}",
            isolation_text(&report)
        );
    }
}

#[test]
fn writes_in_a_cycle() {
    shows(
        "c1 0-9: a x 1, a y 3
         c2 0-9: a x 2, a y 4
         c3 10-11: r x 1 2, r y 4 3",
        &expect!["G0 × 1 | "],
    );
    // The same in one order.
    shows(
        "c1 0-9: a x 1, a y 3
         c2 0-9: a x 2, a y 4
         c3 10-11: r x 1 2, r y 3 4",
        &expect![" | strict-serializable"],
    );
    // Another one's append between two of one transaction.
    shows(
        "c1 0-9: a x 1, a x 3
         c2 0-9: a x 2
         c3 10-11: r x 1 2 3",
        &expect!["G0 × 1 | "],
    );
}

#[test]
fn reads_of_what_should_not_be_seen() {
    shows(
        "c1 0-9 fail: a x 1
         c2 0-9: r x 1",
        &expect!["G1a × 1 | read-uncommitted"],
    );
    // Aborted, and not seen.
    shows(
        "c1 0-9 fail: a x 1
         c2 0-9: r x",
        &expect![" | strict-serializable"],
    );
    shows(
        "c1 0-9 fail: a x 1
         c2 0-9: a x 2
         c3 10-11: r x 1 2",
        &expect!["G1a × 1, dirty-update × 1 | read-uncommitted"],
    );
    shows(
        "c1 0-9: a x 1, a x 2
         c2 0-9: r x 1",
        &expect!["G1b × 1 | read-uncommitted"],
    );
    // A transaction may read its own, before it is final.
    shows("c1 0-9: a x 1, r x 1, a x 2, r x 1 2", &expect![" | strict-serializable"]);
    shows("c1 0-9: r x 7", &expect!["garbage-read × 1 | read-uncommitted"]);
    shows("c1 0-9: r x =7", &expect!["garbage-read × 1 | read-uncommitted"]);
}

#[test]
fn registers_that_should_not_be_seen() {
    shows(
        "c1 0-9 fail: w x 1
         c2 0-9: r x =1",
        &expect!["G1a × 1 | read-uncommitted"],
    );
    shows(
        "c1 0-9: w x 1, w x 2
         c2 0-9: r x =1",
        &expect!["G1b × 1 | read-uncommitted"],
    );
    // One aborted value is one anomaly, and one value that was never written, however many transactions read it.
    shows(
        "c1 0-9 fail: w x 1
         c2 0-9: r x =1
         c3 0-9: r x =1",
        &expect!["G1a × 1 | read-uncommitted"],
    );
    shows(
        "c1 0-9 fail: w x 1, w y 2
         c2 0-9: r x =1
         c3 0-9: r y =2",
        &expect!["G1a × 2 | read-uncommitted"],
    );
    shows(
        "c2 0-9: r x =1
         c3 0-9: r x =1",
        &expect!["garbage-read × 1 | read-uncommitted"],
    );
    shows("c1 0-9: w x 1, r x =1, w x 2, r x =2", &expect![" | strict-serializable"]);
    shows("c1 0-9: w x 1, w x 2, r x =1", &expect!["internal × 1 | read-uncommitted"]);
}

#[test]
fn information_in_a_cycle() {
    shows(
        "c1 0-9: a x 1, r y 2
         c2 0-9: a y 2, r x 1",
        &expect!["G1c × 1 | read-uncommitted"],
    );
    shows(
        "c1 0-9: w x 1, r y =2
         c2 0-9: w y 2, r x =1",
        &expect!["G1c × 1 | read-uncommitted"],
    );
    // One saw the other, and not the other way round.
    shows(
        "c1 0-9: a x 1, r y
         c2 0-9: a y 2, r x 1",
        &expect![" | strict-serializable"],
    );
}

#[test]
fn a_transaction_against_itself() {
    shows("c1 0-9: a x 1, r x", &expect!["internal × 1 | read-uncommitted"]);
    shows("c1 0-9: r x 1, a x 1", &expect!["internal × 1 | read-uncommitted"]);
    shows("c1 0-9: w x 1, r x", &expect!["internal × 1 | read-uncommitted"]);
    // Between two reads of one transaction, another writes: legal below snapshot isolation.
    shows(
        "c1 0-9: r x, r x 1
         c2 0-9: a x 1",
        &expect!["G-single × 1 | read-committed"],
    );
}

#[test]
fn lists_that_are_no_list() {
    shows(
        "c1 0-9: a x 1
         c2 0-9: a x 2
         c3 0-9: r x 1 2
         c4 0-9: r x 2 1",
        &expect!["incompatible-order × 1 | read-uncommitted"],
    );
    shows(
        "c1 0-9: a x 1
         c2 0-9: r x 1 1",
        &expect!["duplicate-element × 1 | read-uncommitted"],
    );
    shows(
        "c1 0-9: a x 1, a x 2
         c2 0-9: r x 2",
        &expect!["incompatible-order × 1 | read-uncommitted"],
    );
    // Elements that nobody saw yet are no contradiction.
    shows(
        "c1 0-9: a x 1
         c2 0-9: a x 2
         c3 0-9: r x 1",
        &expect![" | strict-serializable"],
    );
}

#[test]
fn read_skew() {
    shows(
        "c1 0-9: a x 1, a y 2
         c2 0-9: r x 1, r y",
        &expect!["G-single × 1 | read-committed"],
    );
    shows(
        "c1 0-9: w x 1, w y 2
         c2 0-9: r x =1, r y",
        &expect!["G-single × 1 | read-committed"],
    );
    // All or nothing.
    shows(
        "c1 0-9: a x 1, a y 2
         c2 0-9: r x, r y
         c3 0-9: r x 1, r y 2",
        &expect![" | strict-serializable"],
    );
}

#[test]
fn lost_updates() {
    shows(
        "c1 0-9: r x, a x 1
         c2 0-9: r x, a x 2",
        &expect!["lost-update × 1 | read-committed"],
    );
    shows(
        "c1 0-9: r x, a x 1
         c2 0-9: r x, a x 2
         c3 10-11: r x 1 2",
        &expect!["lost-update × 1 | read-committed"],
    );
    shows(
        "c1 0-9: w x 1
         c2 0-9: r x =1, w x 2
         c3 0-9: r x =1, w x 3",
        &expect!["lost-update × 1 | read-committed"],
    );
    // The one that lost had read; the one that was lost had not.
    shows(
        "c1 0-9: r x, a x 1
         c2 0-9: a x 2
         c3 10-11: r x 2 1",
        &expect!["lost-update × 1 | read-committed"],
    );
    // Each saw the one before.
    shows(
        "c1 0-9: r x, a x 1
         c2 0-9: r x 1, a x 2
         c3 0-9: r x 1 2, a x 3",
        &expect![" | strict-serializable"],
    );
    // Blind appends lose nothing.
    shows(
        "c1 0-9: a x 1
         c2 0-9: a x 2
         c3 10-11: r x 2 1",
        &expect![" | strict-serializable"],
    );
    // It may have happened or not; nobody saw it.
    shows(
        "c1 0-9 info: r x, a x 1
         c2 0-9: r x, a x 2",
        &expect![" | strict-serializable"],
    );
}

#[test]
fn forks_and_skew() {
    shows(
        "c1 0-9: a x 1
         c2 0-9: a y 2
         c3 0-9: r x 1, r y
         c4 0-9: r x, r y 2",
        &expect!["long-fork × 1 | parallel-snapshot-isolation"],
    );
    // Two that saw one after the other.
    shows(
        "c1 0-9: a x 1
         c2 0-9: a y 2
         c3 0-9: r x 1, r y
         c4 0-9: r x 1, r y 2",
        &expect![" | strict-serializable"],
    );
    shows(
        "c1 0-9: r x, r y, a x 1
         c2 0-9: r x, r y, a y 2",
        &expect!["write-skew × 1 | strong-snapshot-isolation"],
    );
    shows(
        "c1 0-9: r x, w y 1
         c2 0-9: r y, w x 2",
        &expect!["write-skew × 1 | strong-snapshot-isolation"],
    );
    // Three in a row.
    shows(
        "c1 0-9: r x, a y 1
         c2 0-9: r y, a z 2
         c3 0-9: r z, a x 3",
        &expect!["G2-item × 1 | strong-snapshot-isolation"],
    );
    // The anomaly of a read-only transaction (A. Fekete, E. O'Neil, P. O'Neil, 2004).
    shows(
        "c1 0-9: r x, r y, a x 1
         c2 0-4: r y, a y 2
         c3 5-6: r x, r y 2",
        &expect!["G2-item × 1 | strong-snapshot-isolation"],
    );
}

#[test]
fn clients_and_real_time() {
    // A client does not see what it did.
    shows(
        "c1 0-1: a x 1
         c1 2-3: r x",
        &expect!["G-single-process × 1 | serializable"],
    );
    // Another client does not see it, later.
    shows(
        "c1 0-1: a x 1
         c2 2-3: r x",
        &expect!["G-single-realtime × 1 | strong-session-serializable"],
    );
    // Nor at the same time, which is legal; a tie is concurrent.
    shows(
        "c1 0-2: a x 1
         c2 2-3: r x",
        &expect![" | strict-serializable"],
    );
    // Each legal alone; together they run backwards.
    shows(
        "c1 0-1: r x, a y 1
         c2 2-3: r y, a x 2",
        &expect!["G-single-realtime × 1, write-skew × 1 | strong-session-snapshot-isolation"],
    );
    // A stale read of a register, of which the order is not known but by time.
    shows(
        "c1 0-1: w x 1
         c1 2-3: w x 2
         c2 4-5: r x =1",
        &expect!["G-single-realtime × 1 | strong-session-serializable"],
    );
    // What is of unknown outcome may take effect late.
    shows(
        "c1 0-1 info: a x 1
         c2 2-3: r x
         c2 4-5: r x 1",
        &expect![" | strict-serializable"],
    );
}

#[test]
fn what_cannot_be_told_is_not_told() {
    let others: String = (3..10).map(|client| format!("c{client} 0-9: w y {client}\n")).collect();
    for odd in ["c1 0-1: add x 5\nc2 0-9: r x =5", "c1 0-9: a x 1\nc2 0-9: a x 1", "c1 0-9: w x 1\nc2 0-9: a x 2"] {
        // Few transactions are tried in every order.
        shows(odd, &expect![" | strict-serializable"]);
        shows(&format!("{odd}\n{others}"), &expect![" | "]);
    }
    shows("c1 0-9: add x 5\nc2 0-9: add x 5\nc3 0-9: r x =7", &expect!["G1c × 1 | read-uncommitted"]);
    shows("c1 0-1: add x 5\nc2 2-3: r x =0\nc3 0-9: add x 2", &expect!["G-nonadjacent-realtime × 1 | strong-session-serializable"]);
    shows("", &expect![" | strict-serializable"]);
}

#[test]
fn an_order_that_is_given_decides() {
    let text = "c1 0-9: w x 1
         c2 0-9: w x 2
         c3 0-9: r x =1, w y 3
         c4 0-9: r y =3, r x =2";
    let judged = |order: Option<[i64; 2]>| {
        let mut transactions = transactions(text);
        if let Some(order) = order {
            transactions.order(key("x"), &order);
            transactions.order(key("y"), &[3]);
        }
        names(&check(&transactions, DEFAULT_BUDGET))
    };
    expect![" | strict-serializable"].assert_eq(&judged(None));
    expect![" | strict-serializable"].assert_eq(&judged(Some([1, 2])));
    expect!["G-single × 1 | read-committed"].assert_eq(&judged(Some([2, 1])));
    let mut transactions = transactions("c1 0-9: a x 1\nc2 0-9: a x 2\nc3 0-9: r x 1 2");
    transactions.order(key("x"), &[2, 1]);
    let property = judge_transactions(&ISOLATION, Level::ReadCommitted, &transactions, DEFAULT_BUDGET);
    assert_eq!(property.verdict, Verdict::Violated);
    expect![[r#"
        incompatible-order: no one list explains what was read
          T3 (c3): read k1 → [1, 2]

          T3 read k1 as [1, 2], but the order given for k1 is [2, 1]
    "#]]
    .assert_eq(&explanation_text(&property.explanation.expect("it is violated")));
}

#[test]
fn anomalies_in_words() {
    let words = |lines: &str| isolation_text(&check(&transactions(lines), DEFAULT_BUDGET));
    expect![[r#"
        the strongest level that holds: read-committed
          3 transactions: 3 committed, 0 aborted, 0 of unknown outcome · 6 dependencies
          strict-serializable                violated: lost-update
          strong-session-serializable        violated: lost-update
          serializable                       violated: lost-update
          strong-snapshot-isolation          violated: lost-update
          strong-session-snapshot-isolation  violated: lost-update
          snapshot-isolation                 violated: lost-update
          parallel-snapshot-isolation        violated: lost-update
          read-committed                     holds
          read-uncommitted                   holds

        lost-update: a lost update, which is a G-single
          T1 (c1): read k1 → nothing, append 1 to k1
          T2 (c2): read k1 → nothing, append 2 to k1

          T2 read k1 as nothing, and then put 2 there
          T1 put 1 into k1, which T2 had not seen
    "#]]
    .assert_eq(&words(
        "c1 0-9: r x, a x 1
         c2 0-9: r x, a x 2
         c3 10-11: r x 1 2",
    ));
    expect![[r#"
        the strongest level that holds: parallel-snapshot-isolation
          4 transactions: 4 committed, 0 aborted, 0 of unknown outcome · 4 dependencies
          strict-serializable                violated: long-fork
          strong-session-serializable        violated: long-fork
          serializable                       violated: long-fork
          strong-snapshot-isolation          violated: long-fork
          strong-session-snapshot-isolation  violated: long-fork
          snapshot-isolation                 violated: long-fork
          parallel-snapshot-isolation        holds
          read-committed                     holds
          read-uncommitted                   holds

        long-fork: a long fork, which is a G-nonadjacent
          T1 (c1): append 1 to k1
          T2 (c2): append 2 to k2
          T3 (c3): read k1 → [1], read k2 → nothing
          T4 (c4): read k1 → nothing, read k2 → [2]

          T1 < T3: T1 put 1 into k1; T3 read k1 as [1]
          T3 < T2: T3 read k2 as nothing, without the 2 of T2
          T2 < T4: T2 put 2 into k2; T4 read k2 as [2]
          T4 < T1: T4 read k1 as nothing, without the 1 of T1
          so that T1 < T3 < T2 < T4 < T1: a cycle
    "#]]
    .assert_eq(&words(
        "c1 0-9: a x 1
         c2 0-9: a y 2
         c3 0-9: r x 1, r y
         c4 0-9: r x, r y 2",
    ));
    expect![[r#"
        the strongest level that holds: strong-session-serializable
          3 transactions: 3 committed, 0 aborted, 0 of unknown outcome · 12 dependencies
          strict-serializable                violated: G-single-realtime
          strong-session-serializable        holds
          serializable                       holds
          strong-snapshot-isolation          violated: G-single-realtime
          strong-session-snapshot-isolation  holds
          snapshot-isolation                 holds
          parallel-snapshot-isolation        holds
          read-committed                     holds
          read-uncommitted                   holds

        G-single-realtime: read skew, given real time
          T2 (c1): read k1 → 1, write k1 = 2
          T3 (c2): read k1 → 1

          T2 < T3: T2 had ended (at 3ns) before T3 began (at 4ns)
          T3 < T2: T3 read k1 as 1, without the 2 of T2
          so that T2 < T3 < T2: a cycle
    "#]]
    .assert_eq(&words(
        "c1 0-1: w x 1
         c1 2-3: r x =1, w x 2
         c2 4-5: r x =1",
    ));
}

/// What no single cycle shows: whichever was written first, something is wrong.
#[test]
fn either_order_is_wrong() {
    let session = check(
        &transactions(
            "c1 0-9: w x 1
             c1 10-19: w x 2
             c1 20-29: r x =1",
        ),
        DEFAULT_BUDGET,
    );
    let words = |report: &Report| isolation_text(report);
    expect![[r#"
        the strongest level that holds: serializable
          3 transactions: 3 committed, 0 aborted, 0 of unknown outcome · 11 dependencies
          strict-serializable                violated: G-single-process, G-single-realtime
          strong-session-serializable        violated: G-single-process
          serializable                       holds
          strong-snapshot-isolation          violated: G-single-realtime
          strong-session-snapshot-isolation  violated: G-single-process
          snapshot-isolation                 holds
          parallel-snapshot-isolation        holds
          read-committed                     holds
          read-uncommitted                   holds

        G-single-process: read skew, given the order of each client
          T1 (c1): write k1 = 1
          T2 (c1): write k1 = 2
          T3 (c1): read k1 → 1

          suppose that k1 held 1 of T1 before 2 of T2:
          T3 < T2: T3 read k1 as 1, without the 2 of T2
          T2 < T3: c1 did T2, and then T3
          so that T3 < T2 < T3: a cycle
          suppose that k1 held 2 of T2 before 1 of T1:
          T2 < T1: T2 put 2 into k1, and T1 put 1 there behind it
          T1 < T2: c1 did T1, and then T2
          so that T2 < T1 < T2: a cycle

        G-single-realtime: read skew, given real time
          T1 (c1): write k1 = 1
          T2 (c1): write k1 = 2
          T3 (c1): read k1 → 1

          T2 < T3: c1 did T2, and then T3
          T3 < T2: T3 read k1 as 1, and T2 put 2 there later: T1 had ended (at 9ns) before T2 began (at 10ns)
          so that T2 < T3 < T2: a cycle
    "#]]
    .assert_eq(&words(&session));
    let snapshot = check(
        &transactions(
            "c1 0-9: w z 1, r y, r z =1
             c2 0-9: r z, w y 1, w z 2",
        ),
        DEFAULT_BUDGET,
    );
    expect![[r#"
        the strongest level that holds: read-committed
          2 transactions: 2 committed, 0 aborted, 0 of unknown outcome · 2 dependencies
          strict-serializable                violated: G-single, write-skew
          strong-session-serializable        violated: G-single, write-skew
          serializable                       violated: write-skew
          strong-snapshot-isolation          violated: G-single
          strong-session-snapshot-isolation  violated: G-single
          snapshot-isolation                 violated: G-single
          parallel-snapshot-isolation        violated: G-single
          read-committed                     holds
          read-uncommitted                   holds

        G-single: read skew
          T1 (c1): write k3 = 1, read k2 → nothing, read k3 → 1
          T2 (c2): read k3 → nothing, write k2 = 1, write k3 = 2

          suppose that k3 held 1 of T1 before 2 of T2:
          T2 < T1: T2 read k3 as nothing, without the 1 of T1
          T1 < T2: T1 put 1 into k3, and T2 put 2 there behind it
          so that T2 < T1 < T2: a cycle
          suppose that k3 held 2 of T2 before 1 of T1:
          T2 < T1: T2 put 2 into k3, and T1 put 1 there behind it
          T1 < T2: T1 read k2 as nothing, without the 1 of T2
          so that T2 < T1 < T2: a cycle

        write-skew: write skew, which is a G2-item
          T1 (c1): write k3 = 1, read k2 → nothing, read k3 → 1
          T2 (c2): read k3 → nothing, write k2 = 1, write k3 = 2

          T1 < T2: T1 read k2 as nothing, without the 1 of T2
          T2 < T1: T2 read k3 as nothing, without the 1 of T1
          so that T1 < T2 < T1: a cycle
    "#]]
    .assert_eq(&words(&snapshot));
}

/// Whoever is named in an explanation is shown with what it did, if it did more than can be shown.
#[test]
fn who_is_named_is_shown() {
    for (lines, expected) in [
        (
            "c1 0-1: w x 1
          c1 2-3: w x 2
          c2 4-5: r x =1",
            expect![[r#"
                the strongest level that holds: strong-session-serializable
                  3 transactions: 3 committed, 0 aborted, 0 of unknown outcome · 10 dependencies
                  strict-serializable                violated: G-single-realtime
                  strong-session-serializable        holds
                  serializable                       holds
                  strong-snapshot-isolation          violated: G-single-realtime
                  strong-session-snapshot-isolation  holds
                  snapshot-isolation                 holds
                  parallel-snapshot-isolation        holds
                  read-committed                     holds
                  read-uncommitted                   holds

                G-single-realtime: read skew, given real time
                  T1 (c1): write k1 = 1
                  T2 (c1): write k1 = 2
                  T3 (c2): read k1 → 1

                  T2 < T3: T2 had ended (at 3ns) before T3 began (at 4ns)
                  T3 < T2: T3 read k1 as 1, and T2 put 2 there later: T1 had ended (at 1ns) before T2 began (at 2ns)
                  so that T2 < T3 < T2: a cycle
            "#]],
        ),
        (
            "c1 0-9: a x 1, a x 2, a x 3, a x 4, a x 5, a x 6, a x 7, a x 8, a x 9, r y
          c2 0-9: a y 1, r x",
            expect![[r#"
                the strongest level that holds: strong-snapshot-isolation
                  2 transactions: 2 committed, 0 aborted, 0 of unknown outcome · 2 dependencies
                  strict-serializable                violated: write-skew
                  strong-session-serializable        violated: write-skew
                  serializable                       violated: write-skew
                  strong-snapshot-isolation          holds
                  strong-session-snapshot-isolation  holds
                  snapshot-isolation                 holds
                  parallel-snapshot-isolation        holds
                  read-committed                     holds
                  read-uncommitted                   holds

                write-skew: write skew, which is a G2-item
                  T1 (c1): append 1 to k1, append 2 to k1, append 3 to k1, append 4 to k1, append 5 to k1, append 6 to k1, append 7 to k1, read k2 → nothing, and 2 more
                  T2 (c2): append 1 to k2, read k1 → nothing

                  T1 < T2: T1 read k2 as nothing, without the 1 of T2
                  T2 < T1: T2 read k1 as nothing, without the 1 of T1
                  so that T1 < T2 < T1: a cycle
            "#]],
        ),
    ] {
        let report = check(&transactions(lines), DEFAULT_BUDGET);
        for finding in &report.findings {
            let shown: Vec<String> = finding.cast.iter().map(|member| format!("T{}", member.transaction + 1)).collect();
            for fact in finding.evidence.iter().flat_map(|broken| &broken.facts) {
                assert!(!matches!(&fact.1, Fact::Transaction(name) if !shown.contains(name)), "{fact:?} is not shown");
            }
        }
        expected.assert_eq(&isolation_text(&report));
    }
}

/// Inputs of which the answer is known, in `../shared/reports`: that is stated in its README.
#[test]
fn reports_have_their_answers() {
    let reports = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reports");
    if !reports.is_dir() {
        println!("skipped: there are no reports in ../shared/reports");
        return;
    }
    for (file, model, level) in [
        ("13-session-registers.edn", TransactionModel::RwRegister, Level::StrongSessionSerializable),
        ("32-registers-snapshot.edn", TransactionModel::RwRegister, Level::SnapshotIsolation),
        ("33-registers-session.edn", TransactionModel::RwRegister, Level::StrongSessionSerializable),
        ("34-lists-snapshot.edn", TransactionModel::ListAppend, Level::SnapshotIsolation),
    ] {
        let text = std::fs::read(reports.join(file)).expect("the file");
        let report = check_text(&text[..], &FileOptions { level, ..FileOptions::new(model) }).expect("a history");
        assert_eq!(report.verdict, Verdict::Violated, "{file}\n{}", isolation_text(&report.report));
        assert!(report.report.against(level).next().is_some(), "{file} is not explained");
    }
}

/// A history with one planted anomaly.
fn planted(phenomenon: Phenomenon, registers: bool, seed: u64) -> History<Transaction, Committed> {
    generate(&HistoryShape { planted: Some(phenomenon), registers, ..HistoryShape::new(4, 120) }, RunKey::from_seed(seed)).history
}

#[test]
fn what_is_planted_is_found_and_nothing_else() {
    use Phenomenon as P;
    let anywhere = [
        P::GarbageRead,
        P::AbortedRead,
        P::IntermediateRead,
        P::Internal,
        P::CircularFlow,
        P::LostUpdate,
        P::ReadSkew,
        P::LongFork,
        P::Nonadjacent,
        P::WriteSkew,
        P::AntiDependency,
    ];
    let lists = [P::WriteCycle, P::DuplicateElement, P::IncompatibleOrder, P::DirtyUpdate];
    let both = anywhere.into_iter().flat_map(|phenomenon| [(phenomenon, false), (phenomenon, true)]);
    for (phenomenon, registers) in both.chain(lists.into_iter().map(|phenomenon| (phenomenon, false))) {
        for seed in 0..10 {
            let report = check(&Transactions::from(&planted(phenomenon, registers, seed)), DEFAULT_BUDGET);
            let found: Vec<Phenomenon> = report.counts.iter().map(|(anomaly, _)| anomaly.phenomenon).collect();
            let beside = if phenomenon == P::DirtyUpdate { vec![P::AbortedRead, P::DirtyUpdate] } else { vec![phenomenon] };
            assert_eq!(found, beside, "{phenomenon:?}, registers {registers}, seed {seed}\n{}", isolation_text(&report));
        }
    }
}

#[test]
fn made_histories_are_strictly_serializable() {
    let mut unknown = 0;
    for registers in [false, true] {
        for seed in 0..100 {
            let ratio = stormglass::base::Ratio::new(1, 10).expect("a ratio");
            let shape = HistoryShape { registers, aborted: ratio, unknown: ratio, ..HistoryShape::new(1 + seed as u32 % 9, 150) };
            let made = generate(&shape, RunKey::from_seed(seed));
            let told = judge(&ISOLATION, Level::StrictSerializable, &made.history, DEFAULT_BUDGET);
            // Where registers are written without being read, no guess is always right.
            assert!(
                told.verdict == Verdict::Holds || registers && told.verdict == Verdict::Unknown,
                "{registers} {seed}: {:?}",
                told.explanation
            );
            unknown += usize::from(told.verdict == Verdict::Unknown);
            let mut transactions = Transactions::from(&made.history);
            made.orders.iter().for_each(|(key, values)| transactions.order(*key, values));
            let told = judge_transactions(&ISOLATION, Level::StrictSerializable, &transactions, DEFAULT_BUDGET);
            assert_eq!(told.verdict, Verdict::Holds, "orders given, {registers} {seed}: {:?}", told.explanation);
        }
    }
    assert!(unknown <= 15, "{unknown} of 100 registers are unknown");
}

/// Strict serializability is linearizability of the store as one object, which another checker can judge.
#[test]
fn linearizability_of_the_store_agrees() {
    let phenomena =
        [None, Some(Phenomenon::WriteSkew), Some(Phenomenon::LongFork), Some(Phenomenon::LostUpdate), Some(Phenomenon::ReadSkew)];
    for planted in phenomena {
        for (seed, registers) in [(1, false), (2, true), (3, false), (4, true)] {
            let made = generate(&HistoryShape { planted, registers, keys: 3, ..HistoryShape::new(3, 30) }, RunKey::from_seed(seed));
            let serializable = judge(&ISOLATION, Level::StrictSerializable, &made.history, DEFAULT_BUDGET).verdict;
            let linearizable = linearizability::check(&Store::default(), &made.history).verdict();
            assert!(linearizable == serializable || registers && serializable == Verdict::Unknown, "{planted:?} {seed}: {serializable}");
        }
    }
}

#[test]
fn a_run_is_judged_as_a_property() {
    let mut history = History::new();
    let act = |acts: &[Act]| Transaction { acts: acts.to_vec() };
    let time = Time::from_nanos;
    let (one, two) = (ClientId::new(0), ClientId::new(1));
    history.invoke(time(1), one, act(&[Act::Read { key: 1 }, Act::Write { key: 2, value: 1 }])).expect("idle");
    history.invoke(time(2), two, act(&[Act::Read { key: 2 }, Act::Write { key: 1, value: 2 }])).expect("idle");
    history.complete(time(3), one, Outcome::Done(Committed { seen: vec![Seen::Empty] })).expect("busy");
    history.complete(time(4), two, Outcome::Done(Committed { seen: vec![Seen::Empty] })).expect("busy");
    let property = judge(&ISOLATION, Level::Serializable, &history, DEFAULT_BUDGET);
    assert_eq!((property.verdict, property.at), (Verdict::Violated, Some(time(4))));
    expect![[r#"
        write-skew: write skew, which is a G2-item
          T1 (c1): read k1 → nothing, write k2 = 1
          T2 (c2): read k2 → nothing, write k1 = 2

          T1 < T2: T1 read k1 as nothing, without the 2 of T2
          T2 < T1: T2 read k2 as nothing, without the 1 of T1
          so that T1 < T2 < T1: a cycle
    "#]]
    .assert_eq(&explanation_text(&property.explanation.expect("it is violated")));
    assert_eq!(judge(&ISOLATION, Level::SnapshotIsolation, &history, DEFAULT_BUDGET).verdict, Verdict::Holds);
}
