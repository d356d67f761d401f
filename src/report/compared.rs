//! Two variants beside each other, as people and programs read it.

use serde_json::{Value, json};

use super::json::SCHEMA;
use super::paint::Paint;
use super::text::table_text;
use super::words::{clean, counted};
use crate::explore::{Better, CONFIDENCE, Compared, Comparison};
use crate::trace::{Cell, Table};

/// What came of comparing two variants.
#[derive(Clone, Copy, Debug)]
pub struct ComparedReport<'a> {
    /// What each is: its file, and what was set.
    pub variants: [&'a str; 2],
    /// How many seeds ran with both to an end.
    pub seeds: u64,
    /// In how many of them each violated a property.
    pub violated: [u64; 2],
    /// All their figures.
    pub comparison: &'a Comparison,
    /// Those that were asked for; without any, all that differ are told.
    pub wanted: &'a [String],
}

impl ComparedReport<'_> {
    /// The figures that are told one by one: those that were asked for, or those that differ.
    fn told(&self) -> impl Iterator<Item = &Compared> {
        let figures = self.comparison.figures.iter();
        figures.filter(|figure| if self.wanted.is_empty() { figure.differs() } else { self.wanted.contains(&figure.name) })
    }
}

/// All that differs, or was asked for, as a table, and what that means.
pub fn compared_text(report: &ComparedReport<'_>, color: bool) -> String {
    let (paint, Comparison { figures, corrected }) = (Paint(color), report.comparison);
    let [first, second] = report.variants.map(clean);
    let mut text = format!("  first   {first}\n  second  {second}\n\n");
    let mut tables: Vec<Table> = Vec::new();
    for figure in report.told() {
        let (title, row) = figure.name.split_once('/').unwrap_or(("", &figure.name));
        if tables.last().is_none_or(|table| table.title != title) {
            tables.push(Table::new(title, &["first", "second", "difference", "± (95 %)", "", "better"]));
        }
        if let Some(table) = tables.last_mut() {
            table.row(row.replace('/', ": "), cells(figure));
        }
    }
    for table in &tables {
        text += &format!("{}\n", table_text(table, "", paint));
    }
    let differing = figures.iter().filter(|figure| figure.differs()).count();
    let says = match (differing, figures.len()) {
        (0, all) => format!("no difference: all {} may be chance", counted(all, "figure")),
        (one, all) if report.wanted.is_empty() => format!("{} of {} differ; the others may be chance", one, counted(all, "figure")),
        (_, all) => format!("{differing} of {} differ", counted(all, "figure")),
    };
    text += &format!("  {}\n", paint.strong(&says));
    let [one, other] = report.violated;
    if one + other > 0 {
        text +=
            &format!("  a property was violated in {one} of {} by the first, in {other} by the second\n", counted(report.seeds, "seed"));
    }
    let all = if *corrected > 1 { format!(", for all {corrected} figures that varied together") } else { String::new() };
    let sure = CONFIDENCE * 100.0;
    text + &paint.faint(&format!("  {}, each with both · {sure} % confidence{all}", counted(report.seeds, "seed"))) + "\n"
}

fn cells(figure: &Compared) -> Vec<Cell> {
    let words = |value: f64| Cell::Text(figure.unit.words(value));
    let sign = if figure.difference > 0.0 { "+" } else { "" };
    let part = figure.part().map_or(Cell::Empty, |part| Cell::Text(format!("{sign}{:.1} %", part * 100.0)));
    let half = if figure.half.is_finite() { words(figure.half) } else { Cell::Empty };
    let better = match (figure.differs(), figure.winner()) {
        (false, _) => "may be chance",
        (true, Some(0)) => "first",
        (true, Some(_)) => "second",
        (true, None) => "–",
    };
    let difference = Cell::Text(format!("{sign}{}", figure.unit.words(figure.difference)));
    vec![words(figure.means[0]), words(figure.means[1]), difference, half, part, Cell::Text(better.to_owned())]
}

/// All figures, for programs.
pub fn compared_json(report: &ComparedReport<'_>) -> Value {
    let figure = |figure: &Compared| {
        let better = match figure.better {
            Better::More => Some("more"),
            Better::Less => Some("less"),
            Better::Neither => None,
        };
        json!({
            "name": figure.name,
            "unit": figure.unit.name(),
            "seeds": figure.seeds,
            "first": figure.means[0],
            "second": figure.means[1],
            "difference": figure.difference,
            // What no seed tells is no number.
            "half_width": figure.half.is_finite().then_some(figure.half),
            "differs": figure.differs(),
            "better_is": better,
            "better": figure.winner().map(|winner| ["first", "second"][winner]),
        })
    };
    let ComparedReport { variants, seeds, violated, comparison, .. } = report;
    json!({
        "schema": SCHEMA,
        "first": variants[0],
        "second": variants[1],
        "seeds": seeds,
        "violated": { "first": violated[0], "second": violated[1] },
        "confidence": CONFIDENCE,
        "corrected_for": comparison.corrected,
        "figures": comparison.figures.iter().map(figure).collect::<Vec<_>>(),
    })
}
