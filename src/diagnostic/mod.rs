//! Problems with places: what is wrong with a file, where, and what to try instead.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::path::Path;
use std::{fmt, io};

use crate::base::{printable, printable_lines, sort_by_key};
use crate::misspelling::nearest;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

/// A file that people wrote: its name, for messages, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What messages call the file, usually its path.
    pub name: String,
    /// All of its text.
    pub text: String,
    files: Option<Files>,
}

/// What reads files that a source names.
#[derive(Clone, Copy, Debug)]
struct Files(fn(&Path) -> io::Result<String>);

/// What a source says hangs on its text, however the files are read that it names.
impl PartialEq for Files {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Files {}

/// A stretch of a source, in bytes: `start` is its first, `end` the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Where it ends; equal to `start` for a place between two characters.
    pub end: usize,
}

/// A line and a column as editors count them: from one, the column in characters. Prints as `3:14`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not mean what its author thinks.
    Warning,
}

/// One problem. Build it with [`Diagnostic::error`], then say more:
///
/// ```
/// use stormglass::diagnostic::{Diagnostic, Source, Span};
///
/// let source = Source::new("storm.ron", "(nodes: 0)");
/// let problem = Diagnostic::error(Span::new(8, 9), "a cluster without nodes")
///     .label("at least one")
///     .help("leave the field out for five nodes");
/// assert_eq!(
///     problem.render(&source, false),
///     "\
/// error: a cluster without nodes
///  --> storm.ron:1:9
///   |
/// 1 | (nodes: 0)
///   |         ^ at least one
///   |
///   = help: leave the field out for five nodes
/// "
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// What stands under the caret, if the message does not say it all.
    pub label: Option<String>,
    /// Another place that explains this one, and how.
    pub context: Option<(Span, String)>,
    /// What to try.
    pub help: Option<String>,
}

/// A collector of problems, shared by all who read one file.
///
/// It takes problems through a shared reference, so that readers need not hand it back and forth. It keeps the first thousand and counts
/// the rest: a file with more is not a scenario.
#[derive(Debug, Default)]
pub struct Diagnostics(RefCell<Collected>);

#[derive(Debug, Default)]
struct Collected {
    kept: Vec<Diagnostic>,
    left_out: usize,
    has_errors: bool,
}

impl Source {
    /// A source with this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), files: None }
    }

    /// The same source, which may name files: they are read like this, by paths relative to its own folder. Without, it names none.
    #[must_use]
    pub fn with_files(self, read: fn(&Path) -> io::Result<String>) -> Self {
        Self { files: Some(Files(read)), ..self }
    }

    /// The text of a file that the source names by a path relative to its own folder.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn file(&self, path: &str) -> Result<String, String> {
        let path = Path::new(&self.name).parent().unwrap_or(Path::new("")).join(path);
        let Some(Files(read)) = self.files else {
            return Err(format!("{} cannot be read: this text is in no file, and there are no files beside it", path.display()));
        };
        read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
    }

    /// The line and column of the character at this byte; those of the end, if there is none.
    pub fn place(&self, offset: usize) -> Place {
        let before = &self.text[..boundary(&self.text, offset)];
        Place { line: line_number(before), column: before[line_start(before)..].chars().count() + 1 }
    }

    /// The line that holds this byte, without its line break.
    fn line_at(&self, offset: usize) -> Span {
        let offset = boundary(&self.text, offset);
        let start = line_start(&self.text[..offset]);
        let end = self.text[offset..].find('\n').map_or(self.text.len(), |length| offset + length);
        let line = &self.text[start..end];
        Span { start, end: start + line.strip_suffix('\r').unwrap_or(line).len() }
    }
}

impl Span {
    /// From `start` up to, but without, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The place before the byte at `offset`.
    pub const fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Diagnostic {
    /// An error at this place.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, span, message: message.into(), label: None, context: None, help: None }
    }

    /// A warning at this place.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// With these words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With another place that explains this one.
    #[must_use]
    pub fn context(mut self, span: Span, label: impl Into<String>) -> Self {
        self.context = Some((span, label.into()));
        self
    }

    /// With a hint at what to try.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem, in words that may be shown wherever.
    fn printable(mut self) -> Self {
        let in_a_line = |text: String| printable(&text).into_owned();
        self.message = in_a_line(self.message);
        self.label = self.label.map(in_a_line);
        self.context = self.context.map(|(span, label)| (span, in_a_line(label)));
        self.help = self.help.map(|help| printable_lines(&help).into_owned());
        self
    }

    /// The same problem, found in a part that begins at this byte of the whole.
    pub(crate) fn moved(mut self, start: usize) -> Self {
        let moved = |span: Span| Span { start: span.start + start, end: span.end + start };
        self.span = moved(self.span);
        self.context = self.context.map(|(span, label)| (moved(span), label));
        self
    }

    /// The problem as people read it, ending in a newline: the message, the place, the line with what is wrong underlined, the hint.
    ///
    /// Of a place that goes on for many lines the first is shown, of a very long line the part that matters. `color` adds ANSI colours.
    pub fn render(&self, source: &Source, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        for excerpt in self.excerpts(source) {
            group = group.elements(excerpt.elements(source));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color { Renderer::styled().hyperlink(false) } else { Renderer::plain() };
        renderer.render(&[group]) + "\n"
    }

    /// The parts of the source that are shown: one that holds both places, or one for each if they are far apart.
    fn excerpts<'d>(&'d self, source: &'d Source) -> Vec<Excerpt<'d>> {
        let primary = Underline::new(source, self.span, self.label.as_deref(), AnnotationKind::Primary);
        let Some((span, label)) = &self.context else {
            return vec![Excerpt::new(source, &[primary])];
        };
        let context = Underline::new(source, *span, Some(label), AnnotationKind::Context);
        let (low, high) = (primary.span.start.min(context.span.start), primary.span.start.max(context.span.start));
        let between = &source.text.as_bytes()[low..high];
        if between.len() <= LINE_LONG && between.iter().filter(|byte| **byte == b'\n').count() <= LINES_SHOWN {
            vec![Excerpt::new(source, &[primary, context])]
        } else {
            vec![Excerpt::new(source, &[primary]), Excerpt::new(source, &[context])]
        }
    }
}

impl Diagnostics {
    /// How many problems are kept, at most.
    const KEPT: usize = 1_000;
    /// How many problems are rendered, at most: beyond that nobody reads.
    const RENDERED: usize = 20;

    /// A collector without problems.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&self, problem: Diagnostic) {
        let problem = problem.printable();
        let mut collected = self.0.borrow_mut();
        collected.has_errors |= problem.severity == Severity::Error;
        if collected.kept.len() < Self::KEPT {
            collected.kept.push(problem);
        } else {
            collected.left_out += 1;
        }
    }

    /// Whether there is no problem at all.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().kept.is_empty()
    }

    /// Whether there is a problem that is more than a warning.
    pub fn has_errors(&self) -> bool {
        self.0.borrow().has_errors
    }

    /// The problems in the order of their places, each once.
    pub fn sorted(&self) -> Vec<Diagnostic> {
        let mut problems = self.0.borrow().kept.clone();
        sort_by_key(&mut problems, |problem| (problem.span.start, Reverse(problem.span.end)));
        problems.dedup();
        problems
    }

    /// All problems as people read them, in the order of their places, a blank line between two. Beyond twenty it says how many more there
    /// are.
    pub fn render(&self, source: &Source, color: bool) -> String {
        let problems = self.sorted();
        let mut text = String::new();
        for problem in problems.iter().take(Self::RENDERED) {
            if !text.is_empty() {
                text.push('\n');
            }
            text += &problem.render(source, color);
        }
        let more = problems.len().saturating_sub(Self::RENDERED) + self.0.borrow().left_out;
        match more {
            0 => {}
            1 => text += "\n… and one more problem\n",
            more => text += &format!("\n… and {more} more problems\n"),
        }
        text
    }
}

/// An error in a file of which only the line concerned is at hand, perhaps cut: rendered as a [`Diagnostic`] is. `mark` is the character of
/// the excerpt, counted from zero, that is to blame; without one, all of it is. The message comes with what to try instead, if that is
/// known.
pub fn render_line_error(
    name: &str,
    place: Place,
    (excerpt, mark): (&str, Option<usize>),
    (message, help): (&str, Option<&str>),
    color: bool,
) -> String {
    let (name, message) = (printable(name), printable(message));
    let mut group = Group::with_title(Level::ERROR.primary_title(message.as_ref()));
    if excerpt.is_empty() {
        group = group.element(Origin::path(name.as_ref()).line(place.line).char_column(place.column));
    } else {
        let start = mark.and_then(|mark| excerpt.char_indices().nth(mark)).map(|(start, _)| start);
        let end = start.and_then(|start| excerpt[start..].chars().next().map(|char| start + char.len_utf8()));
        let span = start.unwrap_or(0)..end.unwrap_or(excerpt.len());
        group = group
            .element(Snippet::source(excerpt).path(name.as_ref()).line_start(place.line).annotation(AnnotationKind::Primary.span(span)));
    }
    if let Some(help) = help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if color { Renderer::styled().hyperlink(false) } else { Renderer::plain() };
    renderer.render(&[group]) + "\n"
}

/// What to try where a word is none of the known ones: the nearest of them, and all.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut list = known.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if known.len() > SHOWN {
        list += ", …";
    }
    match nearest(word, known.iter().copied()) {
        Some(near) if known.len() == 1 => format!("did you mean `{near}`?"),
        Some(near) => format!("did you mean `{near}`? known here: {list}"),
        None => format!("known here: {list}"),
    }
}

/// How far apart two places may be, in lines, to be shown together.
const LINES_SHOWN: usize = 12;
/// How many bytes a line may have to be handed to the renderer whole. It shows what fits the screen, but looks at every character.
const LINE_LONG: usize = 8_000;
/// What is kept of a longer line, before and after the place.
const LINE_KEPT: usize = 200;

/// A place to underline, within one line.
#[derive(Clone, Copy)]
struct Underline<'d> {
    span: Span,
    label: Option<&'d str>,
    kind: AnnotationKind,
}

impl<'d> Underline<'d> {
    /// Keeps of the span what lies in its first line, whatever the span is: they may be computed by those who misjudge a text.
    fn new(source: &Source, span: Span, label: Option<&'d str>, kind: AnnotationKind) -> Self {
        let line = source.line_at(span.start);
        let start = boundary(&source.text, span.start).clamp(line.start, line.end);
        let end = boundary(&source.text, span.end).clamp(start, line.end);
        Self { span: Span { start, end }, label, kind }
    }
}

/// A few lines of a source, cut to what a screen can show, and the places to underline in them.
struct Excerpt<'d> {
    text: String,
    /// The first of the lines.
    line: usize,
    annotations: Vec<Annotation<'d>>,
    /// The place of the first mark, where the text as it was cut does not tell its column.
    place: Option<Place>,
}

impl<'d> Excerpt<'d> {
    fn new(source: &Source, marks: &[Underline<'d>]) -> Self {
        let first = marks.iter().map(|mark| mark.span.start).min().unwrap_or(0);
        let last = marks.iter().map(|mark| mark.span.start).max().unwrap_or(0);
        let mut excerpt = Self { text: String::new(), line: line_number(&source.text[..first]), annotations: Vec::new(), place: None };
        let mut line = source.line_at(first);
        loop {
            excerpt.add_line(source, line, marks);
            // The line break is one byte, or two.
            let Some(length) = source.text[line.end..].find('\n') else { break };
            let next = line.end + length + 1;
            if next > last {
                break;
            }
            excerpt.text.push('\n');
            line = source.line_at(next);
        }
        excerpt
    }

    fn add_line(&mut self, source: &Source, line: Span, marks: &[Underline<'d>]) {
        let marks = marks.iter().filter(|mark| (line.start..=line.end).contains(&mark.span.start));
        let window = window(&source.text, line, marks.clone().next().map_or(line.start, |mark| mark.span.start));
        if window.start > line.start {
            self.text.push('…');
            self.place = marks.clone().next().map(|mark| source.place(mark.span.start));
        }
        let shift = self.text.len();
        for mark in marks.filter(|mark| (window.start..=window.end).contains(&mark.span.start)) {
            let start = mark.span.start - window.start + shift;
            let end = mark.span.end.min(window.end) - window.start + shift;
            self.annotations.push(mark.kind.span(start..end).label(mark.label));
        }
        self.text += &source.text[window.start..window.end];
        if window.end < line.end {
            self.text.push('…');
        }
    }

    fn elements(self, source: &'d Source) -> Vec<Element<'d>> {
        let snippet = Snippet::source(self.text).line_start(self.line).annotations(self.annotations);
        let path = printable(&source.name).into_owned();
        match self.place {
            None => vec![snippet.path(path).into()],
            Some(place) => vec![Origin::path(path).line(place.line).char_column(place.column).into(), snippet.into()],
        }
    }
}

/// What is shown of a line so that `place` is seen.
fn window(text: &str, line: Span, place: usize) -> Span {
    if line.end - line.start <= LINE_LONG {
        return line;
    }
    let start = boundary(text, place.saturating_sub(LINE_KEPT).max(line.start));
    let end = boundary(text, (place + LINE_KEPT).min(line.end));
    Span { start, end }
}

/// The number of the line that follows all of `before`'s line breaks.
fn line_number(before: &str) -> usize {
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// Where the last line of `before` begins. A mark of byte order is no part of it: editors do not show it.
fn line_start(before: &str) -> usize {
    before.rfind('\n').map_or_else(|| if before.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }, |newline| newline + 1)
}

/// The last place at or before `offset` where a character begins, or the end.
fn boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
