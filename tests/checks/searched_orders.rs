//! Registers that do not show who wrote what was read: it is searched for, within a budget of steps and bytes.

use expect_test::expect;
use stormglass::base::{Act, Committed, RunKey, Seen, Transaction};
use stormglass::check::isolation::generate::{HistoryShape, generate};
use stormglass::check::isolation::{DEFAULT_BUDGET, Level, Transactions, check};
use stormglass::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
use stormglass::check::{Budget, Verdict};
use stormglass::report::isolation_text;

use crate::isolation::{names, transactions};

/// Whose a read saw is searched for, where a register had one value more than once; and what shows that it can have been nobody's.
#[test]
fn a_value_that_comes_again_is_read_of_one_of_its_writers() {
    let held = "
        c1 0-1: w x 1
        c2 2-3: w x 2
        c3 4-5: w x 1
        c4 6-7: r x =1
        c5 8-9: w x 2, r x =2
        c6 10-11: r x =2";
    assert_eq!(names(&check(&transactions(held), DEFAULT_BUDGET)), " | strict-serializable");
    // Of T1, 2 had taken its place; and of T3 it had yet to be written.
    let violated = "
        c1 0-1: w x 1
        c2 2-3: w x 2
        c3 4-5: r x =1
        c4 6-7: w x 1";
    let report = check(&transactions(violated), DEFAULT_BUDGET);
    assert_eq!(names(&report), "G-single-realtime × 1 | strong-session-serializable");
    expect![[r#"
        the strongest level that holds: strong-session-serializable
          4 transactions: 4 committed, 0 aborted, 0 of unknown outcome · 8 dependencies
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
          T2 (c2): write k1 = 2
          T3 (c3): read k1 → 1
          T4 (c4): write k1 = 1

          suppose that k1 held 1 of T1 before 2 of T2:
          suppose that T3 read in k1 the 1 of T1:
          T3 < T2: T3 read k1 as 1, without the 2 of T2
          T2 < T3: T2 had ended (at 3ns) before T3 began (at 4ns)
          so that T3 < T2 < T3: a cycle
          suppose that k1 held 1 of T1 before 2 of T2:
          suppose that T3 read in k1 the 1 of T4:
          T4 < T3: T4 put 1 into k1; T3 read k1 as 1
          T3 < T4: T3 had ended (at 5ns) before T4 began (at 6ns)
          so that T4 < T3 < T4: a cycle
          suppose that k1 held 2 of T2 before 1 of T1:
          T2 < T1: T2 put 2 into k1, and T1 put 1 there behind it
          T1 < T2: T1 had ended (at 1ns) before T2 began (at 2ns)
          so that T2 < T1 < T2: a cycle
    "#]]
    .assert_eq(&isolation_text(&report));
    // A transaction of unknown outcome may have been it, one that aborted not.
    let unknown = violated.replace("c4 6-7: w x 1", "c4 0-9 info: w x 1");
    assert_eq!(names(&check(&transactions(&unknown), DEFAULT_BUDGET)), " | strict-serializable");
    let aborted = "
        c1 0-1 fail: w x 1
        c2 2-3: w x 2
        c3 4-5: r x =1
        c4 6-7 fail: w x 1";
    assert_eq!(names(&check(&transactions(aborted), DEFAULT_BUDGET)), "G1a × 1 | read-uncommitted");
    // Nobody read committed what no choice explains without a cycle.
    let flow = "
        c1 0-9: r x =1, w y 1
        c2 0-9: r y =1, w x 1
        c3 0-9: r y =1, w x 1";
    assert_eq!(names(&check(&transactions(flow), DEFAULT_BUDGET)), "G1c × 1 | read-uncommitted");
}

/// What a register holds at first may be written, too.
#[test]
fn the_first_value_may_be_written_again() {
    let judged = |reads: [i64; 2], initial: &str| {
        let acts = [
            ("[:r :x nil]", format!("[:r :x {}]", reads[0])),
            ("[:w :x 1]", "[:w :x 1]".to_owned()),
            ("[:w :x 0]", "[:w :x 0]".to_owned()),
        ];
        let last = ("[:r :x nil]", format!("[:r :x {}]", reads[1]));
        let line = |kind: &str, acts: &str| format!("{{:process 0, :type :{kind}, :f :txn, :value [{acts}]}}\n");
        let text: String = acts.into_iter().chain([last]).flat_map(|(asked, told)| [line("invoke", asked), line("ok", &told)]).collect();
        let options = FileOptions { initial: Some(initial.parse().expect("EDN")), ..FileOptions::new(TransactionModel::RwRegister) };
        check_text(text.as_bytes(), &options).expect("a history").verdict
    };
    assert_eq!(judged([0, 0], "{:x 0}"), Verdict::Holds);
    assert_eq!(judged([1, 0], "{:x 0}"), Verdict::Violated);
    assert_eq!(judged([0, 1], "{:x 0}"), Verdict::Violated);
    assert_eq!(judged([0, 0], "{:x 7}"), Verdict::Violated);
}

/// A search for an order is bounded in bytes, by its own tables, and tells how many it held.
#[test]
fn a_search_for_an_order_is_bounded_in_bytes() {
    let shape = HistoryShape { registers: true, ..HistoryShape::new(20, 5_000) };
    let transactions = Transactions::from(&generate(&shape, RunKey::from_seed(1)).history);
    let budget = |bytes| Budget { states: None, bytes: Some(bytes) };
    assert_eq!(check(&transactions, budget(64 << 20)).verdict(Level::StrictSerializable), Verdict::Holds);
    let report = check(&transactions, budget(100 << 10));
    assert_eq!(report.verdict(Level::StrictSerializable), Verdict::Unknown);
    let held = report.bytes.expect("that is why");
    assert!((100 << 10..64 << 20).contains(&held), "{held}");
    assert!(isolation_text(&report).contains("of state: more room would help (--memory)"), "{}", isolation_text(&report));
}

/// Histories that hold by construction, of which the values are made few afterwards: what a read saw may then be what one of many wrote.
fn few_values(transactions: usize, values: i64) -> Transactions {
    let shape = HistoryShape { registers: true, ..HistoryShape::new(10, transactions) };
    let few = |value: i64| value % values;
    let act = move |act: Act| match act {
        Act::Write { key, value } => Act::Write { key, value: few(value) },
        other => other,
    };
    let seen = move |seen: Seen| if let Seen::Number(value) = seen { Seen::Number(few(value)) } else { seen };
    let history = generate(&shape, RunKey::from_seed(3)).history;
    let history = history.map(
        move |transaction| Transaction { acts: transaction.acts.into_iter().map(act).collect() },
        move |committed| Committed { seen: committed.seen.into_iter().map(seen).collect() },
    );
    Transactions::from(&history)
}

#[test]
fn long_histories_of_few_values_are_decided() {
    for (transactions, values) in [(300, 2), (1_000, 5), (2_000, 20)] {
        let report = check(&few_values(transactions, values), DEFAULT_BUDGET);
        println!("{transactions} transactions, {values} values: {:?}, {} steps", report.verdict(Level::StrictSerializable), report.steps);
        assert_eq!(report.verdict(Level::StrictSerializable), Verdict::Holds, "{}", isolation_text(&report));
    }
}
