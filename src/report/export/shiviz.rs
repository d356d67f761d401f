//! A run as a log with vector clocks, as ShiViz reads it: on the first line the regular expression by which it is parsed, then two lines
//! for each record, its host with the clock and what happened.
//!
//! Each node is a host, and all faults together are one, `faults`. What arrives at a node that is down is left out: no host takes
//! note of it.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;

use crate::base::NodeId;
use crate::explore::causes::Causes;
use crate::trace::{OwnedRecord, Recording};

/// The expression that parses the log.
const PARSER: &str = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)";

pub(super) fn text(recording: &Recording, causes: &Causes) -> String {
    let nodes = recording.nodes();
    let names: Vec<String> = nodes.iter().map(NodeId::to_string).chain(["faults".to_owned()]).collect();
    let hands: FxHashMap<NodeId, usize> = nodes.iter().copied().zip(0..).collect();
    let mut latest: Vec<Vec<u32>> = vec![vec![0; names.len()]; names.len()];
    let mut clocks: Vec<Vec<u32>> = Vec::new();
    let mut text = format!("{PARSER}\n\n");
    for record in recording.records() {
        if record.sort == "discard" {
            clocks.push(Vec::new());
            continue;
        }
        let host = record.node.and_then(|node| hands.get(&node)).copied().unwrap_or(names.len() - 1);
        let mut clock = latest[host].clone();
        for (cause, _) in causes.causes(record.number) {
            clock.iter_mut().zip(&clocks[cause as usize]).for_each(|(own, other)| *own = (*own).max(*other));
        }
        clock[host] += 1;
        let hands = names.iter().zip(&clock).filter(|(_, hand)| **hand > 0).map(|(name, hand)| format!("\"{name}\":{hand}"));
        let hands: Vec<String> = hands.collect();
        let _ = writeln!(text, "{} {{{}}}\n{}", names[host], hands.join(", "), event(record));
        latest[host].clone_from(&clock);
        clocks.push(clock);
    }
    text
}

/// The record on a line.
fn event(record: &OwnedRecord) -> String {
    let line = record.line(400);
    let what = if record.sort == "fault" { "FAULT" } else { &line.what };
    format!("{} {} {}", record.at, what, line.detail).trim_end().to_owned()
}
