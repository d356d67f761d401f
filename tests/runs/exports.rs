//! Runs in the formats of other tools, read back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use stormglass::explore::causes::Causes;
use stormglass::report::Export;
use stormglass::trace::{OwnedRecord, Recording};

use crate::recordings::storms;

fn exported(recording: &Recording, name: &str) -> (String, Causes) {
    let causes = Causes::of(recording);
    (Export::of(Path::new(name)).expect("a known end of a name").text(recording, &causes), causes)
}

#[test]
fn the_end_of_a_name_says_which_format() {
    assert_eq!(Export::of(Path::new("a.log")), Export::of(Path::new("a.b/run.shiviz")));
    assert!(Export::of(Path::new("run.json")).is_ok());
    for unknown in ["run.txt", "run", "json", "run.json.gz"] {
        let problem = Export::of(Path::new(unknown)).expect_err("no format goes by it");
        assert!(problem.starts_with(unknown) && problem.contains(".shiviz or .log") && problem.contains(".json"), "{problem}");
    }
}

/// An event of a log for ShiViz: its host, and each host's hand.
type Event = (String, BTreeMap<String, u64>);

/// The log as ShiViz reads it: after the expression, a host with its clock on one line and what happened on the next.
fn parsed(log: &str) -> Vec<Event> {
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some(r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)"));
    assert_eq!(lines.next(), Some(""));
    let mut events = Vec::new();
    while let Some(head) = lines.next() {
        let (host, clock) = head.split_once(' ').expect("a host and a clock");
        let clock = serde_json::from_str(clock).expect("a clock is JSON");
        assert!(lines.next().is_some_and(|event| !event.is_empty()), "and what happened");
        events.push((host.to_owned(), clock));
    }
    events
}

#[test]
fn clocks_for_shiviz_say_what_the_graph_does() {
    for recording in storms() {
        let (log, causes) = exported(&recording, "run.shiviz");
        let events = parsed(&log);
        let told: Vec<&OwnedRecord> = recording.records().iter().filter(|record| record.sort != "discard").collect();
        assert_eq!(events.len(), told.len());
        let mut latest: BTreeMap<&str, u64> = BTreeMap::new();
        for (host, clock) in &events {
            let hand = latest.entry(host).or_default();
            *hand += 1;
            assert_eq!(clock.get(host), Some(&*hand), "each event of a host moves its own hand by one");
        }
        for (record, (_, clock)) in told.iter().zip(&events).step_by(97) {
            let past: BTreeSet<u64> = causes.past(&[record.number], |_| true).into_iter().collect();
            for (other, (host, at)) in told.iter().zip(&events) {
                let before = clock.get(host).is_some_and(|hand| *hand >= at[host]);
                // All faults are one host: that gives them an order besides.
                let is_fault = host == "faults";
                assert!(before == past.contains(&other.number) || before && is_fault, "{} before {}", other.number, record.number);
            }
        }
    }
}

/// The track of an event.
fn track(event: &Value) -> (u64, u64) {
    (event["pid"].as_u64().expect("a group"), event["tid"].as_u64().expect("a track"))
}

/// When it is, in nanoseconds.
fn nanos(event: &Value, field: &str) -> i64 {
    (event[field].as_f64().expect("a time") * 1_000.0).round() as i64
}

#[test]
fn trace_events_have_tracks_slices_and_whole_flows() {
    for recording in storms() {
        let (text, _) = exported(&recording, "run.json");
        let whole: Value = serde_json::from_str(&text).expect("it is JSON");
        let events = whole["traceEvents"].as_array().expect("a list of events");
        let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).collect::<Vec<_>>();
        let mut groups: BTreeMap<u64, u64> = BTreeMap::new();
        for event in events {
            let (group, number) = track(event);
            assert_eq!(*groups.entry(number).or_insert(group), group, "a track's number says which it is: {event}");
            let is_sound = match event["ph"].as_str().expect("a phase") {
                "M" => event["args"]["name"].as_str().is_some_and(|name| !name.is_empty()) || event["args"]["sort_index"].is_u64(),
                "X" => event["name"].is_string() && nanos(event, "dur") > 0,
                "i" => ["g", "t"].contains(&event["s"].as_str().expect("how far it is seen")) && event["ts"].is_f64(),
                "s" | "f" | "b" | "e" => event["id"].is_u64() && event["cat"].is_string() && event["ts"].is_f64(),
                _ => false,
            };
            assert!(is_sound, "{event}");
            assert!(event["ph"] != "f" || event["bp"] == "e", "an arrival belongs to the slice around it: {event}");
        }
        let named: BTreeSet<_> = of("M").into_iter().filter(|event| event["name"] == "thread_name").map(track).collect();
        let mut slices: BTreeMap<(u64, u64), Vec<(i64, i64)>> = BTreeMap::new();
        for slice in of("X") {
            assert!(named.contains(&track(slice)), "each track has a name");
            let start = nanos(slice, "ts");
            slices.entry(track(slice)).or_default().push((start, start + nanos(slice, "dur")));
        }
        for of_track in slices.values() {
            let overlap = |pair: &[(i64, i64)]| pair[0].1 > pair[1].0 && pair[0].1 < pair[1].1;
            assert!(!of_track.windows(2).any(overlap), "slices of a track lie beside or within each other");
        }
        let by_id = |phase: &str| of(phase).into_iter().map(|event| (event["id"].as_u64(), event)).collect::<BTreeMap<_, _>>();
        let (starts, ends) = (by_id("s"), by_id("f"));
        let arrived = recording.records().iter().filter(|record| record.sort == "deliver").count();
        assert_eq!((starts.len(), ends.len()), (arrived, arrived), "each message that arrived is a flow");
        for (id, start) in &starts {
            let end = ends.get(id).expect("each flow has both ends");
            assert!(nanos(start, "ts") < nanos(end, "ts"));
            for event in [start, end] {
                let at = nanos(event, "ts");
                assert!(slices[&track(event)].iter().any(|(from, to)| (*from..=*to).contains(&at)), "an end lies in a slice: {event}");
            }
        }
        let balance = |phase: &str| of(phase).iter().map(|event| event["id"].to_string()).collect::<BTreeSet<_>>();
        assert!(!balance("b").is_empty() && balance("b") == balance("e"), "each range of a fault has both ends");
    }
}
