//! Detectors stepped by hand.

use std::sync::Arc;

use super::super::{
    Beat, Body, Config, Correct, Detector, HeartbeatConfig, Level, Message, Method, Note, Said, State, Style, SwimConfig, Tick, Timer,
    Update,
};
use crate::base::{Duration, LocalTime, NodeId, Stream};
use crate::process::{Files, Harness};

fn node(number: u32) -> NodeId {
    NodeId::server(number - 1)
}

fn boot(nodes: u32, method: Method) -> Harness<Detector> {
    let config = Config { nodes, slot: 0, method, rules: Arc::new(Correct) };
    Harness::boot_with(node(1), config, Files::new(), Stream::scripted([7]))
}

fn tell(harness: &mut Harness<Detector>, from: u32, body: Body) {
    harness.deliver(node(from), Message { slot: 0, body });
}

fn sent(harness: &mut Harness<Detector>) -> Vec<(NodeId, Body)> {
    harness.take_sent().into_iter().map(|(to, message)| (to, message.body)).collect()
}

fn held(harness: &mut Harness<Detector>) -> Vec<Said> {
    harness.take_notes().into_iter().map(|Note { said, .. }| said).collect()
}

fn beat(sequence: u64) -> Body {
    Body::Beat(Beat { generation: 1, sequence, sent: LocalTime::default(), work: 0 })
}

fn holds(member: u32, state: State, incarnation: u32) -> Said {
    Said::Holds { member: node(member), state, incarnation }
}

#[test]
fn a_heart_that_stops_is_suspected_and_one_that_beats_again_trusted() {
    let mut harness = boot(3, Method::Heartbeat(HeartbeatConfig::default()));
    assert_eq!(sent(&mut harness).len(), 2, "a heartbeat for each of the others");
    tell(&mut harness, 2, beat(1));
    harness.advance(Duration::from_millis(2400));
    assert_eq!(held(&mut harness), []);
    harness.advance(Duration::from_millis(200));
    assert_eq!(held(&mut harness), [holds(2, State::Dead, 0)], "2.5 s after its last beat; who was never heard of has 3.5 s");
    tell(&mut harness, 2, beat(1));
    assert_eq!(held(&mut harness), [], "an old beat is no sign of life");
    tell(&mut harness, 2, beat(2));
    assert_eq!(held(&mut harness), [holds(2, State::Alive, 0)]);
    harness.advance(Duration::from_secs(1));
    assert_eq!(held(&mut harness), [holds(3, State::Dead, 0)], "never heard of");
    assert!(harness.process().suspects(node(3)) && !harness.process().suspects(node(2)));
}

#[test]
fn who_is_asked_answers() {
    let mut harness = boot(3, Method::Heartbeat(HeartbeatConfig { style: Style::Ping, ..HeartbeatConfig::default() }));
    assert!(matches!(sent(&mut harness)[..], [(_, Body::Query { sequence: 1, .. }), (_, Body::Query { sequence: 1, .. })]));
    tell(&mut harness, 3, Body::Query { sequence: 9, sent: LocalTime::from_nanos(5) });
    assert!(
        matches!(sent(&mut harness)[..], [(to, Body::Reply(beat))] if to == node(3) && beat.sequence == 9 && beat.sent.as_nanos() == 5)
    );
}

/// With a timeout shorter than the interval, one who answers every question is trusted again, however many were missed before.
#[test]
fn who_answers_again_is_trusted_again() {
    let (interval, timeout) = (Duration::from_millis(500), Duration::from_millis(300));
    let level = Level::Timeout { timeout, missed: 2, of: 3 };
    let mut harness = boot(2, Method::Heartbeat(HeartbeatConfig { style: Style::Ping, interval, level, ..HeartbeatConfig::default() }));
    let answer = |harness: &mut Harness<Detector>, answers: bool| {
        for (to, body) in sent(harness) {
            let Body::Query { sequence, sent } = body else { panic!("a question") };
            if answers {
                harness.deliver(to, Message { slot: 0, body: Body::Reply(Beat { generation: 1, sequence, sent, work: 0 }) });
            }
        }
        harness.advance(interval);
    };
    answer(&mut harness, true);
    for _ in 0..4 {
        answer(&mut harness, false);
    }
    assert_eq!(held(&mut harness), [holds(2, State::Dead, 0)]);
    for _ in 0..4 {
        answer(&mut harness, true);
    }
    assert_eq!(held(&mut harness), [holds(2, State::Alive, 0)]);
}

/// A late answer to what a former life asked says nothing, and hides no answer to what this one asks.
#[test]
fn answers_to_a_former_life_are_left_alone() {
    let style = HeartbeatConfig { style: Style::Ping, ..HeartbeatConfig::default() };
    let mut harness = boot(2, Method::Heartbeat(style));
    harness.advance(Duration::from_secs(10));
    let asked = sent(&mut harness);
    let reply = |body: Body| {
        let Body::Query { sequence, sent } = body else { panic!("a question") };
        Body::Reply(Beat { generation: 1, sequence, sent, work: 0 })
    };
    let (_, latest) = asked.into_iter().next_back().expect("it has asked");
    harness.crash();
    held(&mut harness);
    let (_, first) = sent(&mut harness).remove(0);
    tell(&mut harness, 2, reply(latest));
    tell(&mut harness, 2, reply(first));
    harness.advance(Duration::from_millis(3400));
    assert_eq!(held(&mut harness), [], "the answer counts for an interval and the timeout");
    harness.advance(Duration::from_millis(200));
    assert_eq!(held(&mut harness), [holds(2, State::Dead, 0)]);
}

/// No gossip, no exchange: probes alone.
fn bare() -> SwimConfig {
    let none = Duration::ZERO;
    SwimConfig { gossip_nodes: 0, push_pull_interval: none, reconnect_interval: none, ..SwimConfig::default() }
}

fn tick(tick: Tick) -> Timer {
    Timer { slot: 0, tick }
}

#[test]
fn a_probe_goes_indirect_then_raises_a_suspicion_then_a_verdict() {
    let mut harness = boot(5, Method::Swim(bare()));
    sent(&mut harness);
    harness.fire(tick(Tick::Probe));
    let [(target, Body::Ping { sequence, .. })] = sent(&mut harness)[..] else { panic!("a ping") };
    harness.fire(tick(Tick::ProbeTimeout));
    let asked = sent(&mut harness);
    assert_eq!(asked.len(), 3, "all others are asked");
    assert!(asked.iter().all(|(to, body)| *to != target && matches!(body, Body::PingRequest { target: whom, .. } if *whom == target)));
    assert_eq!(held(&mut harness), [], "not before the period is over");
    harness.fire(tick(Tick::Probe));
    assert_eq!(held(&mut harness), [Said::Holds { member: target, state: State::Suspect, incarnation: 0 }]);
    tell(&mut harness, 5, Body::Ack { sequence, updates: vec![] });
    assert!(!harness.process().suspects(target), "suspect is no verdict");
    harness.fire(tick(Tick::Suspicion(target)));
    assert_eq!(held(&mut harness), [Said::Holds { member: target, state: State::Dead, incarnation: 0 }]);
    assert!(harness.process().suspects(target));
}

fn update(member: u32, state: State, incarnation: u32) -> Update {
    Update { member: node(member), state, incarnation, from: node(4) }
}

/// The precedence of updates (SWIM §4.2), as a table: what is held, what is heard, what is held then.
#[test]
fn updates_override_each_other_as_published() {
    use State::{Alive, Dead, Suspect};
    for ((held_state, held_in), (heard, heard_in), (then, then_in)) in [
        ((Alive, 1), (Alive, 1), (Alive, 1)),
        ((Alive, 1), (Alive, 2), (Alive, 2)),
        ((Alive, 1), (Suspect, 0), (Alive, 1)),
        ((Alive, 1), (Suspect, 1), (Suspect, 1)),
        ((Suspect, 1), (Alive, 1), (Suspect, 1)),
        ((Suspect, 1), (Alive, 2), (Alive, 2)),
        ((Suspect, 1), (Dead, 0), (Suspect, 1)),
        ((Suspect, 1), (Dead, 1), (Dead, 1)),
        ((Alive, 1), (Dead, 1), (Dead, 1)),
        ((Dead, 1), (Suspect, 1), (Dead, 1)),
        ((Dead, 1), (Suspect, 2), (Dead, 1)),
        ((Dead, 1), (Alive, 1), (Dead, 1)),
        ((Dead, 1), (Alive, 2), (Alive, 2)),
    ] {
        let mut harness = boot(5, Method::Swim(bare()));
        tell(&mut harness, 4, Body::Gossip { updates: vec![update(3, Alive, held_in), update(3, held_state, held_in)] });
        let before = held(&mut harness).last().copied();
        assert_eq!(before, Some(holds(3, held_state, held_in)));
        tell(&mut harness, 4, Body::Gossip { updates: vec![update(3, heard, heard_in)] });
        let after = held(&mut harness).last().copied().or(before);
        assert_eq!(after, Some(holds(3, then, then_in)), "{heard:?} in {heard_in} on {held_state:?} in {held_in}");
    }
}

#[test]
fn the_accused_refutes_louder_and_the_answer_says_so() {
    let mut harness = boot(5, Method::Swim(bare()));
    sent(&mut harness);
    tell(&mut harness, 2, Body::Ping { sequence: 1, updates: vec![update(1, State::Suspect, 3)] });
    assert_eq!(held(&mut harness), [Said::Refutes { incarnation: 4 }]);
    let [(to, Body::Ack { sequence: 1, updates })] = &sent(&mut harness)[..] else { panic!("an answer") };
    assert_eq!((*to, updates[0].state, updates[0].incarnation), (node(2), State::Alive, 4));
    tell(&mut harness, 2, Body::Gossip { updates: vec![update(1, State::Dead, 3)] });
    assert_eq!(held(&mut harness), [], "an old accusation");
}

#[test]
fn a_helper_probes_and_tells() {
    let mut harness = boot(5, Method::Swim(bare()));
    sent(&mut harness);
    tell(&mut harness, 2, Body::PingRequest { sequence: 8, target: node(3), updates: vec![] });
    let [(to, Body::Ping { sequence, .. })] = sent(&mut harness)[..] else { panic!("a ping") };
    assert_eq!(to, node(3));
    tell(&mut harness, 3, Body::Ack { sequence, updates: vec![] });
    assert!(matches!(sent(&mut harness)[..], [(to, Body::Ack { sequence: 8, .. })] if to == node(2)));
    tell(&mut harness, 2, Body::PingRequest { sequence: 9, target: node(3), updates: vec![] });
    let [(_, Body::Ping { sequence, .. })] = sent(&mut harness)[..] else { panic!("a ping") };
    harness.fire(tick(Tick::Relay(sequence)));
    assert!(matches!(sent(&mut harness)[..], [(to, Body::Nack { sequence: 9 })] if to == node(2)));
}

/// memberlist's own figures: λ·⌈log₁₀(n + 1)⌉ transmissions, suspicion of mult·max(1, log₁₀ n) intervals.
#[test]
fn published_scales() {
    let config = SwimConfig::default();
    assert_eq!([1, 99, 100, 9_999, 10_000].map(|nodes| config.retransmit_limit(nodes)), [4, 8, 12, 16, 20]);
    assert_eq!([5, 10, 100, 10_000].map(|nodes| config.suspicion_min(nodes).as_nanos() / 1_000_000_000), [4, 4, 8, 16]);
    assert_eq!(config.suspicion_max(10), Duration::from_secs(24));
}
