//! The store of a sink: a file to which it adds lines. It stands for a system of its own, which a restart of the pipeline does not undo.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::Event;

/// The name of the file.
pub(super) const STORE: &str = "store";

/// What a sink adds to its store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Line {
    /// These rows, each in its place: those of an id that is there take the place of it.
    Put(Vec<Event>),
    /// These rows, at the end.
    Append(Vec<Event>),
    /// These rows, once this transaction is committed.
    Stage(u64, Vec<Event>),
    /// A transaction is committed: its rows are there.
    Commit(u64),
    /// A transaction is aborted: they never will be.
    Abort(u64),
}

/// Which transactions a store has.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Those with rows that were neither committed nor aborted.
    pub(super) open: BTreeSet<u64>,
    /// The highest number there is.
    pub(super) last: u64,
}

impl Transactions {
    pub(super) fn read(&mut self, line: &Line) {
        match line {
            Line::Put(_) | Line::Append(_) => {}
            Line::Stage(transaction, _) => {
                self.open.insert(*transaction);
                self.last = self.last.max(*transaction);
            }
            Line::Commit(transaction) | Line::Abort(transaction) => {
                self.open.remove(transaction);
                self.last = self.last.max(*transaction);
            }
        }
    }
}

/// What the readers of a store see.
#[derive(Debug, Default)]
pub(super) struct Content {
    put: BTreeMap<u64, Event>,
    rows: Vec<Event>,
    staged: BTreeMap<u64, Vec<Event>>,
}

impl Content {
    pub(super) fn read(&mut self, line: Line) {
        match line {
            Line::Put(rows) => self.put.extend(rows.into_iter().map(|row| (row.id, row))),
            Line::Append(rows) => self.rows.extend(rows),
            Line::Stage(transaction, rows) => self.staged.entry(transaction).or_default().extend(rows),
            Line::Commit(transaction) => self.rows.extend(self.staged.remove(&transaction).unwrap_or_default()),
            Line::Abort(transaction) => drop(self.staged.remove(&transaction)),
        }
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = Event> {
        self.put.into_values().chain(self.rows)
    }
}
