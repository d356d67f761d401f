//! What objects hold at first, and objects with keys.

use stormglass::base::{RunKey, Stream};
use stormglass::check::linearizability::reference;
use stormglass::check::model::kv::{KvOp, KvResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::recorded::schema::{Answer, Store, UnknownStart};
use stormglass::check::{CheckError, CheckOptions, Verdict, linearizability, run_check};
use stormglass::history::formats::Value;

use crate::support::reference::{HistoryShape, generate};

fn options(initial: Option<&str>) -> CheckOptions {
    CheckOptions { initial: initial.map(|text| text.parse().expect("a value")), ..CheckOptions::default() }
}

/// What is called, with what, and what comes back.
type Case = (&'static str, &'static str, &'static str);

/// One client does one thing after another: what it asks, and what comes back.
fn file(calls: &[Case]) -> String {
    let lines = calls.iter().map(|(f, asked, answer)| {
        format!("{{:process 0, :type :invoke, :f :{f}, :value {asked}}}\n{{:process 0, :type :ok, :f :{f}, :value {answer}}}\n")
    });
    lines.collect()
}

fn verdict(model: &str, initial: Option<&str>, calls: &[Case]) -> Verdict {
    let text = file(calls);
    run_check(text.as_bytes(), model, &options(initial)).unwrap_or_else(|error| panic!("{model}: {error}\n{text}")).verdict
}

/// For each model, what it holds at first, and what can be seen only then.
#[test]
fn every_model_can_be_given_what_it_holds_at_first() {
    let cases: &[(&str, &str, &[Case])] = &[
        ("register", "3", &[("read", "nil", "3")]),
        ("cas-register", "3", &[("cas", "[3 4]", "[3 4]"), ("read", "nil", "4")]),
        ("kv", "3", &[("get", "[:x nil]", "[:x 3]")]),
        ("counter", "3", &[("add", "2", "nil"), ("read", "nil", "5")]),
        ("set", "#{1 2}", &[("contains", "1", "true"), ("remove", "2", "true"), ("contains", "2", "false"), ("contains", "3", "false")]),
        ("grow-set", "#{1 2}", &[("add", "3", "nil"), ("read", "nil", "#{3 2 1}")]),
        ("queue", "[1 2]", &[("enqueue", "3", "nil"), ("dequeue", "nil", "1"), ("dequeue", "nil", "2"), ("dequeue", "nil", "3")]),
        ("stack", "[1 2]", &[("pop", "nil", "2"), ("pop", "nil", "1"), ("pop", "nil", "nil")]),
        ("priority-queue", "[2 1 3]", &[("take-least", "nil", "1"), ("take-least", "nil", "2")]),
        ("lock", "7", &[("release", "7", "nil"), ("acquire", "nil", "nil")]),
        ("fenced-lock", "[7 5]", &[("release", "7", "nil"), ("acquire", "nil", "6")]),
        ("unordered-queue", "[1 2]", &[("dequeue", "nil", "2"), ("dequeue", "nil", "1"), ("dequeue", "nil", "nil")]),
        ("multi-register", "{:x 0}", &[("txn", "[[:read :x nil] [:write :y 1]]", "[[:read :x 0] [:write :y 1]]")]),
        ("log", "[1 2]", &[("append", "3", "[2 3]"), ("read", "1", "[2 3]")]),
    ];
    for (model, initial, calls) in cases {
        assert_eq!(verdict(model, Some(initial), calls), Verdict::Holds, "{model}");
        assert_eq!(verdict(model, None, calls), Verdict::Violated, "{model}");
    }
    for (model, initial) in
        [("counter", "[1]"), ("queue", "1"), ("stack", "{:a 1}"), ("fenced-lock", "7"), ("priority-queue", "[1.5]"), ("set", ":a")]
    {
        let error = run_check(&b""[..], model, &options(Some(initial))).expect_err("no such start");
        assert!(matches!(error, CheckError::Initial(_)), "{model}: {error}");
    }
}

/// If every value is key and value, there is an object for each key.
#[test]
fn objects_may_have_keys() {
    let cases: &[(&str, &[Case])] = &[
        ("set", &[("add", "[1 7]", "[1 7]"), ("contains", "[2 7]", "[2 false]"), ("contains", "[1 7]", "[1 true]")]),
        ("grow-set", &[("add", "[1 7]", "[1 7]"), ("read", "[2 nil]", "[2 #{}]"), ("read", "[1 nil]", "[1 [7]]")]),
        ("counter", &[("add", "[:a 7]", "[:a 7]"), ("read", "[:b nil]", "[:b 0]"), ("read", "[:a nil]", "[:a 7]")]),
        ("queue", &[("enqueue", "[1 7]", "[1 7]"), ("dequeue", "[2 nil]", "[2 nil]"), ("dequeue", "[1 nil]", "[1 7]")]),
        ("stack", &[("push", "[1 7]", "[1 7]"), ("pop", "[2 nil]", "[2 nil]"), ("pop", "[1 nil]", "[1 7]")]),
        ("lock", &[("acquire", "[1 nil]", "[1 nil]"), ("acquire", "[2 nil]", "[2 nil]"), ("acquire", "[1 nil]", "[1 false]")]),
    ];
    for (model, calls) in cases {
        assert_eq!(verdict(model, None, calls), Verdict::Holds, "{model}");
        // The same with the keys apart.
        let apart =
            |value: &str| value.trim_matches(['[', ']']).split_once(' ').map(|(_, value)| value.replace("[7", "[7]")).expect("a pair");
        let keyed: String = calls
            .iter()
            .map(|(f, asked, answer)| {
                let key = &asked[1..asked.find(' ').expect("a pair")];
                let (asked, answer) = (apart(asked), apart(answer));
                format!(
                    "{{:process 0, :type :invoke, :f :{f}, :key {key}, :value {asked}}}\n\
                     {{:process 0, :type :ok, :f :{f}, :key {key}, :value {answer}}}\n"
                )
            })
            .collect();
        let report = run_check(keyed.as_bytes(), model, &options(None)).unwrap_or_else(|error| panic!("{error}\n{keyed}"));
        assert_eq!(report.verdict, Verdict::Holds, "{model}:\n{keyed}");
        // Each object is one of its own.
        let wrong: Vec<(&str, &str, &str)> = calls.iter().copied().chain([calls[0], calls[calls.len() - 1]]).collect();
        let report = run_check(file(&wrong).as_bytes(), model, &options(None)).expect("a history");
        let keys: Vec<_> = report.explanation.violations.iter().map(|violation| violation.key.clone()).collect();
        assert!(report.verdict == Verdict::Holds || keys.len() == 1 && keys[0].is_some(), "{model}: {keys:?}");
    }
    // Elements that are pairs are elements, where reads have no key.
    assert_eq!(verdict("grow-set", None, &[("add", "[1 7]", "[1 7]"), ("read", "nil", "[[1 7]]")]), Verdict::Holds);
    let text = file(&[("add", "[1 7]", "[1 7]"), ("read", "[1 nil]", "[1 #{7}]")])
        .replace("[1 7]}\n{:process 0, :type :ok", "[1 7]}\n{:key 1, :process 0, :type :ok");
    assert_eq!(run_check(text.as_bytes(), "grow-set", &options(None)).expect("a history").verdict, Verdict::Holds);
}

/// What a bank holds in all is said, or seen first; and an id comes once.
#[test]
fn totals_are_kept_and_ids_come_once() {
    let reads = |first: &'static str, second: &'static str| {
        [("read", "nil", first), ("transfer", "{:from 0 :to 1 :amount 5}", "nil"), ("read", "nil", second)]
    };
    assert_eq!(verdict("bank", None, &reads("{0 10 1 10}", "{0 5 1 15}")), Verdict::Holds);
    assert_eq!(verdict("bank", None, &reads("{0 10 1 10}", "{0 5 1 10}")), Verdict::Violated);
    assert_eq!(verdict("bank", None, &reads("{0 10 1 10}", "{0 -5 1 25}")), Verdict::Violated);
    assert_eq!(verdict("bank", Some("{0 20 1 10}"), &reads("{0 10 1 10}", "{0 5 1 15}")), Verdict::Violated);
    assert_eq!(
        verdict("unique-ids", None, &[("generate", "nil", "1"), ("generate", "nil", "\"1\""), ("generate", "nil", "[1 2]")]),
        Verdict::Holds
    );
    assert_eq!(verdict("unique-ids", None, &[("generate", "nil", "[1 2]"), ("generate", "nil", "(1 2)")]), Verdict::Violated);
    assert_eq!(verdict("unique-ids", Some("[7]"), &[("generate", "nil", "7")]), Verdict::Violated);
}

#[test]
fn an_element_that_is_there_twice_is_a_violation() {
    let report = run_check(file(&[("add", "1", "1"), ("read", "nil", "[1 1]")]).as_bytes(), "grow-set", &options(None)).expect("a history");
    assert_eq!(report.verdict, Verdict::Violated);
    assert!(report.explanation.violations[0].operations.iter().any(|operation| operation.text == "read → [1, 1], with repetitions"));
}

/// A register of which it is not known what it held at first, against one that held each thing that it may have held.
fn unknown_starts(count: u64) {
    let (mut held, mut violated) = (0, 0);
    for round in 0..count {
        let mut random = RunKey::from_seed(round).stream("history", 0);
        let shape = HistoryShape { clients: 3, operations: 6, ties: 1 + random.below(3), lies: 6, unknown: 5 };
        let few = |random: &mut Stream| Value::Int(random.below(3) as i64);
        let op = |random: &mut Stream| match random.below(5) {
            0 | 1 => RegisterOp::Read,
            2 => RegisterOp::Write(few(random)),
            _ => RegisterOp::Cas { expect: if random.below(4) == 0 { None } else { Some(few(random)) }, new: few(random) },
        };
        let values: Vec<Option<Value>> = (0..3).map(|value| Some(Value::Int(value))).chain([None]).collect();
        let answers = |op: &RegisterOp<Value>| match op {
            RegisterOp::Read => values.iter().cloned().map(RegisterResult::Value).collect(),
            RegisterOp::Write(_) => vec![RegisterResult::Written],
            RegisterOp::Cas { .. } => vec![RegisterResult::Swapped, RegisterResult::Mismatch],
        };
        let starts = [0, 1, 2, 99].map(|value| Register::holding(Value::Int(value))).into_iter().chain([Register::empty()]);
        let history = generate(&Register::holding(few(&mut random)), shape, &mut random, &op, &answers);
        let expected = starts.into_iter().any(|start| reference::is_linearizable(&start, &history));
        let found = linearizability::check(&UnknownStart(Register::empty()), &history).verdict();
        assert_eq!(found == Verdict::Holds, expected, "seed {round}: {:#?}: {found}", history.operations());
        *(if expected { &mut held } else { &mut violated }) += 1;
    }
    assert!(held > count / 10 && violated > count / 10, "{held} held, {violated} violated");
}

/// The same of a store of texts that are appended to.
fn unknown_starts_of_texts(count: u64) {
    let (mut held, mut violated) = (0, 0);
    for round in 0..count {
        let mut random = RunKey::from_seed(round).stream("history", 0);
        let shape = HistoryShape { clients: 3, operations: 5, ties: 1, lies: 5, unknown: 5 };
        let text = |random: &mut Stream| Value::text(["", "a", "b", "ab"][random.below(4) as usize]);
        let key = String::new;
        let op = |random: &mut Stream| match random.below(6) {
            0..=2 => KvOp::Read { key: key() },
            3 | 4 => KvOp::Append { key: key(), value: Value::text(["a", "b"][random.below(2) as usize]) },
            _ => KvOp::Cas { key: key(), expect: Some(text(random)), new: text(random) },
        };
        // All that it may hold: two letters at first, and one more by each of five operations.
        let texts: Vec<String> = (0..8_u32)
            .flat_map(|length| {
                (0..1_u32 << length).map(move |bits| (0..length).map(|place| if bits >> place & 1 == 1 { 'a' } else { 'b' }).collect())
            })
            .collect();
        let answers = |op: &KvOp<String, Value>| match op {
            KvOp::Read { .. } => texts.iter().map(|text| Answer::Known(KvResult::Value(Some(Value::text(text))))).collect(),
            KvOp::Cas { .. } => vec![Answer::Known(KvResult::Swapped), Answer::Differed],
            _ => vec![Answer::Known(KvResult::Written)],
        };
        let history = generate(&Store::holding(Some(text(&mut random))), shape, &mut random, &op, &answers);
        let starts = texts.iter().map(|text| Some(Value::text(text))).chain([None, Some(Value::text("never"))]);
        let expected = starts.into_iter().any(|start| reference::is_linearizable(&Store::holding(start), &history));
        let found = linearizability::check(&UnknownStart(Store::holding(None)), &history).verdict();
        assert_eq!(found == Verdict::Holds, expected, "seed {round}: {:#?}: {found}", history.operations());
        *(if expected { &mut held } else { &mut violated }) += 1;
    }
    assert!(held > count / 10 && violated > count / 10, "{held} held, {violated} violated");
}

#[test]
fn an_unknown_start_is_any_start() {
    unknown_starts(1_500);
    unknown_starts_of_texts(300);
}

/// `cargo test --release --test checks an_unknown_start_is_any_start_at_length -- --ignored`
#[test]
#[ignore = "slow: 20,000 histories of each kind"]
fn an_unknown_start_is_any_start_at_length() {
    unknown_starts(20_000);
    unknown_starts_of_texts(20_000);
}

/// A queue that is emptied at the end: losses and duplicates are told apart, and what cannot be known is unknown.
#[test]
fn what_goes_into_a_total_queue_comes_out_once() {
    let judged = |calls: &[Case]| {
        let report = run_check(file(calls).as_bytes(), "total-queue", &options(None)).expect("a history");
        let kinds: Vec<String> = report.explanation.violations.iter().filter_map(|violation| violation.kind.clone()).collect();
        (report.verdict, kinds.join(" "), report.caveat)
    };
    let queue: &[(&str, &str, &str)] = &[("enqueue", "1", "1"), ("enqueue", "2", "2"), ("dequeue", "nil", "nil"), ("dequeue", "nil", "2")];
    let with = |more: &[(&'static str, &'static str, &'static str)]| judged(&[queue, more].concat());
    assert_eq!(with(&[("drain", "nil", "[1]")]), (Verdict::Holds, String::new(), None));
    assert_eq!(with(&[("drain", "nil", "[]")]), (Verdict::Violated, "loss".to_owned(), None));
    assert_eq!(with(&[("drain", "nil", "[1 1]")]), (Verdict::Violated, "dequeue".to_owned(), None));
    assert_eq!(with(&[("drain", "nil", "[1 3]")]), (Verdict::Violated, "dequeue".to_owned(), None));
    assert_eq!(with(&[("drain", "nil", "[2]")]), (Verdict::Violated, "loss dequeue".to_owned(), None));
    assert_eq!(with(&[]), (Verdict::Unknown, String::new(), Some("no drain ended, so that it is not known what was lost")));
    // What is put in after the last drain has begun may still be there; and a dequeue of unknown outcome may have taken one.
    assert_eq!(with(&[("drain", "nil", "[1]"), ("enqueue", "4", "4")]).0, Verdict::Holds);
    let unknown = "{:process 9, :type :invoke, :f :dequeue}\n{:process 9, :type :info, :f :dequeue}\n";
    for (drained, verdict) in [("[1]", Verdict::Holds), ("[]", Verdict::Holds)] {
        let text = file(queue) + unknown + &file(&[("drain", "nil", drained)]);
        assert_eq!(run_check(text.as_bytes(), "total-queue", &options(None)).expect("a history").verdict, verdict);
    }
    let text = file(queue) + unknown + &file(&[("enqueue", "5", "5"), ("drain", "nil", "[]")]);
    assert_eq!(run_check(text.as_bytes(), "total-queue", &options(None)).expect("a history").verdict, Verdict::Violated);
    let text = file(&[("drain", "nil", "[7]")]);
    assert_eq!(run_check(text.as_bytes(), "total-queue", &options(Some("[7]"))).expect("a history").verdict, Verdict::Holds);
    assert_eq!(run_check(text.as_bytes(), "total-queue", &options(Some("[7 8]"))).expect("a history").verdict, Verdict::Violated);
}
