//! Forms: a file read value by value, each with its place, so that one wrong value does not hide the next.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::Variant;
use super::syntax::{self, Contents, Misread};
use crate::base::{Duration, DurationRange, Ratio, SortedMap};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span, suggestion};
use crate::misspelling::nearest;

/// One value of a RON file, not yet read.
///
/// A reader ([`duration`](Self::duration), [`count`](Self::count), [`fields`](Self::fields), …) either returns what the value means, or
/// reports to the file's [`Diagnostics`] what was expected and what was found, and returns nothing. So a decoder asks for all that it wants
/// and gives up at its end: a `?` in the middle would hide the problems that come after.
///
/// ```
/// use stormglass::base::Duration;
/// use stormglass::diagnostic::{Diagnostics, Source};
/// use stormglass::notation::Form;
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
#[must_use = "call `finish`, which reports the fields that were not asked for"]
pub struct Fields<'s> {
    form: Form<'s>,
    /// In the order of the file; taken ones are gone.
    fields: Vec<Option<(&'s str, Form<'s>)>>,
    places: SortedMap<&'s str, usize>,
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

    /// The text of a file that the value names by a path relative to the folder of the file that it stands in.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn file(self, path: &str) -> Result<String, String> {
        self.source.file(path)
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
    /// # use stormglass::diagnostic::{Diagnostics, Source};
    /// # use stormglass::notation::Form;
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

    /// The fields of a value that has no name of its own; an example of it.
    pub fn record(self, example: &str) -> Option<Fields<'s>> {
        match self.name() {
            None => self.fields(),
            Some(_) => self.refuse(self.mismatch("named fields in parentheses").help(format!("write {example}"))),
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

    /// Exactly these arguments as fields: of each its name, and what it takes.
    pub(super) fn bare_fields(self, expected: &[(&'static str, String)]) -> Option<Fields<'s>> {
        let found = self.parts_in_parentheses()?;
        if found.len() != expected.len() {
            let takes: Vec<&str> = expected.iter().map(|(_, takes)| &**takes).collect();
            return self.refuse(self.wrong_arguments(&takes, found.len()));
        }
        Some(Fields::new(self, expected.iter().zip(found).map(|((name, _), form)| (*name, form.text)).collect()))
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
            return self.refuse(problem.help(suggestion(self.word(), names)));
        };
        names.iter().find(|known| **known == name).copied().or_else(|| {
            let message = format!("expected {expected}, found `{}`", syntax::shorten(name));
            self.refuse(Diagnostic::error(self.name_span(), message).help(suggestion(name, names)))
        })
    }

    /// Which of these the value is, as its name says.
    pub(crate) fn variant_of<'v>(self, expected: &str, known: &'v [Variant]) -> Option<&'v Variant> {
        let names: Vec<&str> = known.iter().map(|variant| variant.name).collect();
        let name = self.variant(expected, &names)?;
        known.iter().find(|variant| variant.name == name)
    }

    /// What belongs to the name of this value: `form.one_of("an outcome", &[("Holds", true), ("Violates", false)])`.
    pub fn one_of<T: Clone>(self, expected: &str, known: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let name = self.variant(expected, &names)?;
        known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// The word that a text in quotes begins with, or the value itself: what was perhaps meant.
    pub(crate) fn word(self) -> &'s str {
        let text = self.text.trim_matches('"').trim();
        text.split(['(', '"']).next().unwrap_or_default()
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
        syntax::read(self.text).map_or_else(
            |_| {
                let problem = self.mismatch("`true` or `false`");
                let near = nearest(self.word(), ["true", "false"]).map(|near| format!("did you mean `{near}`?"));
                self.refuse(match near {
                    Some(help) => problem.help(help),
                    None => problem,
                })
            },
            Some,
        )
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
        syntax::read(self.text).map_or_else(|misread| self.refuse(self.mismatch(expected).label(misread.why)), Some)
    }

    /// The problem that this value cannot be read as what was expected, where that shows.
    pub(crate) fn misread(self, expected: &str, misread: Misread) -> Diagnostic {
        let start = self.span().start;
        let span = Span::new(start + misread.span.start, start + misread.span.end);
        Diagnostic { span, ..self.mismatch(expected).label(misread.why) }
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
        let mut fields = Self { form, fields: Vec::new(), places: SortedMap::new(), known: Vec::new() };
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
            None => {
                self.report_missing(name, "");
                None
            }
        }
    }

    /// The field of this name, if it is there, left for others to take.
    pub fn look_at(&self, name: &str) -> Option<Form<'s>> {
        self.places.get(name).and_then(|place| self.fields[*place]).map(|(_, value)| value)
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

    /// Reports the fields that were not asked for, with the nearest known name. To be called when all have been taken.
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
        let help = if known.is_empty() { none } else { suggestion(name, &known) };
        Diagnostic::error(self.form.part(name).span(), message).help(help)
    }

    /// Reports that a field must be given, and what it takes, if that is not empty.
    pub fn report_missing(&self, name: &str, takes: &str) {
        let message = match self.form.name() {
            Some(owner) => format!("`{owner}` needs the field `{name}`"),
            None => format!("the field `{name}` is missing here"),
        };
        let takes = if takes.is_empty() { String::new() } else { format!(", {takes}") };
        self.form.report(Diagnostic::error(self.form.name_span(), message).help(format!("add {name}: …{takes}")));
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
mod tests;
