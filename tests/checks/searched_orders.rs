//! Registers that do not show who wrote what was read: it is searched for, within a budget of steps and bytes.

use expect_test::expect;
use stormglass::base::RunKey;
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
