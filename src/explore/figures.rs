//! What a run can be measured by: what was counted of it, and what its judges measured, each under a name.

use crate::base::Duration;
use crate::trace::Cell;
use crate::world::Outcome;

/// A figure of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it measures: `operations/completed`, or of a table its title, row and column: `requests of clients/all/mean`.
    pub name: String,
    /// How much, in its unit.
    pub value: f64,
    /// In what.
    pub unit: Unit,
    /// What one would have of it.
    pub better: Better,
}

/// In what a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How much.
    Number,
    /// How long, in nanoseconds.
    Length,
    /// How much of the whole, from 0 to 1.
    Share,
}

/// What one would have of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// As much as there can be.
    More,
    /// As little as there can be.
    Less,
    /// That depends.
    Neither,
}

impl Unit {
    /// So much of it, as people read it. Of a length with its sign, and to three digits.
    pub fn words(self, value: f64) -> String {
        let cell = match self {
            Self::Count | Self::Number => Cell::Number(value),
            Self::Share => Cell::Share(value),
            Self::Length if value < 0.0 => return format!("-{}", self.words(-value)),
            Self::Length => Cell::Length(Duration::from_nanos(value.round() as u64)),
        };
        cell.to_string()
    }

    /// What it is called in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Number => "number",
            Self::Length => "nanoseconds",
            Self::Share => "share",
        }
    }
}

/// Of columns of tables and of counts: those of which one would have more, or less. Lengths are to be short.
const MORE: [&str; 2] = ["succeeded", "completed"];
const LESS: [&str; 6] = ["failed", "unknown", "degraded", "dropped", "queue", "mistakes"];

fn better(name: &str, unit: Unit) -> Better {
    if MORE.contains(&name) {
        Better::More
    } else if unit == Unit::Length || LESS.contains(&name) {
        Better::Less
    } else {
        Better::Neither
    }
}

/// All figures of a run, in a fixed order. What there was nothing of to measure has none.
pub fn figures(outcome: &Outcome) -> Vec<Figure> {
    let Outcome { events, messages, operations, sim_time, tables, .. } = outcome;
    let counts = [
        ("operations", "completed", operations.completed),
        ("operations", "failed", operations.failed),
        ("operations", "unknown", operations.unknown),
        ("messages", "sent", messages.sent),
        ("messages", "delivered", messages.delivered),
        ("messages", "dropped", messages.dropped),
        ("run", "events", *events),
    ];
    let counted = counts.into_iter().map(|(of, what, count)| Figure {
        name: format!("{of}/{what}"),
        value: count as f64,
        unit: Unit::Count,
        better: better(what, Unit::Count),
    });
    // How long a run was is no merit of it.
    let time = Figure { name: "run/time".to_owned(), value: sim_time.as_nanos() as f64, unit: Unit::Length, better: Better::Neither };
    let measured = tables.iter().flat_map(|table| {
        table.rows.iter().flat_map(move |row| {
            table.columns.iter().zip(&row.cells).filter_map(move |(column, cell)| {
                let unit = match cell {
                    Cell::Empty | Cell::Text(_) => return None,
                    Cell::Count(_) => Unit::Count,
                    Cell::Number(_) => Unit::Number,
                    Cell::Length(_) => Unit::Length,
                    Cell::Share(_) => Unit::Share,
                };
                let name = format!("{}/{}/{column}", table.title, row.name);
                Some(Figure { name, value: cell.amount()?, unit, better: better(column, unit) })
            })
        })
    });
    counted.chain([time]).chain(measured).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::samples;
    use crate::trace::Table;

    #[test]
    fn what_is_counted_and_what_is_measured_have_names() {
        let mut outcome = samples::outcome(1);
        outcome.operations.completed = 7;
        let mut table = Table::new("requests", &["mean", "succeeded", "word", "none"]);
        table.row("all", vec![Cell::Length(Duration::from_millis(2)), Cell::Share(0.5), Cell::Text("x".to_owned()), Cell::Empty]);
        outcome.tables = vec![table];
        let figures = figures(&outcome);
        let found = |name: &str| figures.iter().find(|figure| figure.name == name).map(|figure| (figure.value, figure.unit, figure.better));
        assert_eq!(found("operations/completed"), Some((7.0, Unit::Count, Better::More)));
        assert_eq!(found("requests/all/mean"), Some((2e6, Unit::Length, Better::Less)));
        assert_eq!(found("requests/all/succeeded"), Some((0.5, Unit::Share, Better::More)));
        assert_eq!(figures.iter().filter(|figure| figure.name.starts_with("requests/")).count(), 2, "words and nothing are no figures");
    }

    #[test]
    fn figures_are_read_in_their_unit() {
        for (unit, value, words) in [
            (Unit::Length, 1_234_567.0, "1.23ms"),
            (Unit::Length, -2e6, "-2ms"),
            (Unit::Share, 0.1234, "12.3 %"),
            (Unit::Count, 12.5, "12.5"),
        ] {
            assert_eq!(unit.words(value), words);
        }
    }
}
