//! Files that others made, from their bytes to a verdict.

mod support;

use expect_test::{Expect, expect};
use stormglass::check::guarantee::Guarantee;
use stormglass::check::{CheckError, CheckOptions, CheckReport, Verdict, run_check};
use stormglass::history::formats::{Entries, Format, Value, convert};

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
    .assert_eq(&judged(text, "kv", None).text());
    expect![[r#"
        {
          "schema": 1,
          "model": "kv",
          "format": "edn",
          "guarantee": "linearizable",
          "verdict": "violated",
          "events": 9,
          "operations": 4,
          "clients": 3,
          "failed": 0,
          "unknown": 1,
          "states": 3,
          "violations": [
            {
              "key": "a",
              "line": 8,
              "core": [
                {
                  "process": 0,
                  "text": "write a = \"x\" → ?",
                  "lines": [
                    1,
                    2
                  ],
                  "open": true,
                  "stuck": false
                },
                {
                  "process": 1,
                  "text": "append a + \"y\" → ?",
                  "lines": [
                    4,
                    9
                  ],
                  "open": true,
                  "stuck": false
                },
                {
                  "process": 0,
                  "text": "read a → \"xy\"",
                  "lines": [
                    5,
                    6
                  ],
                  "open": false,
                  "stuck": false
                },
                {
                  "process": 2,
                  "text": "read a → \"x\"",
                  "lines": [
                    7,
                    8
                  ],
                  "open": false,
                  "stuck": true
                }
              ],
              "minimal": true,
              "expected": [
                "only \"xy\" could have been read"
              ],
              "text": "key a: 2 of 4 operations are enough to see it; without any one of them there would be an order\n\n  p0  ├write a = \"x\"┄┄ ├read a → \"xy\"┤\n  p1   ├append a + \"y\"┄┄\n  p2                                  ╞read a → \"x\"╡\n\n  p2 read a → \"x\" fits in no order. The longest order that leads to it:\n    p0 write a = \"x\", p1 append a + \"y\", p0 read a → \"xy\"\n      then only \"xy\" could have been read\n\n    p0 write a = \"x\"   lines 1 to 2  ┄ may take effect at any later time, or never\n    p1 append a + \"y\"  lines 4 to 9  ┄ may take effect at any later time, or never\n    p0 read a → \"xy\"   lines 5 to 6\n    p2 read a → \"x\"    lines 7 to 8  ✗ fits in no order\n  The other 2 operations, those marked ┄ among them, do not help, even if each update took effect at any time after it began, or never.\n"
            }
          ],
          "undecided": [],
          "witness": null,
          "guarantees": [],
          "strongest": null
        }"#]].assert_eq(&format!("{:#}", judged(text, "kv", None).json()));
}

fn complaint(text: &str, model: &str) -> String {
    match run_check(text.as_bytes(), model, &CheckOptions::default()) {
        Err(error @ CheckError::Intake(_)) => error.to_string(),
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
            line 7: process 4 is still busy with what it began on line 6: one that gives up ends with :info first
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
            line 2: its time, 9, is before that of the line above, 10: events are recorded in order
                process 1: invoke append "x"
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
            "{:process 0 :type :invoke :f :write :value 1}\n{:process 0 :type :info :f :write :value 1}\n",
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
        assert_eq!(report.findings.first().map(|finding| finding.line), *blamed, "{name}:\n{}", report.text());
        assert_eq!(report.verdict, if blamed.is_some() { Verdict::Violated } else { Verdict::Holds }, "{name}");
    }
}

#[test]
fn a_failed_compare_and_set_can_count_as_an_observation() {
    let text = "{:process 0 :type :invoke :f :cas :value [0 1]}\n{:process 0 :type :fail :f :cas :value [0 1]}\n";
    let store = text.replace(":f :cas", ":f :cas :key 7");
    for (text, model) in [(text, "cas-register"), (store.as_str(), "kv")] {
        for (observe_failures, verdict) in [(false, Verdict::Holds), (true, Verdict::Violated)] {
            let options = CheckOptions { initial: Some(Value::Int(0)), observe_failures, ..CheckOptions::default() };
            assert_eq!(run_check(text.as_bytes(), model, &options).expect("a history").verdict, verdict, "{model} {observe_failures}");
        }
    }
}

/// In our own lines, equal times are what they are: nobody knows which came first. Elsewhere, the order of lines is what counts.
#[test]
fn ties_are_ties_only_where_they_were_meant() {
    let json = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":1,\"time\":1}\n{\"process\":0,\"type\":\"ok\",\"f\":\"write\",\"value\":1,\"time\":2}\n\
                {\"process\":1,\"type\":\"invoke\",\"f\":\"read\",\"value\":null,\"time\":2}\n{\"process\":1,\"type\":\"ok\",\"f\":\"read\",\"value\":null,\"time\":3}\n";
    assert_eq!(judged(json, "register", None).verdict, Verdict::Holds);
    let edn = String::from_utf8(converted(json.as_bytes(), Format::Edn)).expect("text");
    assert_eq!(judged(&edn, "register", None).verdict, Verdict::Violated);
}

#[test]
fn keys_and_values_of_any_kind() {
    let text = "{:process 0 :type :invoke :f :append :value [:a 1]}\n{:process 0 :type :ok :f :append :value [:a 1]}\n\
                {:process 0 :type :invoke :f :append :value [:a \"x\"]}\n{:process 0 :type :ok :f :append :value [:a \"x\"]}\n\
                {:process 0 :type :invoke :f :get :value [:a nil]}\n{:process 0 :type :ok :f :get :value [:a [1 \"x\"]]}\n\
                {:process 0 :type :invoke :f :get :value [\":a\" nil]}\n{:process 0 :type :ok :f :get :value [\":a\" nil]}\n";
    let report = judged(text, "kv", None);
    assert_eq!(report.verdict, Verdict::Holds, "{}", report.text());
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
          sequential           violated: it is not even causal: read :x → nothing saw less than it had to: write :x = 1 was known there (see lines 1, 11)
          causal               violated: read :x → nothing saw less than it had to: write :x = 1 was known there (see lines 1, 11)
          monotonic-writes     holds
          writes-follow-reads  violated: read :x → nothing saw less than it had to: write :x = 1 was known there (see lines 1, 11)
          monotonic-reads      holds
          read-your-writes     holds
          the strongest that holds: monotonic-writes and read-your-writes
    "#]].assert_eq(&report.text());
    let prefix: String = text.lines().take(10).map(|line| format!("{line}\n")).collect();
    let options = CheckOptions { guarantee: Guarantee::Sequential, ..CheckOptions::default() };
    let report = run_check(prefix.as_bytes(), "kv", &options).expect("a history");
    assert_eq!(report.verdict, Verdict::Holds, "{}", report.text());
    assert_eq!(report.json()["guarantees"][0]["guarantee"], "sequential");
}
