//! Hand-driven clusters: the stories that Raft's rules were made for, with the correct rules and with one broken.

use std::sync::Arc;

use expect_test::expect;

use super::super::{AppendResult, Config, Entries, KvReply, Message, Rules, Timer, rules_of};
use super::cluster::{CLIENT, Cluster, SESSION, n};
use crate::base::{KvOp, KvResponse};

const WRITTEN: KvReply = KvReply::Done(KvResponse::Written);

fn write(value: u64) -> KvOp {
    KvOp::Write { key: 1, value }
}

fn value(value: u64) -> KvReply {
    KvReply::Done(KvResponse::Value(Some(value)))
}

fn with(config: Config, rules: Arc<dyn Rules>) -> Config {
    Config { rules, ..config }
}

fn broken(name: &str) -> Arc<dyn Rules> {
    rules_of(&[name])
}

/// Three servers, `n1` leading, a session open.
fn led_by_n1(config: Config) -> Cluster {
    let mut cluster = Cluster::boot(config, 1);
    cluster.elect(n(1), &[1, 2, 3]);
    cluster.open(n(1));
    beat(&mut cluster, 1);
    assert_eq!(std::mem::take(&mut cluster.answers), [(0, KvReply::Opened)]);
    cluster
}

/// A heartbeat of this server, and all that follows from it.
fn beat(cluster: &mut Cluster, leader: u32) {
    cluster.fire(n(leader), Timer::Heartbeat);
    cluster.talk(&[1, 2, 3]);
}

#[test]
fn a_write_is_replicated_and_read() {
    let mut cluster = led_by_n1(Config::of(3));
    cluster.request(n(1), 1, write(7));
    cluster.talk(&[1, 2, 3]);
    cluster.request(n(1), 2, KvOp::Read { key: 1 });
    cluster.talk(&[1, 2, 3]);
    cluster.request(n(2), 3, write(8));
    cluster.talk(&[2]);
    assert_eq!(cluster.answers, [(1, WRITTEN), (2, value(7)), (3, KvReply::Redirect(Some(n(1))))]);
    assert_eq!(cluster.violations(), "");
    let fingerprints: Vec<u64> = (1..=3).map(|server| cluster.server(n(server)).fingerprint()).collect();
    assert!(fingerprints.iter().all(|fingerprint| *fingerprint == fingerprints[0]), "followers learn of the commit with the read's round");
}

#[test]
fn one_server_alone_is_a_cluster() {
    let mut cluster = Cluster::boot(Config::of(1), 1);
    cluster.fire(n(1), Timer::Election);
    assert_eq!(cluster.role(n(1)), "Candidate", "its own vote counts once it is on disk");
    cluster.talk(&[1]);
    cluster.open(n(1));
    cluster.request(n(1), 1, write(7));
    assert_eq!(cluster.answers, []);
    cluster.talk(&[1]);
    cluster.request(n(1), 2, KvOp::Read { key: 1 });
    cluster.talk(&[1]);
    assert_eq!(cluster.answers, [(0, KvReply::Opened), (1, WRITTEN), (2, value(7))]);
    assert_eq!(cluster.violations(), "");
}

#[test]
fn a_retry_is_applied_once() {
    let mut cluster = led_by_n1(Config::of(3));
    let swap = |expected, value| KvOp::Cas { key: 1, expected, value };
    // Twice in the log, before the first is applied.
    cluster.request(n(1), 1, swap(None, 5));
    cluster.request(n(1), 1, swap(None, 5));
    cluster.talk(&[1, 2, 3]);
    // And once more, after.
    cluster.request(n(1), 1, swap(None, 5));
    cluster.talk(&[1, 2, 3]);
    let swapped = KvReply::Done(KvResponse::Swapped);
    assert_eq!(cluster.answers, [(1, swapped), (1, swapped), (1, swapped)]);
    for mark in ["repeated entry skipped", "retry answered from session"] {
        assert!(cluster.marks.contains(mark), "{mark}");
    }
}

#[test]
fn an_unknown_session_is_refused() {
    let mut cluster = Cluster::boot(Config::of(3), 1);
    cluster.elect(n(1), &[1, 2, 3]);
    beat(&mut cluster, 1);
    cluster.request(n(1), 1, write(1));
    cluster.request(n(1), 2, KvOp::Read { key: 1 });
    cluster.talk(&[1, 2, 3]);
    cluster.answers.sort_by_key(|(number, _)| *number);
    assert_eq!(cluster.answers, [(1, KvReply::Refused), (2, KvReply::Refused)]);
}

#[test]
fn a_deposed_leader_serves_no_read() {
    let mut cluster = led_by_n1(Config::of(3));
    cluster.request(n(1), 1, write(7));
    cluster.talk(&[1, 2, 3]);
    // n1 is cut off; the others go on without it.
    cluster.elect(n(2), &[2, 3]);
    cluster.fire(n(2), Timer::Heartbeat);
    cluster.talk(&[2, 3]);
    cluster.request(n(2), 2, write(8));
    cluster.talk(&[2, 3]);
    cluster.request(n(1), 3, KvOp::Read { key: 1 });
    cluster.talk(&[1]);
    assert_eq!(cluster.answers, [(1, WRITTEN), (2, WRITTEN)], "n1 cannot confirm that it still leads");
    // n2's heartbeat makes n1 a follower.
    beat(&mut cluster, 2);
    assert_eq!(cluster.answers[2..], [(3, KvReply::Redirect(None))]);
    assert!(cluster.marks.contains("read redirected: leadership lost"));
}

#[test]
fn a_round_of_an_earlier_leadership_confirms_nothing() {
    let mut cluster = led_by_n1(Config::of(3));
    cluster.request(n(1), 1, write(7));
    cluster.talk(&[1, 2, 3]);
    // Of many heartbeats, the last to n2 is late.
    (0..20).for_each(|_| cluster.fire(n(1), Timer::Heartbeat));
    let late = cluster.network.iter().rfind(|(_, to, _)| *to == n(2)).cloned().expect("a heartbeat to n2");
    cluster.network.clear();
    // n1 crashes and leads again. Only now does n2 hear the heartbeat, and answers that it is stale.
    cluster.crash(n(1), 0);
    cluster.restart(n(1));
    cluster.elect(n(1), &[1, 2, 3]);
    cluster.network.push_back(late);
    beat(&mut cluster, 1);
    // n1 is cut off; the others go on without it.
    cluster.elect(n(2), &[2, 3]);
    cluster.fire(n(2), Timer::Heartbeat);
    cluster.talk(&[2, 3]);
    cluster.request(n(2), 2, write(8));
    cluster.talk(&[2, 3]);
    cluster.request(n(1), 3, KvOp::Read { key: 1 });
    cluster.talk(&[1]);
    assert_eq!(cluster.answers, [(1, WRITTEN), (2, WRITTEN)], "n1 cannot confirm that it still leads");
}

#[test]
fn a_read_is_confirmed_by_a_round_sent_after_it() {
    let mut cluster = led_by_n1(Config::of(3));
    // A round is under way when the read comes: its answers prove nothing for the read.
    cluster.fire(n(1), Timer::Heartbeat);
    cluster.request(n(1), 1, KvOp::Read { key: 1 });
    assert!(cluster.marks.contains("read waited for its round"));
    let early: Vec<_> = cluster.network.iter().filter(|(_, to, _)| *to == n(2)).cloned().collect();
    assert_eq!(early.len(), 1, "one round at a time");
    cluster.network.retain(|(_, to, _)| *to == n(2));
    cluster.deliver(0);
    cluster.deliver(0);
    assert_eq!(cluster.answers, [], "the early round is confirmed, and the next begins");
    let rounds: Vec<_> = cluster.network.iter().map(|(_, _, message)| message.clone()).collect();
    assert!(matches!(rounds[..], [Message::AppendEntries { .. }, Message::AppendEntries { .. }]), "{rounds:?}");
    cluster.talk(&[1, 2, 3]);
    assert_eq!(cluster.answers, [(1, KvReply::Done(KvResponse::Value(None)))]);
}

#[test]
fn a_read_waits_for_the_leaders_first_commit() {
    let mut cluster = led_by_n1(Config::of(3));
    cluster.request(n(1), 1, write(7));
    cluster.talk(&[1, 2, 3]);
    // n2 has the entry and does not know that it is committed.
    cluster.elect(n(2), &[2, 3]);
    cluster.request(n(2), 2, KvOp::Read { key: 1 });
    assert!(cluster.marks.contains("read waited for a commit of its term"));
    cluster.fire(n(2), Timer::Heartbeat);
    cluster.talk(&[2, 3]);
    cluster.fire(n(2), Timer::Heartbeat);
    cluster.talk(&[2, 3]);
    assert_eq!(cluster.answers, [(1, WRITTEN), (2, value(7))]);
    assert!(cluster.marks.contains("old-term entry committed indirectly"));
}

#[test]
fn a_conflict_is_repaired() {
    let mut cluster = led_by_n1(Config::of(3));
    // n1, cut off, fills its log with what no other server will have.
    for number in 1..=5 {
        cluster.request(n(1), number, write(number));
    }
    cluster.talk(&[1]);
    cluster.elect(n(3), &[2, 3]);
    cluster.fire(n(3), Timer::Heartbeat);
    cluster.talk(&[2, 3]);
    assert_eq!(cluster.terms(n(1)), [1, 1, 1, 1, 1, 1, 1]);
    beat(&mut cluster, 3);
    assert_eq!(cluster.terms(n(1)), [1, 1, 2]);
    assert!(cluster.marks.contains("log conflict repaired"));
    // What n1 has dropped stays dropped when it restarts.
    cluster.crash(n(1), 0);
    cluster.restart(n(1));
    assert_eq!(cluster.terms(n(1)), [1, 1, 2]);
    assert_eq!(cluster.violations(), "");
}

#[test]
fn terms_and_logs_survive_a_crash_of_all() {
    let mut cluster = led_by_n1(Config::of(3));
    cluster.request(n(1), 1, write(7));
    cluster.talk(&[1, 2, 3]);
    for server in 1..=3 {
        cluster.crash(n(server), 0);
    }
    for server in 1..=3 {
        cluster.restart(n(server));
    }
    cluster.network.clear();
    cluster.elect(n(3), &[1, 2, 3]);
    cluster.request(n(3), 2, KvOp::Read { key: 1 });
    beat(&mut cluster, 3);
    beat(&mut cluster, 3);
    assert_eq!(cluster.answers, [(1, WRITTEN), (2, value(7))]);
    assert_eq!(cluster.violations(), "");
}

#[test]
fn a_leader_counts_itself_when_its_disk_is_done() {
    let mut cluster = led_by_n1(Config::of(3));
    cluster.request(n(1), 1, write(7));
    // n2 has it on disk and says so; n1's own disk still works.
    let place = cluster.network.iter().position(|(_, to, _)| *to == n(2)).expect("it was sent at once");
    cluster.deliver(place);
    cluster.sync(n(2));
    let ack = cluster.network.iter().position(|(from, ..)| *from == n(2)).expect("it has answered");
    assert!(matches!(cluster.network[ack].2, Message::AppendReply { result: AppendResult::Matched { through: 3 }, .. }));
    cluster.deliver(ack);
    assert_eq!(cluster.server(n(1)).applied(), 2);
    cluster.sync(n(1));
    assert_eq!(cluster.server(n(1)).applied(), 3);
}

#[test]
fn strangers_have_no_say() {
    let mut cluster = led_by_n1(Config::of(3));
    let term = cluster.server(n(1)).term().next();
    cluster.ask(n(2), Message::RequestVote { term, last: Default::default() });
    cluster.ask(n(2), Message::Answer { session: SESSION, number: 1, reply: WRITTEN });
    cluster.talk(&[2]);
    assert!(cluster.network.iter().all(|(_, to, _)| *to != CLIENT));
    assert_eq!(cluster.server(n(2)).term().next(), term);
}

/// The paper's figure 8, with messages of one entry.
fn figure_8(rules: Option<Arc<dyn Rules>>) -> Cluster {
    let config = Config { batch_max: 1, ..Config::of(5) };
    let mut cluster = Cluster::boot(rules.map_or(config.clone(), |rules| with(config, rules)), 1);
    cluster.elect(n(1), &[1, 2, 3, 4, 5]);
    cluster.fire(n(1), Timer::Heartbeat);
    cluster.talk(&[1, 2, 3, 4, 5]);
    // (a) n1 leads term 1 and replicates entry 2 to n2 alone.
    cluster.open(n(1));
    cluster.talk(&[1, 2]);
    // (b) n1 crashes; n5 leads term 2 by the votes of n3 and n4, with another entry 2, and crashes.
    cluster.crash(n(1), 0);
    cluster.elect(n(5), &[3, 4, 5]);
    cluster.crash(n(5), 0);
    // (c) n1 is back and leads term 3; it brings entry 2 to n3. That is a majority.
    cluster.restart(n(1));
    cluster.fire(n(1), Timer::Election);
    cluster.talk(&[1]);
    cluster.elect(n(1), &[1, 2, 3, 4]);
    cluster.fire(n(1), Timer::Heartbeat);
    let has_entry_2 = |cluster: &Cluster| cluster.terms(n(3)).len() == 2;
    while !has_entry_2(&cluster) {
        let n1_and_n3 = |(from, to, _): &(_, _, _)| [*from, *to].iter().all(|node| [n(1), n(3)].contains(node));
        cluster.network.retain(n1_and_n3);
        cluster.deliver(0);
        cluster.sync(n(3));
    }
    cluster.sync(n(1));
    // n2, which has entry 2, and now n3 acknowledge it; no server has entry 3 but n1.
    cluster.deliver(0);
    cluster.network.clear();
    cluster.fire(n(1), Timer::Heartbeat);
    cluster.network.retain(|(_, to, _)| *to == n(2));
    if let Some((_, _, Message::AppendEntries { entries, .. })) = cluster.network.front_mut() {
        *entries = Entries::none();
    }
    cluster.deliver(0);
    cluster.sync(n(2));
    cluster.deliver(0);
    cluster.network.clear();
    // (d) n1 crashes; n5 is back, leads term 4 by the votes of n3 and n4, and overwrites entry 2.
    cluster.crash(n(1), 0);
    cluster.restart(n(5));
    cluster.fire(n(5), Timer::Election);
    cluster.talk(&[5]);
    cluster.elect(n(5), &[3, 4, 5]);
    cluster.fire(n(5), Timer::Heartbeat);
    cluster.talk(&[3, 4, 5]);
    cluster.fire(n(5), Timer::Heartbeat);
    cluster.talk(&[3, 4, 5]);
    assert_eq!(cluster.terms(n(3)), [1, 2, 4]);
    cluster
}

#[test]
fn figure_8_is_safe_with_the_correct_rule() {
    assert_eq!(figure_8(None).violations(), "");
}

#[test]
fn figure_8_bites_the_mutant() {
    expect![[r#"
        leader-completeness: leader-has-another node=n5 term=4 index=2 own=2 entry_term=1 by=n1 committed_term=3 committed=58ms at=66ms #178 #180 #208
        state-machine-safety: applied-another node=n5 index=2 term=2 by=n1 other_term=1 since=58ms at=76ms #178 #235
    "#]]
    .assert_eq(&figure_8(Some(broken("raft/commits-old-term"))).violations());
}

/// n1 asks for n2's vote, n2 crashes at once and forgets what was not on disk, n3 asks too.
fn forgetful(rules: Option<Arc<dyn Rules>>) -> Cluster {
    let mut cluster = Cluster::boot(rules.map_or(Config::of(3), |rules| with(Config::of(3), rules)), 1);
    for candidate in [n(1), n(3)] {
        cluster.fire(candidate, Timer::Election);
        cluster.sync(candidate);
        cluster.network.retain(|(_, to, _)| *to == n(2));
        cluster.deliver(0);
        cluster.crash(n(2), 0);
        cluster.restart(n(2));
        cluster.network.retain(|(_, _, message)| matches!(message, Message::Vote { .. }));
        cluster.deliver(0);
        cluster.network.clear();
    }
    cluster
}

#[test]
fn a_vote_that_is_not_on_disk_is_not_given() {
    let cluster = forgetful(None);
    assert_eq!(cluster.violations(), "");
    assert_eq!([cluster.role(n(1)), cluster.role(n(3))], ["Candidate", "Candidate"]);
}

#[test]
fn a_forgotten_vote_bites_the_mutant() {
    expect![[r#"
        election-safety: two-leaders node=n3 first=n1 term=1 since=3ms at=6ms #19 #37
        persist-before-answer: asked-unprepared term=1 held=0 vote=none node=n1 other=n2 at=1ms #0 #8
    "#]]
    .assert_eq(&forgetful(Some(broken("raft/forgets-vote"))).violations());
}
