//! Changing one value of a RON file and leaving the rest as it is, comments and all.

use std::fmt;

use super::syntax::{self, Contents};
use crate::base::sort_by_key;
use crate::diagnostic::{Source, Span, suggestion};
use crate::misspelling::nearest;

/// Replaces the value at `path` in a text, or adds the field, if it is absent from a value that has fields; so with the fields on the way,
/// unless one is spelled almost as one that is there.
///
/// A path names fields, and counts items of lists and arguments from zero: `system.nodes`, `faults[0][1].node`. The value is RON. Where
/// that would be a syntax error, and where a single word or number replaces a text, it is put in quotes: `--set system.heartbeat=50ms` and
/// `--set name=calm` mean what they seem to.
///
/// ```
/// use stormglass::notation::set;
///
/// let text = "Scenario(system: RaftKv(nodes: 5), loss: \"1/100\") // calm";
/// assert_eq!(set(text, "system.nodes", "7")?, "Scenario(system: RaftKv(nodes: 7), loss: \"1/100\") // calm");
/// assert_eq!(set(text, "loss", "2%")?, "Scenario(system: RaftKv(nodes: 5), loss: \"2%\") // calm");
/// assert_eq!(set(text, "systm.nodes", "7").unwrap_err().to_string(), "no field `systm`: did you mean `system`? known here: system, loss");
/// # Ok::<(), stormglass::notation::SetError>(())
/// ```
///
/// # Errors
/// If the path is none, leads nowhere, or the text is not RON.
pub fn set(text: &str, path: &str, value: &str) -> Result<String, SetError> {
    let segments = parse_path(path)?;
    let mut target = whole(text)?;
    for (place, segment) in segments.iter().enumerate() {
        let rest = &segments[place + 1..];
        target = match (step(target, *segment), *segment) {
            (Ok(found), _) => found,
            (Err(SetError(Reason::NoField { near, .. })), Segment::Field(name)) if (rest.is_empty() || !near) && are_fields(rest) => {
                return Ok(insert(text, target, name, &nested(rest, &literal(value, None))));
            }
            (Err(error), _) => return Err(error),
        };
    }
    Ok(splice(text, target, &literal(value, Some(target))))
}

/// A value within a text.
pub(crate) struct Value<'s> {
    /// Where it is: see [`set`].
    pub(crate) path: String,
    /// As it is written.
    pub(crate) raw: &'s str,
    /// Whether it is an item of a list.
    pub(crate) listed: bool,
    /// Whether it holds others.
    pub(crate) holds: bool,
}

/// All values within a text, in their order, each before those that it holds; none if it is not RON.
pub(crate) fn values(text: &str) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    if let Ok(value) = whole(text) {
        collect(value, "", &mut values);
    }
    values
}

/// Those that hold no others.
pub(crate) fn leaves(text: &str) -> Vec<Value<'_>> {
    values(text).into_iter().filter(|value| !value.holds).collect()
}

fn collect<'s>(raw: &'s str, path: &str, values: &mut Vec<Value<'s>>) {
    for (path, part) in parts(raw, path) {
        values.push(value_at(path.clone(), part, raw.starts_with('[')));
        collect(part, &path, values);
    }
}

fn value_at(path: String, raw: &str, listed: bool) -> Value<'_> {
    let holds = matches!(syntax::contents(raw), Contents::Fields(_) | Contents::Items(_));
    Value { path, raw, listed, holds }
}

/// The parts of a value at this path, each with its own.
fn parts<'s>(raw: &'s str, path: &str) -> Vec<(String, &'s str)> {
    match syntax::contents(raw) {
        Contents::Fields(fields) => {
            let dot = if path.is_empty() { "" } else { "." };
            fields.into_iter().map(|(name, value)| (format!("{path}{dot}{name}"), value)).collect()
        }
        Contents::Items(items) => items.into_iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect(),
        Contents::Nothing | Contents::Other => Vec::new(),
    }
}

/// What becomes of a value.
pub(crate) enum Change {
    /// It stays; what it holds is looked at.
    Keep,
    /// Another stands in its place.
    Replace(String),
    /// It goes, with its name.
    Drop,
}

/// The text with all its values changed so. It is read once, and each value looked at in order, before those that it holds.
pub(crate) fn edited(text: &str, change: &mut dyn FnMut(&Value<'_>) -> Change) -> String {
    let mut edits = Vec::new();
    if let Ok(value) = whole(text) {
        edit(text, value, "", change, &mut edits);
    }
    sort_by_key(&mut edits, |(span, _)| span.start);
    let (mut changed, mut from) = (String::with_capacity(text.len()), 0);
    for (Span { start, end }, other) in edits {
        changed += &text[from..start];
        changed += &other;
        from = end;
    }
    changed + &text[from..]
}

fn edit(text: &str, raw: &str, path: &str, change: &mut dyn FnMut(&Value<'_>) -> Change, edits: &mut Vec<(Span, String)>) {
    let (parts, spans) = (parts(raw, path), spans(text, raw));
    let mut dropped = vec![false; parts.len()];
    for (place, (path, raw)) in parts.into_iter().enumerate() {
        let value = value_at(path, raw, spans.is_list);
        match change(&value) {
            Change::Keep if value.holds => edit(text, raw, &value.path, change, edits),
            Change::Keep => {}
            Change::Replace(other) => edits.push((syntax::span_within(text, raw), other)),
            Change::Drop => dropped[place] = true,
        }
    }
    // Within what goes nothing was changed.
    edits.extend(cuts(text, &spans.parts, &dropped).into_iter().map(|cut| (cut, String::new())));
}

/// The text without the field or the item at `path`, as [`set`] takes it; nothing if there is none.
pub(crate) fn without(text: &str, path: &str) -> Option<String> {
    let segments = parse_path(path).ok()?;
    let (last, way) = segments.split_last()?;
    let holder = way.iter().try_fold(whole(text).ok()?, |target, segment| step(target, *segment).ok())?;
    let parts = spans(text, holder).parts;
    let part = syntax::span_within(text, step(holder, *last).ok()?);
    let dropped: Vec<bool> = parts.iter().map(|span| span.end == part.end).collect();
    let cut = cuts(text, &parts, &dropped).pop()?;
    Some(format!("{}{}", &text[..cut.start], &text[cut.end..]))
}

/// Where the parts of a value stand, each with its name; and whether it is a list.
struct Spans {
    parts: Vec<Span>,
    is_list: bool,
}

fn spans(text: &str, holder: &str) -> Spans {
    let span = |part| syntax::span_within(text, part);
    let parts = match syntax::contents(holder) {
        Contents::Fields(fields) => fields.iter().map(|(name, value)| Span::new(span(name).start, span(value).end)).collect(),
        Contents::Items(items) => items.iter().map(|item| span(item)).collect(),
        Contents::Nothing | Contents::Other => Vec::new(),
    };
    Spans { parts, is_list: holder.starts_with('[') }
}

/// What is cut out of a text when some of the parts of a value go: with the commas that go with them.
fn cuts(text: &str, parts: &[Span], dropped: &[bool]) -> Vec<Span> {
    let kept = dropped.iter().rposition(|dropped| !dropped);
    let before = parts.iter().zip(&parts[parts.len().min(1)..]).zip(dropped).take(kept.unwrap_or(0));
    let mut cuts: Vec<Span> = before.filter(|(_, dropped)| **dropped).map(|((part, next), _)| Span::new(part.start, next.start)).collect();
    match (kept, parts.first(), parts.last()) {
        (Some(kept), _, Some(last)) if kept + 1 < parts.len() => cuts.push(Span::new(parts[kept].end, last.end)),
        (None, Some(first), Some(last)) => {
            let rest = &text[last.end..];
            let comma = rest.trim_start().strip_prefix(',').map_or(0, |after| rest.len() - after.len());
            cuts.push(Span::new(first.start, last.end + comma));
        }
        _ => {}
    }
    cuts
}

fn are_fields(segments: &[Segment<'_>]) -> bool {
    segments.iter().all(|segment| matches!(segment, Segment::Field(_)))
}

/// The value with the fields around it: `(states: 5)`.
fn nested(fields: &[Segment<'_>], value: &str) -> String {
    fields.iter().rev().fold(value.to_owned(), |value, field| match field {
        Segment::Field(name) => format!("({name}: {value})"),
        Segment::Item(_) => value,
    })
}

/// Why a value could not be set. The text is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetError(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// What should be a path is none.
    Path,
    /// The text is not RON: what is wrong, and where.
    Text(String),
    /// A segment names a field that is not there; what to try, and whether that is spelled almost so.
    NoField { name: String, help: String, near: bool },
    /// A segment names a field of a value that has none.
    NoFields { name: String, found: String },
    /// An index of something that has fewer items.
    TooFew { index: usize, count: usize },
    /// An index of something that has no items.
    NoItems { index: usize, found: String },
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Path => f.write_str("expected a path, like system.nodes or faults[0][1].node"),
            Reason::Text(why) => f.write_str(why),
            Reason::NoField { name, help, .. } if help.is_empty() => write!(f, "no field `{name}`"),
            Reason::NoField { name, help, .. } => write!(f, "no field `{name}`: {help}"),
            Reason::NoFields { name, found } => write!(f, "no field `{name}`: there are no fields in {found}"),
            Reason::TooFew { index, count } => write!(f, "no item [{index}]: there are {count}, counted from zero"),
            Reason::NoItems { index, found } => write!(f, "no item [{index}]: there are no items in {found}"),
        }
    }
}

impl std::error::Error for SetError {}

/// One step of a path.
#[derive(Clone, Copy)]
pub(crate) enum Segment<'p> {
    /// The field of this name.
    Field(&'p str),
    /// The item of this number, counted from zero.
    Item(usize),
}

pub(crate) fn parse_path(path: &str) -> Result<Vec<Segment<'_>>, SetError> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let (name, items) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !is_name(name) {
            return Err(SetError(Reason::Path));
        }
        segments.push(Segment::Field(name));
        segments.extend(parse_items(items)?);
    }
    Ok(segments)
}

/// `[0][1]`, or nothing.
fn parse_items<'p>(items: &str) -> Result<Vec<Segment<'p>>, SetError> {
    let Some(inside) = items.strip_prefix('[') else {
        return Ok(Vec::new());
    };
    let inside = inside.strip_suffix(']').ok_or(SetError(Reason::Path))?;
    inside.split("][").map(|index| index.parse().map(Segment::Item).map_err(|_| SetError(Reason::Path))).collect()
}

fn is_name(text: &str) -> bool {
    syntax::name(text) == Some(text)
}

fn whole(text: &str) -> Result<&str, SetError> {
    syntax::value(text).map_err(|problem| {
        let place = Source::new("", text).place(problem.span.start);
        SetError(Reason::Text(format!("{place}: {}", problem.message)))
    })
}

fn step<'s>(target: &'s str, segment: Segment<'_>) -> Result<&'s str, SetError> {
    match segment {
        Segment::Field(name) => field(target, name),
        Segment::Item(index) => item(target, index),
    }
}

fn field<'s>(target: &'s str, name: &str) -> Result<&'s str, SetError> {
    let fields = match syntax::contents(target) {
        Contents::Fields(fields) => fields,
        Contents::Nothing if !target.starts_with('[') => Vec::new(),
        _ => return Err(SetError(Reason::NoFields { name: name.to_owned(), found: syntax::describe(target) })),
    };
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
        let help = if known.is_empty() { String::new() } else { suggestion(name, &known) };
        let near = nearest(name, known).is_some();
        SetError(Reason::NoField { name: name.to_owned(), help, near })
    })
}

fn item(target: &str, index: usize) -> Result<&str, SetError> {
    let items = match syntax::contents(target) {
        Contents::Items(items) => items,
        Contents::Nothing => Vec::new(),
        _ => return Err(SetError(Reason::NoItems { index, found: syntax::describe(target) })),
    };
    items.get(index).copied().ok_or(SetError(Reason::TooFew { index, count: items.len() }))
}

/// The value as RON, in place of an old one, if there is one.
fn literal(value: &str, old: Option<&str>) -> String {
    let value = value.trim();
    let plain = syntax::is_number(value) || is_name(value);
    if old.is_some_and(syntax::is_text) && plain {
        return quote(value);
    }
    match syntax::value(value) {
        // What stands before the value must not be lost: an attribute has no place inside a file.
        Ok(text) if !value.starts_with('#') => text.to_owned(),
        _ => quote(value),
    }
}

fn quote(text: &str) -> String {
    ron::to_string(text).expect("every text can be written as RON")
}

fn splice(text: &str, old: &str, new: &str) -> String {
    let span = syntax::span_within(text, old);
    format!("{}{new}{}", &text[..span.start], &text[span.end..])
}

/// Adds a field to a value that has fields, as its last.
fn insert(text: &str, target: &str, name: &str, value: &str) -> String {
    let (place, new) = match syntax::contents(target) {
        Contents::Fields(fields) if !fields.is_empty() => {
            let (last_name, last) = fields[fields.len() - 1];
            let before = &text[..syntax::span_within(text, last_name).start];
            (syntax::span_within(text, last).end, format!(",{}{name}: {value}", separation(before)))
        }
        _ => match brackets(target) {
            Some(brackets) => (syntax::span_within(text, brackets).start + 1, format!("{name}: {value}")),
            None => (syntax::span_within(text, target).end, format!("({name}: {value})")),
        },
    };
    format!("{}{new}{}", &text[..place], &text[place..])
}

/// What stands before a field: its line break and indentation, if it begins a line, else a blank.
fn separation(before: &str) -> &str {
    let line = before.trim_end_matches([' ', '\t']);
    match line.strip_suffix('\n') {
        Some(end) => &before[end.strip_suffix('\r').unwrap_or(end).len()..],
        None => " ",
    }
}

/// The empty brackets of `RaftKv()` or `()`.
fn brackets(target: &str) -> Option<&str> {
    let brackets = syntax::name(target).map_or(target, |name| syntax::after_name(target, name));
    brackets.starts_with('(').then_some(brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Scenario(\r\n    // calm\r\n    name: \"calm\", system: RaftKv, loss: 0.5,\r\n    \
                        faults: [At(\"2s\", Crash(node: Leader))], // one\r\n)\r\n";

    fn check(path: &str, value: &str, old: &str, new: &str) {
        assert!(TEXT.contains(old), "{old}");
        assert_eq!(set(TEXT, path, value).map_err(|error| error.to_string()), Ok(TEXT.replacen(old, new, 1)), "{path}={value}");
    }

    #[test]
    fn values_are_replaced_in_place() {
        check("name", "\"gale\"", "\"calm\"", "\"gale\"");
        check("system", "RaftKv(nodes: 7)", "RaftKv", "RaftKv(nodes: 7)");
        check("loss", " 0.25 // less", "0.5", "0.25");
        check("faults[0]", "Heal", "At(\"2s\", Crash(node: Leader))", "Heal");
        check("faults[0][1].node", "n3", "Leader", "n3");
        check("faults", "[]", "[At(\"2s\", Crash(node: Leader))]", "[]");
    }

    #[test]
    fn quotes_may_be_left_out() {
        check("name", "gale", "\"calm\"", "\"gale\"");
        check("name", "7", "\"calm\"", "\"7\"");
        check("name", "say \"hi\"", "\"calm\"", r#""say \"hi\"""#);
        check("name", "", "\"calm\"", "\"\"");
        check("name", "Text(1)", "\"calm\"", "Text(1)");
        check("loss", "1/100", "0.5", "\"1/100\"");
        check("faults[0][0]", "150ms..1s", "\"2s\"", "\"150ms..1s\"");
        // Only one value can be set: what looks like more is a text.
        check("loss", "0.1, name: 5", "0.5", "\"0.1, name: 5\"");
        check("loss", "#![enable(implicit_some)] 5", "0.5", "\"#![enable(implicit_some)] 5\"");
    }

    #[test]
    fn absent_fields_are_added() {
        check("settle", "10s", "Leader))],", "Leader))],\r\n    settle: \"10s\",");
        check("system.nodes", "7", "RaftKv", "RaftKv(nodes: 7)");
        check("budget.states", "5", "Leader))],", "Leader))],\r\n    budget: (states: 5),");
        check("system.raft.nodes", "7", "RaftKv", "RaftKv(raft: (nodes: 7))");
        check("faults[0][1].down", "1s", "Leader", "Leader, down: \"1s\"");
        for (text, expected) in [("A( /* b */ )", "A(x: 1 /* b */ )"), ("( // c\n)", "(x: 1 // c\n)"), ("A // c", "A(x: 1) // c")] {
            let found = set(text, "x", "1").map_err(|error| error.to_string());
            assert_eq!(found, Ok(expected.to_owned()));
        }
    }

    #[test]
    fn values_are_found_by_the_path_that_sets_them() {
        let found: Vec<_> = values(TEXT).into_iter().map(|value| (value.path, value.raw, value.listed, value.holds)).collect();
        let expected = [
            ("name", "\"calm\"", false, false),
            ("system", "RaftKv", false, false),
            ("loss", "0.5", false, false),
            ("faults", "[At(\"2s\", Crash(node: Leader))]", false, true),
            ("faults[0]", "At(\"2s\", Crash(node: Leader))", true, true),
            ("faults[0][0]", "\"2s\"", false, false),
            ("faults[0][1]", "Crash(node: Leader)", false, true),
            ("faults[0][1].node", "Leader", false, false),
        ];
        assert_eq!(found, expected.map(|(path, raw, listed, holds)| (path.to_owned(), raw, listed, holds)));
        assert_eq!(leaves(TEXT).len(), 5);
        for value in values(TEXT) {
            assert_eq!(set(TEXT, &value.path, value.raw).as_deref(), Ok(TEXT), "{}", value.path);
        }
    }

    #[test]
    fn fields_and_items_are_left_out_with_their_commas() {
        for (text, path, expected) in [
            ("(a: 1, b: 2, c: 3)", "a", "(b: 2, c: 3)"),
            ("(a: 1, b: 2, c: 3)", "b", "(a: 1, c: 3)"),
            ("(a: 1, b: 2, c: 3,)", "c", "(a: 1, b: 2,)"),
            ("(a: [1, 2])", "a[1]", "(a: [1])"),
            ("(a: [1,])", "a[0]", "(a: [])"),
            ("(a: 1)", "a", "()"),
            ("A(\n    a: 1, // one\n    b: 2,\n)", "b", "A(\n    a: 1,\n)"),
        ] {
            assert_eq!(without(text, path).as_deref(), Some(expected), "{text} without {path}");
        }
        assert_eq!([without("(a: 1)", "b"), without("(a: [1])", "a[1]"), without("(a: 1)", "a.b")], [None, None, None]);
    }

    #[test]
    fn paths_that_lead_nowhere_say_where_they_end() {
        for (path, why) in [
            ("", "expected a path, like system.nodes or faults[0][1].node"),
            ("faults[", "expected a path, like system.nodes or faults[0][1].node"),
            ("faults[0", "expected a path, like system.nodes or faults[0][1].node"),
            ("faults[-1]", "expected a path, like system.nodes or faults[0][1].node"),
            ("faults]0[", "expected a path, like system.nodes or faults[0][1].node"),
            ("a..b", "expected a path, like system.nodes or faults[0][1].node"),
            ("[0]", "expected a path, like system.nodes or faults[0][1].node"),
            ("fault[0]", "no field `fault`: did you mean `faults`? known here: name, system, loss, faults"),
            ("systm.nodes", "no field `systm`: did you mean `system`? known here: name, system, loss, faults"),
            ("network.links[0]", "no field `network`: known here: name, system, loss, faults"),
            ("faults.at", "no field `at`: there are no fields in a list"),
            ("name.length", "no field `length`: there are no fields in the text \"calm\""),
            ("faults[1]", "no item [1]: there are 1, counted from zero"),
            ("loss[0]", "no item [0]: there are no items in the number `0.5`"),
        ] {
            assert_eq!(set(TEXT, path, "5").map_err(|error| error.to_string()), Err(why.to_owned()), "{path}");
        }
        assert_eq!(
            set("(a: 1\n b: 2)", "a", "5").map_err(|error| error.to_string()),
            Err("2:2: expected `,` or `)`, found `b`".to_owned())
        );
    }
}
