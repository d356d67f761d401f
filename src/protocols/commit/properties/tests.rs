//! Judging what servers say, line by line.

use super::super::Epoch;
use super::*;
use crate::check::{Explanation, Verdict};
use crate::fault::Strike;

struct Words;

impl Vocabulary for Words {
    type Message = ();
    type Note = Note;
    type Client = ();
    type ClientNote = ();
}

const A: NodeId = NodeId::server(0);
const B: NodeId = NodeId::server(1);
const C: NodeId = NodeId::server(2);

enum Step {
    Says(NodeId, Note),
    Crashes(NodeId),
    IsDestroyed(NodeId),
    Settles,
}
use Step::{Crashes, IsDestroyed, Says, Settles};

fn judge(steps: Vec<Step>) -> CommitJudge {
    let mut judge = CommitJudge::new();
    for (number, step) in (0..).zip(steps) {
        let at = Time::ZERO + Duration::from_millis(number);
        let destroyed = if let IsDestroyed(node) = step { Some(Strike::Destroy { node }) } else { None };
        let event: Event<'_, Words> = match &step {
            Says(node, note) => Event::Note { node: *node, note },
            Crashes(node) => Event::Crash { node: *node, unsynced: 0, kept: 0 },
            IsDestroyed(_) => Event::Strike { strike: destroyed.as_ref().expect("made above") },
            Settles => Event::Settle,
        };
        judge.observe(&Record { number, at, event: &event });
    }
    judge
}

/// The properties that are violated, with the records that each violation rests on.
fn violated(steps: Vec<Step>) -> Vec<(&'static str, Vec<u64>)> {
    let reports = Judge::<Words>::reports(&judge(steps));
    let violated = reports.into_iter().filter(|report| report.verdict == Verdict::Violated);
    let records = |explanation| {
        let Some(Explanation::Rule(broken)) = explanation else { panic!("a judge of a protocol tells which rule is broken") };
        assert!(broken.facts.iter().all(|(_, fact)| !matches!(fact, Fact::Text(_))), "a fact is a phrase: {broken:?}");
        broken.records
    };
    violated.map(|report| (report.name, records(report.explanation))).collect()
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
    assert_eq!(violated(after(committed(), end(Decision::Commit))), []);
    let timeout = [decided(Decision::Abort, Cause::Timeout), told(Decision::Abort)];
    assert_eq!(violated(after(after(collected(), timeout), end(Decision::Abort))), []);
    // A vote that a crash took back was never given.
    let lost = [Crashes(C), recovered(C, &[]), voted(C, Vote::No), heard(C, Vote::No)];
    let no = [decided(Decision::Abort, Cause::VotedNo(C)), told(Decision::Abort), learned(B, Decision::Abort), released(B)];
    assert_eq!(violated(after(after(collected(), lost), no)), []);
    // A participant that was told by another to abort says no to work that comes late, though it had voted yes.
    let peer = [voted(C, Vote::No), learned(B, Decision::Abort), released(B), heard(B, Vote::No)];
    let late = [decided(Decision::Abort, Cause::VotedNo(B)), told(Decision::Abort)];
    let before = vec![began(), locked(B, 1, 1, Mode::Exclusive), voted(B, Vote::Yes)];
    assert_eq!(violated(after(after(before, peer), late)), []);
    // A server that is gone for good decides nothing any more, nor need those who wait for it.
    for gone in [A, B, C] {
        let end = [IsDestroyed(gone), Crashes(gone), Settles, told(Decision::Commit)];
        assert_eq!(violated(after(committed(), end)), [], "without {gone}");
    }
    // A decision that a crash took back is learned again.
    let again = [learned(C, Decision::Commit), released(C), Crashes(C), recovered(C, &[(2, Mode::Exclusive)])];
    let then = [learned(C, Decision::Commit), released(C)];
    assert_eq!(violated(after(after(committed(), again), then)), []);
}

/// The properties that are violated, each with the steps that it rests on.
type Seen = Vec<(&'static str, Vec<u64>)>;

/// Each property sees what it is for, and no other complains. Steps are numbered from 0: those of [`collected`] go up to 5, those of
/// [`committed`] up to 8.
#[test]
fn each_property_sees_its_violation() {
    let both_know = || [learned(B, Decision::Commit), released(B), learned(C, Decision::Commit), released(C)];
    let cases: Vec<(Seen, Vec<Step>)> = vec![
        (
            vec![("agreement", vec![6, 7])],
            after(collected(), [decided(Decision::Abort, Cause::Timeout), learned(B, Decision::Commit), released(B)]),
        ),
        (
            vec![("no-reversal", vec![7, 9]), ("told-what-happened", vec![8, 9])],
            after(committed(), [decided(Decision::Abort, Cause::Recovery)]),
        ),
        (
            vec![("commit-needs-all-yes", vec![3])],
            vec![began(), voted(B, Vote::Yes), heard(B, Vote::Yes), decided(Decision::Commit, Cause::AllVotedYes)],
        ),
        (vec![("commit-if-all-yes", vec![5, 6, 7])], after(collected(), [heard(C, Vote::Yes), decided(Decision::Abort, Cause::Timeout)])),
        (vec![("commit-if-all-yes", vec![4, 6])], after(collected(), [decided(Decision::Abort, Cause::VotedNo(C))])),
        (vec![("all-decide", vec![4])], after(committed(), [Settles, learned(B, Decision::Commit), released(B)])),
        (
            vec![("all-decide", vec![4])],
            after(committed(), [IsDestroyed(NodeId::server(3)), Settles, learned(B, Decision::Commit), released(B)]),
        ),
        (vec![("all-decide", vec![1])], vec![began(), locked(B, 1, 1, Mode::Shared), Settles, voted(C, Vote::No)]),
        (vec![("no-abort-after-yes", vec![3, 6])], after(collected(), [learned(B, Decision::Abort)])),
        (vec![("locks-until-decided", vec![1, 3, 6])], after(collected(), [released(B)])),
        (vec![("locks-until-decided", vec![3, 10])], after(committed(), [Crashes(B), recovered(B, &[(9, Mode::Exclusive)])])),
        (vec![("exclusive-locks", vec![1, 6])], after(collected(), [locked(B, 2, 1, Mode::Shared)])),
        (
            vec![("two-phase-locking", vec![2, 3, 6])],
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
        (vec![("decision-findable", vec![4, 7, 10])], after(committed(), [learned(B, Decision::Commit), forgot()])),
        (
            vec![("decision-findable", vec![3, 7, 9])],
            after(committed(), [Says(A, Note::Presumed { txn: t(1), decision: Decision::Abort })]),
        ),
        (
            vec![("decision-findable", vec![7, 13, 15])],
            after(after(committed(), both_know()), [forgot(), Crashes(C), recovered(C, &[(2, Mode::Exclusive)])]),
        ),
        (vec![("unique-transactions", vec![0, 1])], vec![began(), began()]),
        (vec![("told-what-happened", vec![6])], after(collected(), [told(Decision::Commit)])),
        (
            vec![("told-what-happened", vec![6, 7])],
            after(collected(), [told(Decision::Abort), decided(Decision::Commit, Cause::AllVotedYes)]),
        ),
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
fn a_server_that_is_down_blocks_no_transaction() {
    let away = [Crashes(B), recovered(B, &[(1, Mode::Exclusive)]), learned(B, Decision::Commit), released(B)];
    let judge = judge(after(committed(), away));
    let [lower, .., higher] = &Judge::<Words>::tables(&judge)[0].rows[0].cells[1..] else { panic!("a median and a maximum") };
    // B voted in the fourth millisecond, was away for one, and learned in the twelfth; C voted in the fifth, and is in doubt yet.
    assert_eq!((lower, higher), (&Cell::Length(Duration::from_millis(7)), &Cell::Length(Duration::from_millis(8))));
}
