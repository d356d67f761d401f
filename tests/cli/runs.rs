//! `run` and `sweep` for those who go on from there: histories that `check` reads, and exit codes for CI.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::Desk;

/// The installed command, in a desk's folder, among our own scenarios. What it prints is all its own.
pub(crate) fn stormglass(desk: &Desk, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).current_dir(desk.path("")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub(crate) fn scenario(name: &str) -> String {
    format!("{}/scenarios/{name}.ron", env!("CARGO_MANIFEST_DIR"))
}

/// The records that the explanation of a violation names are marked where they are shown, and no others.
#[test]
fn a_replay_marks_what_the_explanation_names() {
    let desk = Desk::new();
    let bug = scenario("raft/bugs/forgets-vote");
    let (code, out, _) = stormglass(&desk, &["run", &bug, "--seed", "19", "--format", "json"]);
    assert_eq!(code, Some(1));
    let run: Value = serde_json::from_str(&out).unwrap();
    let properties = run["properties"].as_array().unwrap().iter().filter(|property| property["verdict"] == "violated");
    let mut named: Vec<u64> = Vec::new();
    for property in properties {
        named.extend(property["explanation"]["records"].as_array().into_iter().flatten().filter_map(Value::as_u64));
    }
    named.sort_unstable();
    named.dedup();
    assert!(!named.is_empty(), "{out}");
    let (_, replay, _) = stormglass(&desk, &["replay", &bug, "--seed", "19"]);
    let records = replay.lines().skip_while(|line| !line.ends_with("starts"));
    let marked: Vec<u64> = (0..).zip(records).filter(|(_, line)| line.starts_with('▶')).map(|(number, _)| number).collect();
    assert_eq!(marked, named);
}

/// Where nothing is violated there is nothing to tell, and a sweep tells no stories.
#[test]
fn a_failing_run_tells_its_story() {
    let desk = Desk::new();
    let bug = scenario("smallest/raft/forgets-vote");
    let (code, out, _) = stormglass(&desk, &["run", &bug]);
    assert_eq!(code, Some(1));
    let story = out.split_once("\n  story\n").map(|(_, rest)| rest.split("\n\n").next().unwrap()).unwrap_or_else(|| panic!("{out}"));
    assert!(story.contains("gone is what step 3 wrote to wal") && !story.contains('◀'), "{story}");
    let (_, full, _) = stormglass(&desk, &["run", &bug, "--story"]);
    assert!(full.contains("3◀───") && full.contains("╳4"), "{full}");
    let (_, holds, _) = stormglass(&desk, &["run", &scenario("raft/leader-crash"), "--seed", "1", "--set", "duration=2s", "--story"]);
    let (_, sweep, _) = stormglass(&desk, &["sweep", &bug, "--seeds", "1", "--start", "29"]);
    assert!(!holds.contains("\n  story\n") && !sweep.contains("\n  story\n"), "{holds}\n{sweep}");
}

#[test]
fn a_replay_looks_for_text_tells_causes_and_writes_for_other_tools() {
    let desk = Desk::new();
    let replay =
        |more: &[&str]| stormglass(&desk, &[&["replay", &scenario("smallest/raft/forgets-vote"), "--until", "250ms"], more].concat());
    let (_, out, _) = replay(&["--grep", "becameLEADER"]);
    assert_eq!(out.lines().filter(|line| line.starts_with('▶')).count(), 2, "{out}");
    let (_, out, _) = replay(&["--causes", "--node", "n1"]);
    for told in
        ["← sent by n3 25ms before, on timer Election", "→ not durable when it crashes", "← by the fault Crash(node: n1, down: \"1ms\")"]
    {
        assert!(out.contains(told), "{told}\n{out}");
    }
    let (code, _, err) = replay(&["--export", "run.txt"]);
    assert!(code == Some(2) && err.contains(".shiviz or .log (a log for ShiViz), .json"), "{err}");
    assert_eq!((replay(&["--export", "run.log"]).0, replay(&["--export", "run.json"]).0), (Some(1), Some(1)));
    assert!(fs::read_to_string(desk.path("run.log")).unwrap().starts_with("(?<host>"));
    let events: Value = serde_json::from_str(&fs::read_to_string(desk.path("run.json")).unwrap()).unwrap();
    assert!(events["traceEvents"].as_array().is_some_and(|events| events.len() > 1_000));
}

/// A client does several operations at once, a session of it one after the other.
#[test]
fn bars_of_a_lane_do_not_overlap_on_the_page_of_a_run() {
    let desk = Desk::new();
    let (code, ..) =
        stormglass(&desk, &["run", &scenario("raft/leader-crash"), "--seed", "1", "--set", "workload.rate=300/s", "--report", "page.html"]);
    assert_eq!(code, Some(0));
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    let data = page
        .split_once("id=\"data\" type=\"application/json\"")
        .and_then(|(_, rest)| rest.split_once('>')?.1.split_once("</script>"))
        .unwrap()
        .0;
    let drawn: Value = serde_json::from_str(data).unwrap();
    let mut lanes: BTreeMap<u64, (String, Vec<(u64, u64)>)> = BTreeMap::new();
    for operation in drawn["operations"].as_array().unwrap() {
        let who = operation["who"].as_str().unwrap();
        let (name, bars) = lanes.entry(operation["lane"].as_u64().unwrap()).or_insert_with(|| (who.to_owned(), Vec::new()));
        assert_eq!(name, who, "a lane has one name");
        bars.push((operation["begins"].as_u64().unwrap(), operation["ends"].as_u64().unwrap_or(u64::MAX)));
    }
    assert!(lanes.values().any(|(name, _)| name == "c1.2"), "more than one at a time: {:?}", lanes.keys());
    for (name, bars) in lanes.values_mut() {
        bars.sort_unstable();
        assert!(bars.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{name}: {bars:?}");
    }
}

#[test]
fn what_clients_saw_is_judged_alike_by_check() {
    let desk = Desk::new();
    let mut violated = 0;
    for (name, property, model) in [
        ("raft/leader-crash", "linearizability", "kv"),
        ("commit/lists", "isolation", "list-append"),
        ("three-phase/bugs/votes-early", "isolation", "rw-register"),
    ] {
        for (seed, file) in [("0", "saw.edn"), ("1", "saw.jsonl"), ("2", "saw.ndjson"), ("3", "saw.EDN")] {
            let (code, out, err) =
                stormglass(&desk, &["run", &scenario(name), "--seed", seed, "--format", "json", "--history", file, "--as-meant"]);
            assert!(matches!(code, Some(0 | 1 | 5)) && err.is_empty(), "{name}: {err}");
            let run: Value = serde_json::from_str(&out).unwrap();
            let report = run["properties"].as_array().unwrap().iter().find(|report| report["name"] == property).unwrap();
            let (code, out, err) = stormglass(&desk, &["check", file, "--model", model, "--format", "json"]);
            let check: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{name}: {error}: {err}"));
            assert_eq!(check["verdict"], report["verdict"], "{name}, seed {seed}: {out}");
            assert_eq!(code, Some(i32::from(report["verdict"] == "violated")));
            violated += u32::from(report["verdict"] == "violated");
            if property == "isolation" && report["verdict"] == "violated" {
                let cast = &report["explanation"]["cast"];
                assert!(cast[0]["client"].as_str().unwrap().starts_with('c'), "{cast}");
                assert_eq!(&check["isolation"]["anomalies"][0]["cast"], cast, "{name}, seed {seed}: who did what, by the same names");
            }
        }
    }
    assert!(violated > 0, "the bug shows");
}

#[test]
fn what_is_to_be_done_with_a_history_is_told() {
    let desk = Desk::new();
    let third = |name: &str| {
        let (_, out, _) = stormglass(&desk, &["run", &scenario(name), "--seed", "1", "--history", "it saw.edn"]);
        out.lines().nth(2).unwrap().to_owned()
    };
    assert!(third("raft/leader-crash").ends_with("stormglass check 'it saw.edn' --model kv"));
    assert_eq!(third("commit/bank"), "history of transfers, which no model of check judges, in it saw.edn");
    let bank = fs::read_to_string(desk.path("it saw.edn")).unwrap();
    assert!(bank.contains("[:add ") && bank.contains(":type :info") == bank.contains("unknown"), "{bank}");
}

#[test]
fn histories_that_cannot_be_written() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(), seed: 1");
    let done = desk.expect(2, &["run", "calm.ron", "--history", "saw.edn"]);
    assert!(done.err.starts_with("error: Toy has no notation for what its clients see") && done.out.is_empty(), "{}", done.err);
    let raft = scenario("raft/leader-crash");
    for (file, code, told) in [
        ("saw.txt", 2, "error: --history saw.txt: the name says no format: saw.edn is EDN, saw.jsonl is JSON lines\n"),
        ("saw", 2, "error: --history saw: the name says no format"),
        ("no/such/saw.edn", 74, "error: cannot write no/such/saw.edn: no such file or directory\n"),
    ] {
        let (found, out, err) = stormglass(&desk, &["run", &raft, "--seed", "1", "--history", file]);
        assert!(found == Some(code) && out.is_empty() && err.starts_with(told), "{file}: {found:?} {err}");
    }
    fs::copy(&raft, desk.path("raft.edn")).unwrap();
    let (code, _, err) = stormglass(&desk, &["run", "raft.edn", "--seed", "1", "--history", "raft.edn"]);
    assert_eq!((code, err.as_str()), (Some(2), "error: raft.edn is the scenario itself: it is not overwritten\n"));
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("/dev/full", desk.path("full.edn")).unwrap();
        let (code, out, err) = stormglass(&desk, &["run", &raft, "--seed", "1", "--history", "full.edn"]);
        assert_eq!((code, err.as_str()), (Some(74), "error: cannot write full.edn: no space left on device\n"));
        assert!(out.contains("✓ holds"), "the verdict is told all the same");
    }
    let left: Vec<String> = fs::read_dir(desk.path("")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.contains("saw") && !name.starts_with('.')), "{left:?}");
}

/// The exit codes of a run of this toy: without and with `--as-meant`.
fn codes(desk: &Desk, fields: &str) -> [Option<i32>; 2] {
    desk.scenario("toy.ron", &format!("{fields}, seed: 7"));
    [&["run", "toy.ron"][..], &["run", "toy.ron", "--as-meant"]].map(|arguments| desk.run(arguments).code)
}

#[test]
fn a_run_as_meant() {
    let desk = Desk::new();
    for (trouble, outcome, plain, meant) in [
        ("Calm", "Holds", 0, 0),
        ("Violate", "Holds", 1, 1),
        ("Unknown", "Holds", 4, 4),
        ("Defect", "Holds", 70, 70),
        ("Violate", "Violates(\"nothing-bad\")", 1, 0),
        ("Panic", "Violates(\"nothing-bad\")", 1, 1),
        ("Calm", "Violates(\"nothing-bad\")", 0, 5),
        ("Unknown", "Violates(\"nothing-bad\")", 4, 5),
        ("Defect", "Violates(\"nothing-bad\")", 70, 70),
    ] {
        let found = codes(&desk, &format!("system: Toy(trouble: {trouble}), outcome: {outcome}"));
        assert_eq!(found, [Some(plain), Some(meant)], "{trouble}, {outcome}");
        let json = desk.run(&["run", "toy.ron", "--format", "json"]).out;
        let json: Value = serde_json::from_str(&json).unwrap_or_default();
        let came_true = if matches!((outcome, meant), ("Holds", 4) | (_, 70)) { Value::Null } else { (meant == 0).into() };
        assert_eq!(json["came_true"], came_true, "{trouble}, {outcome}");
    }
}

#[test]
fn a_sweep_as_meant() {
    let desk = Desk::new();
    let meant = |trouble: &str, outcome: &str, more: &[&str]| {
        desk.scenario("toy.ron", &format!("system: Toy({trouble}), outcome: {outcome}, expect: [Sometimes(\"never\")]"));
        let done = desk.run(&[&["sweep", "toy.ron", "--seeds", "30", "--as-meant"], more].concat());
        let json = desk.run(&[&["sweep", "toy.ron", "--seeds", "30", "--as-meant", "--format", "json"], more].concat()).out;
        let json: Value = serde_json::from_str(&json).unwrap();
        let came_true = match (done.code, trouble, outcome) {
            (Some(70), ..) => Value::Null,
            (Some(code), ..) => (code == 0 || trouble == "trouble: Calm" && outcome == "Holds").into(),
            _ => panic!("it ends with a code"),
        };
        assert_eq!(json["came_true"], came_true, "{trouble}, {outcome}");
        (done.code.unwrap(), done.out.lines().nth(3).unwrap_or_default().to_owned())
    };
    let bad = "Violates(\"nothing-bad\")";
    let both: &[&[&str]] = &[&[], &["--keep-going"]];
    for more in both {
        let (code, told) = meant("trouble: Violate, odds: 5", bad, more);
        assert_eq!(
            (code, told.as_str()),
            (0, format!("✗ violated in 1 of 2 seeds, as expected (outcome: {bad}); the sweep stopped there").as_str())
        );
        let (code, told) = meant("trouble: Panic, odds: 5", bad, more);
        assert!(code == 1 && told.ends_with(&format!("not as expected (outcome: {bad})")) != told.ends_with("stopped there"), "{told}");
        for calm in ["trouble: Calm", "trouble: Unknown, odds: 3"] {
            let (code, told) = meant(calm, bad, more);
            assert!(code == 5 && told.contains(&format!(", not as expected (outcome: {bad})")), "{told}");
        }
        assert_eq!(meant("trouble: Defect, odds: 3", bad, more).0, 70);
        assert_eq!(meant("trouble: Violate, odds: 5", "Holds", more).0, 1);
        assert_eq!(meant("trouble: Calm", "Holds", more).0, 5, "a mark that is expected");
    }
}

/// Of two faults of one kind, one strikes nobody: that is told of a run and of a sweep, and the sweep fails if it had to strike.
#[test]
fn a_step_that_never_struck_is_told() {
    let desk = Desk::new();
    let cut = "At(time: \"100ms\", fault: Partition(OneWay(from: n1, to: Only)), name: \"to itself\")";
    let idle = "At(time: \"5ms\", fault: Partition(Groups([[n1], [n2]])), name: \"early\"), At(\"6ms\", Heal)";
    let told = |expect: &str, arguments: &[&str]| {
        let fields = format!("system: Toy(), faults: [{cut}, {idle}], expect: [{expect}]");
        desk.scenario("toy.ron", &fields);
        let done = desk.run(&[arguments, &["toy.ron"]].concat());
        (done.code.unwrap(), done.out)
    };
    let never = "\n      to itself never struck\n";
    let (code, text) = told("", &["run", "--seed", "1"]);
    assert!(code == 0 && text.contains(never) && text.contains("Partition  1 struck"), "{text}");
    let (code, text) = told("", &["sweep", "--seeds", "4"]);
    assert!(code == 0 && text.contains(never), "{text}");
    let (code, text) = told("Strikes(\"early\")", &["sweep", "--seeds", "4"]);
    assert!(code == 0 && text.contains(never), "{text}");
    let (code, text) = told("Strikes(\"to itself\"), Bites(\"early\")", &["sweep", "--seeds", "4"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("? holds in all 4 seeds, but never seen: that to itself strikes, that early bites\n"), "{text}");
    assert!(text.contains("\n    ✗ to itself never struck, but must\n    ✗ early never bit, but must\n"), "{text}");
    let (code, json) = told("Strikes(\"to itself\"), Bites(\"early\")", &["sweep", "--seeds", "4", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["never_seen"]), (5, &serde_json::json!(["Strikes(\"to itself\")", "Bites(\"early\")"])));
    assert_eq!(json["steps"][1], serde_json::json!({ "step": "early", "strikes": 4, "bites": 0 }));
}

/// Going on past other violations, a sweep comes to the one that is meant.
#[test]
fn a_sweep_may_look_for_what_is_meant() {
    let desk = Desk::new();
    let sweep = |seeds: &str, more: &[&str]| {
        let vote = scenario("raft/bugs/forgets-vote");
        stormglass(&desk, &[&["sweep", &vote, "--seeds", seeds, "--as-meant", "--format", "json"], more].concat())
    };
    let (code, out, _) = sweep("200", &["--keep-going"]);
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &summary["ended"]), (Some(0), &Value::from("violated")));
    let last = summary["failures"].as_array().unwrap().last().unwrap();
    let besides = last["besides"].as_array().unwrap().iter().map(|other| &other["property"]);
    assert!(besides.chain([&last["property"]]).any(|property| property == "election-safety"), "{last}");
    assert!(summary["seeds"].as_u64().unwrap() > 1, "others came first");
    assert_eq!(sweep("200", &[]).0, Some(1), "another property was violated first");
}

/// What is drawn holds, but the run does not: the page says so.
#[test]
fn the_page_of_a_run_shows_the_verdict_of_the_run() {
    let desk = Desk::new();
    let vote = scenario("raft/bugs/forgets-vote");
    let (_, out, _) = stormglass(&desk, &["run", &vote, "--seed", "1", "--format", "json", "--report", "page.html"]);
    let run: Value = serde_json::from_str(&out).unwrap();
    let verdict =
        |name: &str| run["properties"].as_array().unwrap().iter().find(|report| report["name"] == name).unwrap()["verdict"].clone();
    assert_eq!((verdict("linearizability"), verdict("persist-before-answer")), ("holds".into(), "violated".into()));
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    for told in
        ["<title>violated: ", "<p class=\"verdict violated\">", "<li class=\"violated\">", "<strong>linearizability</strong>", "<script>"]
    {
        assert!(page.contains(told), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_leaves_no_drafts() {
    if !crate::hears_interrupts() {
        return;
    }
    let desk = Desk::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.args(["run", &scenario("raft/leader-crash"), "--set", "duration=100000s", "--history", "saw.edn", "--report", "page.html"]);
    command.args(["--trace", "trace.jsonl"]).current_dir(desk.path("")).stdout(std::process::Stdio::piped());
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let trace = desk.path("trace.jsonl");
    super::wait_until(|| fs::metadata(&trace).is_ok_and(|file| file.len() > 0));
    super::interrupt(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let left: Vec<_> = fs::read_dir(desk.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["trace.jsonl"]);
}

/// What a node's code says through `tracing` stands in the log, between what is recorded before and after, and within a span.
#[test]
fn a_log_and_spans_are_written() {
    let desk = Desk::new();
    desk.scenario("toy.ron", "system: Toy(), outcome: Holds");
    let told = desk.expect(0, &["run", "toy.ron", "--seed", "3", "--log", "run.jsonl", "--spans", "spans.json"]);
    let plain = desk.expect(0, &["run", "toy.ron", "--seed", "3"]);
    assert_eq!(told.out, plain.out, "nothing of the run changes");
    let log = desk.lines("run.jsonl");
    let said: Vec<&Value> = log.iter().filter(|line| line["what"] == "event").collect();
    assert_eq!(said[0]["fields"]["asked"], "1", "{}", said[0]);
    for (place, line) in said.iter().enumerate() {
        assert_eq!((&line["text"], &line["node"], &line["level"]), (&"was asked".into(), &"n1".into(), &"INFO".into()));
        assert_eq!(line["fields"]["asked"], (place + 1).to_string());
    }
    let spans: Value = serde_json::from_str(&fs::read_to_string(desk.path("spans.json")).unwrap()).unwrap();
    let server =
        spans["resourceSpans"].as_array().unwrap().iter().find(|node| node["resource"]["attributes"][0]["value"]["stringValue"] == "n1");
    let handled: Vec<&Value> = server.unwrap()["scopeSpans"][0]["spans"].as_array().unwrap().iter().collect();
    let within = handled.iter().find(|span| span["spanId"] == said[0]["span_id"]).unwrap();
    assert_eq!((&within["name"], &within["events"][0]["name"]), (&"handle Ask".into(), &"event".into()), "{within}");
    assert_eq!(within["startTimeUnixNano"], said[0]["at_ns"].as_u64().unwrap().to_string());
    let asked = log.iter().filter(|line| line["what"] == "operation" && line["text"].as_str().unwrap().starts_with("Invoke")).count();
    assert!(said.len() > 3 && asked >= said.len(), "one for each request that came");
    let twice = desk.run(&["run", "toy.ron", "--seed", "3", "--log", "a", "--spans", "a"]);
    assert!(twice.code == Some(2) && twice.err.contains("is to be written twice"), "{}", twice.err);
}
