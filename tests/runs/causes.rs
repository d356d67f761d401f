//! The graph of what came of what, held against vector clocks.

use std::collections::BTreeMap;

use stormglass::base::NodeId;
use stormglass::explore::causes::{Causes, Link};
use stormglass::trace::{OwnedRecord, Recording};

use crate::recordings::storms;

/// For each record, a clock with a hand for each node, and for each record that is no node's.
fn clocks(recording: &Recording) -> Vec<BTreeMap<Hand, u64>> {
    let mut clocks: Vec<BTreeMap<Hand, u64>> = Vec::new();
    let mut nodes: BTreeMap<NodeId, BTreeMap<Hand, u64>> = BTreeMap::new();
    let strikes: Vec<&OwnedRecord> = recording.strikes().collect();
    for record in recording.records() {
        let hand = hand(record);
        let mut clock = match hand {
            Hand::Node(node) => nodes.get(&node).cloned().unwrap_or_default(),
            Hand::Record(_) => BTreeMap::new(),
        };
        let mut merge = |other: u64| {
            clocks[other as usize].iter().for_each(|(hand, at)| {
                let own = clock.entry(*hand).or_default();
                *own = (*own).max(*at);
            })
        };
        if let (Some((id, _)), "deliver" | "discard") = (record.message, record.sort) {
            let earlier = &recording.records()[..record.number as usize];
            let sent = earlier.iter().rev().find(|other| other.sort == "send" && other.message.is_some_and(|(other, _)| other == id));
            merge(sent.expect("what arrives was sent").number);
        }
        record.blamed.iter().for_each(|strike| merge(strikes[*strike as usize].number));
        if record.sort == "lift" {
            merge(strikes[record.number_of("strike").expect("it says which") as usize].number);
        }
        if matches!(record.sort, "crash" | "pause") {
            merge(record.cause.expect("a fault did it"));
        }
        *clock.entry(hand).or_default() += 1;
        if let Hand::Node(node) = hand {
            nodes.insert(node, clock.clone());
        }
        clocks.push(clock);
    }
    clocks
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hand {
    Node(NodeId),
    Record(u64),
}

fn hand(record: &OwnedRecord) -> Hand {
    match record.node {
        // What does not arrive is no step of the node that is down.
        Some(node) if record.sort != "discard" => Hand::Node(node),
        _ => Hand::Record(record.number),
    }
}

#[test]
fn the_causal_past_is_what_vector_clocks_say() {
    for recording in storms() {
        let (causes, clocks) = (Causes::of(&recording), clocks(&recording));
        for (number, clock) in (0..).zip(&clocks).step_by(41) {
            let before = |other: &OwnedRecord| {
                let hand = hand(other);
                clock.get(&hand).is_some_and(|at| *at >= clocks[other.number as usize][&hand])
            };
            let expected: Vec<u64> = recording.records().iter().filter(|other| before(other)).map(|other| other.number).collect();
            assert_eq!(causes.past(&[number], |_| true), expected, "the past of record {number}");
        }
    }
}

#[test]
fn links_tell_what_they_say() {
    let mut seen: BTreeMap<Link, u32> = BTreeMap::new();
    for recording in storms() {
        let causes = Causes::of(&recording);
        for record in recording.records() {
            for (number, link) in causes.causes(record.number) {
                let cause = recording.get(number).expect("a cause is a record");
                assert!(number < record.number && cause.at <= record.at);
                assert!(causes.effects(number).contains(&(record.number, link)), "what came of it is its effect");
                let is_right = match link {
                    Link::Sent => cause.sort == "send" && cause.message == record.message,
                    Link::Set => record.sort == "timer" && cause.node == record.node,
                    Link::Step | Link::Next => cause.node == record.node,
                    Link::Written => cause.sort == "write" && record.sort == "synced" && cause.node == record.node,
                    Link::Released => cause.sort == "synced" && matches!(record.sort, "send" | "note" | "client"),
                    Link::Unsynced => cause.sort == "write" && record.sort == "crash",
                    Link::Struck => cause.sort == "fault",
                    Link::Invoked if record.sort == "client" => {
                        let session = |record: &OwnedRecord| {
                            record.debug().and_then(|text| Some(text.split_once("client: ")?.1.split([',', ' ']).next()?.to_owned()))
                        };
                        cause.sort == "client" && session(cause).is_some() && session(cause) == session(record)
                    }
                    Link::Invoked => cause.sort == "client" && matches!(record.sort, "client" | "send") && cause.node == record.node,
                };
                assert!(is_right, "{link:?} from {} {} to {} {}", cause.sort, number, record.sort, record.number);
                *seen.entry(link).or_default() += 1;
            }
        }
    }
    assert_eq!(seen.len(), 9, "each sort of link is seen: {seen:?}");
}
