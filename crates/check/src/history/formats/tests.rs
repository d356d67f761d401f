//! The formats against themselves, one another, another crate's reader, and noise.

use std::io::{Read, Write as _};

use clojure_reader::edn::Edn as Reference;
use proptest::prelude::*;

use super::*;

fn read_all(bytes: &[u8], format: Option<Format>) -> (Vec<Entry>, Problems) {
    let (mut entries, mut problems) = (Vec::new(), Problems::default());
    for entry in Entries::open(bytes, format).expect("memory can be read") {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(ReadError::Line(problem)) => problems.push(problem),
            Err(ReadError::Io(error)) => panic!("{error}"),
        }
    }
    (entries, problems)
}

fn read_well(text: &str) -> Vec<Entry> {
    let (entries, problems) = read_all(text.as_bytes(), None);
    assert!(problems.is_empty(), "{problems}");
    entries
}

/// What the reader says of a file that is not in order.
fn told(text: &str) -> String {
    let (entries, problems) = read_all(text.as_bytes(), None);
    let lines: Vec<String> = entries.iter().map(|entry| entry.line.to_string()).collect();
    format!("read: {}\n{problems}", lines.join(" "))
}

fn written(entries: &[Entry], format: Format) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), format).expect("memory can be written");
    entries.iter().for_each(|entry| writer.write(entry).expect("memory can be written"));
    writer.finish().expect("memory can be written")
}

/// The same, wherever they stood.
fn without_lines(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.iter_mut().for_each(|entry| entry.line = 0);
    entries
}

#[test]
fn brackets_of_loggers_make_no_edn() {
    for head in ["[main] hello\n", "[2026-11-29 19:00] ", "(main) "] {
        let text = format!("{head}INFO  jepsen.util - 0 :invoke :write 3\nINFO  jepsen.util - 0 :ok :write 3\n");
        let entries = Entries::open(text.as_bytes(), None).expect("memory can be read");
        assert_eq!(entries.format(), Format::Log, "{text}");
        assert_eq!(entries.filter(Result::is_ok).count(), 2, "{text}");
    }
    for (text, format) in [("[\n{:process 0}", Format::Edn), ("[{\"process\":0}]", Format::Json), ("([{:process 0}])", Format::Edn)] {
        assert_eq!(Entries::open(text.as_bytes(), None).expect("memory can be read").format(), format, "{text}");
    }
}

#[test]
fn maps_are_read_however_they_are_laid_out() {
    let plain =
        "{:process 0, :type :invoke, :f :get, :key \"a\", :value nil}\n{:process 0, :type :ok, :f :get, :key \"a\", :value \"x\"}\n";
    let entries = read_well(plain);
    assert_eq!((entries[1].line, entries[1].kind, entries[1].f.clone()), (2, EntryKind::Ok, Some("get".into())));
    assert_eq!((&entries[1].key, &entries[1].value), (&Some("a".into()), &"x".into()));
    let laid_out = [
        "[{:process 0, :type :invoke, :f :get, :key \"a\", :value nil}\n {:process 0, :type :ok, :f :get, :key \"a\", :value \"x\"}]",
        "({:f :get :key \"a\" :type :invoke :process 0}{:f :get :key \"a\" :type :ok :process 0 :value \"x\"})",
        "; a history\n[\n{:process 0\n :type :invoke\n :f :get ; what it does\n :key \"a\"}\n\n#_{:process 9}\n{:process 0 :type :ok :f :get :key \"a\" :value #_1 \"x\"}\n]\n",
        "#op{:process 0, :type :invoke, :f :get, :key \"a\"} #jepsen.history.Op{:process 0, :type :ok, :f :get, :key \"a\", :value \"\\u0078\"}",
        "\u{feff}{:process 0, :type :invoke, :f :get, :key \"a\", :value nil}\r\n\r\n{:process 0, :type :ok, :f :get, :key \"a\", :value \"x\"}",
    ];
    for text in laid_out {
        assert_eq!(without_lines(read_well(text)), without_lines(entries.clone()), "{text}");
    }
    assert!(read_well("").is_empty() && read_well("[]").is_empty() && read_well("\n; nothing\n").is_empty());
}

#[test]
fn log_lines_are_read_whatever_the_logger_puts_in_front() {
    let entries = read_well(
        "INFO  jepsen.util - 3\t:invoke\t:cas\t[1 4]\nINFO jepsen.util -   3 :info :cas :timed-out\n\
         2026-11-22 10:00:00,123 INFO [jepsen worker 1] jepsen.util: 12 :fail :read nil [:gone \"a b\"]\n\
         INFO  jepsen.util - :nemesis :info :start nil\n",
    );
    assert_eq!(entries[0].value, Value::Vector(vec![1.into(), 4.into()]));
    assert_eq!((&entries[1].value, entries[1].kind), (&Value::Keyword("timed-out".into()), EntryKind::Info));
    assert_eq!((&entries[2].process, entries[2].rest.len()), (&Process::Client(12), 1));
    assert_eq!(entries[3].process, Process::Other("nemesis".into()));
}

/// Jepsen's log holds more than events: other loggers' lines, and what is spread over the lines behind them.
#[test]
fn what_others_log_is_skipped() {
    let (event, other) = ("2026-11-22 10:00:00,123{GMT}\tINFO\t[jepsen worker 1] jepsen.util: 1\t:invoke\t:read\tnil\n", |text: &str| {
        format!("2026-11-22 10:00:00,123{{GMT}}\tWARN\t[jepsen node n1] jepsen.core: {text}\n")
    });
    let crash = other("Process 1 crashed") + "java.lang.RuntimeException: no :ok here\n\tat jepsen.core$fn.invoke(core.clj:3)\n\n";
    let read =
        read_well(&(other("Setting up the database") + event + &crash + event + &other("{:valid? true, :type :ok}") + " :count 3}\n"));
    assert_eq!(read.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 7]);
    expect_test::expect![[r#"
        read: 1 3
        line 4, column 23: :invok is no type of event (did you mean :invoke?)
            INFO  jepsen.util - 3 :invok :write 4
    "#]]
    .assert_eq(&told(&format!("{event}java.lang.RuntimeException\n{event}INFO  jepsen.util - 3 :invok :write 4\n")));
    expect_test::expect![[r#"
        line 1, column 1: expected an event, as in INFO  jepsen.util - 3 :invoke :write 4
            2026-11-22 10:00:00,123{GMT} WARN [jepsen node n1] jepsen.core: no events at all
    "#]]
    .assert_eq(told(&(other("no events at all") + &other("whatever"))).trim_start_matches("read: \n"));
}

/// A name that is not one word could not be written in other formats. The fuzzer found the first of these.
#[test]
fn names_are_words() {
    for line in [
        "NFO  jepsen.util - 1 :ok :cas:\"his [1 2]",
        "INFO  jepsen.util - :nem\"esis :info :start nil",
        "{\"process\":1,\"type\":\"ok\",\"f\":\"read all\",\"value\":1}",
        "{\"process\":\"\",\"type\":\"ok\",\"f\":\"read\",\"value\":1}",
        "{:process 1, :type :ok, :f \"read all\", :value 1}",
    ] {
        let told = told(line);
        assert!(told.starts_with("read: \nline 1") && told.contains("is no name: expected one word, as in "), "{line}: {told}");
    }
    assert_eq!(told("{:process 1, :type :ok, :f \"read\", :value 1}"), "read: 1\n");
}

/// A mark in front, and where times end.
#[test]
fn what_a_file_may_begin_with_and_how_late_it_may_be() {
    let edn = "\u{feff}{:process 0, :type :ok, :f :read, :value 1}\n";
    let json = "\u{feff}{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":1}\n";
    let log = "\u{feff}0 :ok :read 1\n";
    for (text, format) in [(edn, Format::Edn), (json, Format::Json), (log, Format::Log)] {
        for format in [None, Some(format)] {
            let (entries, problems) = read_all(text.as_bytes(), format);
            assert!(problems.is_empty() && entries.len() == 1, "{format:?}: {problems}");
        }
    }
    let at = |time: &str| told(&format!("{{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":1,\"time\":{time}}}\n"));
    assert_eq!((at("0"), at("null"), at("9223372036854775807")), ("read: 1\n".into(), "read: 1\n".into(), "read: 1\n".into()));
    for time in ["-1", "9223372036854775808", "99999999999999999999999", "\"now\"", "1.5"] {
        assert!(at(time).contains("expected a time in nanoseconds, from 0 to 9223372036854775807, found"), "{}", at(time));
    }
}

/// A very long line that is no text takes no longer than any other.
#[test]
fn noise_without_an_end_is_read_once() {
    let bytes = vec![0xff; 4_000_000];
    for format in [None, Some(Format::Json), Some(Format::Edn)] {
        let (entries, problems) = read_all(&bytes, format);
        assert!(entries.is_empty() && problems.shown().iter().all(|problem| problem.line == 1), "{problems}");
    }
}

#[test]
fn every_bad_line_is_told_by_its_number() {
    let good = "{:process 0, :type :ok, :f :read, :value 1}";
    let text = format!(
        "{good}\n{{:process 0, :type :okay, :f :read}}\n{good}\n{{:process 0, :type :ok, :f :read, :value\n{good}\nnonsense\n\
         {{:process -1, :type :ok, :f :read}} {{:process x}}\n{{:type :ok}}\n{good}\n{{:process 0, :type :ok, :f :read, :value \"}}\n{good}\n\
         {{:process 0, :type :ok, :f :read, :f :write, :value [1 2}}\n{{:process 1 :process 2}}\n}}\n{good}\n"
    );
    expect_test::expect![[r#"
        read: 1 3 5 8 9 11 15
        line 2, column 20: :okay is no type of event: there are invoke, ok, fail and info
            {:process 0, :type :okay, :f :read}
        line 4, column 1: '}' is missing, or a value
            {:process 0, :type :ok, :f :read, :value
        line 7, column 11: -1 is no process: they are counted from 0 to 4294967295
            {:process -1, :type :ok, :f :read} {:process x}
        line 10, column 42: '"' is missing
            {:process 0, :type :ok, :f :read, :value "}
        line 12, column 35: :f is there twice
            {:process 0, :type :ok, :f :read, :f :write, :value [1 2}
        line 13, column 13: :process is there twice
            {:process 1 :process 2}
        line 14, column 1: this closes nothing
            }
    "#]]
    .assert_eq(&told(&text));
    expect_test::expect![[r#"
        read: 2
        line 1, column 1: an event has process and type and f: it is missing here
            {"processs":0}
        line 3, column 1: '}' is missing, or a value
            {"process":0,"type":"ok","f":"read","value
        line 4, column 1: an event has type and f: it is missing here
            {"process":0}
        line 5, column 1: this is version 2 of the format: version 1 is the one known here
            {"stormglass":"history","version":2}
    "#]]
    .assert_eq(&told("{\"processs\":0}\n{\"process\":0,\"type\":\"ok\",\"f\":\"read\"}\n{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\n{\"process\":0}\n{\"stormglass\":\"history\",\"version\":2}\n"));
    expect_test::expect![[r#"
        read: 1
        line 3, column 34: '"' is missing
            INFO  jepsen.util - 3 :ok :write "a
        line 4, column 21: "x" is no process: expected a number, or a name as in :nemesis
            INFO  jepsen.util - x :ok :write 1
    "#]]
    .assert_eq(&told("INFO  jepsen.util - 3 :ok :write 1\nINFO  jepsen.util - something\nINFO  jepsen.util - 3 :ok :write \"a\nINFO  jepsen.util - x :ok :write 1\n"));
}

#[test]
fn no_more_problems_are_shown_than_people_read() {
    let (entries, problems) = read_all("x :ok jepsen.util\n".repeat(1000).as_bytes(), None);
    assert_eq!((entries.len(), problems.count(), problems.shown().len()), (0, 1000, PROBLEMS_SHOWN));
    assert!(problems.to_string().ends_with("and 980 more lines like these\n"));
    let (_, problems) = read_all(b"{:process 0 :type :ok :f :read :value \"\xff\"}\n{:process 0 :type :ok :f :read}\n{\xc3", None);
    let lines: Vec<u64> = problems.shown().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 3, 3], "{problems}");
}

/// A reader that hands out a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn streams_in_pieces_and_compressed_ones_read_the_same() {
    let line = "{:process 7, :type :invoke, :f :append, :key \"ключ\", :value \"é{[\\\"\"} ";
    let one_line = format!("[{}]", line.repeat(5000));
    let many = format!("{}\n", line.trim()).repeat(5000);
    let expected = without_lines(read_well(&many));
    assert_eq!(expected.len(), 5000);
    assert_eq!(without_lines(read_well(&one_line)), expected);
    for text in [&one_line, &many] {
        let read = Entries::open(Trickle(text.as_bytes(), 3), None).expect("memory can be read");
        let entries: Vec<Entry> = read.map(|entry| entry.expect("an entry")).collect();
        assert_eq!(without_lines(entries), expected);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).expect("memory can be written");
        let (entries, problems) = read_all(&gzip.finish().expect("memory can be written"), None);
        assert!(problems.is_empty() && without_lines(entries) == expected);
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(many.as_bytes()).expect("memory can be written");
    let mut bytes = gzip.finish().expect("memory can be written");
    bytes.truncate(bytes.len() / 2);
    let (entries, problems) = read_all(&bytes, None);
    let [cut] = problems.shown() else { panic!("{problems}") };
    assert!(without_lines(entries.clone()) == expected[..entries.len()] && entries.len() > 100, "what could be read was");
    assert!(cut.line == entries.len() as u64 + 1 && cut.message.contains("cut short"), "{problems}");
    assert_eq!(read_all(&bytes[..15], None).1.count(), 1, "cut in its head");
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for open in ["[", "(", "{:a ", "#{", "#a "] {
        let text = format!("{{:process 0 :type :ok :f :read :value {}", open.repeat(100_000));
        assert!(read_all(text.as_bytes(), None).1.to_string().contains("deep"), "{open}");
    }
    let text = format!("{{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":{}", "[".repeat(100_000));
    assert!(read_all(text.as_bytes(), None).1.to_string().contains("deep"));
    // What is discarded is nested, too. The stack overflowed.
    for text in ["#_".repeat(22_000), format!("{{:process 0 :type :ok :f :read :value {}}}", "#_".repeat(22_000))] {
        assert!(read_all(text.as_bytes(), Some(Format::Edn)).1.to_string().contains("deep"));
    }
    assert!(read_all(format!("0 :ok :read {}", "#_".repeat(22_000)).as_bytes(), Some(Format::Log)).1.to_string().contains("deep"));
}

/// A stream of one byte without an end, and how much of it was read.
struct Endless<'a>(u8, &'a std::cell::Cell<u64>);

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(self.0);
        self.1.set(self.1.get() + buffer.len() as u64);
        Ok(buffer.len())
    }
}

#[test]
fn what_has_no_end_is_told_before_it_is_held() {
    let starts = [
        "",
        "\n{:process 0, :type :ok, :f :read, :value \"",
        "0 :ok :read \"",
        "{\"process\":0,\"value\":\"",
        "[",
        "{:process 0 :value [",
        "#",
    ];
    for (byte, start) in [0, b'x', b'1', b'['].into_iter().flat_map(|byte| starts.map(|start| (byte, start))) {
        let length = std::cell::Cell::new(0);
        let input = start.as_bytes().chain(Endless(byte, &length));
        let problems: Vec<String> =
            Entries::open(input, None).expect("memory can be read").map(|entry| entry.expect_err("no event").to_string()).take(3).collect();
        let (last, long) = (problems.last().expect("a problem"), "longer than 16 MiB, and so longer than any event");
        assert!(problems.len() < 3 && last.contains(long), "{start}{byte}: {problems:?}");
        assert!(length.get() < 40 << 20, "{start}{byte}: {} bytes were read", length.get());
    }
    // A long one has an end all the same, compressed or not.
    let event = format!("{{:process 0, :type :ok, :f :read, :value \"{}\"}}\n", "x".repeat(5 << 20));
    assert_eq!(read_well(&event.repeat(2)).len(), 2);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(&vec![0; 64 << 20]).expect("memory can be written");
    let (_, problems) = read_all(&bomb.finish().expect("memory can be written"), None);
    assert!(problems.to_string().contains("longer than 16 MiB"), "{problems}");
}

#[test]
fn lines_of_other_programs_are_skipped_and_counted() {
    let event = "{:process 0, :type :ok, :f :read, :value 1}";
    let json = "{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":1}";
    for (text, read, skipped) in [
        (format!("lein run\n\nWARNING: requiring GC\n{event}\n  and so on (for long)\n{event}\nbye"), 2, 4),
        (format!("; a comment is none\n[{event}\nwhatever\n{event}]"), 2, 1),
        (format!("$ cat history\n{json}\nthat's all"), 1, 2),
        ("make: 0 :oops\nINFO  jepsen.util - 0 :ok :read 1\n\tat java.lang\n".to_owned(), 1, 2),
    ] {
        let mut entries = Entries::open(text.as_bytes(), None).expect("memory can be read");
        let events: Vec<_> = entries.by_ref().map(|entry| entry.map_err(|error| format!("{text}: {error}")).expect("an event")).collect();
        assert_eq!(events.len(), read);
        assert_eq!(entries.skipped(), skipped, "{text}");
    }
    for text in [format!("{event} what\n"), format!("op: {event}\n"), format!("{event}\nop: {json}\n"), "core: 3 :ok read\n".to_owned()] {
        assert_eq!(read_all(text.as_bytes(), None).1.count(), 1, "{text}");
    }
    assert!(told("no event\nat all\n").contains("line 1, column 1: expected an event"));
}

/// As `jet` writes what was JSON; as others write JSON; and as Clojure prints objects.
#[test]
fn files_are_read_as_they_are_found_in_the_field() {
    let ok = |text: &str| without_lines(read_well(text));
    let plain = ok("{:process 0, :type :ok, :f :read, :value [1 {\"a\" 2}], :index 7}");
    for text in [
        "{\"process\" 0, \"type\" \"ok\", \"f\" \"read\", \"value\" [1 {\"a\" 2}], \"index\" 7}",
        "[{\"process\": 0, \"type\": \"ok\", \"f\": \"read\", \"value\": [1, {\"a\": 2}], \"index\": 7}]",
        "[\n  {\n    \"process\":0,\n    \"type\":\"ok\",\n    \"f\":\"read\",\n    \"value\":[1.0,{\"a\":2}],\n    \"index\":7\n  }\n]\n",
        "{:process 0, :type \"ok\", :f read, :value (1 {\"a\" 2}), :index 7}",
        "{:process 0, :type ok, :f \"read\", :value [1N {\"a\" 2}], :index 7}",
    ] {
        assert_eq!(ok(text), plain, "{text}");
    }
    let object = ok("{:process :nemesis, :type :info, :f :kill, :value #object[io.etcd.X 0x2f683722 \"io.etcd.X@2f683722\"]}");
    assert_eq!(object[0].value.to_string(), "#object [io.etcd.X 795359010 \"io.etcd.X@2f683722\"]");
    assert!(
        told("{:process 0, :type \"okk\", :f :read}")
            .contains("\"okk\" is no type of event: there are invoke, ok, fail and info (did you mean ok?)")
    );
    assert!(told("{:process 0, :type 5, :f :read}").contains("5 is no type of event"));
    assert!(told("{:process 0, :type :ok, :f :read, :value #{1 [2] 1N}}").contains("1 is there twice"));
    assert!(told("{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":{\"set\":[1,1.0]}}").contains("1 is there twice"));
}

#[test]
fn what_went_wrong_may_stand_in_words_behind_an_event_of_a_log() {
    let logged = |text: &str| {
        let entries = read_well(&format!("INFO  jepsen.util - 4 {text}\n"));
        (entries[0].value.to_string(), entries[0].rest.iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>().join(" "))
    };
    let pair = |value: &str, error: &str| (value.to_owned(), error.to_owned());
    assert_eq!(logged(":info :add 25 indeterminate: Timed out"), pair("25", "\"indeterminate: Timed out\""));
    assert_eq!(logged(":info :add 25 :timed-out"), pair("25", ":timed-out"));
    assert_eq!(logged(":info :add [25 1] {:status 500, :body (oops"), pair("[25 1]", "\"{:status 500, :body (oops\""));
    assert_eq!(
        logged(":fail :read nil Connection refused (Connection refused]"),
        pair("nil", "\"Connection refused (Connection refused]\"")
    );
    assert_eq!(logged(":info :read the socket's \"gone"), pair("nil", "\"the socket's \\\"gone\""));
    assert_eq!(logged(":info :write :timed-out"), pair(":timed-out", ""));
    assert!(told("INFO  jepsen.util - 4 :ok :add 25 and so on\n").contains("expected one value"));
}

fn value() -> impl Strategy<Value = Value> {
    let name = "[a-z][a-z0-9-]{0,5}(/[a-z]{1,3})?";
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        "-?[1-9][0-9]{19,30}".prop_map(|text| text.parse().expect("a number")),
        any::<f64>().prop_map(number::double),
        "[1-9][0-9]{0,4}/[1-9][0-9]{0,4}".prop_map(|text| text.parse().expect("a number")),
        any::<char>().prop_map(Value::Char),
        any::<String>().prop_map(|text| Value::text(&text)),
        name.prop_map(|name| Value::Keyword(name.into())),
        "[a-z*+!_?$%&=<>.-][a-z*+!_?$%&=<>-]{0,5}".prop_filter_map("a symbol", |name| match name.as_str() {
            "nil" | "true" | "false" => None,
            _ => Some(Value::Symbol(name.into())),
        }),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Vector),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::set),
            prop::collection::btree_map(inner.clone(), inner.clone(), 0..4).prop_map(|map| Value::map(map.into_iter().collect())),
            (name, inner).prop_map(|(tag, value)| Value::Tagged(Box::new((tag.into(), value)))),
        ]
    })
}

fn name() -> impl Strategy<Value = Name> {
    "[a-z][a-z0-9-]{0,8}".prop_map(|name| Name::new(&name))
}

fn entry() -> impl Strategy<Value = Entry> {
    let process = prop_oneof![9 => any::<u32>().prop_map(Process::Client), 1 => name().prop_map(Process::Other)];
    let rest =
        name().prop_filter("a name of no other field", |name| !["process", "type", "f", "key", "value", "time"].contains(&name.as_str()));
    let rest = prop::collection::btree_map(rest, value(), 0..3).prop_map(|rest| rest.into_iter().collect());
    let time = prop::option::of(0..i64::MAX as u64);
    (process, prop::sample::select(&EntryKind::ALL[..]), name(), prop::option::of(value()), value(), time, rest)
        .prop_map(|(process, kind, f, key, value, time, rest)| Entry { line: 0, process, kind, f: Some(f), key, value, time, rest })
}

#[test]
fn other_fields_have_one_order_in_every_format() {
    let entries = read_well("{:process 0, :type :invoke, :f :read, :value nil, :line 2, :index 1}\n");
    for format in [Format::Edn, Format::Json] {
        assert_eq!(without_lines(read_all(&written(&entries, format), None).0), without_lines(entries.clone()), "{format}");
    }
    let (_, problems) = read_all(b"{:process 0, :type :invoke, :f :read, :line 2, :index 1, :line 3}\n", None);
    assert!(problems.to_string().contains(":line is there twice"), "{problems}");
}

/// The other crate's value, as ours.
fn from_reference(reference: &Reference<'_>) -> Value {
    match reference {
        Reference::Nil => Value::Nil,
        Reference::Bool(yes) => Value::Bool(*yes),
        Reference::Int(number) => Value::Int(*number),
        Reference::Double(float) => number::double(float.0),
        Reference::Rational((above, below)) => format!("{above}/{below}").parse().expect("a ratio"),
        Reference::Char(char) => Value::Char(*char),
        Reference::Str(text) => Value::text(text),
        Reference::Key(name) => Value::Keyword(name.to_string().into()),
        Reference::Symbol(name) => Value::Symbol(name.to_string().into()),
        Reference::List(items) | Reference::Vector(items) => Value::Vector(items.iter().map(from_reference).collect()),
        Reference::Set(items) => Value::set(items.iter().map(from_reference).collect()),
        Reference::Map(entries) => Value::map(entries.iter().map(|(key, value)| (from_reference(key), from_reference(value))).collect()),
        Reference::Tagged(tag, value) => Value::Tagged(Box::new((tag.to_string().into(), from_reference(value)))),
        other => panic!("a value of another kind: {other}"),
    }
}

/// Whether both readers know what this contains.
fn in_common(value: &Value) -> bool {
    match value {
        // It knows no integers beyond 64 bits, nor ##Inf.
        Value::Number(text) => text.contains('.'),
        // And no escapes by number, nor characters by number.
        Value::Char(char) => !char.is_control() && !char.is_whitespace() && !",;()[]{}\"".contains(*char),
        Value::Text(text) => !text.chars().any(|char| char.is_ascii_control() && !"\n\r\t".contains(char)),
        Value::Vector(items) | Value::Set(items) => items.iter().all(in_common),
        Value::Map(entries) => entries.iter().all(|(key, value)| in_common(key) && in_common(value)),
        Value::Tagged(tagged) => in_common(&tagged.1),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn values_read_back(value in value()) {
        prop_assert_eq!(value.to_string().parse::<Value>(), Ok(value.clone()));
        let json = serde_json::to_string(&value).expect("JSON");
        prop_assert_eq!(json::value(&json).expect("a value"), value.clone());
        if in_common(&value) {
            let text = value.to_string();
            let reference = clojure_reader::edn::read_string(&text).map(|reference| from_reference(&reference));
            prop_assert_eq!(reference.map_err(|error| format!("{text}: {error}")), Ok(value));
        }
    }

    #[test]
    fn entries_read_back_from_every_format(entries in prop::collection::vec(entry(), 0..20)) {
        for format in [Format::Edn, Format::Json] {
            let (read, problems) = read_all(&written(&entries, format), None);
            prop_assert!(problems.is_empty(), "{problems}");
            prop_assert_eq!(without_lines(read), entries.clone());
        }
        // A log has no room for keys, times and other fields; what it can say, it says again.
        let (logged, problems) = read_all(&written(&entries, Format::Log), Some(Format::Log));
        prop_assert!(problems.is_empty(), "{problems}");
        prop_assert_eq!(logged.len(), entries.len());
        let (again, _) = read_all(&written(&logged, Format::Log), Some(Format::Log));
        prop_assert_eq!(logged, again);
    }

    #[test]
    fn noise_is_refused_without_harm(
        entries in prop::collection::vec(entry(), 1..6),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        for format in Format::ALL {
            let mut bytes = written(&entries, format);
            for (place, byte, how) in &cuts {
                let at = place.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let (read, problems) = read_all(&bytes, Some(format));
            let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
            prop_assert!(problems.shown().iter().all(|problem| (1..=lines).contains(&problem.line)));
            prop_assert!(read.iter().all(|entry| (1..=lines).contains(&entry.line)));
        }
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]()#\\\":; \n_-19a"[..])], 0..200)) {
        for format in [None, Some(Format::Edn), Some(Format::Log), Some(Format::Json)] {
            if let Ok(entries) = Entries::open(bytes.as_slice(), format) {
                prop_assert!(entries.count() <= bytes.len() + 2);
            }
        }
    }

    #[test]
    fn any_text_is_a_value_for_both_readers_or_for_neither(text in "[\\[\\](){}#:\"a1 .,-]{0,12}") {
        let ours = text.parse::<Value>();
        let reference = clojure_reader::edn::read(&text);
        if let (Ok(ours), Ok((reference, rest))) = (&ours, &reference) && rest.trim_matches([' ', ',']).is_empty() {
            prop_assert_eq!(ours, &from_reference(reference));
        }
    }
}
