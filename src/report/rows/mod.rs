//! Files of rows: a header, which says what was swept, and then what became of each seed, in a form that can be read again.

mod header;
mod hex;
mod names;
mod reader;
mod row;

pub use header::{HeaderDifference, RowsHeader};
pub use names::name_of;
pub use reader::{RowsError, RowsReader};
pub use row::WrittenRow;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::explore::samples::{outcome, unknown, violated};
    use crate::explore::{Defect, NoOutcome, Row, Shard, Summary};
    use crate::report::samples::{called, subject};
    use crate::report::{GitHub, JUnit, Json, Render, Report, SweepReport, Text};
    use crate::trace::{Cell, Table};

    /// A row of each kind, with what a summary counts in it.
    fn row(seed: u64, kind: u8, number: u16) -> Row {
        let mut run = match kind {
            0 => outcome(seed),
            1 => violated(seed, "election-safety", &format!("n1 and n2 lead term {number}\nin full")),
            2 => violated(seed, "exclusive", &format!("held by {} clients", if number.is_multiple_of(2) { "two" } else { "three" })),
            3 => unknown(seed),
            4 => return Row::new(seed, Err(NoOutcome::Stalled)),
            _ => return Row::new(seed, Err(Defect { message: format!("no {number}") }.into())),
        };
        run.events = u64::from(number);
        let mut table = Table::new("waits", &["how long", "of all", "how much"]);
        let cells = vec![Cell::Count(u64::from(number)), Cell::Share(f64::from(number) / 7.0), Cell::Number(f64::from(number).sqrt())];
        table.row("n1", cells);
        run.tables.push(table);
        Row::new(seed, Ok(run))
    }

    fn summary<'r>(rows: impl Iterator<Item = &'r Row>, asked: u64) -> Summary {
        let mut summary = Summary::of(asked);
        rows.for_each(|row| summary.add(row));
        summary
    }

    /// All that is told of a sweep, in every format.
    fn told(summary: &Summary) -> Vec<String> {
        let called = called();
        let report = Report::Sweep(SweepReport::of(subject(), 0, summary, &called));
        vec![Text { color: false, full: true }.render(&report), Json.render(&report), JUnit.render(&report), GitHub.render(&report)]
    }

    fn file(rows: &[Row], shard: Option<Shard>) -> Vec<u8> {
        let mut file = header::sample(1_000, shard).line().into_bytes();
        for row in rows {
            file.extend(serde_json::to_vec(&WrittenRow::of(row)).unwrap());
            file.push(b'\n');
        }
        file
    }

    fn read(file: &[u8]) -> Vec<Row> {
        let (mut reader, _) = RowsReader::open(file).unwrap();
        let mut rows = Vec::new();
        while let Some((row, line)) = reader.next_row().unwrap() {
            assert!(line.ends_with(b"}\n"));
            rows.push(row);
        }
        rows
    }

    proptest! {
        /// A summary of rows that were read is that of the rows that were run.
        #[test]
        fn rows_that_are_read_count_as_those_that_were_run(kinds in prop::collection::vec((0..6_u8, any::<u16>()), 0..40)) {
            let rows: Vec<Row> = kinds.iter().zip(0..).map(|((kind, number), seed)| row(seed, *kind, *number)).collect();
            let read = read(&file(&rows, None));
            prop_assert_eq!(told(&summary(read.iter(), 50)), told(&summary(rows.iter(), 50)));
            prop_assert_eq!(file(&read, None), file(&rows, None));
        }
    }

    /// Wherever a file is cut off, what is whole is read, and it is known how far that goes.
    #[test]
    fn a_file_that_is_cut_off_anywhere_is_read_as_far_as_it_is_whole() {
        let rows: Vec<Row> = (0..6).map(|seed| row(seed, seed as u8, 70)).collect();
        let whole = file(&rows, None);
        for length in 0..=whole.len() {
            let part = &whole[..length];
            let lines = part.iter().filter(|byte| **byte == b'\n').count();
            let (mut reader, header) = RowsReader::open(part).unwrap_or_else(|error| panic!("{length}: {error:?}"));
            assert_eq!(header.is_some(), lines > 0);
            let mut found = 0;
            while header.is_some() && reader.next_row().unwrap().is_some() {
                found += 1;
            }
            assert_eq!(found, lines.saturating_sub(1));
            assert_eq!(reader.whole() as usize, part.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        }
    }

    /// A row that is not that of the seed that is due, or of none that belongs there, is told with its line.
    #[test]
    fn rows_out_of_order() {
        let told = |seeds: &[u64], shard| {
            let rows: Vec<Row> = seeds.iter().map(|seed| row(*seed, 0, 7)).collect();
            let file = file(&rows, shard);
            let (mut reader, _) = RowsReader::open(&*file).unwrap();
            loop {
                match reader.next_row() {
                    Ok(Some(_)) => {}
                    Ok(None) => return "all is well".to_owned(),
                    Err(RowsError::Malformed { line, why }) => return format!("{line}: {why}"),
                    Err(RowsError::Io(error)) => return error.to_string(),
                }
            }
        };
        let last = Shard::new(500, 500);
        assert_eq!(told(&[0, 1, 2], None), "all is well");
        assert_eq!(told(&[998, 999], last), "all is well");
        assert_eq!(told(&[0, 2], None), "3: the row of seed 2 stands where that of seed 1 is due");
        assert_eq!(told(&[0, 0], None), "3: the row of seed 0 stands where that of seed 1 is due");
        assert_eq!(told(&[0], last), "2: the row of seed 0 stands where that of seed 998 is due");
        assert_eq!(told(&[998, 999, 1000], last), "4: a row of seed 1000 stands behind the last one that there can be");
    }
}
