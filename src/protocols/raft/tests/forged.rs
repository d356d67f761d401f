//! The judge is shown forged records, and must find what is wrong with them, and nothing wrong with what is only odd.

use expect_test::{Expect, expect};

use super::super::properties::{PROPERTIES, RaftJudge};
use super::super::{AppendResult, Command, EntryId, Message, Note, Term, store};
use super::cluster::{Words, n};
use crate::base::{Change, ClientId, Digest, Duration, Fate, Incarnation, KindDigest, MessageId, Time};
use crate::check::Verdict;
use crate::process::Message as _;
use crate::trace::{Event, Judge, Record};

/// Forges the records of a cluster of three, one each 10 ms.
struct Forger {
    judge: RaftJudge,
    records: u64,
    at: Time,
    writes: [u64; 4],
}

fn forge(story: impl FnOnce(&mut Forger)) -> Vec<(&'static str, Verdict, String)> {
    let mut forger = Forger { judge: RaftJudge::new(3), records: 0, at: Time::ZERO, writes: [0; 4] };
    story(&mut forger);
    Judge::<Words>::reports(&forger.judge).into_iter().map(|report| (report.name, report.verdict, report.reason())).collect()
}

/// Exactly this property is violated.
fn check(property: &str, story: impl FnOnce(&mut Forger), detail: Expect) {
    let reports = forge(story);
    assert!(
        reports.iter().map(|(name, ..)| name).eq(PROPERTIES.iter().map(|property| &property.name)),
        "always the same, in the same order"
    );
    let mut violated = reports.into_iter().filter(|(_, verdict, _)| *verdict == Verdict::Violated);
    let (name, _, found) = violated.next().unwrap_or_else(|| panic!("{property} was not found to be violated"));
    assert_eq!((name, violated.next()), (property, None));
    detail.assert_eq(&found);
}

fn holds(story: impl FnOnce(&mut Forger)) {
    for (name, verdict, detail) in forge(story) {
        assert_eq!(verdict, Verdict::Holds, "{name}: {detail}");
    }
}

/// One of some commands that differ.
fn command(which: u32) -> Command {
    Command::Open { session: ClientId::new(which) }
}

impl Forger {
    fn record(&mut self, event: Event<'_, Words>) {
        self.at += Duration::from_millis(10);
        self.judge.observe(&Record { number: self.records, at: self.at, event: &event });
        self.records += 1;
    }

    fn note(&mut self, server: u32, note: Note) {
        self.record(Event::Note { node: n(server), note: &note });
    }

    fn leads(&mut self, server: u32, term: u64) {
        self.note(server, Note::BecameLeader { term: Term(term), last: EntryId::ZERO });
    }

    fn append(&mut self, server: u32, index: u64, term: u64, which: u32) {
        let id = EntryId { term: Term(term), index };
        self.note(server, Note::Appended { id, digest: Digest::of(&command(which)) });
    }

    fn apply(&mut self, server: u32, through: u64, term: u64) {
        self.note(server, Note::Applied { through, term: Term(term), state: through });
    }

    fn write(&mut self, server: u32, bytes: &[u8]) {
        self.writes[server as usize] += 1;
        let write = self.writes[server as usize];
        self.record(Event::Write { node: n(server), write, file: store::FILE, change: Change::Append(bytes) });
    }

    fn write_vote(&mut self, server: u32, term: u64, candidate: u32) {
        let mut bytes = Vec::new();
        store::encode_vote(Term(term), Some(n(candidate)), &mut bytes);
        self.write(server, &bytes);
    }

    fn write_entry(&mut self, server: u32, index: u64, term: u64, which: u32) {
        let mut bytes = Vec::new();
        store::encode_entry(EntryId { term: Term(term), index }, &command(which), &mut bytes);
        self.write(server, &bytes);
    }

    fn sync(&mut self, server: u32) {
        self.record(Event::Synced { node: n(server), through: self.writes[server as usize] });
    }

    fn crash(&mut self, server: u32) {
        self.writes[server as usize] = 0;
        self.record(Event::Crash { node: n(server), unsynced: 0, kept: 0 });
    }

    fn boot(&mut self, server: u32, file: &[u8]) {
        self.record(Event::Boot { node: n(server), incarnation: Incarnation(2), files: &[("other", &[1]), (store::FILE, file)] });
    }

    fn send(&mut self, from: u32, to: u32, message: Message) {
        let id = MessageId { from: n(from), to: n(to), kind: KindDigest::of(message.kind().name), count: 1 };
        self.record(Event::Send { id, fate: Fate::Deliver(Duration::ZERO), message: &message });
    }

    fn acknowledge(&mut self, from: u32, to: u32, term: u64, through: u64) {
        self.send(from, to, Message::AppendReply { term: Term(term), round: 1, result: AppendResult::Matched { through } });
    }

    fn vote(&mut self, from: u32, to: u32, term: u64) {
        self.send(from, to, Message::Vote { term: Term(term), granted: true });
    }

    /// An entry in memory and, durably, on disk.
    fn store(&mut self, server: u32, index: u64, term: u64, which: u32) {
        self.append(server, index, term, which);
        self.write_entry(server, index, term, which);
        self.sync(server);
    }
}

#[test]
fn election_safety() {
    check(
        "election-safety",
        |forger| {
            forger.leads(1, 7);
            forger.note(1, Note::SteppedDown { term: Term(7) });
            forger.leads(2, 8);
            forger.leads(3, 7);
        },
        expect!["two-leaders node=n3 first=n1 term=7 since=10ms at=40ms #0 #3"],
    );
    check(
        "election-safety",
        |forger| {
            forger.leads(1, 7);
            forger.crash(1);
            forger.boot(1, &[]);
            forger.leads(1, 7);
        },
        expect!["elected-twice node=n1 first=n1 term=7 since=10ms at=40ms #0 #3"],
    );
    holds(|forger| {
        forger.leads(1, 7);
        forger.leads(3, 8);
        forger.leads(1, 9);
    });
}

#[test]
fn leader_append_only() {
    let leads_with_two = |forger: &mut Forger| {
        forger.append(1, 1, 1, 0);
        forger.leads(1, 2);
        forger.append(1, 2, 2, 0);
    };
    check(
        "leader-append-only",
        |forger| {
            leads_with_two(forger);
            forger.note(1, Note::Truncated { last: 1 });
        },
        expect!["leader-cut-its-log node=n1 term=2 before=2 left=1 at=40ms #1 #2 #3"],
    );
    check(
        "leader-append-only",
        |forger| {
            leads_with_two(forger);
            forger.append(1, 1, 2, 3);
        },
        expect!["leader-cut-its-log node=n1 term=2 before=2 left=0 at=40ms #1 #2 #3"],
    );
    holds(|forger| {
        leads_with_two(forger);
        forger.note(1, Note::SteppedDown { term: Term(2) });
        forger.note(1, Note::Truncated { last: 1 });
    });
    holds(|forger| {
        leads_with_two(forger);
        forger.crash(1);
        forger.boot(1, &[]);
        forger.append(1, 1, 1, 0);
    });
}

#[test]
fn log_matching() {
    check(
        "log-matching",
        |forger| {
            forger.append(1, 1, 1, 0);
            forger.append(2, 1, 1, 5);
        },
        expect!["logs-differ index=1 term=1 node=n2 other=n1 since=10ms at=20ms #0 #1"],
    );
    // The entries are the same, what precedes them is not.
    check(
        "log-matching",
        |forger| {
            forger.append(1, 1, 1, 0);
            forger.append(1, 2, 3, 0);
            forger.append(2, 1, 2, 0);
            forger.append(2, 2, 3, 0);
        },
        expect!["logs-differ index=2 term=3 node=n2 other=n1 since=20ms at=40ms #1 #3"],
    );
    check("log-matching", |forger| forger.append(1, 2, 1, 0), expect!["gap-in-log node=n1 index=2 length=0 at=10ms #0"]);
    holds(|forger| {
        forger.append(1, 1, 1, 0);
        forger.append(2, 1, 2, 5);
        forger.append(3, 1, 2, 5);
        forger.append(1, 2, 3, 0);
        forger.append(2, 2, 4, 0);
    });
}

#[test]
fn leader_completeness() {
    let committed = |forger: &mut Forger| {
        for server in [1, 2] {
            forger.store(server, 1, 1, 0);
        }
        forger.leads(1, 1);
        forger.apply(1, 1, 1);
    };
    check(
        "leader-completeness",
        |forger| {
            committed(forger);
            forger.leads(3, 2);
        },
        expect!["leader-lacks-entry node=n3 term=2 index=1 length=0 entry_term=1 by=n1 committed_term=1 committed=80ms at=90ms #7 #8"],
    );
    check(
        "leader-completeness",
        |forger| {
            committed(forger);
            forger.append(3, 1, 2, 9);
            forger.leads(3, 2);
        },
        expect!["leader-has-another node=n3 term=2 index=1 own=2 entry_term=1 by=n1 committed_term=1 committed=80ms at=100ms #7 #8 #9"],
    );
    // The later leader was elected first, and the earlier one commits after that.
    check(
        "leader-completeness",
        |forger| {
            forger.leads(3, 2);
            committed(forger);
        },
        expect!["leader-lacks-entry node=n3 term=2 index=1 length=0 entry_term=1 by=n1 committed_term=1 committed=90ms at=90ms #0 #8"],
    );
    holds(|forger| {
        committed(forger);
        forger.leads(2, 2);
    });
}

#[test]
fn state_machine_safety() {
    check(
        "state-machine-safety",
        |forger| {
            forger.append(1, 1, 1, 0);
            forger.append(2, 1, 2, 0);
            forger.apply(1, 1, 1);
            forger.apply(2, 1, 2);
        },
        expect!["applied-another node=n2 index=1 term=2 by=n1 other_term=1 since=30ms at=40ms #2 #3"],
    );
    check(
        "state-machine-safety",
        |forger| {
            forger.append(1, 1, 1, 0);
            forger.apply(1, 2, 1);
        },
        expect!["applied-nothing node=n1 index=2 at=20ms #0 #1"],
    );
    check(
        "state-machine-safety",
        |forger| {
            for server in [1, 2] {
                forger.append(server, 1, 1, 0);
                forger.note(server, Note::Applied { through: 1, term: Term(1), state: server.into() });
            }
        },
        expect!["states-differ node=n2 other=n1 index=1 at=40ms #1 #3"],
    );
    holds(|forger| {
        for index in 1..=3 {
            forger.append(1, index, 1, 0);
            forger.append(2, index, 1, 0);
            forger.apply(1, index, 1);
        }
        forger.apply(2, 3, 1);
    });
}

#[test]
fn persist_before_answer() {
    let vote = |story: fn(&mut Forger), detail| check("persist-before-answer", story, detail);
    vote(|forger| forger.vote(1, 2, 3), expect!["voted-unprepared term=3 held=0 vote=none node=n1 other=n2 at=10ms #0"]);
    vote(
        |forger| {
            forger.write_vote(1, 3, 2);
            forger.vote(1, 2, 3);
        },
        expect!["voted-unprepared term=3 held=0 vote=none node=n1 other=n2 at=20ms #1"],
    );
    vote(
        |forger| {
            forger.write_vote(1, 3, 2);
            forger.sync(1);
            forger.vote(1, 3, 3);
        },
        expect!["voted-unprepared term=3 held=3 vote=n2 node=n1 other=n3 at=30ms #1 #2"],
    );
    vote(
        |forger| forger.send(1, 2, Message::RequestVote { term: Term(1), last: EntryId::ZERO }),
        expect!["asked-unprepared term=1 held=0 vote=none node=n1 other=n2 at=10ms #0"],
    );
    vote(
        |forger| {
            forger.store(1, 1, 3, 0);
            forger.append(1, 2, 3, 0);
            forger.write_entry(1, 2, 3, 0);
            forger.acknowledge(1, 2, 3, 2);
        },
        expect!["entries-not-durable term=3 index=2 held=1 node=n1 other=n2 at=60ms #2 #5"],
    );
    vote(
        |forger| {
            forger.store(1, 1, 3, 0);
            forger.acknowledge(1, 2, 4, 1);
        },
        expect!["term-not-durable term=4 index=1 held=3 node=n1 other=n2 at=40ms #2 #3"],
    );
    // It has as many entries as it says, but others than its leader.
    vote(
        |forger| {
            forger.append(2, 1, 3, 0);
            forger.leads(2, 4);
            forger.write_vote(1, 4, 2);
            forger.write_entry(1, 1, 2, 0);
            forger.sync(1);
            forger.acknowledge(1, 2, 4, 1);
        },
        expect!["other-entries-durable term=4 index=1 node=n1 other=n2 at=60ms #4 #5"],
    );
    // What a crash took is not on disk, and what was cut off is not either.
    vote(
        |forger| {
            forger.write_vote(1, 3, 2);
            forger.crash(1);
            forger.boot(1, &[]);
            forger.vote(1, 2, 3);
        },
        expect!["voted-unprepared term=3 held=0 vote=none node=n1 other=n2 at=40ms #2 #3"],
    );
    holds(|forger| {
        forger.write_vote(1, 3, 2);
        forger.sync(1);
        forger.vote(1, 2, 3);
        forger.store(1, 1, 3, 0);
        forger.acknowledge(1, 2, 3, 1);
        forger.acknowledge(1, 2, 3, 0);
        // Answers that left late: the disk has gone on to a later term, and another entry.
        forger.append(1, 1, 4, 9);
        forger.write_vote(1, 4, 3);
        forger.write_entry(1, 1, 4, 9);
        forger.sync(1);
        forger.vote(1, 2, 3);
        forger.acknowledge(1, 2, 3, 5);
        forger.send(1, 2, Message::Vote { term: Term(9), granted: false });
    });
}

#[test]
fn a_disk_is_read_at_boot() {
    let mut file = Vec::new();
    store::encode_vote(Term(3), Some(n(2)), &mut file);
    store::encode_entry(EntryId { term: Term(3), index: 1 }, &command(0), &mut file);
    let whole = file.len();
    store::encode_entry(EntryId { term: Term(3), index: 2 }, &command(0), &mut file);
    let torn = &file[..whole + 20];
    holds(|forger| {
        forger.boot(1, torn);
        forger.vote(1, 2, 3);
        forger.acknowledge(1, 2, 3, 1);
        forger.apply(1, 1, 3);
    });
    check(
        "persist-before-answer",
        |forger| {
            forger.boot(1, torn);
            forger.acknowledge(1, 2, 3, 2);
        },
        expect!["entries-not-durable term=3 index=2 held=1 node=n1 other=n2 at=20ms #0 #1"],
    );
}

#[test]
fn committed_on_quorum() {
    let mut on_disk = Vec::new();
    store::encode_entry(EntryId { term: Term(1), index: 1 }, &command(0), &mut on_disk);
    check(
        "committed-on-quorum",
        |forger| {
            forger.leads(1, 1);
            forger.store(1, 1, 1, 0);
            forger.append(2, 1, 1, 0);
            forger.write_entry(2, 1, 1, 0);
            forger.apply(1, 1, 1);
        },
        expect!["too-few-disks node=n1 index=1 term=1 holders=1 servers=3 needed=2 at=70ms #3 #6"],
    );
    // The disk of a server that is down counts.
    holds(|forger| {
        forger.leads(1, 1);
        forger.store(1, 1, 1, 0);
        forger.store(2, 1, 1, 0);
        forger.crash(2);
        forger.apply(1, 1, 1);
    });
    holds(|forger| {
        forger.boot(2, &on_disk);
        forger.leads(1, 1);
        forger.store(1, 1, 1, 0);
        forger.apply(1, 1, 1);
    });
}
