//! What a sink does with its store: adds rows, or puts them in their places, or stages them and commits when a checkpoint is complete
//! (two-phase commit, as Flink's `TwoPhaseCommitSinkFunction`: a barrier prepares, the checkpoint decides).

use super::Rules;
use super::event::Event;
use super::graph::Sink;
use super::store::{Line, Transactions};

/// A sink at its store.
#[derive(Debug)]
pub(super) struct Writer {
    kind: Sink,
    /// Rows that are to be written.
    rows: Vec<Event>,
    transactions: Transactions,
    /// The transaction that rows go to now, and whether it has any.
    open: u64,
    has_rows: bool,
    /// Transactions that are staged, each with the checkpoint that decides on it.
    pub(super) staged: Vec<(u64, u64)>,
}

impl Writer {
    /// A sink at a store that has these lines.
    pub(super) fn new(kind: Sink, lines: impl Iterator<Item = Line>) -> Self {
        let mut transactions = Transactions::default();
        lines.for_each(|line| transactions.read(&line));
        Self { kind, rows: Vec::new(), transactions, open: 0, has_rows: false, staged: Vec::new() }
    }

    pub(super) fn add(&mut self, row: Event) {
        self.rows.push(row);
    }

    /// What is to be written of the rows that have come.
    pub(super) fn flush(&mut self) -> Option<Line> {
        if self.rows.is_empty() {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        Some(match self.kind {
            Sink::Append => Line::Append(rows),
            Sink::Idempotent => Line::Put(rows),
            Sink::TwoPhase => {
                self.has_rows = true;
                self.told(Line::Stage(self.open, rows))
            }
        })
    }

    /// A checkpoint is taken: what was written belongs to it.
    pub(super) fn prepare(&mut self, checkpoint: u64, rules: &dyn Rules) -> Option<Line> {
        if !std::mem::take(&mut self.has_rows) {
            return None;
        }
        let transaction = self.open;
        self.open += 1;
        if rules.commits_before_complete() {
            return Some(self.told(Line::Commit(transaction)));
        }
        self.staged.push((transaction, checkpoint));
        None
    }

    /// This checkpoint is complete, and so are those before it that were given up: what they decide on is committed.
    pub(super) fn commit(&mut self, completed: u64) -> Vec<Line> {
        let (decided, staged) = std::mem::take(&mut self.staged).into_iter().partition(|(_, checkpoint)| *checkpoint <= completed);
        self.staged = staged;
        let decided: Vec<(u64, u64)> = decided;
        decided.into_iter().map(|(transaction, _)| self.told(Line::Commit(transaction))).collect()
    }

    /// Goes back to a checkpoint at which these were staged: they are committed, and what came after is aborted.
    pub(super) fn restore(&mut self, staged: &[(u64, u64)], rules: &dyn Rules) -> Vec<Line> {
        let is_staged = |transaction: &u64| staged.iter().any(|(known, _)| known == transaction) && rules.commits_upon_restart();
        let open: Vec<u64> = self.transactions.open.iter().copied().collect();
        let mut lines = Vec::new();
        for transaction in open {
            if is_staged(&transaction) {
                lines.push(self.told(Line::Commit(transaction)));
            } else if rules.aborts_upon_restart() {
                lines.push(self.told(Line::Abort(transaction)));
            }
        }
        (self.rows, self.staged, self.has_rows) = (Vec::new(), Vec::new(), false);
        if !rules.aborts_upon_restart() {
            // It takes what it finds for its own.
            self.staged = self.transactions.open.iter().map(|transaction| (*transaction, 0)).collect();
        }
        self.open = self.transactions.last + 1;
        lines
    }

    /// How many transactions are neither committed nor aborted.
    pub(super) fn undecided(&self) -> usize {
        self.transactions.open.len()
    }

    fn told(&mut self, line: Line) -> Line {
        self.transactions.read(&line);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::pipeline::Correct;
    use crate::protocols::pipeline::store::Content;

    fn row(id: u64) -> Event {
        Event { id, key: 0, value: 0, time: 0, weight: 1, pane: 0, late: false }
    }

    fn seen(lines: &[Line]) -> Vec<u64> {
        let mut content = Content::default();
        lines.iter().for_each(|line| content.read(line.clone()));
        content.into_rows().map(|row| row.id).collect()
    }

    #[test]
    fn a_checkpoint_decides_on_what_was_staged_before_it() {
        let mut lines = Vec::new();
        let mut writer = Writer::new(Sink::TwoPhase, [].into_iter());
        writer.restore(&[], &Correct);
        writer.add(row(1));
        lines.extend(writer.flush());
        lines.extend(writer.prepare(1, &Correct));
        let staged = writer.staged.clone();
        writer.add(row(2));
        lines.extend(writer.flush());
        assert!(seen(&lines).is_empty());
        let mut back = Writer::new(Sink::TwoPhase, lines.clone().into_iter());
        let mut undone = lines.clone();
        undone.extend(back.restore(&staged, &Correct));
        assert_eq!((seen(&undone), back.undecided()), (vec![1], 0), "what the checkpoint decides on is committed, the rest aborted");
        back.add(row(3));
        undone.extend(back.flush());
        lines.extend(writer.commit(1));
        assert_eq!((seen(&lines), seen(&undone)), (vec![1], vec![1]));
    }

    #[test]
    fn what_is_put_again_takes_its_own_place() {
        let put = |rows: &[u64]| Line::Put(rows.iter().copied().map(row).collect());
        assert_eq!(seen(&[put(&[1, 2]), put(&[2, 3])]), [1, 2, 3]);
        assert_eq!(seen(&[Line::Append(vec![row(1)]), Line::Append(vec![row(1)])]), [1, 1]);
    }
}
