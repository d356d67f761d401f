//! What judges measure, as tables: neither good nor bad, but what people choose by.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::Duration;

/// Measurements of one run, or the medians of many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// What was measured.
    pub title: String,
    /// What each cell of a row says, but for its name.
    pub columns: Vec<&'static str>,
    /// One for each thing that was measured.
    pub rows: Vec<TableRow>,
}

/// One thing that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// Its name.
    pub name: String,
    /// As many as the table has columns.
    pub cells: Vec<Cell>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There was nothing to measure.
    Empty,
    /// A word.
    Text(String),
    /// How many.
    Count(u64),
    /// How much.
    Number(f64),
    /// How long.
    Length(Duration),
    /// How much of the whole, from 0 to 1.
    Share(f64),
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { title: title.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it does not have a cell for each column.
    pub fn row(&mut self, name: impl Into<String>, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(TableRow { name: name.into(), cells });
    }
}

impl Cell {
    /// The median of these lengths, or nothing if there are none; the lower one of two.
    pub fn median(lengths: &mut [Duration]) -> Self {
        Self::quantile(lengths, 1, 2)
    }

    /// The smallest of these lengths that at least so many of so many do not exceed: `quantile(lengths, 99, 100)`. Nothing if there are
    /// none.
    pub fn quantile(lengths: &mut [Duration], of: usize, parts: usize) -> Self {
        lengths.sort_unstable();
        let place = (lengths.len() * of).div_ceil(parts).saturating_sub(1);
        lengths.get(place).map_or(Self::Empty, |length| Self::Length(*length))
    }

    /// What it measures as a number, to be put in order with others of its sort.
    pub fn amount(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Text(_) => None,
            Self::Count(count) => Some(*count as f64),
            Self::Number(number) | Self::Share(number) => Some(*number),
            Self::Length(length) => Some(length.as_nanos() as f64),
        }
    }
}

impl fmt::Display for Cell {
    /// To three digits: who needs more reads the JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.pad("–"),
            Self::Text(text) => f.pad(text),
            Self::Count(count) => f.pad(&count.to_string()),
            Self::Number(number) => f.pad(&short(*number)),
            Self::Length(length) => f.pad(&Duration::from_nanos(rounded(length.as_nanos())).to_string()),
            Self::Share(share) => f.pad(&format!("{} %", short(share * 100.0))),
        }
    }
}

/// To three digits.
fn rounded(number: u64) -> u64 {
    let mut grain = 1;
    while number / grain >= 1000 {
        grain *= 10;
    }
    (number + grain / 2) / grain * grain
}

/// To three digits, or as many as it has before the point.
fn short(number: f64) -> String {
    let size = number.abs();
    let places = [100.0, 10.0, 1.0].iter().filter(|limit| size < **limit).count();
    let text = format!("{number:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl Serialize for Cell {
    /// A count is a number; a length is `{"ns": 1500}`, a share `{"share": 0.5}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Length(length) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("ns", &length.as_nanos())?;
                map.end()
            }
            Self::Share(share) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("share", share)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    /// As it serialises; what is no number comes back as [`Empty`](Self::Empty), for JSON has no other word for it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a text, a number, {\"ns\": …} or {\"share\": …}")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Cell, E> {
        Ok(Cell::Empty)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Cell, E> {
        Ok(Cell::Count(count))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell::Number(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell, A::Error> {
        match map.next_key::<String>()?.as_deref() {
            Some("ns") => Ok(Cell::Length(Duration::from_nanos(map.next_value()?))),
            Some("share") => Ok(Cell::Share(map.next_value::<Option<f64>>()?.unwrap_or(f64::NAN))),
            other => Err(de::Error::unknown_field(other.unwrap_or_default(), &["ns", "share"])),
        }
    }
}

/// The same cells of many runs, of which the medians are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables(Vec<Gathered>);

/// One table of many runs.
#[derive(Clone, Debug, PartialEq)]
struct Gathered {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<Samples>)>,
}

/// What one cell held in many runs.
#[derive(Clone, Debug, Default, PartialEq)]
struct Samples {
    amounts: Vec<f64>,
    /// A cell of the sort that the amounts are of.
    sort: Option<Cell>,
}

impl Tables {
    /// More runs than this are not needed for a median, and would take memory without end: those after them are left out.
    pub const RUNS: usize = 10_000;

    /// Adds the tables of the next run.
    pub fn add(&mut self, tables: &[Table]) {
        for table in tables {
            let place = self.0.iter().position(|known| known.title == table.title && known.columns == table.columns);
            let place = place.unwrap_or_else(|| {
                self.0.push(Gathered { title: table.title.clone(), columns: table.columns.clone(), rows: Vec::new() });
                self.0.len() - 1
            });
            let gathered = &mut self.0[place];
            table.rows.iter().for_each(|row| gathered.add(row));
        }
    }

    /// Tables of medians, each with the title of its own.
    pub fn medians(&self) -> Vec<Table> {
        let median = |gathered: &Gathered| Table {
            title: gathered.title.clone(),
            columns: gathered.columns.clone(),
            rows: gathered
                .rows
                .iter()
                .map(|(name, cells)| TableRow { name: name.clone(), cells: cells.iter().map(Samples::median).collect() })
                .collect(),
        };
        self.0.iter().map(median).collect()
    }
}

impl Gathered {
    fn add(&mut self, row: &TableRow) {
        let place = self.rows.iter().position(|(name, _)| *name == row.name).unwrap_or_else(|| {
            self.rows.push((row.name.clone(), vec![Samples::default(); self.columns.len()]));
            self.rows.len() - 1
        });
        for (samples, cell) in self.rows[place].1.iter_mut().zip(&row.cells) {
            samples.add(cell);
        }
    }
}

impl Samples {
    fn add(&mut self, cell: &Cell) {
        if self.amounts.len() < Tables::RUNS {
            self.amounts.extend(cell.amount());
        }
        match (&self.sort, cell) {
            (None, Cell::Empty) => {}
            (None, cell) => self.sort = Some(cell.clone()),
            // A word that differs from run to run is no property of all of them.
            (Some(Cell::Text(known)), Cell::Text(text)) if known != text => self.sort = Some(Cell::Text("varies".to_owned())),
            (Some(_), _) => {}
        }
    }

    fn median(&self) -> Cell {
        let mut amounts = self.amounts.clone();
        amounts.sort_unstable_by(f64::total_cmp);
        let Some(median) = amounts.get(amounts.len().saturating_sub(1) / 2).copied() else {
            return self.sort.clone().unwrap_or(Cell::Empty);
        };
        match &self.sort {
            Some(Cell::Count(_)) => Cell::Count(median as u64),
            Some(Cell::Length(_)) => Cell::Length(Duration::from_nanos(median as u64)),
            Some(Cell::Share(_)) => Cell::Share(median),
            _ => Cell::Number(median),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(count: u64, length: Option<Duration>) -> Table {
        let mut table = Table::new("waits", &["how many", "how long", "of all"]);
        let length = length.map_or(Cell::Empty, Cell::Length);
        table.row("n1", vec![Cell::Count(count), length, Cell::Share(count as f64 / 8.0)]);
        table
    }

    #[test]
    fn cells_are_shown_to_three_digits() {
        let shown = |cell: Cell| cell.to_string();
        assert_eq!(shown(Cell::Length(Duration::from_nanos(1_234_567_890))), "1.23s");
        assert_eq!(shown(Cell::Length(Duration::from_nanos(999_600))), "1ms");
        assert_eq!(shown(Cell::Length(Duration::from_nanos(12))), "12ns");
        assert_eq!(shown(Cell::Number(12.345)), "12.3");
        assert_eq!(shown(Cell::Number(0.5)), "0.5");
        assert_eq!(shown(Cell::Number(123_456.0)), "123456");
        assert_eq!(shown(Cell::Share(0.999_3)), "99.9 %");
        assert_eq!(shown(Cell::Count(1_234_567)), "1234567");
        assert_eq!(format!("{:>3}|", Cell::Empty), "  –|");
    }

    #[test]
    fn quantiles_of_lengths() {
        let mut lengths: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(Cell::median(&mut lengths), Cell::Length(Duration::from_millis(50)));
        assert_eq!(Cell::quantile(&mut lengths, 99, 100), Cell::Length(Duration::from_millis(99)));
        assert_eq!(Cell::quantile(&mut lengths, 1, 1), Cell::Length(Duration::from_millis(100)));
        assert_eq!(Cell::median(&mut []), Cell::Empty);
    }

    #[test]
    fn many_runs_come_to_their_medians() {
        let mut tables = Tables::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for table in [table(7, seconds(3)), table(1, None), table(4, seconds(1)), table(2, None)] {
            tables.add(&[table]);
        }
        let mut median = table(2, seconds(1));
        median.rows[0].cells[2] = Cell::Share(0.25);
        assert_eq!(tables.medians(), vec![median]);
    }

    #[test]
    fn json_says_what_the_numbers_are() {
        let json = serde_json::to_string(&table(2, Some(Duration::from_nanos(5)))).expect("a table can be written");
        assert_eq!(
            json,
            r#"{"title":"waits","columns":["how many","how long","of all"],"rows":[{"name":"n1","cells":[2,{"ns":5},{"share":0.25}]}]}"#
        );
    }
}
