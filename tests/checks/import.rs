//! Files that others made, from their bytes to a verdict.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use stormglass::base::{RunKey, Stream};
use stormglass::check::consistency::Guarantee;
use stormglass::check::recorded::schema::Registers;
use stormglass::check::recorded::{Reading, import};
use stormglass::check::{CheckError, CheckOptions, CheckReport, Verdict, linearizability, run_check, run_check_again};
use stormglass::history::formats::{Entries, Format, Value, convert};
use stormglass::report::{history_json, history_text};

use crate::support;

fn judged(text: &str, model: &str, initial: Option<Value>) -> CheckReport {
    run_check(text.as_bytes(), model, &CheckOptions { initial, witness: true, ..CheckOptions::default() }).expect("a readable history")
}

fn converted(bytes: &[u8], to: Format) -> Vec<u8> {
    let mut written = Vec::new();
    let entries = Entries::open(bytes, None).expect("memory can be read");
    let converted = convert(entries, to, &mut written).expect("memory can be written");
    assert!(converted.problems.is_empty(), "{}", converted.problems);
    written
}

#[test]
fn every_recorded_history_gets_its_verdict_in_every_format() {
    let Some(folder) = support::recorded() else {
        println!("skipped: there are no recorded histories in ../shared/histories");
        return;
    };
    for (file, model, linearizable) in support::verdicts(&folder) {
        let bytes = std::fs::read(folder.join(&file)).expect("a readable file");
        let expected = if linearizable { Verdict::Holds } else { Verdict::Violated };
        let report = run_check(bytes.as_slice(), &model, &CheckOptions::default()).expect("a readable history");
        assert_eq!(report.verdict, expected, "{file}");
        assert_eq!(report.format, if model == "kv" { Format::Edn } else { Format::Log }, "{file}");
        for format in Format::ALL {
            let again = run_check(converted(&bytes, format).as_slice(), &model, &CheckOptions::default()).expect("a readable history");
            assert_eq!((again.verdict, again.operations, again.states), (expected, report.operations, report.states), "{file} as {format}");
        }
    }
}

#[test]
fn what_a_violation_looks_like() {
    let text = "\
{:process 0, :type :invoke, :f :put, :key \"a\", :value \"x\"}
{:process 0, :type :ok, :f :put, :key \"a\", :value \"x\"}
{:process :nemesis, :type :info, :f :start, :value nil}
{:process 1, :type :invoke, :f :append, :key \"a\", :value \"y\"}
{:process 0, :type :invoke, :f :get, :key \"a\", :value nil}
{:process 0, :type :ok, :f :get, :key \"a\", :value \"xy\"}
{:process 2, :type :invoke, :f :get, :key \"a\", :value nil}
{:process 2, :type :ok, :f :get, :key \"a\", :value \"x\"}
{:process 1, :type :info, :f :append, :key \"a\", :value \"y\"}
";
    expect![[r#"
        violated: kv is not linearizable on 1 key
          4 operations by 3 processes: 0 failed, 1 of unknown outcome · edn · 3 states explored

        key a: 2 of 4 operations are enough to see it; without any one of them there would be an order

          p0  ├write a = "x"┄┄ ├read a → "xy"┤
          p1   ├append a + "y"┄┄
          p2                                  ╞read a → "x"╡

          p2 read a → "x" fits in no order. The longest order that leads to it:
            p0 write a = "x", p1 append a + "y", p0 read a → "xy"
              then only "xy" could have been read

            p0 write a = "x"   lines 1 to 2  ┄ may take effect at any later time, or never
            p1 append a + "y"  lines 4 to 9  ┄ may take effect at any later time, or never
            p0 read a → "xy"   lines 5 to 6
            p2 read a → "x"    lines 7 to 8  ✗ fits in no order
          The other 2 operations, those marked ┄ among them, do not help, even if each update took effect at any time after it began, or never.
    "#]]
    .assert_eq(&history_text(&judged(text, "kv", None), false));
    expect![[r#"
        {
          "schema": 2,
          "model": "kv",
          "format": "edn",
          "guarantee": "linearizable",
          "verdict": "violated",
          "events": 9,
          "remarks": {
            "skipped_lines": 0,
            "late_events": 0,
            "late_by_ns": 0
          },
          "operations": 4,
          "clients": 3,
          "failed": 0,
          "unknown": 1,
          "states": 3,
          "detail": "key a: 2 of 4 operations are enough to see it; without any one of them there would be an order\n\n  p0  ├write a = \"x\"┄┄ ├read a → \"xy\"┤\n  p1   ├append a + \"y\"┄┄\n  p2                                  ╞read a → \"x\"╡\n\n  p2 read a → \"x\" fits in no order. The longest order that leads to it:\n    p0 write a = \"x\", p1 append a + \"y\", p0 read a → \"xy\"\n      then only \"xy\" could have been read\n\n    p0 write a = \"x\"   lines 1 to 2  ┄ may take effect at any later time, or never\n    p1 append a + \"y\"  lines 4 to 9  ┄ may take effect at any later time, or never\n    p0 read a → \"xy\"   lines 5 to 6\n    p2 read a → \"x\"    lines 7 to 8  ✗ fits in no order\n  The other 2 operations, those marked ┄ among them, do not help, even if each update took effect at any time after it began, or never.",
          "violations": [
            {
              "key": "a",
              "part": "key",
              "at_ns": null,
              "line": 8,
              "among": 4,
              "needed": 2,
              "minimal": true,
              "states": 162,
              "operations": [
                {
                  "index": 0,
                  "client": "p0",
                  "text": "write a = \"x\" → ?",
                  "invoked_ns": null,
                  "completed_ns": null,
                  "ending": "done",
                  "lines": [
                    1,
                    2
                  ],
                  "open": true
                },
                {
                  "index": 1,
                  "client": "p1",
                  "text": "append a + \"y\" → ?",
                  "invoked_ns": null,
                  "completed_ns": null,
                  "ending": "unknown",
                  "lines": [
                    4,
                    9
                  ],
                  "open": true
                },
                {
                  "index": 2,
                  "client": "p0",
                  "text": "read a → \"xy\"",
                  "invoked_ns": null,
                  "completed_ns": null,
                  "ending": "done",
                  "lines": [
                    5,
                    6
                  ],
                  "open": false
                },
                {
                  "index": 3,
                  "client": "p2",
                  "text": "read a → \"x\"",
                  "invoked_ns": null,
                  "completed_ns": null,
                  "ending": "done",
                  "lines": [
                    7,
                    8
                  ],
                  "open": false
                }
              ],
              "stuck": 3,
              "kind": "read",
              "saw": "other",
              "excess": null,
              "foremost": [
                0,
                1,
                2,
                3
              ],
              "attempts": [
                {
                  "skipped": 0,
                  "order": [
                    0,
                    1,
                    2
                  ],
                  "states": [
                    "holds \"x\"",
                    "holds \"xy\"",
                    "holds \"xy\""
                  ],
                  "expected": "only \"xy\" could have been read"
                }
              ],
              "sourceless": false
            }
          ],
          "undecided": [],
          "witness": null,
          "guarantees": [],
          "strongest": null
        }"#]].assert_eq(&format!("{:#}", history_json(&judged(text, "kv", None))));
}

fn complaint(text: &str, model: &str) -> String {
    match run_check(text.as_bytes(), model, &CheckOptions::default()) {
        Err(error @ CheckError::Import(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn complains(text: &str, model: &str, expected: &Expect) {
    expected.assert_eq(&complaint(text, model));
}

#[test]
fn every_line_that_does_not_fit_is_told() {
    complains(
        "\
{:process 0, :type :invoke, :f :wriet, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :ok, :f :read, :value 1}
{:process 2, :type :invoke, :f :cas, :value 5}
{:process 3, :type :invoke, :f :write, :value nil}
{:process 4, :type :invoke, :f :write, :value 4}
{:process 4, :type :invoke, :f :read}
{:process 4, :type :ok, :f :read, :value 4}
{:process 5, :type :invoke, :f :write, :value 5}
{:process 5, :type :ok, :f :write, :value 6}
{:process 6, :type :invoke, :f :read, :key 3}
",
        "cas-register",
        &expect![[r#"
            line 1: "wriet" is no operation of this model: there are read, write, cas (did you mean write?)
                process 0: invoke wriet 1
            line 3: process 1 ends something, but has begun nothing
                process 1: ok read 1
            line 4: expected what is expected and what is to be set, as in [1 2], found 5
                process 2: invoke cas 5
            line 5: expected a value to write, found nil
                process 3: invoke write nil
            line 7: process 4 is still busy with what it began on line 6 (one that gives up ends with :info first)
                process 4: invoke read nil
            line 10: it began with writing 5, and ends with having written 6
                process 5: ok write 6
            line 11: it is about key 3, but a register has no keys: choose the model kv
                process 6: invoke read nil
        "#]],
    );
    complains(
        "\
{\"process\":0,\"type\":\"invoke\",\"f\":\"get\",\"value\":null,\"time\":10}
{\"process\":1,\"type\":\"invoke\",\"f\":\"append\",\"key\":\"a\",\"value\":\"x\",\"time\":9}
{\"process\":2,\"type\":\"invoke\",\"f\":\"append\",\"key\":\"a\",\"value\":\"x\",\"time\":11}
{\"process\":3,\"type\":\"invoke\",\"f\":\"append\",\"key\":\"a\",\"value\":5,\"time\":11}
{\"process\":2,\"type\":\"ok\",\"f\":\"append\",\"key\":\"b\",\"value\":\"x\",\"time\":11}
",
        "kv",
        &expect![[r#"
            line 1: expected a key, as in :key "a" or :value ["a" …], found nil
                process 0: invoke get nil
            line 4: texts are appended elsewhere, but 5 is none
                process 3: invoke append 5
            line 5: it began with key a, and ends with key b
                process 2: ok append "x"
        "#]],
    );
    // What stood on a line that cannot be read may be what seems to be missing.
    complains(
        "{:process 0, :type :invoke, :f :read\n{:process 0, :type :ok, :f :read, :value 1}\n{:process 0, :type :ok, :f :reed}\n",
        "register",
        &expect![[r#"
            line 1, column 1: '}' is missing, or a value
                {:process 0, :type :invoke, :f :read
        "#]],
    );
    let error = run_check(&b""[..], "cas-registers", &CheckOptions::default()).expect_err("no such model");
    expect!["no model is called `cas-registers`: did you mean `cas-register`?"].assert_eq(&error.to_string());
}

/// Histories of the kind that Knossos' own tests hold, made anew: the verdict, and the line at which the operation ends that is to blame.
#[test]
fn the_operation_to_blame_is_the_one_that_knossos_would_name() {
    let cases: &[(&str, Option<i64>, Option<u64>, &str)] = &[
        (
            "a crashed write constrains nothing",
            Some(0),
            None,
            "{:process 0 :type :invoke :f :write :value 1}\n{:process 0 :type :info :f :write :value 1}\n\
             {:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value 0}\n",
        ),
        (
            "a read that nothing wrote, and indices that mean nothing",
            Some(0),
            Some(4),
            "[{:process 0 :type :invoke :f :write :value 1 :index 5}\n{:process 0 :type :ok :f :write :value 1 :index 7}\n\
             {:process 0 :type :invoke :f :read :value 2 :index 99}\n{:process 0 :type :ok :f :read :value 2 :index 100}]",
        ),
        (
            "a wrong initial value",
            Some(0),
            Some(2),
            "{:process 0 :type :invoke :f :read :value 1}\n{:process 0 :type :ok :f :read :value 1}\n",
        ),
        (
            "a read from nowhere beside a write, with a good read behind it",
            None,
            Some(5),
            "({:type :invoke, :f :write, :value 0, :process 0}\n {:type :ok, :f :write, :value 0, :process 0}\n\
             {:type :invoke, :f :read, :value nil, :process 1}\n {:type :invoke, :f :write, :value 4, :process 2}\n\
             {:type :ok, :f :read, :value 3, :process 1}\n {:type :ok, :f :write, :value 4, :process 2}\n\
             {:type :invoke, :f :read, :value nil, :process 3}\n {:type :ok, :f :read, :value 4, :process 3})\n",
        ),
        (
            "a failed write is not seen, and what failed is dropped before anything else",
            None,
            Some(4),
            "[{:type :invoke, :process 1, :f :read, :value nil}\n{:type :invoke, :process 101, :f :write, :value 3}\n\
             {:type :fail, :process 101, :f :write, :value 3, :error [:temporarily-unavailable nil]}\n{:type :ok, :process 1, :f :read, :value 3}]\n",
        ),
        (
            "reads of the old value beside a write, then another: a compare-and-set that crashed cannot bring it back",
            Some(0),
            Some(9),
            "{:process 72 :type :invoke :f :read}\n{:process 76 :type :invoke :f :write :value 2}\n{:process 72 :type :ok :f :read :value 0}\n\
             {:process 76 :type :ok :f :write :value 2}\n{:process 74 :type :invoke :f :cas :value [4 2]}\n\
             {:process 74 :type :fail :f :cas :value [4 2]}\n{:process 77 :type :invoke :f :cas :value [1 1]}\n\
             {:process 70 :type :invoke :f :read}\n{:process 70 :type :ok :f :read :value 0}\n{:process 77 :type :info :f :cas :value [1 1]}\n\
             {:process 71 :type :invoke :f :read}\n{:process 71 :type :ok :f :read :value 2}\n",
        ),
        (
            "but one that crashed and fits can, once",
            Some(0),
            Some(14),
            "{:process 1 :type :invoke :f :write :value 2}\n{:process 1 :type :ok :f :write :value 2}\n\
             {:process 2 :type :invoke :f :cas :value [2 0]}\n{:process 2 :type :info :f :cas :value [2 0]}\n\
             {:process 3 :type :invoke :f :read}\n{:process 3 :type :ok :f :read :value 2}\n\
             {:process 4 :type :invoke :f :read}\n{:process 4 :type :ok :f :read :value 0}\n\
             {:process 5 :type :invoke :f :cas :value [0 2]}\n{:process 5 :type :ok :f :cas :value [0 2]}\n\
             {:process 3 :type :invoke :f :read}\n{:process 4 :type :invoke :f :read}\n{:process 3 :type :ok :f :read :value 2}\n\
             {:process 4 :type :ok :f :read :value 0}\n",
        ),
    ];
    for (name, initial, blamed, text) in cases {
        let report = judged(text, "cas-register", initial.map(Value::Int));
        assert_eq!(
            report.explanation.violations.first().and_then(|finding| finding.line),
            *blamed,
            "{name}:\n{}",
            history_text(&report, false)
        );
        assert_eq!(report.verdict, if blamed.is_some() { Verdict::Violated } else { Verdict::Holds }, "{name}");
    }
}

/// An operation of a file that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// It saw this.
    Read(i64),
    Write(i64),
    Cas(i64, i64),
}

impl Action {
    /// What a register holds then that held this; nothing if that cannot be.
    fn applied(self, held: i64) -> Option<i64> {
        match self {
            Self::Read(seen) => (seen == held).then_some(held),
            Self::Write(value) => Some(value),
            Self::Cas(expected, value) => (expected == held).then_some(value),
        }
    }
}

/// An operation: the lines on which it begins and ends, how, and what it did.
#[derive(Clone, Copy, Debug)]
struct Made {
    process: u64,
    action: Action,
    begins: u64,
    ends: Option<(u64, &'static str)>,
}

/// What some clients do to a register that now and then lies. A process that crashed never comes back: another takes its place.
fn made_up(random: &mut Stream) -> Vec<Made> {
    let (clients, values, most) = (2 + random.below(4) as usize, 2 + random.below(3), 4 + random.below(12) as usize);
    let (crashes, lies) = (2 + random.below(8), 3 + random.below(12));
    let mut processes: Vec<u64> = (0..clients as u64).collect();
    let mut open: Vec<Option<(usize, bool)>> = vec![None; clients];
    let (mut made, mut held, mut line) = (Vec::<Made>::new(), 0, 0);
    while made.len() < most || open.iter().any(Option::is_some) && random.below(20) > 0 {
        let client = random.below(clients as u64) as usize;
        match open[client] {
            None if made.len() < most => {
                let action = match random.below(5) {
                    0 | 1 => Action::Read(0),
                    2 | 3 => Action::Write(random.below(values) as i64),
                    _ => Action::Cas(random.below(values) as i64, random.below(values) as i64),
                };
                line += 1;
                open[client] = Some((made.len(), false));
                made.push(Made { process: processes[client], action, begins: line, ends: None });
            }
            None => {}
            // It takes effect now, or its answer comes. A swap that was not possible fails, unless that is a lie; so may what took effect.
            Some((place, answered)) => {
                let action = &mut made[place].action;
                if let (Action::Read(seen), false) = (&mut *action, answered) {
                    *seen = if random.below(lies) == 0 { random.below(values) as i64 } else { held };
                }
                let done = answered || action.applied(held).is_some();
                held = if answered || random.below(lies) == 0 { held } else { action.applied(held).unwrap_or(held) };
                open[client] = Some((place, true));
                if random.below(2) == 0 {
                    let crashed = random.below(crashes) == 0;
                    let lied = random.below(lies) == 0;
                    let ending = if crashed {
                        "info"
                    } else if done != lied {
                        "ok"
                    } else {
                        "fail"
                    };
                    line += 1;
                    made[place].ends = Some((line, ending));
                    processes[client] += if crashed { clients as u64 } else { 0 };
                    open[client] = None;
                }
            }
        }
    }
    made
}

/// The file, as Jepsen would write it.
fn written(made: &[Made]) -> String {
    let line = |made: &Made, kind: &str| {
        let (f, value) = match made.action {
            Action::Read(seen) => ("read", if kind == "ok" { seen.to_string() } else { "nil".to_owned() }),
            Action::Write(value) => ("write", value.to_string()),
            Action::Cas(expected, value) => ("cas", format!("[{expected} {value}]")),
        };
        format!("{{:process {}, :type :{kind}, :f :{f}, :value {value}}}\n", made.process)
    };
    let begins = made.iter().map(|made| (made.begins, line(made, "invoke")));
    let ends = made.iter().filter_map(|made| made.ends.map(|(at, kind)| (at, line(made, kind))));
    let lines: BTreeMap<u64, String> = begins.chain(ends).collect();
    lines.into_values().collect()
}

/// What Knossos does, without haste: all that a register can hold after each line, with the open operations that took effect by then. The
/// line that leaves nothing is to blame.
fn blamed(made: &[Made]) -> Option<u64> {
    let mut ends: Vec<(u64, usize)> =
        (0..made.len()).filter_map(|place| made[place].ends.filter(|(_, kind)| *kind == "ok").map(|(at, _)| (at, place))).collect();
    ends.sort_unstable();
    let mut reached: BTreeSet<(i64, BTreeSet<usize>)> = [(0, BTreeSet::new())].into();
    for (line, ended) in ends {
        let mut left: Vec<_> = reached.iter().cloned().collect();
        while let Some((held, done)) = left.pop() {
            for (place, made) in made.iter().enumerate().filter(|(_, made)| made.begins < line) {
                // What ended well by now took effect then; what failed never does, and a read that crashed shows nothing.
                let open = match made.ends {
                    Some((end, "ok")) => end >= line,
                    Some((_, "fail")) => false,
                    _ => !matches!(made.action, Action::Read(_)),
                };
                if let (true, false, Some(next)) = (open, done.contains(&place), made.action.applied(held)) {
                    let more = (next, done.iter().copied().chain([place]).collect());
                    if reached.insert(more.clone()) {
                        left.push(more);
                    }
                }
            }
        }
        reached = reached.into_iter().filter_map(|(held, mut done)| done.remove(&ended).then_some((held, done))).collect();
        if reached.is_empty() {
            return Some(line);
        }
    }
    None
}

/// The operation that is named, on many files with compare-and-sets and crashes, by everything that names one.
fn the_right_operation_is_named(seeds: std::ops::Range<u64>) {
    let (count, mut violated) = (seeds.end - seeds.start, 0);
    for seed in seeds {
        let made = made_up(&mut RunKey::from_seed(seed).stream("blamed", 0));
        let (text, expected) = (written(&made), blamed(&made));
        let tell = || format!("seed {seed}: line {expected:?} is to blame\n{text}");
        let report = judged(&text, "cas-register", Some(Value::Int(0)));
        assert_eq!(
            report.explanation.violations.first().and_then(|finding| finding.line),
            expected,
            "{}{}",
            tell(),
            history_text(&report, false)
        );
        let options = CheckOptions { initial: Some(Value::Int(0)), whole: Some(seed % 8), ..CheckOptions::default() };
        let report = run_check_again(|| Ok(text.as_bytes()), "cas-register", &options).expect("a readable history");
        assert_eq!(
            report.explanation.violations.first().and_then(|finding| finding.line),
            expected,
            "while it is read, {}{}",
            tell(),
            history_text(&report, false)
        );
        let entries = Entries::open(text.as_bytes(), None).expect("memory can be read");
        let registers = Registers { initial: Some(Value::Int(0)), plain: false };
        let (model, recorded) = import(registers, entries, Reading::default()).expect("a readable history");
        let report = linearizability::check(&model, &recorded.history);
        let named = report.violations().first().map(|violation| linearizability::diagnose(&model, &recorded.history, violation));
        assert!(named.as_ref().is_none_or(|why| why.shortest), "{named:?} {}", tell());
        assert_eq!(named.and_then(|why| recorded.lines[why.operation].1), expected, "{}", tell());
        violated += u64::from(expected.is_some());
    }
    println!("{violated} of {count} violated");
    assert!(count / 5 < violated && violated < count * 4 / 5, "{violated} of {count} violated");
}

#[test]
fn the_operation_to_blame_is_the_first_that_cannot_be() {
    the_right_operation_is_named(0..4_000);
}

/// `cargo test --release --test checks import:: -- --ignored`
#[test]
#[ignore = "slow: more histories"]
fn the_operation_to_blame_is_the_first_that_cannot_be_at_length() {
    the_right_operation_is_named(0..100_000);
}

#[test]
fn a_failed_compare_and_set_can_count_as_an_observation() {
    let text = "{:process 0 :type :invoke :f :cas :value [0 1]}\n{:process 0 :type :fail :f :cas :value [0 1]}\n";
    let store = text.replace(":f :cas", ":f :cas :key 7");
    for (text, model) in [(text, "cas-register"), (store.as_str(), "kv")] {
        for (observe_failures, verdict) in [(false, Verdict::Unknown), (true, Verdict::Violated)] {
            let reading = Reading { observe_failures, ..Reading::default() };
            let options = CheckOptions { initial: Some(Value::Int(0)), reading, ..CheckOptions::default() };
            assert_eq!(run_check(text.as_bytes(), model, &options).expect("a history").verdict, verdict, "{model} {observe_failures}");
        }
    }
}

/// In our own lines, equal times are what they are: nobody knows which came first, unless one process did both. Elsewhere, the order of
/// lines is what counts, and is chosen to say the same.
#[test]
fn ties_are_ties_only_where_they_were_meant() {
    let file = |reader: u32, begins: &str, ends: &str| {
        format!(
            "{{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":1,\"time\":1}}\n\
             {{\"process\":0,\"type\":\"ok\",\"f\":\"write\",\"value\":1{ends}}}\n\
             {{\"process\":{reader},\"type\":\"invoke\",\"f\":\"read\",\"value\":null{begins}}}\n\
             {{\"process\":{reader},\"type\":\"ok\",\"f\":\"read\",\"value\":null,\"time\":3}}\n"
        )
    };
    let (tied, later) = (",\"time\":2", ",\"time\":3");
    for (text, expected, what) in [
        (file(1, tied, tied), Verdict::Holds, "a tie"),
        (file(1, later, tied), Verdict::Violated, "one after the other"),
        (file(0, tied, tied), Verdict::Violated, "a tie of one process"),
        (file(1, "", tied), Verdict::Violated, "a line without a time comes after those before"),
        (file(1, "", ""), Verdict::Violated, "lines without times, too"),
    ] {
        assert_eq!(judged(&text, "register", None).verdict, expected, "{what}");
        let options = CheckOptions { whole: Some(0), ..CheckOptions::default() };
        let streamed = run_check_again(|| Ok(text.as_bytes()), "register", &options).expect("a readable history");
        assert_eq!(streamed.verdict, expected, "{what}, while it is read");
        for format in [Format::Edn, Format::Log] {
            let elsewhere = String::from_utf8(converted(text.as_bytes(), format)).expect("text");
            assert_eq!(judged(&elsewhere, "register", None).verdict, expected, "{what}, as {format}:\n{elsewhere}");
        }
    }
}

#[test]
fn keys_and_values_of_any_kind() {
    let text = "{:process 0 :type :invoke :f :append :value [:a 1]}\n{:process 0 :type :ok :f :append :value [:a 1]}\n\
                {:process 0 :type :invoke :f :append :value [:a \"x\"]}\n{:process 0 :type :ok :f :append :value [:a \"x\"]}\n\
                {:process 0 :type :invoke :f :get :value [:a nil]}\n{:process 0 :type :ok :f :get :value [:a [1 \"x\"]]}\n\
                {:process 0 :type :invoke :f :get :value [\":a\" nil]}\n{:process 0 :type :ok :f :get :value [\":a\" nil]}\n";
    let report = judged(text, "kv", None);
    assert_eq!(report.verdict, Verdict::Holds, "{}", history_text(&report, false));
    assert_eq!(report.witness.map(|steps| steps.len()), Some(4));
}

#[test]
fn weaker_guarantees_are_judged_and_named() {
    let text = "\
{:process 0 :type :invoke :f :put :key :x :value 1}
{:process 0 :type :ok :f :put :key :x :value 1}
{:process 1 :type :invoke :f :get :key :x}
{:process 1 :type :ok :f :get :key :x :value nil}
{:process 2 :type :invoke :f :get :key :x}
{:process 2 :type :ok :f :get :key :x :value 1}
{:process 2 :type :invoke :f :put :key :y :value 2}
{:process 2 :type :ok :f :put :key :y :value 2}
{:process 1 :type :invoke :f :get :key :y}
{:process 1 :type :ok :f :get :key :y :value 2}
{:process 1 :type :invoke :f :get :key :x}
{:process 1 :type :ok :f :get :key :x :value nil}
";
    let options = CheckOptions { guarantee: Guarantee::Causal, strongest: true, ..CheckOptions::default() };
    let report = run_check(text.as_bytes(), "kv", &options).expect("a history");
    assert_eq!(report.verdict, Verdict::Violated);
    expect![[r#"
        violated: kv does not keep the guarantee causal
          6 operations by 3 processes: 0 failed, 0 of unknown outcome · edn · 6 states explored

          linearizable         violated: no order of :x (see lines 1, 3)
          sequential           violated: it is not even causal; read :x → nothing saw less than it had to: write :x = 1 was known there (see lines 1, 11)
          causal               violated: read :x → nothing saw less than it had to: write :x = 1 was known there (see lines 1, 11)
          monotonic-writes     holds
          writes-follow-reads  violated: read :x → nothing saw less than it had to: write :x = 1 was known there (see lines 1, 11)
          monotonic-reads      holds
          read-your-writes     holds
          the strongest that holds: monotonic-writes and read-your-writes
    "#]].assert_eq(&history_text(&report, false));
    let prefix: String = text.lines().take(10).map(|line| format!("{line}\n")).collect();
    let options = CheckOptions { guarantee: Guarantee::Sequential, ..CheckOptions::default() };
    let report = run_check(prefix.as_bytes(), "kv", &options).expect("a history");
    assert_eq!(report.verdict, Verdict::Holds, "{}", history_text(&report, false));
    assert_eq!(history_json(&report)["guarantees"][0]["guarantee"], "sequential");
}

#[test]
fn what_cannot_be_judged_is_refused() {
    complains(
        "",
        "register",
        &expect![[r#"
            line 1: there is no operation in it
        "#]],
    );
    complains(
        "\
{\"process\":\"0\",\"type\":\"invoke\",\"f\":\"write\",\"value\":1}
{\"process\":\"0\",\"type\":\"ok\",\"f\":\"write\",\"value\":1}
",
        "register",
        &expect![[r#"
            line 1: no client did anything: processes that are no numbers, such as "0", are skipped, and so were all 2 entries
        "#]],
    );
    complains(
        "\
{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :read, :value 1}
",
        "register",
        &expect![[r#"
            line 2: process 0 ends read, but what it began on line 1 is write
                process 0: ok read 1
        "#]],
    );
    complains(
        "\
{:process 0, :type :invoke, :f :insert, :value 10.5}
{:process 0, :type :ok, :f :insert}
{:process 0, :type :invoke, :f :insert, :value [\"a\" 1/3]}
",
        "priority-queue",
        &expect![[r#"
            line 1: 10.5 cannot be put in order: of numbers, only whole ones of 64 bits can
                process 0: invoke insert 10.5
            line 3: 1/3 cannot be put in order: of numbers, only whole ones of 64 bits can
                process 0: invoke insert ["a" 1/3]
        "#]],
    );
}

/// Only in JSON can two events be at one instant; what is concurrent there stays so in other formats, and what is in order elsewhere stays
/// so in JSON.
#[test]
fn ties_survive_conversion() {
    let line = |process: u32, kind: &str, f: &str, value: &str, time: u64| {
        format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value},\"time\":{time}}}\n")
    };
    // The write ends when the read begins, which does not see it.
    let json = [
        line(0, "invoke", "write", "1", 1),
        line(0, "ok", "write", "1", 5),
        line(1, "invoke", "read", "null", 5),
        line(1, "ok", "read", "null", 7),
    ]
    .concat();
    assert_eq!(judged(&json, "register", None).verdict, Verdict::Holds);
    for format in Format::ALL {
        let other = converted(json.as_bytes(), format);
        let verdict = |bytes: &[u8]| run_check(bytes, "register", &CheckOptions::default()).expect("a readable history").verdict;
        assert_eq!(verdict(&other), Verdict::Holds, "{format}");
    }
    // The same lines in EDN are in order, whatever their times.
    let edn = "\
{:process 0, :type :invoke, :f :write, :value 1, :time 1}
{:process 0, :type :ok, :f :write, :value 1, :time 5}
{:process 1, :type :invoke, :f :read, :value nil, :time 5}
{:process 1, :type :ok, :f :read, :value nil, :time 7}
";
    for format in Format::ALL {
        let other = String::from_utf8(converted(edn.as_bytes(), format)).expect("text");
        assert_eq!(judged(&other, "register", None).verdict, Verdict::Violated, "{format}");
    }
    // A client that goes on at once, while others are busy at the same instant.
    let more =
        [json.as_str(), &line(0, "invoke", "read", "null", 7), &line(0, "ok", "read", "1", 7), &line(0, "invoke", "read", "null", 7)]
            .concat();
    let problems =
        convert(Entries::open(more.as_bytes(), None).expect("memory can be read"), Format::Edn, Vec::new()).expect("memory").problems;
    expect![[r#"
        line 7: its process ends one thing and begins another while others begin or end something at the same time: only json can say that nobody knows which came first
            {:process 0, :type :invoke, :f :read, :value nil, :time 7}
    "#]].assert_eq(&problems.to_string());
    let unsorted = [line(0, "invoke", "read", "null", 7), line(0, "ok", "read", "1", 6)].concat();
    let problems =
        convert(Entries::open(unsorted.as_bytes(), None).expect("memory can be read"), Format::Json, Vec::new()).expect("memory").problems;
    expect![""].assert_eq(&problems.to_string());
}

/// An item that came from nowhere, among many that were put in at once: the other items do not matter.
#[test]
fn what_came_from_nowhere_is_told_alone() {
    for (model, put, take) in [("queue", "enqueue", "dequeue"), ("stack", "push", "pop"), ("priority-queue", "insert", "take-least")] {
        let mut text = String::new();
        (0..40).for_each(|process| text += &format!("{{:process {process}, :type :invoke, :f :{put}, :value {process}}}\n"));
        (0..40).for_each(|process| text += &format!("{{:process {process}, :type :ok, :f :{put}}}\n"));
        text += &format!("{{:process 0, :type :invoke, :f :{take}}}\n{{:process 0, :type :ok, :f :{take}, :value 99}}\n");
        let report = judged(&text, model, None);
        assert_eq!(report.verdict, Verdict::Violated, "{model}");
        let text = history_text(&report, false);
        assert!(report.explanation.violations[0].minimal && text.contains("1 of 41 operations is enough to see it"), "{model}: {text}");
    }
}

/// A compare-and-set of unknown outcome need not have happened, though somebody saw what it would have written.
#[test]
fn what_may_not_have_happened_violates_nothing() {
    let text = "\
{:process 0, :type :invoke, :f :write, :value 3}
{:process 0, :type :ok, :f :write, :value 3}
{:process 0, :type :invoke, :f :cas, :value [2 3]}
{:process 0, :type :info, :f :cas, :value [2 3]}
{:process 1, :type :invoke, :f :read}
{:process 1, :type :ok, :f :read, :value 3}
";
    let kept = |text: &str, guarantee| {
        let options = CheckOptions { guarantee, ..CheckOptions::default() };
        run_check(text.as_bytes(), "cas-register", &options).expect("a readable history").verdict
    };
    assert_eq!(kept(text, Guarantee::Sequential), Verdict::Holds);
    assert_eq!(kept(text, Guarantee::Causal), Verdict::Holds, "it is linearizable");
    // Nobody else wrote what was seen: it did happen, and saw what nobody wrote.
    let alone = text.lines().skip(2).fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(kept(&alone, Guarantee::Causal), Verdict::Violated);
}
