//! Forms: a file read value by value, each with its place, so that one wrong value does not hide the next.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Diagnostics, Source, Span};
use super::ratio::Ratio;
use super::syntax::{self, Contents};
use super::time::{Duration, DurationRange};

/// One value of a RON file, not yet read.
///
/// A reader ([`duration`](Self::duration), [`count`](Self::count), [`fields`](Self::fields), …) either returns what the value means, or
/// reports to the file's [`Diagnostics`] what was expected and what was found, and returns nothing. So a decoder asks for all that it wants
/// and gives up at its end: a `?` in the middle would hide the problems that come after.
///
/// ```
/// use stormglass::base::{Diagnostics, Duration, Form, Source};
///
/// struct Raft {
///     nodes: u32,
///     heartbeat: Duration,
///     mutant: String,
/// }
///
/// fn decode(form: Form<'_>) -> Option<Raft> {
///     let mut fields = form.fields()?;
///     let mutant = fields.required("mutant", Form::text);
///     let nodes = fields.read_or("nodes", 5, |nodes| nodes.count(1..=1000));
///     let heartbeat = fields.read_or("heartbeat", Duration::from_millis(50), Form::duration_positive);
///     fields.finish();
///     Some(Raft { nodes, heartbeat, mutant: mutant? })
/// }
///
/// let source = Source::new("storm.ron", "RaftKv(nodes: 0, hartbeat: \"20ms\")");
/// let problems = Diagnostics::new();
/// Form::parse(&source, &problems).and_then(decode);
/// assert_eq!(
///     problems.render(&source, false),
///     "\
/// error: `RaftKv` needs the field `mutant`
///  --> storm.ron:1:1
///   |
/// 1 | RaftKv(nodes: 0, hartbeat: \"20ms\")
///   | ^^^^^^
///   |
///   = help: add mutant: …
///
/// error: expected a whole number from 1 to 1000, found the number `0`
///  --> storm.ron:1:15
///   |
/// 1 | RaftKv(nodes: 0, hartbeat: \"20ms\")
///   |               ^
///
/// error: `RaftKv` has no field `hartbeat`
///  --> storm.ron:1:18
///   |
/// 1 | RaftKv(nodes: 0, hartbeat: \"20ms\")
///   |                  ^^^^^^^^
///   |
///   = help: did you mean `heartbeat`? known here: mutant, nodes, heartbeat
/// "
/// );
/// ```
#[derive(Clone, Copy)]
pub struct Form<'s> {
    text: &'s str,
    source: &'s Source,
    problems: &'s Diagnostics,
}

/// The named fields of a value, taken one by one. See [`Form::fields`].
#[must_use = "call `finish`, which reports the fields that nobody asked for"]
pub struct Fields<'s> {
    form: Form<'s>,
    /// In the order of the file; taken ones are gone.
    fields: Vec<Option<(&'s str, Form<'s>)>>,
    places: BTreeMap<&'s str, usize>,
    known: Vec<Cow<'static, str>>,
}

/// What a value is, and where.
impl<'s> Form<'s> {
    /// The value that a file holds. An error of syntax is reported; there is at most one.
    pub fn parse(source: &'s Source, problems: &'s Diagnostics) -> Option<Self> {
        match syntax::value(&source.text) {
            Ok(text) => Some(Self { text, source, problems }),
            Err(problem) => {
                problems.push(*problem);
                None
            }
        }
    }

    /// The value as it is written.
    pub fn raw(self) -> &'s str {
        self.text
    }

    /// Where the value is.
    pub fn span(self) -> Span {
        syntax::span_within(&self.source.text, self.text)
    }

    /// The name that the value begins with: `RaftKv` of `RaftKv(nodes: 5)`, `Leader` of `Leader`.
    pub fn name(self) -> Option<&'s str> {
        syntax::name(self.text)
    }

    /// Where the name is, or the opening bracket of a value without a name: the place to point at when something is missing inside.
    pub fn name_span(self) -> Span {
        let span = self.span();
        match self.name() {
            Some(name) => syntax::span_within(&self.source.text, name),
            None if self.text.starts_with(['(', '[', '{']) => Span::new(span.start, span.start + 1),
            None => span,
        }
    }

    /// The same place, holding `text`, which is a part of this value.
    fn part(self, text: &'s str) -> Self {
        Self { text, ..self }
    }
}

/// What is wrong with a value.
impl<'s> Form<'s> {
    /// A problem with this value, to be told in more detail and handed to [`report`](Self::report): what is wrong with its meaning, not its
    /// form.
    ///
    /// ```
    /// # use stormglass::base::{Diagnostics, Form, Source};
    /// # let (source, problems) = (Source::new("storm.ron", "n7"), Diagnostics::new());
    /// # let form = Form::parse(&source, &problems).expect("valid");
    /// form.report(form.problem("there is no n7 among 5 nodes").help("the last is n5"));
    /// # assert!(problems.has_errors());
    /// ```
    pub fn problem(self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.span(), message)
    }

    /// The problem that this value is something other than what was expected: "a node, like n1".
    pub fn mismatch(self, expected: &str) -> Diagnostic {
        self.problem(format!("expected {expected}, found {}", syntax::describe(self.text)))
    }

    /// Adds a problem to those of the file.
    pub fn report(self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Reports a problem in place of a value.
    fn refuse<T>(self, problem: Diagnostic) -> Option<T> {
        self.report(problem);
        None
    }
}

/// Values made of values.
impl<'s> Form<'s> {
    /// The named fields of `(rate: "9/s")` or `Crash(node: Leader)`; of a bare name, none. Fields given twice are reported.
    pub fn fields(self) -> Option<Fields<'s>> {
        let list = self.text.starts_with('[');
        let example = format!("write {}(name: value, …)", self.name().unwrap_or(""));
        match syntax::contents(self.text) {
            Contents::Fields(parts) => Some(Fields::new(self, parts)),
            Contents::Nothing if !list => Some(Fields::new(self, Vec::new())),
            Contents::Items(_) if !list => self.refuse(self.problem(format!("the fields of {} need names", self.called())).help(example)),
            _ => self.refuse(self.mismatch("named fields in parentheses").help(example)),
        }
    }

    /// Whether the value has named fields: for what may be written both ways, `Partition(Halves)` and
    /// `Partition(cut: Halves, lasting: "1s")`.
    pub fn has_fields(self) -> bool {
        matches!(syntax::contents(self.text), Contents::Fields(_))
    }

    /// Exactly these arguments: `let [time, fault] = form.arguments(["a time", "a fault"])?` of `At("2s", Heal)`. With none, a bare name.
    pub fn arguments<const N: usize>(self, expected: [&str; N]) -> Option<[Form<'s>; N]> {
        let found = self.parts_in_parentheses()?;
        let count = found.len();
        found.try_into().map_or_else(|_| self.refuse(self.wrong_arguments(&expected, count)), Some)
    }

    /// All arguments of `Nodes(n1, n2)`, however many, each read by `read`; none of a bare name. All are read before they are given up.
    pub fn each_argument<T>(self, read: impl FnMut(Form<'s>) -> Option<T>) -> Option<Vec<T>> {
        all(self.parts_in_parentheses()?.into_iter().map(read))
    }

    /// The items of a list, `[n1, n2]`, each read by `read`. All are read before the list is given up.
    pub fn list<T>(self, read: impl FnMut(Form<'s>) -> Option<T>) -> Option<Vec<T>> {
        let items = match syntax::contents(self.text) {
            Contents::Items(items) if self.text.starts_with('[') => items,
            Contents::Nothing if self.text.starts_with('[') => Vec::new(),
            _ => return self.refuse(self.mismatch("a list").help("lists stand in square brackets, even those of one: [a], [a, b]")),
        };
        all(items.into_iter().map(|item| self.part(item)).map(read))
    }

    /// The name of this value, if it is one of these. `expected` says what they are: "a fault".
    pub fn variant<'n>(self, expected: &str, names: &[&'n str]) -> Option<&'n str> {
        let Some(name) = self.name() else {
            let problem = Diagnostic { span: self.name_span(), ..self.mismatch(expected) };
            return self.refuse(problem.help(syntax::suggestion("", names)));
        };
        names.iter().find(|known| **known == name).copied().or_else(|| {
            let message = format!("expected {expected}, found `{}`", syntax::shorten(name));
            self.refuse(Diagnostic::error(self.name_span(), message).help(syntax::suggestion(name, names)))
        })
    }

    /// What belongs to the name of this value: `form.one_of("an outcome", &[("Holds", true), ("Violates", false)])`.
    pub fn one_of<T: Clone>(self, expected: &str, known: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let name = self.variant(expected, &names)?;
        known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn parts_in_parentheses(self) -> Option<Vec<Form<'s>>> {
        let list = self.text.starts_with('[');
        match syntax::contents(self.text) {
            Contents::Items(parts) if !list => Some(parts.into_iter().map(|part| self.part(part)).collect()),
            Contents::Nothing if !list => Some(Vec::new()),
            Contents::Fields(_) => {
                let problem = self.problem(format!("the arguments of {} have no names", self.called()));
                self.refuse(problem.help("leave the names out, and mind the order"))
            }
            _ => self.refuse(self.mismatch("values in parentheses")),
        }
    }

    /// What a message calls the owner of fields and arguments.
    fn called(self) -> String {
        self.name().map_or_else(|| "this value".to_owned(), |name| format!("`{}`", syntax::shorten(name)))
    }

    fn wrong_arguments(self, expected: &[&str], found: usize) -> Diagnostic {
        let what = self.called();
        let message = match expected {
            [] => format!("{what} takes no arguments, found {found}"),
            [only] => format!("{what} takes one argument, {only}; found {found}"),
            many => format!("{what} takes {} arguments: {}; found {found}", many.len(), many.join(", ")),
        };
        self.problem(message)
    }
}

/// Plain values.
impl<'s> Form<'s> {
    /// A text in quotes.
    pub fn text(self) -> Option<String> {
        syntax::read(self.text).map_or_else(|_| self.refuse(self.unquoted("a text in quotes")), Some)
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        syntax::read(self.text).map_or_else(|_| self.refuse(self.mismatch("`true` or `false`")), Some)
    }

    /// A whole number within `range`: `nodes.count(1..=1000)`.
    pub fn count<T>(self, range: impl RangeBounds<T>) -> Option<T>
    where
        T: TryFrom<u64> + PartialOrd + Display,
    {
        let problem = || self.mismatch(&format!("a whole number{}", in_words(&range)));
        match syntax::read::<u64>(self.text).map(T::try_from) {
            Ok(Ok(number)) if range.contains(&number) => Some(number),
            Ok(Err(_)) => self.refuse(problem().label("too large")),
            _ => self.refuse(problem()),
        }
    }

    /// A length of time: `"150ms"`.
    pub fn duration(self) -> Option<Duration> {
        self.length(LENGTH)
    }

    /// A length of time above zero.
    pub fn duration_positive(self) -> Option<Duration> {
        let length = self.duration()?;
        if length.is_zero() { self.refuse(self.mismatch("a length of time above zero")) } else { Some(length) }
    }

    /// A range of lengths, `"1ms..5ms"`, or a single one.
    pub fn duration_range(self) -> Option<DurationRange> {
        self.length("a range of lengths of time, like \"1ms..5ms\"")
    }

    /// A chance: `"1/100"`, `"1%"`, `0.01`.
    pub fn ratio(self) -> Option<Ratio> {
        const EXPECTED: &str = "a chance, like \"1/100\" or \"1%\"";
        if syntax::is_number(self.text) { self.parsed(self.text, EXPECTED) } else { self.from_text(EXPECTED) }
    }

    /// A text in quotes that is then parsed. `expected` says what it means: "a rate, like \"100/s\"".
    pub fn from_text<T>(self, expected: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match syntax::read::<String>(self.text) {
            Ok(text) => self.parsed(&text, expected),
            Err(_) => self.refuse(self.unquoted(expected)),
        }
    }

    /// Whatever serde can read. Its problems have no places of their own; for plain values only.
    pub fn deserialize<T: DeserializeOwned>(self, expected: &str) -> Option<T> {
        syntax::read(self.text).map_or_else(|why| self.refuse(self.mismatch(expected).label(why)), Some)
    }

    fn parsed<T>(self, text: &str, expected: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        text.parse().map_or_else(|why: T::Err| self.refuse(self.mismatch(expected).label(why.to_string())), Some)
    }

    fn length<T>(self, expected: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if !syntax::is_number(self.text) || self.text.starts_with('-') {
            return self.from_text(expected);
        }
        let unit = if self.text == "0" { "s" } else { "ms" };
        self.refuse(self.mismatch(expected).label("the unit is missing").help(format!("write \"{}{unit}\"", syntax::shorten(self.text))))
    }

    /// The mismatch of what should have been a text.
    fn unquoted(self, expected: &str) -> Diagnostic {
        let problem = self.mismatch(expected);
        match self.name() {
            Some(name) if name == self.text => problem.help(format!("a text stands in quotes: \"{}\"", syntax::shorten(name))),
            _ => problem,
        }
    }
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Form").field(&self.text).finish()
    }
}

impl<'s> Fields<'s> {
    fn new(form: Form<'s>, parts: Vec<(&'s str, &'s str)>) -> Self {
        let mut fields = Self { form, fields: Vec::new(), places: BTreeMap::new(), known: Vec::new() };
        for (name, text) in parts {
            fields.add(name, form.part(text));
        }
        fields
    }

    fn add(&mut self, name: &'s str, value: Form<'s>) {
        let Some(&first) = self.places.get(name) else {
            self.places.insert(name, self.fields.len());
            self.fields.push(Some((name, value)));
            return;
        };
        let message = format!("the field `{}` is given twice", syntax::shorten(name));
        let mut problem = Diagnostic::error(self.form.part(name).span(), message).label("given again here");
        if let Some((first, _)) = self.fields[first] {
            problem = problem.context(self.form.part(first).span(), "given first here");
        }
        self.form.report(problem);
    }

    /// The value that these are the fields of.
    pub fn form(&self) -> Form<'s> {
        self.form
    }

    /// The field of this name, if it is there. From now on the name is known: others are compared with it.
    pub fn take(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Form<'s>> {
        let name = name.into();
        let taken = self.places.get(&*name).and_then(|place| self.fields[*place].take());
        self.known.push(name);
        taken.map(|(_, value)| value)
    }

    /// What `read` makes of the field; its absence is a problem.
    pub fn required<T>(&mut self, name: &'static str, read: impl FnOnce(Form<'s>) -> Option<T>) -> Option<T> {
        match self.take(name) {
            Some(value) => read(value),
            None => self.form.refuse(self.missing(name)),
        }
    }

    /// What `read` makes of the field; nothing if it is absent, or wrong and reported.
    pub fn optional<T>(&mut self, name: &'static str, read: impl FnOnce(Form<'s>) -> Option<T>) -> Option<T> {
        self.take(name).and_then(read)
    }

    /// What `read` makes of the field; `default` if it is absent, or wrong and reported.
    pub fn read_or<T>(&mut self, name: &'static str, default: T, read: impl FnOnce(Form<'s>) -> Option<T>) -> T {
        self.optional(name, read).unwrap_or(default)
    }

    /// All fields that were not taken yet, in the order of the file, each read by `read` with its name: for names that are the user's own.
    /// All are read before they are given up.
    pub fn rest<T>(&mut self, mut read: impl FnMut(&'s str, Form<'s>) -> Option<T>) -> Option<Vec<T>> {
        all(self.fields.iter_mut().filter_map(Option::take).map(|(name, value)| read(name, value)))
    }

    /// Reports the fields that nobody asked for, with the nearest known name. To be called when all have been taken.
    pub fn finish(self) {
        for (name, _) in self.fields.iter().flatten() {
            self.form.report(self.unknown(name));
        }
    }

    fn unknown(&self, name: &'s str) -> Diagnostic {
        let known: Vec<&str> = self.known.iter().map(|name| &**name).collect();
        let short = syntax::shorten(name);
        let (message, none) = match self.form.name() {
            Some(owner) => (format!("`{owner}` has no field `{short}`"), format!("`{owner}` has no fields at all")),
            None => (format!("there is no field `{short}` here"), "there are no fields here at all".to_owned()),
        };
        let help = if known.is_empty() { none } else { syntax::suggestion(name, &known) };
        Diagnostic::error(self.form.part(name).span(), message).help(help)
    }

    fn missing(&self, name: &str) -> Diagnostic {
        let message = match self.form.name() {
            Some(owner) => format!("`{owner}` needs the field `{name}`"),
            None => format!("the field `{name}` is missing here"),
        };
        Diagnostic::error(self.form.name_span(), message).help(format!("add {name}: …"))
    }
}

const LENGTH: &str = "a length of time, like \"150ms\"";

/// All values, or nothing if one of them is nothing: but only after all were asked for, so that all problems are reported.
fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let values: Vec<Option<T>> = values.collect();
    values.into_iter().collect()
}

/// A range of numbers as a message names it, with a blank before.
pub(super) fn in_words<T: Display>(range: &impl RangeBounds<T>) -> String {
    match (range.start_bound(), range.end_bound()) {
        (Bound::Included(low), Bound::Included(high)) => format!(" from {low} to {high}"),
        (Bound::Included(low), Bound::Excluded(high)) => format!(" from {low}, below {high}"),
        (Bound::Included(low), _) => format!(", at least {low}"),
        (_, Bound::Included(high)) => format!(", at most {high}"),
        (_, Bound::Excluded(high)) => format!(" below {high}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::base::{NodeId, set};

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
            faults: vec![
                Fault::At(millis(2_000), Box::new(cut)),
                Fault::At(millis(4_000), Box::new(Fault::OneOf(vec![Fault::Heal, crash]))),
            ],
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
            proptest::sample::select(vec![
                "5", "-", ".", "..", "1e9", "Leader", "true", "None", "Some(", "()", "\u{feff}", "\0", "💨", "ä"
            ]),
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
}
