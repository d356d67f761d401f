//! Judging what servers say, line by line.

use super::super::Epoch;
use super::*;
use crate::check::Verdict;

struct Words;

impl Vocabulary for Words {
    type Message = ();
    type Note = Note;
    type Client = ();
}

const A: NodeId = NodeId::server(0);
const B: NodeId = NodeId::server(1);
const C: NodeId = NodeId::server(2);

enum Step {
    Says(NodeId, Note),
    Crashes(NodeId),
    Settles,
}
use Step::{Crashes, Says, Settles};

fn judge(steps: Vec<Step>) -> CommitJudge {
    let mut judge = CommitJudge::new();
    for (number, step) in (0..).zip(steps) {
        let at = Time::ZERO + Duration::from_millis(number);
        let event: Event<'_, Words> = match &step {
            Says(node, note) => Event::Note { node: *node, note },
            Crashes(node) => Event::Crash { node: *node, unsynced: 0, kept: 0 },
            Settles => Event::Settle,
        };
        judge.observe(&Record { number, at, event: &event });
    }
    judge
}

fn violated(steps: Vec<Step>) -> Vec<&'static str> {
    let reports = Judge::<Words>::reports(&judge(steps));
    reports.into_iter().filter(|report| report.verdict == Verdict::Violated).map(|report| report.name).collect()
}

fn t(number: u64) -> TxnId {
    TxnId { coordinator: A, epoch: Epoch(1), number }
}

fn began() -> Step {
    Says(A, Note::Began { txn: t(1), participants: vec![B, C] })
}

fn locked(node: NodeId, txn: u64, key: u64, mode: Mode) -> Step {
    Says(node, Note::Locked { txn: t(txn), lock: HeldLock { key, mode } })
}

fn voted(node: NodeId, vote: Vote) -> Step {
    Says(node, Note::Voted { txn: t(1), vote })
}

fn heard(from: NodeId, vote: Vote) -> Step {
    Says(A, Note::Heard { txn: t(1), from, vote })
}

fn decided(decision: Decision, cause: Cause) -> Step {
    Says(A, Note::Decided { txn: t(1), decision, cause })
}

fn learned(node: NodeId, decision: Decision) -> Step {
    Says(node, Note::Learned { txn: t(1), decision })
}

fn released(node: NodeId) -> Step {
    Says(node, Note::Released { txn: t(1), shared_only: false })
}

fn told(decision: Decision) -> Step {
    Says(A, Note::Told { txn: t(1), decision })
}

fn forgot() -> Step {
    Says(A, Note::Forgot { txn: t(1), presumed: Decision::Abort })
}

fn recovered(node: NodeId, in_doubt: &[(u64, Mode)]) -> Step {
    let held: Vec<HeldLock> = in_doubt.iter().map(|(key, mode)| HeldLock { key: *key, mode: *mode }).collect();
    let in_doubt = if held.is_empty() { vec![] } else { vec![(t(1), held)] };
    Says(node, Note::Recovered { epoch: Epoch(2), in_doubt })
}

/// Both have locked, and voted yes.
fn collected() -> Vec<Step> {
    vec![
        began(),
        locked(B, 1, 1, Mode::Exclusive),
        locked(C, 1, 2, Mode::Exclusive),
        voted(B, Vote::Yes),
        voted(C, Vote::Yes),
        heard(B, Vote::Yes),
    ]
}

/// The coordinator has decided to commit.
fn committed() -> Vec<Step> {
    let mut steps = collected();
    steps.extend([heard(C, Vote::Yes), decided(Decision::Commit, Cause::AllVotedYes), told(Decision::Commit)]);
    steps
}

fn after(mut before: Vec<Step>, steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    before.extend(steps);
    before
}

#[test]
fn what_is_right_is_left_alone() {
    let end = |decision| [learned(B, decision), released(B), learned(C, decision), released(C), forgot(), Settles];
    assert_eq!(violated(after(committed(), end(Decision::Commit))), [""; 0]);
    let timeout = [decided(Decision::Abort, Cause::Timeout), told(Decision::Abort)];
    assert_eq!(violated(after(after(collected(), timeout), end(Decision::Abort))), [""; 0]);
    // A vote that a crash took back was never given.
    let lost = [Crashes(C), recovered(C, &[]), voted(C, Vote::No), heard(C, Vote::No)];
    let no = [decided(Decision::Abort, Cause::VotedNo(C)), told(Decision::Abort), learned(B, Decision::Abort), released(B)];
    assert_eq!(violated(after(after(collected(), lost), no)), [""; 0]);
    // A decision that a crash took back is learned again.
    let again = [learned(C, Decision::Commit), released(C), Crashes(C), recovered(C, &[(2, Mode::Exclusive)])];
    let then = [learned(C, Decision::Commit), released(C)];
    assert_eq!(violated(after(after(committed(), again), then)), [""; 0]);
}

/// Each property sees what it is for, and no other complains.
#[test]
fn each_property_sees_its_violation() {
    let both_know = || [learned(B, Decision::Commit), released(B), learned(C, Decision::Commit), released(C)];
    let cases: Vec<(&[&str], Vec<Step>)> = vec![
        (&["agreement"], after(collected(), [decided(Decision::Abort, Cause::Timeout), learned(B, Decision::Commit), released(B)])),
        (&["no-reversal", "told-what-happened"], after(committed(), [decided(Decision::Abort, Cause::Recovery)])),
        (&["commit-needs-all-yes"], vec![began(), voted(B, Vote::Yes), heard(B, Vote::Yes), decided(Decision::Commit, Cause::AllVotedYes)]),
        (&["commit-if-all-yes"], after(collected(), [heard(C, Vote::Yes), decided(Decision::Abort, Cause::Timeout)])),
        (&["commit-if-all-yes"], after(collected(), [decided(Decision::Abort, Cause::VotedNo(C))])),
        (&["all-decide"], after(committed(), [Settles, learned(B, Decision::Commit), released(B)])),
        (&["all-decide"], vec![began(), locked(B, 1, 1, Mode::Shared), Settles, voted(C, Vote::No)]),
        (&["no-abort-after-yes"], after(collected(), [learned(B, Decision::Abort)])),
        (&["locks-until-decided"], after(collected(), [released(B)])),
        (&["locks-until-decided"], after(committed(), [Crashes(B), recovered(B, &[(9, Mode::Exclusive)])])),
        (&["exclusive-locks"], after(collected(), [locked(B, 2, 1, Mode::Shared)])),
        (
            &["two-phase-locking"],
            vec![
                began(),
                locked(B, 1, 1, Mode::Shared),
                Says(B, Note::Released { txn: t(1), shared_only: true }),
                locked(C, 1, 2, Mode::Exclusive),
                voted(B, Vote::ReadOnly),
                voted(C, Vote::Yes),
                decided(Decision::Commit, Cause::AllVotedYes),
            ],
        ),
        (&["decision-findable"], after(committed(), [learned(B, Decision::Commit), forgot()])),
        (&["decision-findable"], after(committed(), [Says(A, Note::Presumed { txn: t(1), decision: Decision::Abort })])),
        (&["decision-findable"], after(after(committed(), both_know()), [forgot(), Crashes(C), recovered(C, &[(2, Mode::Exclusive)])])),
        (&["unique-transactions"], vec![began(), began()]),
        (&["told-what-happened"], after(collected(), [told(Decision::Commit)])),
        (&["told-what-happened"], after(collected(), [told(Decision::Abort), decided(Decision::Commit, Cause::AllVotedYes)])),
    ];
    for (place, (expected, steps)) in cases.into_iter().enumerate() {
        assert_eq!(violated(steps), expected, "case {place}");
    }
}

#[test]
fn blocking_is_measured_from_the_yes_to_the_decision() {
    let judge = judge(after(committed(), [learned(B, Decision::Commit), released(B)]));
    let tables = Judge::<Words>::tables(&judge);
    // B voted in the fourth millisecond and learned in the tenth; C voted in the fifth, and is in doubt yet.
    let doubt = vec![
        Cell::Count(2),
        Cell::Length(Duration::from_millis(6)),
        Cell::Length(Duration::from_millis(6)),
        Cell::Length(Duration::from_millis(6)),
    ];
    assert_eq!(tables[0].rows[0].cells, doubt);
    assert_eq!(tables[0].rows[1].cells[0], Cell::Count(1), "one key, of which the lock is over");
    assert_eq!(tables[1].rows[5].cells, [Cell::Count(2)], "two keys at once");
}

#[test]
fn a_server_that_is_down_blocks_nobody() {
    let away = [Crashes(B), recovered(B, &[(1, Mode::Exclusive)]), learned(B, Decision::Commit), released(B)];
    let judge = judge(after(committed(), away));
    let [lower, .., higher] = &Judge::<Words>::tables(&judge)[0].rows[0].cells[1..] else { panic!("a median and a maximum") };
    // B voted in the fourth millisecond, was away for one, and learned in the twelfth; C voted in the fifth, and is in doubt yet.
    assert_eq!((lower, higher), (&Cell::Length(Duration::from_millis(7)), &Cell::Length(Duration::from_millis(8))));
}
