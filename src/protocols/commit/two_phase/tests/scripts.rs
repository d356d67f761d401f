//! One server at a time, stepped by hand: what is on disk before what leaves, for each variant; and what comes late or twice.

use super::super::super::{Age, Decision, Epoch, Note, TxnId, Vote};
use super::super::{Config, Message, Timer, TwoPhase, Variant};
use crate::base::{Act, ClientId, Committed, LocalTime, NodeId, Seen, Transaction};
use crate::process::{Harness, Message as _, Reply};

const CLIENT: NodeId = NodeId::client(0);
const ME: NodeId = NodeId::server(0);
const OTHER: NodeId = NodeId::server(1);
const THIRD: NodeId = NodeId::server(2);

fn boot(me: NodeId, variant: Variant) -> Harness<TwoPhase> {
    let mut server = Harness::boot(me, Config { variant, ..Config::of(3) });
    server.sync();
    server
}

fn txn(number: u64) -> TxnId {
    TxnId { coordinator: ME, epoch: Epoch(1), number }
}

fn request(number: u64, acts: Vec<Act>) -> Message {
    Message::Request { session: ClientId::new(0), number, transaction: Transaction { acts } }
}

fn add(key: u64) -> Act {
    Act::Add { key, amount: 1 }
}

fn worked(number: u64, writes: bool) -> Message {
    Message::Worked { txn: txn(number), epoch: Epoch(1), seen: if writes { vec![] } else { vec![Seen::Empty] }, writes }
}

fn yes(number: u64) -> Message {
    Message::Vote { txn: txn(number), vote: Vote::Yes }
}

/// What has left: kinds and receivers.
fn sent(server: &mut Harness<TwoPhase>) -> Vec<String> {
    server.take_sent().into_iter().map(|(to, message)| format!("{} {to}", message.kind().name)).collect()
}

/// Brings a coordinator to where both participants, `n2` and `n3`, have done their work.
fn prepared(variant: Variant) -> Harness<TwoPhase> {
    let mut server = boot(ME, variant);
    server.deliver(CLIENT, request(1, vec![add(1), add(2)]));
    assert_eq!(sent(&mut server), ["Work n2", "Work n3"]);
    server.sync();
    server.deliver(OTHER, worked(1, true));
    assert_eq!(sent(&mut server), [""; 0]);
    server.deliver(THIRD, worked(1, true));
    server
}

/// Of the table in R\*, §3: what the coordinator forces before `Prepare`, before a commit and before an abort; and which must be
/// acknowledged.
#[test]
fn coordinators_force_what_their_variant_demands() {
    for (variant, collecting, abort_forced, acks_commit, acks_abort) in [
        (Variant::PresumedNothing, true, true, true, true),
        (Variant::PresumedAbort, false, false, true, false),
        (Variant::PresumedCommit, true, true, false, true),
    ] {
        let mut server = prepared(variant);
        assert_eq!(sent(&mut server).is_empty(), collecting, "{variant:?} forces the list of participants");
        server.sync();
        sent(&mut server);
        let mut aborting = prepared(variant);
        aborting.sync();
        sent(&mut aborting);

        server.deliver(OTHER, yes(1));
        server.deliver(THIRD, yes(1));
        assert_eq!(sent(&mut server), [""; 0], "{variant:?} forces commits");
        server.sync();
        assert_eq!(sent(&mut server), ["Answer c1", "Decide n2", "Decide n3"]);
        assert_eq!(server.process().coordinates().count() > 0, acks_commit, "{variant:?} waits for acknowledgements of commits");
        server.deliver(OTHER, Message::Ack { txn: txn(1) });
        server.deliver(THIRD, Message::Ack { txn: txn(1) });
        assert_eq!(server.process().coordinates().count(), 0);

        aborting.deliver(OTHER, yes(1));
        aborting.deliver(THIRD, Message::Vote { txn: txn(1), vote: Vote::No });
        let at_once = sent(&mut aborting);
        assert_eq!(at_once.contains(&"Decide n2".to_owned()), !abort_forced, "{variant:?}: {at_once:?}");
        aborting.sync();
        let all = [at_once, sent(&mut aborting)].concat();
        assert!(all.contains(&"Decide n2".to_owned()) && !all.contains(&"Decide n3".to_owned()), "who said no need not be told");
        assert_eq!(aborting.process().coordinates().count() > 0, acks_abort, "{variant:?} waits for acknowledgements of aborts");
    }
}

/// A participant, here `n2`, that has done its work on key 1.
fn participant(variant: Variant) -> Harness<TwoPhase> {
    let mut server = boot(OTHER, variant);
    let age = Age { began: LocalTime::default(), txn: txn(1) };
    server.deliver(ME, Message::Work { age, acts: vec![add(1)] });
    assert_eq!(sent(&mut server), ["Worked n1"]);
    server
}

fn prepare(epoch: u32) -> Message {
    Message::Prepare { txn: txn(1), worked_in: Epoch(epoch), writers: vec![OTHER, THIRD], sole: false }
}

fn decide(decision: Decision) -> Message {
    Message::Decide { txn: txn(1), decision }
}

fn vote_of(server: &mut Harness<TwoPhase>) -> Option<Vote> {
    server.take_sent().into_iter().find_map(|(_, message)| if let Message::Vote { vote, .. } = message { Some(vote) } else { None })
}

#[test]
fn participants_force_what_their_variant_demands() {
    for variant in [Variant::PresumedNothing, Variant::PresumedAbort, Variant::PresumedCommit] {
        for decision in [Decision::Commit, Decision::Abort] {
            let mut server = participant(variant);
            server.deliver(ME, prepare(1));
            assert_eq!(sent(&mut server), [""; 0], "a yes waits for the disk");
            server.sync();
            assert_eq!(vote_of(&mut server), Some(Vote::Yes));
            server.deliver(ME, decide(decision));
            assert_eq!(sent(&mut server), [""; 0], "an acknowledgement waits for the disk, or is not given");
            assert_eq!(server.process().manager().locked(), 0);
            server.sync();
            let expected: &[&str] = if variant.acknowledges(decision) { &["Ack n1"] } else { &[] };
            assert_eq!(sent(&mut server), expected, "{variant:?}, {decision}");
            server.deliver(ME, decide(decision));
            assert_eq!(sent(&mut server), expected, "asked twice, it says the same");
        }
    }
}

#[test]
fn who_is_in_doubt_comes_back_with_its_locks_and_asks() {
    let mut server = participant(Variant::PresumedAbort);
    server.deliver(ME, prepare(1));
    server.sync();
    server.crash();
    server.sync();
    assert_eq!(server.process().in_doubt().collect::<Vec<_>>(), [txn(1)]);
    assert_eq!(server.process().manager().locked(), 1);
    sent(&mut server);
    server.fire(Timer::Doubt(txn(1)));
    assert_eq!(sent(&mut server), ["Inquire n1", "Inquire n3"], "the coordinator, and the others who may know");
    server.deliver(THIRD, decide(Decision::Commit));
    server.sync();
    assert_eq!(sent(&mut server), ["Ack n1"], "whichever server told it: the coordinator wants to hear of it");
    assert!(server.take_notes().contains(&Note::Learned { txn: txn(1), decision: Decision::Commit }));
}

#[test]
fn a_vote_that_was_not_durable_was_never_given() {
    let mut server = participant(Variant::PresumedAbort);
    server.deliver(ME, prepare(1));
    server.crash();
    server.sync();
    assert_eq!(server.process().in_doubt().count(), 0);
    sent(&mut server);
    // The question comes again, for work that is lost.
    server.deliver(ME, prepare(1));
    assert_eq!(vote_of(&mut server), Some(Vote::No));
}

#[test]
fn work_of_another_life_is_not_prepared() {
    let mut server = participant(Variant::PresumedAbort);
    server.sync();
    server.crash();
    server.sync();
    let age = Age { began: LocalTime::default(), txn: txn(1) };
    server.deliver(ME, Message::Work { age, acts: vec![add(1)] });
    sent(&mut server);
    server.deliver(ME, prepare(1));
    assert_eq!(vote_of(&mut server), Some(Vote::No), "the coordinator knows what was read in the first life");
}

#[test]
fn what_has_aborted_does_not_begin_again() {
    let mut server = participant(Variant::PresumedAbort);
    server.fire(Timer::Abandon(txn(1)));
    assert_eq!(vote_of(&mut server), Some(Vote::No));
    for message in [Message::Work { age: Age { began: LocalTime::default(), txn: txn(1) }, acts: vec![add(1)] }, prepare(1)] {
        server.deliver(ME, message);
        assert_eq!(vote_of(&mut server), Some(Vote::No));
        assert_eq!(server.process().manager().locked(), 0);
    }
    // An abort that comes before its work stops that, too.
    let late = TxnId { number: 2, ..txn(2) };
    server.deliver(ME, Message::Decide { txn: late, decision: Decision::Abort });
    server.deliver(ME, Message::Work { age: Age { began: LocalTime::default(), txn: late }, acts: vec![add(1)] });
    assert_eq!(vote_of(&mut server), Some(Vote::No));
}

/// BHG §7.4, the second case: it aborts, on its disk, before it says so.
#[test]
fn who_has_not_voted_aborts_for_one_in_doubt() {
    let mut server = participant(Variant::PresumedAbort);
    server.deliver(THIRD, Message::Inquire { txn: txn(1) });
    assert_eq!(sent(&mut server), ["Vote n1"]);
    server.sync();
    assert_eq!(sent(&mut server), ["Decide n3"]);
    server.crash();
    server.sync();
    sent(&mut server);
    server.deliver(ME, prepare(1));
    assert_eq!(vote_of(&mut server), Some(Vote::No));
    // Who has voted yes cannot help, and says nothing.
    let mut server = participant(Variant::PresumedAbort);
    server.deliver(ME, prepare(1));
    server.sync();
    sent(&mut server);
    server.deliver(THIRD, Message::Inquire { txn: txn(1) });
    assert_eq!(sent(&mut server), [""; 0]);
}

#[test]
fn coordinators_come_back_with_what_they_must_know() {
    for (variant, decided, then) in [
        // Collecting, and nothing decided: only who has written that down knows of it.
        (Variant::PresumedNothing, false, vec!["Decide n2", "Decide n3"]),
        (Variant::PresumedAbort, false, vec![]),
        (Variant::PresumedCommit, false, vec!["Decide n2", "Decide n3"]),
        // Committed: told again, unless it is presumed.
        (Variant::PresumedNothing, true, vec!["Decide n2", "Decide n3"]),
        (Variant::PresumedAbort, true, vec!["Decide n2", "Decide n3"]),
        (Variant::PresumedCommit, true, vec![]),
    ] {
        let mut server = prepared(variant);
        server.sync();
        if decided {
            server.deliver(OTHER, yes(1));
            server.deliver(THIRD, yes(1));
            server.sync();
        }
        sent(&mut server);
        server.crash();
        server.sync();
        assert_eq!(sent(&mut server), then, "{variant:?}, decided: {decided}");
        server.deliver(OTHER, Message::Inquire { txn: txn(1) });
        server.sync();
        let told = server.take_sent().into_iter().find_map(|(_, message)| match message {
            Message::Decide { decision, .. } => Some(decision),
            _ => None,
        });
        assert_eq!(told, Some(if decided { Decision::Commit } else { Decision::Abort }), "{variant:?}");
    }
}

#[test]
fn readers_leave_and_nothing_is_logged_for_them() {
    let mut server = boot(ME, Variant::PresumedCommit);
    server.deliver(CLIENT, request(1, vec![Act::Read { key: 1 }, Act::Read { key: 2 }]));
    server.sync();
    server.deliver(OTHER, worked(1, false));
    sent(&mut server);
    server.deliver(THIRD, worked(1, false));
    assert_eq!(sent(&mut server), ["Prepare n2", "Prepare n3"], "no participant will be in doubt: nothing is forced");
    server.deliver(OTHER, Message::Vote { txn: txn(1), vote: Vote::ReadOnly });
    server.deliver(THIRD, Message::Vote { txn: txn(1), vote: Vote::ReadOnly });
    let reply = Reply::Done(Committed { seen: vec![Seen::Empty, Seen::Empty] });
    assert_eq!(server.take_sent(), [(CLIENT, Message::Answer { session: ClientId::new(0), number: 1, reply })]);
}

#[test]
fn the_only_participant_decides() {
    let mut server = participant(Variant::PresumedAbort);
    let sole = Message::Prepare { txn: txn(1), worked_in: Epoch(1), writers: vec![OTHER], sole: true };
    server.deliver(ME, sole.clone());
    assert_eq!(sent(&mut server), [""; 0]);
    server.sync();
    assert_eq!(sent(&mut server), ["Committed n1"]);
    server.crash();
    server.sync();
    server.deliver(ME, sole);
    assert_eq!(sent(&mut server), ["Committed n1"], "asked again, it remembers");
}

#[test]
fn a_request_is_taken_in_once_over_crashes_too() {
    let mut server = boot(ME, Variant::PresumedAbort);
    server.deliver(CLIENT, request(1, vec![add(1)]));
    assert_eq!(sent(&mut server), ["Work n2"]);
    server.deliver(CLIENT, request(1, vec![add(1)]));
    assert_eq!(sent(&mut server), [""; 0]);
    server.sync();
    server.crash();
    server.deliver(CLIENT, request(1, vec![add(1)]));
    server.deliver(CLIENT, request(2, vec![add(1)]));
    assert_eq!(sent(&mut server), [""; 0], "nothing is said before the new epoch is durable");
    server.sync();
    assert_eq!(sent(&mut server), ["Work n2"], "the second request alone");
}
