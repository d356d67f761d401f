//! The spans of runs, read by the crate of OpenTelemetry's protocol, and held against the records.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;
use stormglass::explore::spans::Spans;
use stormglass::report::{Subject, write_log, write_spans};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;
use stormglass::trace::Recording;
use stormglass::world::Outcome;

use crate::trials::{read, text};

/// The scenario, no longer than this, unless a fault of it would never strike then.
fn shortened(name: &str, duration: &str) -> Scenario {
    let whole = text(&format!("{name}.ron"));
    let (before, after) = whole.split_once("    duration: \"").unwrap_or_else(|| panic!("{name} has no duration"));
    let (_, after) = after.split_once('"').expect("it is text");
    let shorter = format!("{before}    duration: \"{duration}\"{after}");
    Scenario::from_ron(&shorter, &Registry::standard()).unwrap_or_else(|_| read(&whole))
}

/// A run whose spans were written and read again.
struct Read {
    outcome: Outcome,
    recording: Recording,
    spans: Spans,
    request: ExportTraceServiceRequest,
}

fn run(scenario: &Scenario, seed: u64) -> Read {
    let (outcome, recording) = scenario.run_recorded(seed);
    let spans = Spans::of(&recording, seed);
    let text = written(&spans, scenario, seed);
    let request = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    Read { outcome, recording, spans, request }
}

fn written(spans: &Spans, scenario: &Scenario, seed: u64) -> String {
    let mut text = Vec::new();
    write_spans(&mut text, spans, &Subject::of(scenario), seed).expect("memory takes it");
    String::from_utf8(text).expect("it is text")
}

fn text_of(attributes: &[KeyValue], key: &str) -> String {
    let value = attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.as_ref()?.value.as_ref());
    match value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn sort(span: &Span) -> String {
    text_of(&span.attributes, "stormglass.sort")
}

impl Read {
    /// Each span, with the name of its resource.
    fn all(&self) -> impl Iterator<Item = (String, &Span)> {
        self.request.resource_spans.iter().flat_map(|resource| {
            let name = text_of(&resource.resource.as_ref().expect("a resource").attributes, "service.name");
            resource.scope_spans.iter().flat_map(|scope| &scope.spans).map(move |span| (name.clone(), span))
        })
    }

    fn of(&self, wanted: &str) -> Vec<(String, &Span)> {
        self.all().filter(|(_, span)| sort(span) == wanted).collect()
    }

    /// The spans of the trace of this one, in the order in which they began.
    fn trace(&self, of: &Span) -> Vec<(String, &Span)> {
        let mut trace: Vec<_> = self.all().filter(|(_, span)| span.trace_id == of.trace_id).collect();
        trace.sort_by_key(|(_, span)| span.start_time_unix_nano);
        trace
    }
}

/// What is wrong with spans, whatever they are of.
fn flaws(request: &ExportTraceServiceRequest) -> Vec<String> {
    let all: Vec<&Span> = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).collect();
    let by_id: BTreeMap<&[u8], &Span> = all.iter().map(|span| (span.span_id.as_slice(), *span)).collect();
    let mut flaws = Vec::new();
    let mut demand = |holds: bool, what: &str, span: &Span| {
        if !holds {
            flaws.push(format!("{what}: {} of {}", span.name, text_of(&span.attributes, "stormglass.record")));
        }
    };
    let mut roots: BTreeMap<&[u8], u32> = BTreeMap::new();
    for span in &all {
        *roots.entry(&span.trace_id).or_default() += u32::from(span.parent_span_id.is_empty());
        demand(span.trace_id.len() == 16 && span.span_id.len() == 8, "an identity has its length", span);
        demand(std::ptr::eq(by_id[span.span_id.as_slice()], *span), "an identity is one span's", span);
        demand(span.start_time_unix_nano <= span.end_time_unix_nano, "it ends after it began", span);
        demand(!span.name.is_empty() && span.kind > 0 && span.status.is_some(), "it says what it is", span);
        if !span.parent_span_id.is_empty() {
            let parent = by_id.get(span.parent_span_id.as_slice());
            demand(parent.is_some(), "its parent is there", span);
            demand(parent.is_none_or(|parent| parent.trace_id == span.trace_id), "its parent is in its trace", span);
            let begins_within = parent.is_none_or(|parent| parent.start_time_unix_nano <= span.start_time_unix_nano);
            demand(begins_within, "it begins after its parent", span);
        }
        for link in &span.links {
            let to = by_id.get(link.span_id.as_slice());
            demand(to.is_some_and(|to| to.trace_id == link.trace_id), "what it is linked to is there", span);
        }
        for event in &span.events {
            let is_within = (span.start_time_unix_nano..=span.end_time_unix_nano).contains(&event.time_unix_nano);
            demand(is_within, "what happened meanwhile happened meanwhile", span);
        }
    }
    for span in &all {
        let count = roots[span.trace_id.as_slice()];
        demand(count == 1, "its trace has one root", span);
        // The way from parent to parent leads to the root.
        let (mut at, mut steps) = (*span, 0);
        while let Some(parent) = by_id.get(at.parent_span_id.as_slice()).filter(|_| steps <= all.len()) {
            (at, steps) = (parent, steps + 1);
        }
        demand(at.parent_span_id.is_empty(), "its ancestors end in a root", span);
    }
    flaws
}

/// What an independent count over the records and the outcome has says the same.
fn agree(read: &Read, name: &str) {
    let flaws = flaws(&read.request);
    assert!(flaws.is_empty(), "{name}: {} flaws: {:#?}", flaws.len(), &flaws[..flaws.len().min(10)]);
    let records = |sort: &str| read.recording.records().iter().filter(|record| record.sort == sort).count();
    assert_eq!(read.of("message").len() as u64, read.outcome.messages.sent, "{name}: a span for each message");
    assert_eq!(read.of("handling").len() as u64, read.outcome.messages.delivered, "{name}: one for each arrival");
    let lost: usize = read.all().map(|(_, span)| span.events.iter().filter(|event| event.name == "lost").count()).sum();
    assert_eq!(lost as u64, read.outcome.messages.dropped, "{name}: each that was lost says so");
    assert_eq!((read.of("fault").len(), read.of("down").len()), (records("fault"), records("crash")), "{name}");
    assert_eq!(read.of("paused").len(), records("pause"), "{name}");
    let writes: u64 =
        read.of("sync").iter().map(|(_, span)| text_of(&span.attributes, "stormglass.writes").parse::<u64>().unwrap_or(0)).sum();
    assert_eq!(writes as usize, records("write"), "{name}: each write waits for its sync");
    let operations = read.of("operation");
    let ended = |code: StatusCode, word: &str| {
        let is = |span: &Span| span.status.as_ref().is_some_and(|status| status.code() == code);
        operations.iter().filter(|(_, span)| is(span) && text_of(&span.attributes, "stormglass.outcome") == word).count() as u64
    };
    let counted = read.outcome.operations;
    assert_eq!(operations.len() as u64, counted.invoked, "{name}: a span for each operation");
    let pending =
        operations.iter().filter(|(_, span)| text_of(&span.attributes, "stormglass.outcome").starts_with("not over")).count() as u64;
    let found = (ended(StatusCode::Ok, "done"), ended(StatusCode::Error, "failed"));
    assert_eq!(found, (counted.completed, counted.failed), "{name}: as they ended");
    assert!(ended(StatusCode::Error, "unknown") + pending >= counted.unknown, "{name}");
    let names: BTreeSet<String> = read.all().map(|(node, _)| node).collect();
    let known: BTreeSet<String> = read.recording.nodes().iter().map(ToString::to_string).chain(["faults".to_owned()]).collect();
    assert!(names.is_subset(&known), "{name}: a resource for each node: {names:?}");
}

#[test]
fn a_failover_of_raft() {
    let read = run(&shortened("raft/leader-crash", "4s"), 1);
    agree(&read, "raft/leader-crash");
    // A request that finds the leader down, and is done by the next one, in one trace.
    let failed_over = read.of("operation").into_iter().find(|(_, operation)| {
        let trace = read.trace(operation);
        let nodes: BTreeSet<&String> = trace.iter().filter(|(_, span)| span.name == "handle Request").map(|(node, _)| node).collect();
        let lost = trace.iter().any(|(_, span)| span.name == "Request" && span.events.iter().any(|event| event.name == "lost"));
        lost && !nodes.is_empty()
            && operation.name == "Write"
            && operation.status.as_ref().is_some_and(|status| status.code() == StatusCode::Ok)
    });
    let (client, operation) = failed_over.expect("one fails over");
    let trace = read.trace(operation);
    assert!(
        client.starts_with('c') && trace.iter().any(|(node, span)| node.starts_with('n') && span.name == "sync"),
        "over nodes and disks"
    );
    let (_, last) = trace.iter().rev().find(|(_, span)| span.name == "handle Answer").expect("the answer is in its trace");
    assert_eq!(last.start_time_unix_nano, operation.end_time_unix_nano);
    // The election is a trace of its own, with the votes.
    let elections = read.all().filter(|(_, span)| span.name == "timer Election" && span.parent_span_id.is_empty());
    let mut votes = elections.map(|(_, root)| read.trace(root).iter().filter(|(_, span)| span.name == "handle Vote").count());
    assert!(votes.any(|votes| votes >= 2), "a majority votes within the trace of an election");
}

#[test]
fn a_two_phase_commit_in_doubt() {
    let read = run(&shortened("commit/coordinator-crash", "6s"), 1);
    agree(&read, "commit/coordinator-crash");
    let doubts: Vec<_> = read.all().filter(|(_, span)| span.name == "timer Doubt").collect();
    assert!(!doubts.is_empty(), "participants are in doubt");
    for (_, doubt) in doubts {
        let is_linked = !doubt.links.is_empty() && doubt.parent_span_id.is_empty();
        assert!(is_linked || !doubt.parent_span_id.is_empty(), "in the transaction's trace, or linked to it");
    }
    let crashed =
        read.of("sync").into_iter().filter(|(_, span)| span.status.as_ref().is_some_and(|status| status.message.contains("crashed")));
    assert!(crashed.count() > 0, "a crash takes writes along");
}

/// Attempts are counted by what requests say, apart from the spans.
#[test]
fn a_retry_storm() {
    let read = run(&shortened("service/retries-storm", "6s"), 1);
    agree(&read, "service/retries-storm");
    let mut attempts: BTreeMap<String, usize> = BTreeMap::new();
    for record in read.recording.records().iter().filter(|record| record.sort == "send") {
        if let Some(root) = record.data().and_then(|data| data["Request"]["root"].as_u64()) {
            *attempts.entry(format!("{root:016x}")).or_default() += 1;
        }
    }
    let mut requests: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (_, span) in read.all().filter(|(_, span)| span.name == "Request") {
        *requests.entry(&span.trace_id).or_default() += 1;
    }
    for (_, operation) in read.of("operation") {
        let id = text_of(&operation.attributes, "stormglass.operation.id");
        assert_eq!(requests.get(operation.trace_id.as_slice()).copied().unwrap_or(0), attempts.get(&id).copied().unwrap_or(0), "{id}");
    }
    assert_eq!(attempts.values().max(), Some(&5), "some are asked for five times");
}

/// Each sort of system that there is, and one of a user.
#[test]
fn every_system_has_spans() {
    for name in [
        "broker/storm",
        "bus/storm",
        "commit/storm",
        "commit/three-phase-partition",
        "election/storm",
        "lock/sessions-storm",
        "pipeline/storm",
        "queue/storm",
        "raft/every-fault",
        "registry/storm",
        "service/storm",
        "service/shop-saga",
    ] {
        agree(&run(&shortened(name, "1s"), 3), name);
    }
    let detector = r#"Scenario(name: "no clients", system: Detectors(nodes: 5, detectors: [Swim(name: "swim")]), duration: "10s",
        settle: "0s", faults: [At("3s", Crash(node: n2, down: "2s")), At("6s", Pause(node: n3, lasting: "2s"))])"#;
    agree(&run(&read(detector), 1), "no clients");
    let text = r#"Scenario(name: "a user's", system: AbdRegister(nodes: 3), workload: (clients: 2, rate: "20/s"), duration: "2s")"#;
    let scenario = Scenario::from_ron(text, &crate::abd_register::registry()).unwrap_or_else(|problems| panic!("{problems}"));
    agree(&run(&scenario, 1), "a user's");
}

#[test]
fn identities_are_the_same_each_time_and_of_other_seeds_others() {
    let scenario = shortened("raft/leader-crash", "2s");
    let (one, again, other) = (run(&scenario, 1), run(&scenario, 1), run(&scenario, 2));
    assert_eq!(written(&one.spans, &scenario, 1), written(&again.spans, &scenario, 1));
    let ids = |read: &Read| read.all().map(|(_, span)| span.span_id.clone()).collect::<BTreeSet<_>>();
    assert!(ids(&one).is_disjoint(&ids(&other)));
    // Without faults, what is under way before the first one is the same, and has the same name.
    let calm = run(&scenario.clone().with_faults(stormglass::fault::FaultPlan::default()), 1);
    let struck = one.of("fault").iter().map(|(_, span)| span.start_time_unix_nano).min().expect("one strikes");
    let before: Vec<_> = one.of("message").into_iter().filter(|(_, span)| span.end_time_unix_nano < struck).collect();
    let known = ids(&calm);
    assert!(before.len() > 100 && before.iter().all(|(_, span)| known.contains(&span.span_id)));
}

type Damage = fn(&mut Span);

/// The judge of spans sees what is wrong.
#[test]
fn damaged_spans_are_found_out() {
    let read = run(&shortened("raft/leader-crash", "1s"), 1);
    assert_eq!(flaws(&read.request), [] as [&str; 0]);
    let damages: [(&str, Damage); 5] = [
        ("its parent is there", |span| span.parent_span_id = vec![9; 8]),
        ("its parent is in its trace", |span| span.trace_id = vec![9; 16]),
        ("its trace has one root", |span| span.parent_span_id.clear()),
        ("it ends after it began", |span| span.end_time_unix_nano = 0),
        ("it begins after its parent", |span| span.start_time_unix_nano = 1),
    ];
    for (what, damage) in damages {
        let mut request = read.request.clone();
        let mut spans = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans).flat_map(|scope| &mut scope.spans);
        damage(spans.find(|span| sort(span) == "handling" && span.start_time_unix_nano > 1_000_000).expect("one"));
        assert!(flaws(&request).iter().any(|flaw| flaw.starts_with(what)), "{what}: {:?}", flaws(&request));
    }
}

/// A log has a line for each note, mark, operation and fault, and names spans that are there.
#[test]
fn a_log_names_the_spans() {
    let read = run(&shortened("raft/leader-crash", "2s"), 1);
    let mut text = Vec::new();
    write_log(&mut text, &read.recording, &read.spans, &[]).expect("memory takes it");
    let lines: Vec<Value> = String::from_utf8(text).expect("text").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |what: &str| lines.iter().filter(|line| line["what"] == what).count();
    let records = |sort: &str| read.recording.records().iter().filter(|record| record.sort == sort).count();
    assert_eq!((of("note"), of("mark"), of("fault")), (records("note"), records("mark"), records("fault")));
    assert_eq!((of("operation"), of("start"), of("crash")), (records("client"), records("boot"), records("crash")));
    assert!(lines.windows(2).all(|pair| pair[0]["at_ns"].as_u64() <= pair[1]["at_ns"].as_u64()), "in order");
    let ids: BTreeSet<String> = read.all().map(|(_, span)| span.span_id.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    let named: Vec<&str> = lines.iter().filter_map(|line| line["span_id"].as_str()).collect();
    assert!(named.len() > lines.len() / 2 && named.iter().all(|id| ids.contains(*id)));
    assert!(lines.iter().filter(|line| line["what"] == "operation").all(|line| line["span_id"].is_string()));
}
