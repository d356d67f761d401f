//! The page about a run: one file that loads nothing, says the same each time, and is no larger than is promised, whatever a protocol says.

use std::fs;
use std::io::Read;

use boon::{Compiler, Schemas};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stormglass::base::{Duration, NodeId};
use stormglass::notation::Form;
use stormglass::process::{self, Context, Files, Process};
use stormglass::report::{Findings, Html, Invocation, PAGE_RECORDS, Render, Report, RunDetails, RunReport, Subject};
use stormglass::scenario::Scenario;
use stormglass::systems::{Nodes, Population, Registry, System, Watch, Written};
use stormglass::workload::NoClient;
use stormglass::world::Cluster;

/// The page about this run.
fn page(scenario: &Scenario, seed: u64) -> String {
    let again = |watch: Watch<'_>| scenario.run_watched(seed, watch);
    let mut drawn = None;
    let outcome = again(Watch { drawing: Some(&mut drawn), ..Watch::default() });
    let called = Invocation::new("stormglass", "x.ron");
    let details = RunDetails::of(&again, &outcome, Findings::default().among_others(&called, None, outcome.verdict()));
    let (subject, drawing) = (Subject::of(scenario), drawn.as_ref());
    Html.render(&Report::Run(RunReport { subject, outcome: &outcome, called: &called, drawing, story: None, details: Some(&details) }))
}

/// What it draws, read as its script reads it, and as its schema says.
fn data(page: &str) -> Value {
    let element = page.split_once("id=\"run-data\"").expect("the data").1;
    let (attributes, rest) = element.split_once('>').expect("an element");
    let text = rest.split_once("</script>").expect("its end").0;
    let data: Value = match attributes {
        attributes if attributes.contains("data-form=\"json\"") => serde_json::from_str(text).expect("JSON"),
        _ => {
            let mut unpacked = String::new();
            flate2::read::ZlibDecoder::new(bytes(text).as_slice()).read_to_string(&mut unpacked).expect("compressed text");
            serde_json::from_str(&unpacked).expect("JSON")
        }
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/page.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(path, schema).expect("a document");
    let index = compiler.compile(path, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    schemas.validate(&data, index).unwrap_or_else(|error| panic!("{error:#}"));
    data
}

/// What stands in base 64.
fn bytes(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let decoded = text.trim_end_matches('=').as_bytes().chunks(4).flat_map(|chunk| {
        let word = chunk.iter().fold(0_u32, |word, letter| word << 6 | u32::from(value(*letter))) << (6 * (4 - chunk.len()));
        word.to_be_bytes()[1..chunk.len()].to_vec()
    });
    decoded.collect()
}

fn raft(more: &str) -> Scenario {
    let text = format!(r#"Scenario(name: "a page", system: RaftKv(nodes: 3), {more})"#);
    Scenario::from_ron(&text, &Registry::standard()).expect("a valid scenario")
}

#[test]
fn a_run_that_holds_has_a_page_as_good() {
    let scenario = raft(r#"duration: "400ms", settle: "200ms", faults: [At("200ms", Crash(node: n1, down: "50ms"))]"#);
    let page = page(&scenario, 1);
    let data = data(&page);
    let (_, recording) = scenario.run_recorded(1);
    let count = recording.records().len();
    assert_eq!((data["total"].as_u64(), data["first"].as_u64()), (Some(count as u64), Some(0)));
    let columns = data["records"].as_object().expect("columns");
    for name in ["after_ns", "sort", "node", "peer", "count", "what", "detail", "cause"] {
        assert_eq!(columns[name].as_array().map(Vec::len), Some(count), "{name}");
    }
    assert!(data["states"].as_array().is_some_and(|states| states.len() == 6 || states.len() > 3));
    assert!(data["operations"]["points"].as_array().is_some_and(|points| !points.is_empty()), "an order that explains what clients saw");
    assert!(page.contains("properties hold") && page.contains("id=\"told\"") && !page.contains("unsafe-inline"));
    assert_eq!(page, self::page(&scenario, 1), "the page of a run is always the same");
}

/// How a node stands at the end is what its changes add up to.
#[test]
fn states_add_up() {
    let scenario = raft(r#"duration: "600ms", settle: "0s", faults: [At("300ms", Crash(node: n2, down: "100ms"))]"#);
    let data = data(&page(&scenario, 3));
    let text = |place: &Value| data["strings"][place.as_u64().expect("a place") as usize].as_str().expect("a text").to_owned();
    let mut rows = std::collections::BTreeMap::new();
    for change in data["states"][1]["changes"].as_array().expect("changes") {
        for row in change[1].as_array().expect("rows") {
            match &row[1] {
                Value::Null => rows.remove(&text(&row[0])),
                value => rows.insert(text(&row[0]), text(value)),
            };
        }
    }
    assert_eq!(rows["is"], "up, start 2");
    assert!(rows["status"].contains("term") && rows["timers"].contains(" at ") && rows["on disk"].starts_with("term "), "{rows:?}");
    assert!(rows.keys().any(|label| label == ".term"), "its state: {rows:?}");
}

#[test]
fn a_page_is_no_larger_than_promised() {
    for (duration, least, most, bytes) in [("1s", 4_000, 10_000, 1_000_000), ("9s", 50_000, 400_000, 6_000_000)] {
        let scenario = raft(&format!(
            r#"duration: "{duration}", settle: "0s", workload: (clients: 6, keys: 4, rate: "400/s"), network: (latency: Uniform("1ms", "5ms"), loss: "1/50")"#
        ));
        let page = page(&scenario, 1);
        let data = data(&page);
        let (total, held) = (data["total"].as_u64().expect("a count"), data["records"]["sort"].as_array().expect("records").len() as u64);
        assert!((least..most).contains(&total), "{duration} has {total} records");
        assert_eq!(held, total.min(PAGE_RECORDS));
        assert!(page.len() <= bytes, "{held} records are {} bytes", page.len());
    }
}

/// Servers that say what a browser might obey.
struct Hostile;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Evil(String);
impl process::Message for Evil {}

#[derive(Debug)]
struct Speaker {
    says: String,
    peer: NodeId,
}

const EVIL: &str = "</script><img src=x onerror=alert(1)><!-- \u{202e} & ]]>";

impl Process for Speaker {
    type Config = NodeId;
    type Message = Evil;
    type Timer = ();
    type Note = String;

    fn boot(peer: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
        context.set_timer((), Duration::from_millis(10));
        Self { says: EVIL.to_owned(), peer: *peer }
    }

    fn on_message(&mut self, _: NodeId, message: Evil, context: &mut Context<'_, Self>) {
        context.note(message.0);
        context.append(EVIL, EVIL.as_bytes());
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.send(self.peer, Evil(self.says.clone()));
        context.set_timer((), Duration::from_millis(10));
    }

    fn status(&self) -> String {
        self.says.clone()
    }

    fn inspect(&self) -> Option<&dyn std::fmt::Debug> {
        Some(self)
    }

    fn read_disk(_: &Files) -> Option<String> {
        Some(EVIL.to_owned())
    }
}

impl Cluster for Hostile {
    type Message = Evil;
    type Operation = process::NoNote;
    type Response = process::NoNote;
    type Server = Speaker;
    type Client = NoClient<Evil>;
}

impl System for Hostile {
    const NAME: &'static str = "Hostile";
    const ABOUT: &'static str = "servers that say what a browser might obey";
    type Config = ();

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<()> {
        system.fields()?.finish();
        Some(())
    }

    fn write((): &()) -> Written {
        Written { system: "Hostile()".to_owned(), workload: None }
    }

    fn population((): &()) -> Population {
        Population { servers: 2, clients: 0 }
    }

    fn nodes((): &(), _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![NodeId::server(1), NodeId::server(0)], clients: vec![] }
    }
}

#[test]
fn whatever_a_protocol_says_is_text() {
    let registry = Registry::new().with::<Hostile>();
    let text = format!(r#"Scenario(name: {:?}, system: Hostile(), duration: "50ms")"#, EVIL.replace('\u{202e}', ""));
    let page = page(&Scenario::from_ron(&text, &registry).expect("a valid scenario"), 1);
    assert!(!page.contains("<img") && !page.contains("<!--") && !page.contains('\u{202e}'), "{page}");
    assert_eq!(page.matches("</script>").count(), page.matches("<script").count(), "no element ends early");
    let data = data(&page);
    let strings: Vec<&str> = data["strings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(strings.iter().filter(|text| text.contains("</script><img")).count() > 2, "it is all there, as text");
}
