//! How the stages of a pipeline are written: `Map(name: "double", from: ["in"], function: Multiply(2))`.

use crate::base::{Duration, DurationRange, Ratio};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::notation::{
    Chance, Count, Fields, Form, Length, LengthRange, Maybe, OneOf, PositiveLength, Required, Setting, Settings, Text, Variant, Within,
    codecs, joined, quoted, settings,
};
use crate::protocols::pipeline::{Does, Flaw, Fold, Function, Graph, Input, Predicate, Sink, Stage, Timeline, Windowing, Windows, Wrong};

settings! {
    /// What all stages have fields for.
    struct Placed {
        /// What the stage is called; no other is called so.
        name: Option<String> = None, Required(Text);
        /// By how many subtasks the stage is done, each on a node of its own.
        parallelism: u32 = 1, Count(1..=100);
        /// How long a subtask takes for an event.
        work: DurationRange = Duration::ZERO.into(), LengthRange;
    }
}

settings! {
    /// What all but sources have fields for.
    struct Fed {
        /// The names of the stages that feed it: one, of a `Join` two, of a `Union` two or more.
        from: Option<Vec<String>> = None, Required(Names);
    }
}

settings! {
    /// `Source`: a replayable input.
    struct Partitions {
        /// How many events each partition has. Each subtask reads one partition.
        events: u64 = Input::default().events, Count(0..=1_000_000_000);
        /// How long after one event of a partition the next one comes.
        gap: Duration = Input::default().gap, PositiveLength;
        /// How many keys there are, drawn alike.
        keys: u32 = Input::default().keys, Count(1..=1_000_000);
        /// By how much an event can be older than when it comes.
        disorder: Duration = Input::default().disorder, Length;
        /// How often an event is a stray: older by `stray_by`, whatever `disorder` says.
        stray: Ratio = Input::default().stray, Chance;
        /// By how much a stray is older than when it comes.
        stray_by: Duration = Input::default().stray_by, Length;
        /// How many partitions, the last ones, have nothing at all, and do not end.
        silent: u32 = 0, Count(0..=100);
        /// By how much an event is taken to be older than the newest before it at most: watermarks lag so far behind.
        bound: Duration = Input::default().bound, Length;
        /// After how long without an event a partition is idle, so that watermarks do not wait for it.
        idle: Option<Duration> = None, Maybe(PositiveLength);
    }
}

settings! {
    /// `Map`: another value.
    struct Mapped {
        /// What is made of a value.
        function: Option<Function> = None, Required(Functions);
    }
}

settings! {
    /// `Filter`: fewer events.
    struct Filtered {
        /// Which events pass.
        keep: Option<Predicate> = None, Required(Predicates);
    }
}

settings! {
    /// `KeyBy`: a key.
    struct Keyed {
        /// The key that an event gets: its own, or what is made of its value.
        key: Function = Function::Key, Functions;
    }
}

settings! {
    /// `Window`: the events of each key, gathered.
    struct Gathered {
        /// Into which windows an event falls.
        windows: Option<Windows> = None, Required(Spans);
        /// What becomes of the values in a window.
        fold: Fold = Fold::Sum, OneOf("a fold", &FOLDS);
        /// For how long after its result a window still takes events, and tells a new result for each.
        lateness: Duration = Duration::ZERO, Length;
        /// By which time windows go.
        time: Timeline = Timeline::Event, OneOf("a time", &TIMELINES);
    }
}

settings! {
    /// `Aggregate`: what the values of a key have come to, told with each event.
    struct Totalled {
        /// What becomes of the values of a key.
        fold: Fold = Fold::Sum, OneOf("a fold", &FOLDS);
    }
}

settings! {
    /// `Join`: pairs of two inputs.
    struct Paired {
        /// How long the windows are: events make a pair that have the same key and fall into the same one.
        within: Option<Duration> = None, Required(PositiveLength);
    }
}

settings! {
    /// `Sink`: a store.
    struct Stored {
        /// How results are stored.
        store: Sink = Sink::TwoPhase, OneOf("a way to store", &SINKS);
    }
}

static FOLDS: [(&str, &str, Fold); 4] = [
    ("Sum", "The sum of the values.", Fold::Sum),
    ("Count", "How many there are.", Fold::Count),
    ("Least", "The least value.", Fold::Least),
    ("Greatest", "The greatest value.", Fold::Greatest),
];

static TIMELINES: [(&str, &str, Timeline); 2] = [
    ("Event", "That of events: a window is closed when the watermark is past its end.", Timeline::Event),
    ("Processing", "That of the node's clock: an event falls into the window in which it comes.", Timeline::Processing),
];

static SINKS: [(&str, &str, Sink); 3] = [
    ("Append", "One after the other.", Sink::Append),
    ("Idempotent", "By its id: a result that comes again takes the place of itself.", Sink::Idempotent),
    ("TwoPhase", "In transactions, each committed when the checkpoint that ends it is complete.", Sink::TwoPhase),
];

const FUNCTIONS: [Variant; 4] = [
    Variant::new("Add", "The value, and so much.", "function: Add(1)"),
    Variant::new("Multiply", "The value, so many times.", "function: Multiply(2)"),
    Variant::new("Modulo", "What is left of the value when it is divided.", "key: Modulo(10)"),
    Variant::new("Key", "The key of the event.", "key: Key"),
];

const PREDICATES: [Variant; 3] = [
    Variant::new("MultipleOf", "Events pass whose value is a multiple of this.", "keep: MultipleOf(2)"),
    Variant::new("AtLeast", "Events pass whose value is at least this.", "keep: AtLeast(100)"),
    Variant::new("Below", "Events pass whose value is below this.", "keep: Below(100)"),
];

const SPANS: [Variant; 3] = [
    Variant::new("Tumbling", "One window after the other, each of this size.", "windows: Tumbling(\"1s\")"),
    Variant::new("Sliding", "Windows of this size, of which one begins each slide.", "windows: Sliding(\"1s\", \"250ms\")"),
    Variant::new("Session", "A window lasts as long as the next event of the key comes within the gap.", "windows: Session(\"200ms\")"),
];

codecs! {
    /// The stages of a pipeline.
    pub(super) Stages: Graph = graph, written, "a list of stages, like `[Source(name: \"in\"), Sink(name: \"out\", from: [\"in\"])]`",
        within Within::OneOf("a stage", STAGES.to_vec()).each();
    /// Names of stages.
    Names: Vec<String> = |form: Form<'_>| form.list(Form::text), names_written, "a list of names", like "[\"in\"]";
    /// What is computed of a value.
    Functions: Function = function, function_written, "a function: `Add(1)`, `Multiply(2)`, `Modulo(10)`, `Key`",
        within Within::OneOf("a function", FUNCTIONS.to_vec());
    /// Which events pass.
    Predicates: Predicate = predicate, |keep: &Predicate| format!("{keep:?}"), "`MultipleOf(2)`, `AtLeast(100)`, `Below(100)`",
        within Within::OneOf("a condition", PREDICATES.to_vec());
    /// Into which windows events fall.
    Spans: Windows = spans, spans_written, "`Tumbling(\"1s\")`, `Sliding(\"1s\", \"250ms\")`, `Session(\"200ms\")`",
        within Within::OneOf("windows", SPANS.to_vec());
}

/// The stages that there are.
const STAGES: [Variant; 9] = [
    Variant::new("Source", "It reads an input that can be read again.", "Source(name: \"in\", events: 500)").with(of::<Partitions>),
    Variant::new("Map", "It makes another value of each.", "Map(name: \"double\", from: [\"in\"], function: Multiply(2))")
        .with(fed::<Mapped>),
    Variant::new("Filter", "It lets some events pass.", "Filter(name: \"even\", from: [\"in\"], keep: MultipleOf(2))")
        .with(fed::<Filtered>),
    Variant::new("KeyBy", "It gives each event a key.", "KeyBy(name: \"by-key\", from: [\"in\"], key: Modulo(10))").with(fed::<Keyed>),
    Variant::new(
        "Window",
        "It gathers the events of each key in windows.",
        "Window(name: \"sums\", from: [\"by-key\"], windows: Tumbling(\"1s\"), fold: Sum)",
    )
    .with(fed::<Gathered>),
    Variant::new(
        "Aggregate",
        "It tells with each event what those of its key have come to.",
        "Aggregate(name: \"totals\", from: [\"by-key\"], fold: Count)",
    )
    .with(fed::<Totalled>),
    Variant::new("Join", "It pairs the events of two inputs.", "Join(name: \"pairs\", from: [\"left\", \"right\"], within: \"1s\")")
        .with(fed::<Paired>),
    Variant::new("Union", "It passes on what comes through all of its inputs.", "Union(name: \"all\", from: [\"left\", \"right\"])")
        .with(fed::<()>),
    Variant::new("Sink", "It stores what comes.", "Sink(name: \"out\", from: [\"sums\"], store: TwoPhase)").with(fed::<Stored>),
];

fn of<S: Settings>() -> Vec<Setting> {
    [Placed::declared(), S::declared()].concat()
}

fn fed<S: Settings>() -> Vec<Setting> {
    [Placed::declared(), Fed::declared(), S::declared()].concat()
}

/// A stage that was read, and where.
struct Read<'s> {
    stage: Stage,
    form: Form<'s>,
    name: Option<Form<'s>>,
    from: Vec<Form<'s>>,
}

/// Reads the stages, and what is wrong between them.
fn graph(form: Form<'_>) -> Option<Graph> {
    let read = form.list(stage)?;
    match Graph::new(read.iter().map(|read| read.stage.clone()).collect()) {
        Ok(graph) => Some(graph),
        Err(flaws) => {
            flaws.iter().for_each(|flaw| form.report(problem(form, &read, flaw)));
            None
        }
    }
}

fn problem(all: Form<'_>, read: &[Read<'_>], Flaw { stage, input, what }: &Flaw) -> Diagnostic {
    let Some(of) = read.get(*stage) else { return all.problem(what.message("")).help(what.help()) };
    let place = input.and_then(|input| of.from.get(input)).or(of.name.as_ref()).unwrap_or(&of.form);
    let problem = place.problem(what.message(&of.stage.name));
    let Wrong::Unknown(name) = what else { return problem.help(what.help()) };
    let names: Vec<&str> = read.iter().map(|other| &*other.stage.name).filter(|other| *other != of.stage.name).collect();
    problem.help(suggestion(name, &names))
}

fn stage(form: Form<'_>) -> Option<Read<'_>> {
    let kind = form.variant_of("a stage", &STAGES)?.name;
    let mut fields = form.fields()?;
    let (Placed { name, parallelism, work }, given) = Placed::read(&mut fields);
    let mut names = Vec::new();
    let mut from = Some(Vec::new());
    if kind != "Source" {
        let (fed, given) = Fed::read(&mut fields);
        names = given.form("from").filter(|_| fed.from.is_some()).and_then(|form| form.list(Some)).unwrap_or_default();
        from = fed.from;
    }
    let does = does(kind, &mut fields);
    fields.finish();
    let stage = Stage { name: name?, from: from?, parallelism, work, does: does? };
    Some(Read { stage, form, name: given.form("name"), from: names })
}

fn does(kind: &str, fields: &mut Fields<'_>) -> Option<Does> {
    Some(match kind {
        "Source" => {
            let Partitions { events, gap, keys, disorder, stray, stray_by, silent, bound, idle } = Partitions::read(fields).0;
            Does::Source(Input { events, gap, keys, disorder, stray, stray_by, silent, bound, idle })
        }
        "Map" => Does::Map(Mapped::read(fields).0.function?),
        "Filter" => Does::Filter(Filtered::read(fields).0.keep?),
        "KeyBy" => Does::KeyBy(Keyed::read(fields).0.key),
        "Window" => {
            let Gathered { windows, fold, lateness, time } = Gathered::read(fields).0;
            Does::Window(Windowing { windows: windows?, fold, lateness, time })
        }
        "Aggregate" => Does::Aggregate(Totalled::read(fields).0.fold),
        "Join" => Does::Join(Paired::read(fields).0.within?),
        "Union" => Does::Union,
        _ => Does::Sink(Stored::read(fields).0.store),
    })
}

fn written(graph: &Graph) -> String {
    let stages: String = graph.stages().iter().map(|stage| format!("\n            {},", stage_written(stage))).collect();
    format!("[{stages}\n        ]")
}

fn stage_written(stage: &Stage) -> String {
    let Stage { name, from, parallelism, work, does } = stage.clone();
    let (kind, own) = match does {
        Does::Source(Input { events, gap, keys, disorder, stray, stray_by, silent, bound, idle }) => {
            ("Source", Partitions { events, gap, keys, disorder, stray, stray_by, silent, bound, idle }.written())
        }
        Does::Map(function) => ("Map", Mapped { function: Some(function) }.written()),
        Does::Filter(keep) => ("Filter", Filtered { keep: Some(keep) }.written()),
        Does::KeyBy(key) => ("KeyBy", Keyed { key }.written()),
        Does::Window(Windowing { windows, fold, lateness, time }) => {
            ("Window", Gathered { windows: Some(windows), fold, lateness, time }.written())
        }
        Does::Aggregate(fold) => ("Aggregate", Totalled { fold }.written()),
        Does::Join(within) => ("Join", Paired { within: Some(within) }.written()),
        Does::Union => ("Union", String::new()),
        Does::Sink(store) => ("Sink", Stored { store }.written()),
    };
    let from = if kind == "Source" { String::new() } else { Fed { from: Some(from) }.written() };
    format!("{kind}({})", joined([Placed { name: Some(name), parallelism, work }.written(), from, own]))
}

fn names_written(names: &[String]) -> String {
    format!("[{}]", names.iter().map(quoted).collect::<Vec<_>>().join(", "))
}

fn number(form: Form<'_>) -> Option<i64> {
    form.deserialize("a whole number")
}

fn function(form: Form<'_>) -> Option<Function> {
    let kind = form.variant_of("a function", &FUNCTIONS)?.name;
    if kind == "Key" {
        return form.arguments([]).map(|[]| Function::Key);
    }
    let [argument] = form.arguments(["a whole number"])?;
    let number = number(argument)?;
    Some(match kind {
        "Add" => Function::Add(number),
        "Multiply" => Function::Multiply(number),
        _ => Function::Modulo(number),
    })
}

fn function_written(function: &Function) -> String {
    format!("{function:?}")
}

fn predicate(form: Form<'_>) -> Option<Predicate> {
    let kind = form.variant_of("a condition", &PREDICATES)?.name;
    let [argument] = form.arguments(["a whole number"])?;
    let number = number(argument)?;
    Some(match kind {
        "MultipleOf" => Predicate::MultipleOf(number),
        "AtLeast" => Predicate::AtLeast(number),
        _ => Predicate::Below(number),
    })
}

fn spans(form: Form<'_>) -> Option<Windows> {
    use crate::notation::Codec;
    let length = |form: Form<'_>| PositiveLength.read(form);
    match form.variant_of("windows", &SPANS)?.name {
        "Tumbling" => {
            let [size] = form.arguments(["a length"])?;
            Some(Windows::Tumbling { size: length(size)? })
        }
        "Sliding" => {
            let [size, slide] = form.arguments(["a length", "how long after one window the next begins"])?;
            let (size, slide) = (length(size), length(slide));
            Some(Windows::Sliding { size: size?, slide: slide? })
        }
        _ => {
            let [gap] = form.arguments(["a length"])?;
            Some(Windows::Session { gap: length(gap)? })
        }
    }
}

fn spans_written(windows: &Windows) -> String {
    match windows {
        Windows::Tumbling { size } => format!("Tumbling(\"{size}\")"),
        Windows::Sliding { size, slide } => format!("Sliding(\"{size}\", \"{slide}\")"),
        Windows::Session { gap } => format!("Session(\"{gap}\")"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::diagnostic::{Diagnostics, Source};
    use crate::notation::Codec;

    fn problems(text: &str) -> String {
        let (source, problems) = (Source::new("clicks.ron", text), Diagnostics::new());
        let graph = Form::parse(&source, &problems).and_then(graph);
        assert_eq!(graph.is_some(), !problems.has_errors());
        problems.render(&source, false)
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&problems(text));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = r#"[
            Source(name: "in", parallelism: 2, silent: 1, idle: "1s", stray: "1/10"),
            Map(name: "map", from: ["in"], function: Add(-1), work: "1ms..2ms"),
            Filter(name: "filter", from: ["map"], keep: Below(5)),
            KeyBy(name: "key", from: ["filter"], key: Modulo(3)),
            Window(name: "window", from: ["key"], windows: Sliding("2s", "1s"), fold: Greatest, lateness: "1s"),
            Sink(name: "one", from: ["window"], store: Append),
            Window(name: "session", from: ["key"], windows: Session("1s"), time: Processing),
            Sink(name: "two", from: ["session"], store: Idempotent),
            Join(name: "join", from: ["key", "key"], within: "1s"),
            Union(name: "union", from: ["join", "key"]),
            Aggregate(name: "totals", from: ["union"], fold: Count),
            Sink(name: "three", from: ["totals"]),
        ]"#;
        let read = |text: &str| {
            let (source, problems) = (Source::new("clicks.ron", text), Diagnostics::new());
            let graph = Form::parse(&source, &problems).and_then(graph);
            graph.unwrap_or_else(|| panic!("{}", problems.render(&source, false)))
        };
        let graph = read(text);
        assert_eq!(read(&Stages.write(&graph)), graph);
    }

    #[test]
    fn a_name_that_no_stage_has_is_pointed_at() {
        check(
            r#"[Source(name: "in"), Sink(name: "out", from: ["on"])]"#,
            expect![[r#"
            error: `out` is fed by `on`, and there is no such stage
             --> clicks.ron:1:47
              |
            1 | [Source(name: "in"), Sink(name: "out", from: ["on"])]
              |                                               ^^^^
              |
              = help: did you mean `in`?
        "#]],
        );
    }

    #[test]
    fn a_cycle_is_pointed_at() {
        let text = r#"[
    Source(name: "in"),
    Union(name: "all", from: ["in", "again"]),
    Map(name: "again", from: ["all"], function: Add(1)),
    Sink(name: "out", from: ["all"]),
]"#;
        check(
            text,
            expect![[r#"
            error: `all` feeds itself: all → again → all
             --> clicks.ron:3:17
              |
            3 |     Union(name: "all", from: ["in", "again"]),
              |                 ^^^^^
              |
              = help: events go one way: from sources to sinks
        "#]],
        );
    }

    #[test]
    fn what_nothing_feeds_and_what_has_no_key_is_pointed_at() {
        let text = r#"[
    Source(name: "in"),
    Map(name: "lost", from: [], function: Add(1)),
    Window(name: "sums", from: ["in"], windows: Tumbling("1s")),
    Sink(name: "out", from: ["sums"]),
]"#;
        check(
            text,
            expect![[r#"
            error: nothing feeds `lost`
             --> clicks.ron:3:15
              |
            3 |     Map(name: "lost", from: [], function: Add(1)),
              |               ^^^^^^
              |
              = help: name what feeds it: from: ["source"]

            error: `sums` goes by keys, and what feeds it has none
             --> clicks.ron:4:18
              |
            4 |     Window(name: "sums", from: ["in"], windows: Tumbling("1s")),
              |                  ^^^^^^
              |
              = help: put a KeyBy between the source and it
        "#]],
        );
    }

    #[test]
    fn a_stage_that_there_is_not_is_pointed_at() {
        check(
            r#"[Source(name: "in"), Flatmap(name: "flat", from: ["in"]), Sink(name: "out", from: ["in"])]"#,
            expect![[r#"
            error: expected a stage, found `Flatmap`
             --> clicks.ron:1:22
              |
            1 | [Source(name: "in"), Flatmap(name: "flat", from: ["in"]), Sink(name: "out", from: ["in"])]
              |                      ^^^^^^^
              |
              = help: known here: Source, Map, Filter, KeyBy, Window, Aggregate, Join, Union, Sink
        "#]],
        );
    }
}
