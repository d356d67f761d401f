//! One server, stepped by hand: exact transcripts.

use expect_test::expect;

use super::super::{AppendResult, Command, Config, Entries, Entry, EntryId, Message, Raft, Term, Timer, store};
use super::cluster::{CLIENT, SESSION, n};
use crate::base::{Duration, KvOp};
use crate::process::Harness;

fn server() -> Harness<Raft> {
    let mut server = Harness::boot(n(1), Config::of(3));
    server.take_transcript();
    server
}

fn id(index: u64, term: u64) -> EntryId {
    EntryId { term: Term(term), index }
}

fn entries(terms: &[u64]) -> Entries {
    let entries: Vec<Entry> = terms.iter().map(|term| Entry { term: Term(*term), command: Command::Noop }).collect();
    entries.as_slice().into()
}

fn append(term: u64, previous: EntryId, terms: &[u64], commit: u64) -> Message {
    Message::AppendEntries { term: Term(term), previous, entries: entries(terms), commit, round: 1 }
}

/// What a server with entries of these terms answers, and how long its log is then.
fn answer_of(terms: &[u64], message: Message) -> (AppendResult, Vec<u64>) {
    let mut server = server();
    let term = terms.last().copied().unwrap_or(1);
    server.deliver(n(2), append(term, EntryId::ZERO, terms, 0));
    server.sync();
    server.take_sent();
    server.deliver(n(2), message);
    server.sync();
    let log = server.process().log().slice(1, 99).iter().map(|entry| entry.term.0).collect();
    match server.take_sent().pop() {
        Some((_, Message::AppendReply { result, .. })) => (result, log),
        other => panic!("expected an answer, not {other:?}"),
    }
}

#[test]
fn an_election_is_won() {
    let mut server = server();
    server.advance(Duration::from_millis(150));
    server.deliver(n(3), Message::Vote { term: Term(1), granted: true });
    server.sync();
    server.sync();
    expect![[r#"
        timer Election
          note Voted { term: t1, candidate: n1 }
          write wal: append 21 bytes
          set Election in 150ms
          sync 0
          when durable → n2 RequestVote { term: t1, last: 0@t0 }
          when durable → n3 RequestVote { term: t1, last: 0@t0 }
        n3 → n1 Vote { term: t1, granted: true }
        disk synced
          → n2 RequestVote { term: t1, last: 0@t0 }
          → n3 RequestVote { term: t1, last: 0@t0 }
        synced 0
          note BecameLeader { term: t1, last: 0@t0 }
          sometimes leader elected
          cancel Election
          note Appended { id: 1@t1, digest: 3751612798822663349 }
          write wal: append 26 bytes
          sync 1
          set Heartbeat in 50ms
          → n2 AppendEntries { term: t1, previous: 0@t0, entries: [t1:no-op], commit: 0, round: 1 }
          → n3 AppendEntries { term: t1, previous: 0@t0, entries: [t1:no-op], commit: 0, round: 1 }
        disk synced
        synced 1
    "#]]
    .assert_eq(&server.take_transcript());
}

#[test]
fn a_request_is_carried_out() {
    let mut server = server();
    server.fire(Timer::Election);
    server.sync();
    server.deliver(n(2), Message::Vote { term: Term(1), granted: true });
    server.sync();
    server.take_transcript();
    server.deliver(CLIENT, Message::Open { session: SESSION });
    server.deliver(n(3), Message::AppendReply { term: Term(1), round: 2, result: AppendResult::Matched { through: 1 } });
    server.deliver(n(3), Message::AppendReply { term: Term(1), round: 2, result: AppendResult::Matched { through: 2 } });
    server.sync();
    server.deliver(CLIENT, Message::Request { session: SESSION, number: 1, operation: KvOp::Read { key: 3 } });
    server.deliver(n(3), Message::AppendReply { term: Term(1), round: 3, result: AppendResult::Matched { through: 2 } });
    expect![[r#"
        c1 → n1 Open { session: c1 }
          note Appended { id: 2@t1, digest: 3376886815579685055 }
          write wal: append 34 bytes
          sync 2
        n3 → n1 AppendReply { term: t1, round: 2, result: Matched { through: 1 } }
          → n3 AppendEntries { term: t1, previous: 1@t1, entries: [t1:open c1], commit: 0, round: 2 }
          note Applied { through: 1, term: t1, state: 16852473371444490038 }
        n3 → n1 AppendReply { term: t1, round: 2, result: Matched { through: 2 } }
        disk synced
        synced 2
          → c1 Answer { session: c1, number: 0, reply: Opened }
          note Applied { through: 2, term: t1, state: 1174758952866008288 }
        c1 → n1 Request { session: c1, number: 1, operation: Read { key: 3 } }
          set Heartbeat in 50ms
          → n2 AppendEntries { term: t1, previous: 0@t0, entries: [], commit: 2, round: 3 }
          → n3 AppendEntries { term: t1, previous: 2@t1, entries: [], commit: 2, round: 3 }
        n3 → n1 AppendReply { term: t1, round: 3, result: Matched { through: 2 } }
          → c1 Answer { session: c1, number: 1, reply: Done(Value(None)) }
    "#]]
    .assert_eq(&server.take_transcript());
}

#[test]
fn votes_are_given_once_and_to_complete_logs() {
    let mut server = server();
    server.deliver(n(2), append(2, EntryId::ZERO, &[1, 2], 0));
    server.sync();
    server.take_transcript();
    for (candidate, term, last) in [
        (2, 1, id(9, 9)), // An old term.
        (2, 3, id(5, 1)), // Longer, but an earlier last term.
        (2, 3, id(1, 2)), // Shorter.
        (2, 3, id(2, 2)), // As complete.
        (2, 3, id(2, 2)), // Once more: the same answer.
        (3, 3, id(9, 2)), // Too late.
        (3, 4, id(3, 2)), // A new term.
    ] {
        server.deliver(n(candidate), Message::RequestVote { term: Term(term), last });
        server.sync();
    }
    expect![[r#"
        n2 → n1 RequestVote { term: t1, last: 9@t9 }
          → n2 Vote { term: t2, granted: false }
        disk synced
        n2 → n1 RequestVote { term: t3, last: 5@t1 }
          note TermChanged { term: t3 }
          write wal: append 17 bytes
          sometimes vote refused: log behind
          when durable → n2 Vote { term: t3, granted: false }
        disk synced
          → n2 Vote { term: t3, granted: false }
        n2 → n1 RequestVote { term: t3, last: 1@t2 }
          sometimes vote refused: log behind
          → n2 Vote { term: t3, granted: false }
        disk synced
        n2 → n1 RequestVote { term: t3, last: 2@t2 }
          note Voted { term: t3, candidate: n2 }
          write wal: append 21 bytes
          set Election in 150ms
          when durable → n2 Vote { term: t3, granted: true }
        disk synced
          → n2 Vote { term: t3, granted: true }
        n2 → n1 RequestVote { term: t3, last: 2@t2 }
          set Election in 150ms
          → n2 Vote { term: t3, granted: true }
        disk synced
        n3 → n1 RequestVote { term: t3, last: 9@t2 }
          sometimes vote refused: already voted
          → n3 Vote { term: t3, granted: false }
        disk synced
        n3 → n1 RequestVote { term: t4, last: 3@t2 }
          note TermChanged { term: t4 }
          write wal: append 17 bytes
          note Voted { term: t4, candidate: n3 }
          write wal: append 21 bytes
          set Election in 150ms
          when durable → n3 Vote { term: t4, granted: true }
        disk synced
          → n3 Vote { term: t4, granted: true }
    "#]]
    .assert_eq(&server.take_transcript());
}

#[test]
fn votes_count_once_and_in_their_term() {
    let mut server = Harness::<Raft>::boot(n(1), Config::of(5));
    server.fire(Timer::Election);
    server.fire(Timer::Election);
    server.sync();
    let role = |server: &Harness<Raft>| crate::process::Process::role(server.process()).map(|claim| claim.role.name);
    for (voter, term, granted, expected) in [
        (2, 1, true, "Candidate"),
        (3, 1, true, "Candidate"),
        (2, 2, true, "Candidate"),
        (2, 2, true, "Candidate"),
        (4, 2, false, "Candidate"),
        (5, 2, true, "Leader"),
    ] {
        server.deliver(n(voter), Message::Vote { term: Term(term), granted });
        assert_eq!(role(&server), Some(expected), "n{voter} in term {term}");
    }
    server.deliver(n(2), Message::Vote { term: Term(3), granted: false });
    assert_eq!(role(&server), Some("Follower"), "a higher term is a higher term");
}

#[test]
fn appends_are_checked() {
    let matched = |through| AppendResult::Matched { through };
    let mismatch = |previous, conflict| AppendResult::Mismatch { previous, conflict };
    for (about, terms, message, result, log) in [
        ("a heartbeat", &[1, 1][..], append(1, id(2, 1), &[], 0), matched(2), &[1, 1][..]),
        ("the next", &[1, 1], append(1, id(2, 1), &[1], 0), matched(3), &[1, 1, 1]),
        ("late and shorter: nothing is dropped", &[1, 1, 1], append(1, id(0, 0), &[1], 0), matched(1), &[1, 1, 1]),
        ("partly known", &[1, 1], append(1, id(1, 1), &[1, 1], 0), matched(3), &[1, 1, 1]),
        ("a conflict", &[1, 1, 1], append(2, id(1, 1), &[2], 0), matched(2), &[1, 2]),
        ("a gap", &[1, 1], append(1, id(4, 1), &[1], 0), mismatch(4, id(3, 0)), &[1, 1]),
        ("a wrong predecessor: its whole term is named", &[1, 2, 2, 2], append(3, id(4, 3), &[3], 0), mismatch(4, id(2, 2)), &[1, 2, 2, 2]),
        ("an old leader", &[1, 2], append(1, id(1, 1), &[1], 0), AppendResult::Stale, &[1, 2]),
    ] {
        assert_eq!(answer_of(terms, message), (result, log.to_vec()), "{about}");
    }
}

#[test]
fn commit_follows_what_is_proven() {
    let mut server = server();
    for (message, applied) in [
        (append(1, id(0, 0), &[1, 1, 1], 0), 0),
        (append(1, id(0, 0), &[1], 3), 1), // The leader has committed more than this message proves.
        (append(1, id(3, 1), &[], 2), 2),
        (append(1, id(3, 1), &[], 1), 2), // Late: nothing is taken back.
    ] {
        server.deliver(n(2), message);
        assert_eq!(server.process().applied(), applied);
    }
}

#[test]
fn an_answer_waits_for_the_disk() {
    let mut server = server();
    server.deliver(n(2), append(1, EntryId::ZERO, &[1], 0));
    assert_eq!(server.take_sent(), []);
    server.crash();
    assert_eq!(server.process().log().last(), EntryId::ZERO);
    server.deliver(n(2), append(1, EntryId::ZERO, &[1], 0));
    server.sync();
    assert_eq!(server.take_sent().len(), 1);
    server.crash();
    assert_eq!(server.process().log().last(), id(1, 1));
}

#[test]
fn a_restart_remembers_and_cuts_what_was_torn() {
    let mut file = Vec::new();
    store::encode_vote(Term(3), Some(n(2)), &mut file);
    store::encode_entry(id(1, 3), &Command::<KvOp>::Noop, &mut file);
    let whole = file.len();
    store::encode_entry(id(2, 3), &Command::<KvOp>::Open { session: SESSION }, &mut file);
    file.truncate(whole + 11);
    let mut disk = crate::process::Files::new();
    disk.insert(store::FILE, file);
    let mut server = Harness::<Raft>::boot_with(n(1), Config::of(3), disk, crate::base::Stream::scripted([]));
    server.deliver(n(3), Message::RequestVote { term: Term(3), last: id(9, 3) });
    server.deliver(n(2), append(3, id(1, 3), &[3], 0));
    server.sync();
    server.crash();
    expect![[r#"
        boot
          write wal: truncate to 47
          note Recovered { term: t3, vote: Some(n2), last: 1@t3 }
          set Election in 150ms
        n3 → n1 RequestVote { term: t3, last: 9@t3 }
          sometimes vote refused: already voted
          when durable → n3 Vote { term: t3, granted: false }
        n2 → n1 AppendEntries { term: t3, previous: 1@t3, entries: [t3:no-op], commit: 0, round: 1 }
          set Election in 150ms
          note Appended { id: 2@t3, digest: 3751612798822663349 }
          write wal: append 26 bytes
          when durable → n2 AppendReply { term: t3, round: 1, result: Matched { through: 2 } }
        disk synced
          → n3 Vote { term: t3, granted: false }
          → n2 AppendReply { term: t3, round: 1, result: Matched { through: 2 } }
        crash and boot
          note Recovered { term: t3, vote: Some(n2), last: 2@t3 }
          set Election in 150ms
    "#]]
    .assert_eq(&server.take_transcript());
}
