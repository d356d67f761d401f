//! `check` and `convert`: recorded histories.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use expect_test::{Expect, expect};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{Desk, Done, done};

/// A stale read of a register.
const STALE: &str = "\
{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 0, :type :invoke, :f :write, :value 2}
{:process 0, :type :ok, :f :write, :value 2}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 1}
";

fn desk(files: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    for (name, text) in files {
        fs::write(desk.path(name), text).unwrap();
    }
    desk
}

fn check(found: &str, expected: Expect) {
    expected.assert_eq(found);
}

/// The events of one client after another: `f value → value`, each over before the next begins.
fn sequence(steps: &[(&str, &str, &str)]) -> String {
    let event = |kind: &str, f: &str, value: &str| format!("{{:process 0, :type :{kind}, :f :{f}, :value {value}}}\n");
    steps.iter().map(|(f, asked, answer)| event("invoke", f, asked) + &event("ok", f, answer)).collect()
}

#[test]
fn a_history_that_is_violated() {
    let desk = desk(&[("stale.edn", STALE)]);
    check(
        &desk.expect(1, &["check", "stale.edn", "--model", "register"]).out,
        expect![[r#"
        violated: register is not linearizable
          3 operations by 2 processes: 0 failed, 0 of unknown outcome · edn · 3 states explored

        its 3 operations are enough to see it; without any one of them there would be an order

          p0  ├write 1┤ ├write 2┤
          p1                     ╞read → 1╡

          p1 read → 1 fits in no order. The longest order that leads to it:
            p0 write 1, p0 write 2
              then only 2 could have been read

            p0 write 1   lines 1 to 2
            p0 write 2   lines 3 to 4
            p1 read → 1  lines 5 to 6  ✗ fits in no order
    "#]],
    );
    let report = desk.json(1, &["check", "stale.edn", "--model", "register", "--format", "json"]);
    assert_eq!((&report["verdict"], &report["violations"][0]["line"]), (&Value::from("violated"), &Value::from(6)));
}

/// The verdict alone: as soon as it is known, with a line by which there is no order any more.
#[test]
fn a_verdict_without_an_explanation() {
    let desk = desk(&[("stale.edn", STALE)]);
    let asked = ["check", "stale.edn", "--model", "register", "--no-explain"];
    check(
        &desk.expect(1, &asked).out,
        expect![[r#"
        violated: register is not linearizable
          3 operations by 2 processes: 0 failed, 0 of unknown outcome · edn · 3 states explored

        the object: what ends by line 6 has no order; it was not explained why
    "#]],
    );
    let json: Value = serde_json::from_str(&desk.expect(1, &[&asked[..], &["--format", "json"]].concat()).out).unwrap();
    assert_eq!((&json["verdict"], &json["violations"][0]["line"]), (&"violated".into(), &6.into()), "{json}");
    let refused = desk.expect(2, &[&asked[..], &["--full"]].concat()).err;
    assert!(refused.contains("--no-explain"), "{refused}");
}

#[test]
fn a_history_that_holds() {
    let desk = desk(&[("calm.edn", &sequence(&[("write", "1", "1"), ("read", "nil", "1")]))]);
    check(
        &desk.expect(0, &["check", "calm.edn", "--model", "cas-register"]).out,
        expect![[r#"
        holds: cas-register is linearizable
          2 operations by 1 process: 0 failed, 0 of unknown outcome · edn · 2 states explored
    "#]],
    );
    check(
        &desk.expect(0, &["check", "calm.edn", "--model", "cas-register", "--witness"]).out,
        expect![[r#"
        holds: cas-register is linearizable
          2 operations by 1 process: 0 failed, 0 of unknown outcome · edn · 2 states explored

        an order that explains every answer:
              1. p0 write 1  (line 1)
              2. p0 read → 1  (line 3)
    "#]],
    );
}

/// Compare-and-sets that all overlap, and a read that none of them explains.
fn hard() -> String {
    let event =
        |process: i32, kind: &str, f: &str, value: &str| format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n");
    let swap = |process: i32| format!("[{} {}]", process % 3, (process + 1) % 3);
    let begun: String = (1..13).map(|process| event(process, "invoke", "cas", &swap(process))).collect();
    let ended: String = (1..13).map(|process| event(process, "ok", "cas", &swap(process))).collect();
    begun + &ended + &event(0, "invoke", "read", "nil") + &event(0, "ok", "read", "2")
}

#[test]
fn a_budget_that_is_too_small() {
    let desk = desk(&[("hard.edn", &hard())]);
    let budget = ["check", "hard.edn", "--model", "cas-register", "--initial", "0", "--budget", "1"];
    check(
        &desk.expect(4, &budget).out,
        expect![[r#"
            unknown: the search ended before it was decided whether cas-register is linearizable
              13 operations by 13 processes: 0 failed, 0 of unknown outcome · edn · 1 state explored

              the object: 1 state explored; it got as far as line 13, with 12 operations under way and 0 of unknown outcome before
              a larger budget would help; so would fewer operations at once, or fewer of unknown outcome
        "#]],
    );
    desk.expect(1, &budget[..6]);
}

#[test]
fn guarantees() {
    let desk = desk(&[("stale.edn", STALE)]);
    check(
        &desk.expect(0, &["check", "stale.edn", "--model", "register", "--guarantee", "sequential"]).out,
        expect![[r#"
        holds: register keeps the guarantee sequential
          3 operations by 2 processes: 0 failed, 0 of unknown outcome · edn · 2 states explored

          sequential           holds
    "#]],
    );
    let out = desk.expect(1, &["check", "stale.edn", "--model", "register", "--guarantee", "strongest"]).out;
    assert!(out.ends_with("  the strongest that holds: sequential\n"), "{out}");
    let done = desk.expect(2, &["check", "stale.edn", "--model", "register", "--guarantee", "causl"]);
    assert!(done.err.contains("did you mean causal?"), "{}", done.err);
    desk.expect(2, &["check", "stale.edn", "--model", "register", "--guarantee", "causal", "--witness"]);
}

#[test]
fn every_model_judges_a_file() {
    for (model, steps, wrong) in [
        ("register", &[("write", "1", "1"), ("read", "nil", "1")][..], ("read", "nil", "2")),
        ("cas-register", &[("write", "1", "nil"), ("cas", "[1 2]", "[1 2]"), ("cas", "[1 3]", "false")], ("read", "nil", "3")),
        ("kv", &[("put", "[\"a\" 1]", "nil"), ("get", "\"a\"", "[\"a\" 1]"), ("delete", "\"a\"", "nil")], ("get", "\"a\"", "1")),
        ("counter", &[("add", "2", "nil"), ("add-and-get", "-3", "-1")], ("read", "nil", "1")),
        ("set", &[("add", "1", "false"), ("contains", "1", "[1 true]"), ("remove", "1", "1")], ("contains", "1", "true")),
        ("grow-set", &[("add", "1", "1"), ("read", "nil", "#{1}")], ("read", "nil", "[1 2]")),
        ("queue", &[("enqueue", "1", "1"), ("enqueue", "2", "nil"), ("dequeue", "nil", "1")], ("dequeue", "nil", "nil")),
        ("stack", &[("push", "1", "1"), ("push", "2", "nil"), ("pop", "nil", "2")], ("pop", "nil", "nil")),
        ("priority-queue", &[("insert", "2", "2"), ("insert", "1", "nil"), ("take-least", "nil", "1")], ("take-least", "nil", "nil")),
        ("lock", &[("acquire", "nil", "nil"), ("acquire", "\"b\"", "false"), ("release", "nil", "true")], ("release", "nil", "nil")),
        ("fenced-lock", &[("acquire", "nil", "3"), ("release", "nil", "nil"), ("acquire", "7", "4")], ("acquire", "nil", "5")),
        ("log", &[("append", "1", "[0 1]"), ("append", "2", "2"), ("read", "1", "[2]"), ("read", "[0 1]", "[1]")], ("read", "nil", "[2]")),
    ] {
        let broken = [steps, &[wrong]].concat();
        let desk = desk(&[("good.edn", &sequence(steps)), ("bad.edn", &sequence(&broken))]);
        desk.expect(0, &["check", "good.edn", "--model", model]);
        let done = desk.expect(1, &["check", "bad.edn", "--model", model]);
        assert!(done.out.starts_with(&format!("violated: {model} is not linearizable")), "{}", done.out);
        let answers = format!(
            "{{:process 0, :type :invoke, :f :{}, :value {}}}\n{{:process 0, :type :ok, :f :{}, :value {{:no 1}}}}\n",
            steps[0].0, steps[0].1, steps[0].0
        );
        fs::write(desk.path("odd.edn"), answers).unwrap();
        let done = desk.expect(3, &["check", "odd.edn", "--model", model]);
        assert!(done.err.contains("odd.edn:2:1"), "{}", done.err);
    }
}

#[test]
fn what_an_object_holds_at_first() {
    let desk = desk(&[("read.edn", &sequence(&[("read", "nil", "7")]))]);
    for model in ["register", "counter"] {
        desk.expect(1, &["check", "read.edn", "--model", model]);
        desk.expect(0, &["check", "read.edn", "--model", model, "--initial", "7"]);
    }
    for (model, initial) in [("counter", "seven"), ("queue", "7"), ("register", "[")] {
        let done = desk.expect(2, &["check", "read.edn", "--model", model, "--initial", initial]);
        assert!(done.err.starts_with("error: ") && done.err.contains("--initial"), "{}", done.err);
    }
}

#[test]
fn a_failed_compare_and_set_may_count() {
    let text = STALE.lines().take(4).map(|line| format!("{line}\n")).collect::<String>()
        + "{:process 1, :type :invoke, :f :cas, :value [2 3]}\n{:process 1, :type :fail, :f :cas, :value [2 3]}\n";
    let desk = desk(&[("cas.edn", &text)]);
    desk.expect(0, &["check", "cas.edn", "--model", "cas-register"]);
    desk.expect(1, &["check", "cas.edn", "--model", "cas-register", "--observe-failed-cas"]);
}

#[test]
fn everything_that_is_wrong_with_a_file() {
    let text = "\
{:process 0, :type :invoke, :f :wriet, :value 1}
{:process 1, :type :ok, :f :read, :value 1}
  {:process 1, :type :oj, :f :read, :value 1}
{:process 2, :type :invoke
";
    let desk = desk(&[("bad.edn", text), ("log.log", "nothing of the kind\n")]);
    check(
        &desk.expect(3, &["check", "bad.edn", "--model", "register"]).err,
        expect![[r#"
        error: "wriet" is no operation of this model: there are read, write
         --> bad.edn:1:1
          |
        1 | process 0: invoke wriet 1
          | ^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: did you mean write?

        error: process 1 ends something, but has begun nothing
         --> bad.edn:2:1
          |
        2 | process 1: ok read 1
          | ^^^^^^^^^^^^^^^^^^^^

        error: :oj is no type of event: there are invoke, ok, fail and info
         --> bad.edn:3:20
          |
        3 | {:process 1, :type :oj, :f :read, :value 1}
          |                    ^
          |
          = help: did you mean ok?

        error: '}' is missing
         --> bad.edn:4:1
          |
        4 | {:process 2, :type :invoke
          | ^
    "#]],
    );
    check(
        &desk.expect(3, &["check", "log.log", "--model", "register"]).err,
        expect![[r#"
        error: expected an event, as in INFO  jepsen.util - 3 :invoke :write 4
         --> log.log:1:1
          |
        1 | nothing of the kind
          | ^
    "#]],
    );
    let done = desk.expect(2, &["check", "bad.edn", "--model", "regster"]);
    assert!(done.err.contains("no model is called `regster`: did you mean `register`?"), "{}", done.err);
    for (arguments, code) in [
        (&["check", "absent.edn", "--model", "register"][..], 74),
        (&["check", ".", "--model", "register"], 74),
        (&["check", "bad.edn"], 2),
        (&["check", "--model", "register"], 2),
        (&["check", "-", "-", "--model", "register"], 2),
        (&["check", "bad.edn", "--model", "register", "--input-format", "xml"], 2),
        (&["check", "bad.edn", "--model", "register", "--input-format", "log"], 3),
        (&["convert", "bad.edn", "--to", "json"], 3),
        (&["convert", "absent.edn", "--to", "json"], 74),
        (&["convert", "log.log", "--to", "json", "-o", "no/such/folder"], 74),
        (&["convert", "log.log", "--to", "json", "-o", "log.log"], 2),
        (&["convert", "bad.edn"], 2),
    ] {
        let done = desk.expect(code, arguments);
        assert!(done.err.starts_with("error: "), "{arguments:?}: {}", done.err);
    }
}

/// What is damaged, too large, too much, or not what it was said to be: each has its line, and nothing panics.
#[test]
fn files_that_nobody_meant_to_write() {
    let wrong = "{:process 9, :type :oj, :f :read}\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    packed.write_all((wrong.to_owned() + &STALE.repeat(100)).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let event = |kind: &str, time: &str| format!("{{\"process\":0,\"type\":\"{kind}\",\"f\":\"write\",\"value\":1,\"time\":{time}}}\n");
    let late = event("invoke", "9223372036854775807") + &event("ok", "9223372036854775807").replace(",\"time\":9223372036854775807", "");
    let desk = desk(&[
        ("many.edn", &wrong.repeat(100_000)),
        ("open.edn", &format!("\n[{STALE}")),
        ("marked.edn", &format!("\u{feff}{STALE}")),
        ("late.json", &late),
        ("later.json", &(event("invoke", "18446744073709551615") + &event("ok", "18446744073709551615"))),
        ("early.json", &event("invoke", "-5")),
        ("crlf.edn", &STALE.replace('\n', "\r\n")),
    ]);
    fs::write(desk.path("cut.gz"), &packed[..1000]).unwrap();
    fs::write(desk.path("noise.gz"), b"\x1f\x8bno, this is not what gzip writes").unwrap();
    fs::write(desk.path("latin.edn"), b"{:process 0, :type :invoke, :f :write, :value \"\xe9\"}\n").unwrap();
    fs::write(desk.path("long.bin"), vec![0xff; 2_000_000]).unwrap();
    for (file, code, tells) in [
        ("cut.gz", 3, &["cut.gz:1:20", "did you mean ok?", "what gzip has packed is broken here, or was cut short", "cut.gz:22:1"][..]),
        ("noise.gz", 3, &["what gzip has packed is broken here", "noise.gz:1:1"]),
        ("many.edn", 3, &["many.edn:20:20", "… and 99980 more problems"]),
        ("open.edn", 3, &["']' is missing for what began on line 2: was it cut short?", "open.edn:8:1"]),
        ("marked.edn", 1, &[]),
        ("crlf.edn", 1, &[]),
        ("late.json", 0, &[]),
        ("later.json", 3, &["expected a time in nanoseconds, from 0 to 9223372036854775807, found 18446744073709551615", "later.json:2:"]),
        ("early.json", 3, &["found -5", "early.json:1:"]),
        ("latin.edn", 3, &["no UTF-8 text", "latin.edn:1:1"]),
        ("long.bin", 3, &["no UTF-8 text", "long.bin:1:1"]),
    ] {
        for more in [&["--model", "register"][..], &["--model", "register", "--format", "json"]] {
            let done = desk.expect(code, &[&["check", file][..], more].concat());
            // As text to standard error, as JSON to standard output, with the places as fields.
            let (text, in_text) = if more.len() == 2 { (&done.err, true) } else { (&done.out.replace("\\\"", "\""), false) };
            let told = |told: &&str| text.contains(*told) || !in_text && (told.contains(file) || told.starts_with('…'));
            assert!(tells.iter().all(told), "{file}: {text}");
            assert!(text.lines().count() < 170, "{file}: {text}");
        }
        desk.expect(if code == 3 { 3 } else { 0 }, &["convert", file, "--to", "json"]);
    }
    desk.expect(1, &["check", "marked.edn", "--model", "register", "--input-format", "edn"]);
    let done = desk.expect(3, &["check", "marked.edn", "--model", "register", "--input-format", "json"]);
    assert!(done.err.contains("expected a field, as in \"type\""), "{}", done.err);
}

#[test]
fn several_files() {
    let good = sequence(&[("write", "1", "1")]);
    let desk = desk(&[("stale.edn", STALE), ("good.edn", &good), ("bad.edn", "{:process")]);
    let done = desk.expect(1, &["check", "good.edn", "stale.edn", "--model", "register"]);
    check(
        &done.out,
        expect![[r#"
        good.edn: holds: register is linearizable
        stale.edn: violated: register is not linearizable
    "#]],
    );
    let done = desk.expect(3, &["check", "bad.edn", "stale.edn", "good.edn", "--model", "register", "--format", "json"]);
    let files: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(files.iter().map(|file| file["file"].as_str().unwrap()).collect::<Vec<_>>(), ["bad.edn", "stale.edn", "good.edn"]);
    desk.expect(74, &["check", "absent.edn", "bad.edn", "stale.edn", "--model", "register"]);
    fs::write(desk.path("hard.edn"), hard()).unwrap();
    desk.expect(4, &["check", "good.edn", "hard.edn", "--model", "cas-register", "--initial", "0", "--budget", "1"]);
}

fn piped(desk: &Desk, arguments: &[&str], input: &str) -> Done {
    let mut child = desk.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    done(child)
}

#[test]
fn standard_input_and_other_formats() {
    let desk = desk(&[("stale.edn", STALE)]);
    assert_eq!(piped(&desk, &["check", "-", "--model", "register"], STALE).code, Some(1));
    assert_eq!(piped(&desk, &["check", "-", "--model", "register"], "x").code, Some(3));
    for (format, start) in
        [("log", "INFO  jepsen.util - 0\t:invoke\t:write\t1\n"), ("jsonl", "{\"stormglass\":\"history\""), ("edn", "{:process 0,")]
    {
        let out = desk.expect(0, &["convert", "stale.edn", "--to", format]).out;
        assert!(out.starts_with(start), "{out}");
        assert_eq!(piped(&desk, &["convert", "-", "--to", "edn"], &out).out, STALE, "there and back");
        desk.expect(0, &["convert", "stale.edn", "--to", format, "-o", "other"]);
        assert_eq!(fs::read_to_string(desk.path("other")).unwrap(), out);
        desk.expect(1, &["check", "other", "--model", "register"]);
    }
}

/// Nothing is left behind of a file that could not be converted, and what was there stays.
#[test]
fn what_is_written_is_whole() {
    let desk = desk(&[("bad.edn", &format!("{STALE}{{:process")), ("old", "old")]);
    desk.expect(3, &["convert", "bad.edn", "--to", "json", "-o", "old"]);
    desk.expect(3, &["convert", "bad.edn", "--to", "json", "-o", "new"]);
    assert_eq!(fs::read_to_string(desk.path("old")).unwrap(), "old");
    let mut names: Vec<_> = fs::read_dir(desk.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bad.edn", "old"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_conversion_leaves_nothing_behind() {
    if !crate::hears_interrupts() {
        return;
    }
    let desk = desk(&[]);
    let mut child = desk.command(&["convert", "-", "--to", "json", "-o", "out"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(STALE.as_bytes()).unwrap();
    let files = || fs::read_dir(desk.path(".")).unwrap().count();
    super::wait_until(|| files() == 1);
    super::interrupt(&child);
    assert_eq!(done(child).code, Some(130));
    assert_eq!(files(), 0);
    drop(input);
}

/// Two transactions that each miss what the other wrote.
#[test]
fn transactions() {
    let event = |process: u32, kind: &str, value: &str| format!("{{:process {process}, :type :{kind}, :f :txn, :value {value}}}\n");
    let skew = event(0, "invoke", "[[:append :x 1] [:r :y nil]]")
        + &event(1, "invoke", "[[:append :y 1] [:r :x nil]]")
        + &event(0, "ok", "[[:append :x 1] [:r :y []]]")
        + &event(1, "ok", "[[:append :y 1] [:r :x []]]");
    let desk = desk(&[("skew.edn", &skew), ("stale.edn", STALE)]);
    let out = desk.expect(1, &["check", "skew.edn", "--model", "list-append"]).out;
    assert!(out.starts_with("violated: list-append with respect to strict-serializable") && out.contains("write-skew"), "{out}");
    desk.expect(0, &["check", "skew.edn", "--model", "list-append", "--level", "snapshot-isolation"]);
    assert_eq!(desk.json(1, &["check", "skew.edn", "--model", "list-append", "--format", "json"])["verdict"], "violated");
    let out = desk.expect(1, &["check", "skew.edn", "skew.edn", "--model", "list-append"]).out;
    assert_eq!(out.lines().count(), 2, "{out}");
    desk.expect(3, &["check", "stale.edn", "--model", "rw-register"]);
    for arguments in [
        &["check", "skew.edn", "--model", "list-append", "--level", "serialisable"][..],
        &["check", "skew.edn", "--model", "list-apend"],
        &["check", "skew.edn", "--model", "list-append", "--witness"],
        &["check", "stale.edn", "--model", "register", "--level", "serializable"],
    ] {
        let done = desk.expect(2, arguments);
        assert!(done.err.starts_with("error: "), "{}", done.err);
    }
}

/// The page appears when it is whole, and only where there is something to draw.
#[test]
fn a_page() {
    let desk = desk(&[("stale.edn", STALE), ("bad.edn", "{:process")]);
    desk.expect(1, &["check", "stale.edn", "--model", "register", "--report", "page.html"]);
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("p1 read → 1 fits in no order"), "{page}");
    desk.expect(3, &["check", "bad.edn", "--model", "register", "--report", "none.html"]);
    assert!(!desk.path("none.html").exists());
    for (arguments, code) in [
        (&["check", "stale.edn", "--model", "register", "--report", "stale.edn"][..], 2),
        (&["check", "stale.edn", "stale.edn", "--model", "register", "--report", "page.html"], 2),
        (&["check", "stale.edn", "--model", "register", "--guarantee", "causal", "--report", "page.html"], 2),
        (&["check", "stale.edn", "--model", "register", "--report", "no/such/page.html"], 74),
    ] {
        let done = desk.expect(code, arguments);
        assert!(done.err.starts_with("error: ") && done.out.is_empty(), "{}", done.err);
    }
    assert_eq!(fs::read_to_string(desk.path("stale.edn")).unwrap(), STALE);
}
