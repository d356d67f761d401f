//! What forms read, and what people are told of what they cannot read.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::base::NodeId;
use crate::notation::set;

/// A decoder as the rooms above write them.
#[derive(Debug, PartialEq)]
struct Scenario {
    name: String,
    nodes: u32,
    heartbeat: Duration,
    election: DurationRange,
    loss: Ratio,
    trace: bool,
    faults: Vec<Fault>,
    mix: Vec<(String, u32)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Fault {
    At(Duration, Box<Fault>),
    Crash { node: NodeId, down: Option<Duration> },
    Heal,
    OneOf(Vec<Fault>),
    Cut(Vec<NodeId>),
}

impl Scenario {
    fn decode(form: Form<'_>) -> Option<Self> {
        form.variant("a scenario", &["Scenario"])?;
        let mut fields = form.fields()?;
        let name = fields.required("name", Form::text);
        let system = fields.required("system", Self::system);
        let loss = fields.read_or("loss", Ratio::NEVER, Form::ratio);
        let trace = fields.read_or("trace", false, Form::boolean);
        let faults = fields.read_or("faults", Vec::new(), |faults| faults.list(Fault::decode));
        let mix = fields.read_or("mix", Vec::new(), Self::mix);
        fields.finish();
        let (nodes, heartbeat, election) = system?;
        Some(Self { name: name?, nodes, heartbeat, election, loss, trace, faults, mix })
    }

    fn system(form: Form<'_>) -> Option<(u32, Duration, DurationRange)> {
        let election = DurationRange::from(Duration::from_millis(150));
        let mut fields = form.fields()?;
        let system = (
            fields.read_or("nodes", 5, |nodes| nodes.count(1..=1000)),
            fields.read_or("heartbeat", Duration::from_millis(50), Form::duration_positive),
            fields.read_or("election_timeout", election, Form::duration_range),
        );
        fields.finish();
        Some(system)
    }

    fn mix(form: Form<'_>) -> Option<Vec<(String, u32)>> {
        form.fields()?.rest(|name, weight| Some((name.to_owned(), weight.count(1..)?)))
    }
}

impl Fault {
    fn decode(form: Form<'_>) -> Option<Self> {
        let decode = form.one_of(
            "a fault",
            &[
                ("At", Self::at as fn(Form<'_>) -> Option<Self>),
                ("Crash", Self::crash),
                ("Heal", |form| form.arguments([]).map(|[]| Self::Heal)),
                ("OneOf", |form| form.arguments(["a list of faults"]).and_then(|[list]| list.list(Self::decode)).map(Self::OneOf)),
                ("Cut", |form| form.each_argument(node).map(Self::Cut)),
            ],
        )?;
        decode(form)
    }

    fn at(form: Form<'_>) -> Option<Self> {
        let [time, fault] = form.arguments(["a time", "a fault"])?;
        let (time, fault) = (time.duration(), Self::decode(fault));
        Some(Self::At(time?, Box::new(fault?)))
    }

    fn crash(form: Form<'_>) -> Option<Self> {
        let mut fields = form.fields()?;
        let (victim, down) = (fields.required("node", node), fields.optional("down", Form::duration));
        fields.finish();
        Some(Self::Crash { node: victim?, down })
    }
}

fn node(form: Form<'_>) -> Option<NodeId> {
    let node = form.name().and_then(|name| name.parse().ok());
    if node.is_none() {
        form.report(form.mismatch("a node, like n1"));
    }
    node
}

const VALID: &str = r##"// A storm.
Scenario(
    name: r#"calm "before""#,
    system: RaftKv(nodes: 3, election_timeout: "150ms..300ms", /* often */ heartbeat: "20ms"),
    loss: "1%",
    faults: [
        At("2s", Cut(n1, n2)), // both
        At("4s", OneOf([Heal, Crash(node: n3, down: "1.5s")])),
    ],
    mix: (read: 5, write: 4,),
)
"##;

fn decode(text: &str) -> (Option<Scenario>, String) {
    let source = Source::new("storm.ron", text);
    let problems = Diagnostics::new();
    let scenario = Form::parse(&source, &problems).and_then(Scenario::decode);
    let rendered = problems.render(&source, false);
    (scenario, rendered)
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&decode(text).1);
}

/// A field of an otherwise valid scenario.
fn check_field(field: &str, expected: Expect) {
    check(&format!("Scenario(name: \"calm\", system: RaftKv, {field})"), expected);
}

#[test]
fn a_valid_file_is_read() {
    let (scenario, problems) = decode(VALID);
    assert_eq!(problems, "");
    let millis = Duration::from_millis;
    let crash = Fault::Crash { node: NodeId::server(2), down: Some(millis(1_500)) };
    let cut = Fault::Cut(vec![NodeId::server(0), NodeId::server(1)]);
    let expected = Scenario {
        name: "calm \"before\"".to_owned(),
        nodes: 3,
        heartbeat: millis(20),
        election: DurationRange::new(millis(150), millis(300)).expect("in order"),
        loss: Ratio::new(1, 100).expect("a ratio"),
        trace: false,
        faults: vec![Fault::At(millis(2_000), Box::new(cut)), Fault::At(millis(4_000), Box::new(Fault::OneOf(vec![Fault::Heal, crash])))],
        mix: vec![("read".to_owned(), 5), ("write".to_owned(), 4)],
    };
    assert_eq!(scenario, Some(expected));
}

#[test]
fn places_are_exact() {
    let (source, problems) = (Source::new("storm.ron", VALID), Diagnostics::new());
    let form = Form::parse(&source, &problems).expect("valid");
    let mut fields = form.fields().expect("fields");
    let system = fields.take("system").expect("there");
    assert_eq!(system.raw(), &VALID[system.span().start..system.span().end]);
    assert_eq!(system.name(), Some("RaftKv"));
    let heartbeat = system.fields().expect("fields").take("heartbeat").expect("there");
    assert_eq!((heartbeat.raw(), source.place(heartbeat.span().start).to_string().as_str()), ("\"20ms\"", "4:87"));
}

#[test]
fn every_problem_is_reported_at_once() {
    let text = r#"Scenario(
    nme: "calm",
    system: RaftKv(
        nodes: "five",
        election_timeout: "300ms..150ms",
        hartbeat: 20,
        nodes: 7,
    ),
    loss: "3/2",
    trace: yes,
    faults: [
        At("2 parsecs", Hael),
        At("4s"),
        Crash(down: 1500),
    ],
    mix: (read: 0),
)"#;
    check(
        text,
        expect![[r#"
                error: `Scenario` needs the field `name`
                 --> storm.ron:1:1
                  |
                1 | Scenario(
                  | ^^^^^^^^
                  |
                  = help: add name: …

                error: `Scenario` has no field `nme`
                 --> storm.ron:2:5
                  |
                2 |     nme: "calm",
                  |     ^^^
                  |
                  = help: did you mean `name`? known here: name, system, loss, trace, faults, mix

                error: expected a whole number from 1 to 1000, found the text "five"
                 --> storm.ron:4:16
                  |
                4 |         nodes: "five",
                  |                ^^^^^^

                error: expected a range of lengths of time, like "1ms..5ms", found the text "300ms..150ms"
                 --> storm.ron:5:27
                  |
                5 |         election_timeout: "300ms..150ms",
                  |                           ^^^^^^^^^^^^^^ the range is inverted: the shorter length comes first

                error: `RaftKv` has no field `hartbeat`
                 --> storm.ron:6:9
                  |
                6 |         hartbeat: 20,
                  |         ^^^^^^^^
                  |
                  = help: did you mean `heartbeat`? known here: nodes, heartbeat, election_timeout

                error: the field `nodes` is given twice
                 --> storm.ron:7:9
                  |
                4 |         nodes: "five",
                  |         ----- given first here
                ...
                7 |         nodes: 7,
                  |         ^^^^^ given again here

                error: expected a chance, like "1/100" or "1%", found the text "3/2"
                 --> storm.ron:9:11
                  |
                9 |     loss: "3/2",
                  |           ^^^^^ a chance lies between 0 and 1

                error: expected `true` or `false`, found the name `yes`
                  --> storm.ron:10:12
                   |
                10 |     trace: yes,
                   |            ^^^

                error: expected a length of time, like "150ms", found the text "2 parsecs"
                  --> storm.ron:12:12
                   |
                12 |         At("2 parsecs", Hael),
                   |            ^^^^^^^^^^^ unknown unit "parsecs": one of ns, us, ms, s, min

                error: expected a fault, found `Hael`
                  --> storm.ron:12:25
                   |
                12 |         At("2 parsecs", Hael),
                   |                         ^^^^
                   |
                   = help: did you mean `Heal`? known here: At, Crash, Heal, OneOf, Cut

                error: `At` takes 2 arguments: a time, a fault; found 1
                  --> storm.ron:13:9
                   |
                13 |         At("4s"),
                   |         ^^^^^^^^

                error: `Crash` needs the field `node`
                  --> storm.ron:14:9
                   |
                14 |         Crash(down: 1500),
                   |         ^^^^^
                   |
                   = help: add node: …

                error: expected a length of time, like "150ms", found the number `1500`
                  --> storm.ron:14:21
                   |
                14 |         Crash(down: 1500),
                   |                     ^^^^ the unit is missing
                   |
                   = help: write "1500ms"

                error: expected a whole number, at least 1, found the number `0`
                  --> storm.ron:16:17
                   |
                16 |     mix: (read: 0),
                   |                 ^
            "#]],
    );
}

#[test]
fn fields_that_are_not_there() {
    check(
        "Scenario(name: \"calm\")",
        expect![[r#"
            error: `Scenario` needs the field `system`
             --> storm.ron:1:1
              |
            1 | Scenario(name: "calm")
              | ^^^^^^^^
              |
              = help: add system: …
        "#]],
    );
    check(
        "Scenrio(name: \"calm\")",
        expect![[r#"
            error: expected a scenario, found `Scenrio`
             --> storm.ron:1:1
              |
            1 | Scenrio(name: "calm")
              | ^^^^^^^
              |
              = help: did you mean `Scenario`?
        "#]],
    );
    check(
        "(name: \"calm\")",
        expect![[r#"
                error: expected a scenario, found named fields
                 --> storm.ron:1:1
                  |
                1 | (name: "calm")
                  | ^
                  |
                  = help: known here: Scenario
            "#]],
    );
    check(
        "Scenario(\"calm\", 5)",
        expect![[r#"
                error: the fields of `Scenario` need names
                 --> storm.ron:1:1
                  |
                1 | Scenario("calm", 5)
                  | ^^^^^^^^^^^^^^^^^^^
                  |
                  = help: write Scenario(name: value, …)
            "#]],
    );
    check_field(
        "faults: [Crash()]",
        expect![[r#"
            error: `Crash` needs the field `node`
             --> storm.ron:1:49
              |
            1 | Scenario(name: "calm", system: RaftKv, faults: [Crash()])
              |                                                 ^^^^^
              |
              = help: add node: …
        "#]],
    );
    check_field(
        "faults: [At(time: \"2s\")]",
        expect![[r#"
            error: the arguments of `At` have no names
             --> storm.ron:1:49
              |
            1 | Scenario(name: "calm", system: RaftKv, faults: [At(time: "2s")])
              |                                                 ^^^^^^^^^^^^^^
              |
              = help: leave the names out, and mind the order
        "#]],
    );
}

#[test]
fn wrong_kinds() {
    check(
        "Scenario(name: calm, system: [RaftKv])",
        expect![[r#"
            error: expected a text in quotes, found the name `calm`
             --> storm.ron:1:16
              |
            1 | Scenario(name: calm, system: [RaftKv])
              |                ^^^^
              |
              = help: a text stands in quotes: "calm"

            error: expected named fields in parentheses, found a list
             --> storm.ron:1:30
              |
            1 | Scenario(name: calm, system: [RaftKv])
              |                              ^^^^^^^^
              |
              = help: write (name: value, …)
        "#]],
    );
    check(
        "Scenario(name: 7, system: RaftKv(nodes: 99999999999999999999999999))",
        expect![[r#"
            error: expected a text in quotes, found the number `7`
             --> storm.ron:1:16
              |
            1 | Scenario(name: 7, system: RaftKv(nodes: 99999999999999999999999999))
              |                ^

            error: expected a whole number from 1 to 1000, found the number `99999999999999999999999999`
             --> storm.ron:1:41
              |
            1 | Scenario(name: 7, system: RaftKv(nodes: 99999999999999999999999999))
              |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        "Scenario(name: \"calm\", system: RaftKv(nodes: -1, heartbeat: 0, election_timeout: 150))",
        expect![[r#"
            error: expected a whole number from 1 to 1000, found the number `-1`
             --> storm.ron:1:46
              |
            1 | Scenario(name: "calm", system: RaftKv(nodes: -1, heartbeat: 0, election_timeout: 150))
              |                                              ^^

            error: expected a length of time, like "150ms", found the number `0`
             --> storm.ron:1:61
              |
            1 | Scenario(name: "calm", system: RaftKv(nodes: -1, heartbeat: 0, election_timeout: 150))
              |                                                             ^ the unit is missing
              |
              = help: write "0s"

            error: expected a range of lengths of time, like "1ms..5ms", found the number `150`
             --> storm.ron:1:82
              |
            1 | Scenario(name: "calm", system: RaftKv(nodes: -1, heartbeat: 0, election_timeout: 150))
              |                                                                                  ^^^ the unit is missing
              |
              = help: write "150ms"
        "#]],
    );
    check(
        "Scenario(name: \"calm\", system: RaftKv(nodes: 2.5, heartbeat: \"0s\", election_timeout: (1, 2)))",
        expect![[r#"
            error: expected a whole number from 1 to 1000, found the number `2.5`
             --> storm.ron:1:46
              |
            1 | Scenario(name: "calm", system: RaftKv(nodes: 2.5, heartbeat: "0s", election_timeout: (1, 2)))
              |                                              ^^^

            error: expected a length of time above zero, found the text "0s"
             --> storm.ron:1:62
              |
            1 | Scenario(name: "calm", system: RaftKv(nodes: 2.5, heartbeat: "0s", election_timeout: (1, 2)))
              |                                                              ^^^^

            error: expected a range of lengths of time, like "1ms..5ms", found values in parentheses
             --> storm.ron:1:86
              |
            1 | Scenario(name: "calm", system: RaftKv(nodes: 2.5, heartbeat: "0s", election_timeout: (1, 2)))
              |                                                                                      ^^^^^^
        "#]],
    );
    check_field(
        "loss: 0.25, trace: 1, mix: (read: 5, write: {}, cas: 4294967296)",
        expect![[r#"
                error: expected `true` or `false`, found the number `1`
                 --> storm.ron:1:59
                  |
                1 | Scenario(name: "calm", system: RaftKv, loss: 0.25, trace: 1, mix: (read: 5, write: {}, cas: 4294967296))
                  |                                                           ^

                error: expected a whole number, at least 1, found a map
                 --> storm.ron:1:84
                  |
                1 | Scenario(name: "calm", system: RaftKv, loss: 0.25, trace: 1, mix: (read: 5, write: {}, cas: 4294967296))
                  |                                                                                    ^^

                error: expected a whole number, at least 1, found the number `4294967296`
                 --> storm.ron:1:93
                  |
                1 | Scenario(name: "calm", system: RaftKv, loss: 0.25, trace: 1, mix: (read: 5, write: {}, cas: 4294967296))
                  |                                                                                             ^^^^^^^^^^ too large
            "#]],
    );
    check_field(
        "faults: Heal",
        expect![[r#"
            error: expected a list, found the name `Heal`
             --> storm.ron:1:48
              |
            1 | Scenario(name: "calm", system: RaftKv, faults: Heal)
              |                                                ^^^^
              |
              = help: lists stand in square brackets, even those of one: [a], [a, b]
        "#]],
    );
    check_field(
        "faults: [Heal(1), Cut(n1, 2, Leader), 5, OneOf([Heal], [Heal])]",
        expect![[r#"
                error: `Heal` takes no arguments, found 1
                 --> storm.ron:1:49
                  |
                1 | Scenario(name: "calm", system: RaftKv, faults: [Heal(1), Cut(n1, 2, Leader), 5, OneOf([Heal], [Heal])])
                  |                                                 ^^^^^^^

                error: expected a node, like n1, found the number `2`
                 --> storm.ron:1:66
                  |
                1 | Scenario(name: "calm", system: RaftKv, faults: [Heal(1), Cut(n1, 2, Leader), 5, OneOf([Heal], [Heal])])
                  |                                                                  ^

                error: expected a node, like n1, found the name `Leader`
                 --> storm.ron:1:69
                  |
                1 | Scenario(name: "calm", system: RaftKv, faults: [Heal(1), Cut(n1, 2, Leader), 5, OneOf([Heal], [Heal])])
                  |                                                                     ^^^^^^

                error: expected a fault, found the number `5`
                 --> storm.ron:1:78
                  |
                1 | Scenario(name: "calm", system: RaftKv, faults: [Heal(1), Cut(n1, 2, Leader), 5, OneOf([Heal], [Heal])])
                  |                                                                              ^
                  |
                  = help: known here: At, Crash, Heal, OneOf, Cut

                error: `OneOf` takes one argument, a list of faults; found 2
                 --> storm.ron:1:81
                  |
                1 | Scenario(name: "calm", system: RaftKv, faults: [Heal(1), Cut(n1, 2, Leader), 5, OneOf([Heal], [Heal])])
                  |                                                                                 ^^^^^^^^^^^^^^^^^^^^^
            "#]],
    );
}

#[test]
fn what_serde_reads() {
    let (source, problems) = (Source::new("storm.ron", "(-5, ['a', 'b'], \"x\")"), Diagnostics::new());
    let [number, list, text] =
        Form::parse(&source, &problems).and_then(|form| form.arguments(["a number", "a list", "a text"])).expect("three");
    assert_eq!(number.deserialize::<i32>("a number"), Some(-5));
    assert_eq!(list.deserialize::<Vec<char>>("letters"), Some(vec!['a', 'b']));
    assert_eq!(text.deserialize::<bool>("a truth"), None);
    assert_eq!(text.from_text::<char>("a letter"), Some('x'));
    expect![[r#"
            error: expected a truth, found the text "x"
             --> storm.ron:1:18
              |
            1 | (-5, ['a', 'b'], "x")
              |                  ^^^ expected boolean
        "#]]
    .assert_eq(&problems.render(&source, false));
}

/// What people and editors do to a file: cut, repeat and insert.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "(", ")", "[", "]", "{", "}", ",", ":", "\"", "'", "//", "/*", "*/", "#", "r#", "\\", "\n", "\r\n", "\t"
        ]),
        proptest::sample::select(vec!["5", "-", ".", "..", "1e9", "Leader", "true", "None", "Some(", "()", "\u{feff}", "\0", "💨", "ä"]),
    ];
    proptest::collection::vec((any::<proptest::sample::Index>(), 0..20_usize, piece), 1..5).prop_map(|edits| {
        let mut text: Vec<char> = VALID.chars().collect();
        for (place, cut, piece) in edits {
            let start = place.index(text.len());
            let end = (start + cut).min(text.len());
            text.splice(start..end, piece.chars());
            text.push(' ');
        }
        text.into_iter().collect()
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,60}", "[ \\[\\](){},:a1\"'#/*r.\\\\-]{0,30}", mutated()]
}

fn bytes() -> impl Strategy<Value = String> {
    any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

proptest! {
    #[test]
    fn nothing_panics(text in prop_oneof![any_text(), bytes()]) {
        let (scenario, problems) = decode(&text);
        prop_assert!(scenario.is_some() || !problems.is_empty());
    }

    #[test]
    fn every_value_lies_where_it_says(text in any_text()) {
        let (source, problems) = (Source::new("storm.ron", text.as_str()), Diagnostics::new());
        if let Some(form) = Form::parse(&source, &problems) {
            prop_assert_eq!(form.raw(), &text[form.span().start..form.span().end]);
            check_parts(form)?;
        }
    }

    #[test]
    fn setting_never_panics(
        text in any_text(),
        path in "[a-z\\[\\]0-9.]{0,20}|faults\\[[01]\\]\\[1\\]|system\\.[a-z]{1,3}",
        value in any_text(),
    ) {
        let _ = set(&text, &path, &value);
    }

    #[test]
    fn what_was_set_is_read(name in any::<String>(), nodes in 1..=1000_u32, nanos in 1..u64::MAX) {
        let heartbeat = Duration::from_nanos(nanos);
        let quoted = ron::to_string(&name).expect("a text");
        let text = set(VALID, "name", &quoted).and_then(|text| set(&text, "system.nodes", &nodes.to_string()));
        let text = text.and_then(|text| set(&text, "system.heartbeat", &heartbeat.to_string()));
        let text = text.and_then(|text| set(&text, "trace", "true"));
        let text = text.and_then(|text| set(&text, "faults[1][1][0][1].node", "n7")).and_then(|text| set(&text, "mix.cas", "9"));
        let (scenario, problems) = decode(&text.expect("every path is there"));
        prop_assert_eq!(problems, "");
        let scenario = scenario.expect("no problems");
        prop_assert_eq!((scenario.name, scenario.nodes, scenario.heartbeat, scenario.trace), (name, nodes, heartbeat, true));
        prop_assert_eq!(&scenario.mix[2], &("cas".to_owned(), 9));
        let crash = Fault::Crash { node: NodeId::server(6), down: Some(Duration::from_millis(1_500)) };
        prop_assert_eq!(&scenario.faults[1], &Fault::At(Duration::from_secs(4), Box::new(Fault::OneOf(vec![Fault::Heal, crash]))));
    }
}

/// A value that was located is one that reads alone, and so are its parts.
fn check_parts(form: Form<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(syntax::value(form.raw()).ok(), Some(form.raw()));
    let parts: Vec<&str> = match syntax::contents(form.raw()) {
        Contents::Fields(fields) => fields.into_iter().map(|(_, value)| value).collect(),
        Contents::Items(items) => items,
        _ => Vec::new(),
    };
    parts.into_iter().try_for_each(|part| check_parts(form.part(part)))
}
