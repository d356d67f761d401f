//! Spans as OTLP JSON, which Jaeger opens: `ExportTraceServiceRequest` of OpenTelemetry's protocol in its JSON mapping.
//!
//! The messages are written here, and not with `opentelemetry-proto`, which brings the whole SDK along: executors, and random
//! numbers that the system is asked for. Tests read what is written with it.

use std::io::{self, Write};

use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use super::Subject;
use crate::base::{NodeId, Time, sort_by_key};
use crate::explore::spans::{Sort, Span, SpanEvent, Spans, Status, Value};

/// Writes the spans of a run of this subject: a resource for each node, and one for the faults. The run begins at the Unix epoch.
///
/// # Errors
/// Those of the file.
pub fn write_spans(mut file: impl Write, spans: &Spans, subject: &Subject<'_>, seed: u64) -> io::Result<()> {
    serde_json::to_writer(&mut file, &Request { resource_spans: resources(spans, subject, seed) }).map_err(io::Error::from)?;
    file.write_all(b"\n")?;
    file.flush()
}

/// What all that is not on a node belongs to.
const SURROUNDINGS: &str = "faults";

fn resources<'a>(spans: &'a Spans, subject: &Subject<'a>, seed: u64) -> Vec<ResourceSpans<'a>> {
    let mut places: Vec<(Option<NodeId>, u32)> = (0..).zip(spans.all()).map(|(place, span)| (span.node, place)).collect();
    // Faults come last, and else the order is that in which spans began.
    sort_by_key(&mut places, |(node, place)| (node.is_none(), *node, *place));
    let nodes = places.chunk_by(|one, other| one.0 == other.0);
    let resource = |places: &[(Option<NodeId>, u32)]| {
        let node = places[0].0;
        let name = node.map_or_else(|| SURROUNDINGS.to_owned(), |node| node.to_string());
        let side = node.map_or("surroundings", |node| if node.is_client() { "client" } else { "server" });
        let attributes = vec![
            attribute("service.name", &name),
            attribute("service.namespace", subject.name),
            attribute("stormglass.system", subject.system),
            attribute("stormglass.side", side),
            attribute("stormglass.seed", &seed.to_string()),
        ];
        let scope = Scope { name: "stormglass", version: env!("CARGO_PKG_VERSION") };
        let spans = SpansOf { spans, places: places.iter().map(|(_, place)| *place).collect() };
        ResourceSpans { resource: Resource { attributes }, scope_spans: [ScopeSpans { scope, spans }] }
    };
    nodes.map(resource).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: SpansOf<'a>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

/// The spans at these places, each made when it is written: all at once would be as large as the file.
struct SpansOf<'a> {
    spans: &'a Spans,
    places: Vec<u32>,
}

impl Serialize for SpansOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.places.len()))?;
        for place in &self.places {
            list.serialize_element(&written(self.spans, *place))?;
        }
        list.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenSpan<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent_span_id: String,
    name: &'a str,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Event>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    status: WrittenStatus<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    time_unix_nano: String,
    name: &'static str,
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    trace_id: String,
    span_id: String,
    attributes: [Attribute; 1],
}

#[derive(Serialize)]
struct WrittenStatus<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    code: u8,
}

#[derive(Serialize)]
struct Attribute {
    key: &'static str,
    value: AnyValue,
}

/// Whole numbers are text in this mapping, as all of 64 bits are.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum AnyValue {
    StringValue(String),
    IntValue(String),
}

fn written(spans: &Spans, place: u32) -> WrittenSpan<'_> {
    let span = &spans.all()[place as usize];
    let mut attributes = vec![attribute("stormglass.sort", span.sort.word())];
    attributes.extend(span.attributes.iter().map(known));
    WrittenSpan {
        trace_id: trace_hex(spans, place),
        span_id: span_hex(spans, place),
        parent_span_id: span.parent.map(|parent| span_hex(spans, parent)).unwrap_or_default(),
        name: &span.name,
        kind: kind(span),
        start_time_unix_nano: nanos(span.start),
        end_time_unix_nano: nanos(span.end),
        attributes,
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(|(to, why)| link(spans, *to, why)).collect(),
        status: match &span.status {
            Status::Unset => WrittenStatus { message: "", code: 0 },
            Status::Ok => WrittenStatus { message: "", code: 1 },
            Status::Error(why) => WrittenStatus { message: why, code: 2 },
        },
    }
}

/// `Span.SpanKind`: operations are of clients, messages are produced and consumed.
const fn kind(span: &Span) -> u8 {
    const INTERNAL: u8 = 1;
    const CLIENT: u8 = 3;
    const PRODUCER: u8 = 4;
    const CONSUMER: u8 = 5;
    match span.sort {
        Sort::Operation => CLIENT,
        Sort::Message => PRODUCER,
        Sort::Handling => CONSUMER,
        Sort::Step | Sort::Sync | Sort::Fault | Sort::Down | Sort::Paused => INTERNAL,
    }
}

fn event(event: &SpanEvent) -> Event {
    Event { time_unix_nano: nanos(event.at), name: event.name, attributes: event.attributes.iter().map(known).collect() }
}

fn link(spans: &Spans, to: u32, why: &str) -> Link {
    Link { trace_id: trace_hex(spans, to), span_id: span_hex(spans, to), attributes: [attribute("stormglass.why", why)] }
}

fn known((key, value): &(&'static str, Value)) -> Attribute {
    let value = match value {
        Value::Text(text) => AnyValue::StringValue(text.clone()),
        Value::Number(number) => AnyValue::IntValue(number.to_string()),
    };
    Attribute { key, value }
}

fn attribute(key: &'static str, text: &str) -> Attribute {
    Attribute { key, value: AnyValue::StringValue(text.to_owned()) }
}

fn nanos(at: Time) -> String {
    at.as_nanos().to_string()
}

/// The identity of a trace as it is written everywhere.
pub(super) fn trace_hex(spans: &Spans, place: u32) -> String {
    format!("{:032x}", spans.trace_id(place))
}

/// The identity of a span as it is written everywhere.
pub(super) fn span_hex(spans: &Spans, place: u32) -> String {
    format!("{:016x}", spans.span_id(place))
}
