//! Many seeds on many threads, reported in the order of the seeds.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{Defect, Ended, Row, Summary};
use crate::base::SortedMap;
use crate::check::Verdict;
use crate::world::Outcome;

/// Which seeds to run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Sweep<'a> {
    /// The first seed.
    pub start: u64,
    /// How many seeds, this one and those after it. Beyond the last number there is none.
    pub seeds: u64,
    /// How many threads run them, at least one.
    pub jobs: usize,
    /// When to stop before all of them are done.
    pub until: Until,
    /// Set from outside when the sweep is to stop. The runs that are under way are finished.
    pub cancel: &'a AtomicBool,
}

/// What became of a seed that was run elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Ran {
    /// It has a row.
    Row(Box<Row>),
    /// It was given up, because the sweep ends. It counts as not run, and so does every seed after it.
    Dropped,
}

/// Runs a seed elsewhere: see [`Sweep::run_elsewhere`].
pub type RunElsewhere<'a> = dyn Fn(u64, &dyn Fn() -> bool) -> Ran + Sync + 'a;

/// Runs seeds elsewhere, as long as there are any: see [`Sweep::go_on`].
pub type WorkElsewhere<'a> = dyn Fn(&Claims<'_>) + Sync + 'a;

/// What ends a sweep before all its seeds are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Nothing.
    Done,
    /// The lowest seed that violates a property.
    Violated,
    /// The lowest seed that violates this property.
    Violates(&'static str),
    /// The lowest seed that fails in this way: see [`fingerprint`](super::fingerprint()).
    Fails(u64),
}

impl Until {
    /// Whether the row is the last of its sweep.
    pub fn is_last(self, row: &Row) -> bool {
        match self {
            Self::Done => false,
            Self::Violated => row.verdict() == Some(Verdict::Violated),
            Self::Violates(property) => row.violated().any(|report| report.name == property),
            Self::Fails(fingerprint) => row.fingerprint == Some(fingerprint),
        }
    }
}

impl Sweep<'_> {
    /// Runs every seed on threads of this process and shows each row to `each`, in the order of the seeds: what it sees depends on neither
    /// the number nor the timing of the threads. It may end the sweep, if it cannot write one down.
    ///
    /// If a violation ends the sweep, the row of its seed is the last. A panic out of `run` becomes a [`Defect`], and the sweep goes on. A
    /// thread contains no more than that: code that never returns, overflows its stack, uses up the memory or ends the process does so to
    /// the whole sweep. The command `sweep` runs its seeds in processes of their own: see [`run_elsewhere`](Self::run_elsewhere).
    ///
    /// # Errors
    /// If not a single thread can be started; no seed was run then.
    pub fn run(&self, run: &(dyn Fn(u64) -> Outcome + Sync), each: &mut dyn FnMut(&Row) -> ControlFlow<()>) -> io::Result<Summary> {
        self.run_elsewhere(&|seed, _| Ran::Row(Box::new(run_one(run, seed))), each)
    }

    /// The same, where `run` waits for a run that happens elsewhere and tells what became of it. It is given a seed, and a function by
    /// which it can see whether that seed has become needless, because a lower one has ended the sweep.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_elsewhere(&self, run: &RunElsewhere<'_>, each: &mut dyn FnMut(&Row) -> ControlFlow<()>) -> io::Result<Summary> {
        let work = |claims: &Claims<'_>| {
            while let Some(seed) = claims.claim() {
                if !claims.tell(seed, run(seed, &|| claims.is_needless(seed))) {
                    return;
                }
            }
        };
        self.go_on(Summary::of(self.seeds.min((u64::MAX - self.start).saturating_add(1))), &work, each)
    }

    /// The same, for a sweep of which there are rows already: this summary is of those, and what comes of the seeds that are run is
    /// added. Each thread calls `work` once, which claims seeds until there are none left and tells what became of each. It may claim
    /// several before it tells of the first.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn go_on(&self, summary: Summary, work: &WorkElsewhere<'_>, each: &mut dyn FnMut(&Row) -> ControlFlow<()>) -> io::Result<Summary> {
        let count = self.seeds.min((u64::MAX - self.start).saturating_add(1));
        let jobs = self.jobs.clamp(1, usize::try_from(count).unwrap_or(usize::MAX).max(1));
        let board = Board::new(count, jobs as u64 * WINDOW);
        #[expect(clippy::disallowed_methods, reason = "each run stays on one thread, and rows are put in order below")]
        thread::scope(|scope| {
            // Whatever happens here, no thread may wait for a row that is never taken.
            let _halt = Halt(&board);
            let (sender, rows) = mpsc::channel();
            for job in 0..jobs {
                let claims = Claims { sweep: self, board: &board, rows: sender.clone() };
                let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(&claims));
                if let Err(error) = thread
                    && job == 0
                {
                    return Err(error);
                }
            }
            drop(sender);
            Ok(self.collect(summary, &board, &rows, each))
        })
    }

    /// Puts the rows in order.
    fn collect(
        &self,
        mut summary: Summary,
        board: &Board,
        rows: &Receiver<(u64, Ran)>,
        each: &mut dyn FnMut(&Row) -> ControlFlow<()>,
    ) -> Summary {
        let (mut waiting, mut next) = (SortedMap::new(), 0);
        for (index, ran) in rows {
            waiting.insert(index, ran);
            while let Some(ran) = waiting.remove(&next) {
                match ran {
                    Ran::Row(row) => {
                        summary.add(&row);
                        let stopped = each(&row).is_break();
                        if stopped || self.until.is_last(&row) {
                            summary.ended = if stopped { Ended::Unwritten } else { Ended::Violated };
                            return summary;
                        }
                    }
                    // Rows are those of seeds without a gap: so it is known where to go on.
                    Ran::Dropped => {
                        summary.ended = Ended::Cancelled;
                        return summary;
                    }
                }
                next += 1;
                board.taken(next);
            }
        }
        if next < board.count {
            summary.ended = Ended::Cancelled;
        }
        summary
    }
}

/// The seeds of a sweep, as one of its threads claims them.
pub struct Claims<'a> {
    sweep: &'a Sweep<'a>,
    board: &'a Board,
    rows: Sender<(u64, Ran)>,
}

impl Claims<'_> {
    /// The next seed to run, if there is one. Waits while too many rows wait for a slow one before them: so a thread that asks for a seed
    /// here must have told of all that it has claimed.
    pub fn claim(&self) -> Option<u64> {
        self.board.claim(self.sweep.cancel, true).map(|index| self.sweep.start + index)
    }

    /// The next seed to run, if there is one that may be claimed at once.
    pub fn claim_ahead(&self) -> Option<u64> {
        self.board.claim(self.sweep.cancel, false).map(|index| self.sweep.start + index)
    }

    /// Whether this seed comes after one that has ended the sweep.
    pub fn is_needless(&self, seed: u64) -> bool {
        self.board.is_needless(seed - self.sweep.start)
    }

    /// Tells what became of a seed that was claimed, and returns whether rows are still taken.
    pub fn tell(&self, seed: u64, ran: Ran) -> bool {
        let index = seed - self.sweep.start;
        if let Ran::Row(row) = &ran
            && self.sweep.until.is_last(row)
        {
            self.board.end_at(index + 1);
        }
        self.rows.send((index, ran)).is_ok()
    }
}

/// How many rows a thread may be ahead of the last row that was taken.
const WINDOW: u64 = 64;
/// As much as a main thread usually has: what runs there runs here.
pub const STACK: usize = 8 << 20;

pub(super) fn run_one(run: &(dyn Fn(u64) -> Outcome + Sync), seed: u64) -> Row {
    let result = catch_unwind(AssertUnwindSafe(|| run(seed))).map_err(|panic| Defect { message: message(panic.as_ref()) }.into());
    Row::new(seed, result)
}

/// What a panic said.
fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// Which seeds are still to be run: what the threads share.
struct Board {
    /// How many seeds there are.
    count: u64,
    window: u64,
    state: Mutex<BoardState>,
    changed: Condvar,
}

struct BoardState {
    /// The next seed to claim, counted from the first.
    next: u64,
    /// Where to stop claiming.
    end: u64,
    /// How many rows have been taken.
    taken: u64,
}

impl Board {
    fn new(count: u64, window: u64) -> Self {
        Self { count, window, state: Mutex::new(BoardState { next: 0, end: count, taken: 0 }), changed: Condvar::new() }
    }

    /// The next seed to run. While too many rows wait for a slow one before them there is none, or it waits.
    fn claim(&self, cancel: &AtomicBool, waits: bool) -> Option<u64> {
        let mut state = self.state();
        loop {
            if state.next >= state.end || cancel.load(Ordering::Relaxed) {
                return None;
            }
            if state.next < state.taken.saturating_add(self.window) {
                state.next += 1;
                return Some(state.next - 1);
            }
            if !waits {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No seed from here on is run, unless it is under way.
    fn end_at(&self, end: u64) {
        let mut state = self.state();
        state.end = state.end.min(end);
        self.changed.notify_all();
    }

    /// Whether this seed, counted from the first, comes after one that has ended the sweep.
    fn is_needless(&self, index: u64) -> bool {
        self.state().end <= index
    }

    /// So many rows have been taken.
    fn taken(&self, taken: u64) {
        self.state().taken = taken;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets every thread go when the collector is done, or has panicked.
struct Halt<'a>(&'a Board);

impl Drop for Halt<'_> {
    fn drop(&mut self) {
        self.0.end_at(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::NoOutcome;
    use crate::explore::samples::{outcome, unknown, violated};
    use crate::scenario::Expectation;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn sweep(seeds: u64, jobs: usize, until: Until) -> Sweep<'static> {
        Sweep { start: 100, seeds, jobs, until, cancel: &NEVER }
    }

    /// The rows and the summary.
    fn rows(sweep: Sweep<'_>, run: &(dyn Fn(u64) -> Outcome + Sync)) -> (Vec<Row>, Summary) {
        let mut rows = Vec::new();
        let summary = sweep.run(run, &mut |row| {
            rows.push(row.clone());
            ControlFlow::Continue(())
        });
        (rows, summary.unwrap())
    }

    /// Odd seeds take longer; every seventh fails, every thirteenth is unknown.
    fn mixed(seed: u64) -> Outcome {
        if seed % 2 == 1 {
            thread::sleep(std::time::Duration::from_micros(200));
        }
        match seed {
            seed if seed % 7 == 0 => violated(seed, "election-safety", &format!("n1 and n2 lead term {seed}")),
            seed if seed % 13 == 0 => unknown(seed),
            seed => outcome(seed),
        }
    }

    #[test]
    fn rows_come_in_the_order_of_their_seeds_on_any_number_of_threads() {
        let one = rows(sweep(300, 1, Until::Done), &mixed);
        assert_eq!(one.0.iter().map(|row| row.seed).collect::<Vec<_>>(), (100..400).collect::<Vec<_>>());
        assert_eq!(one, rows(sweep(300, 2, Until::Done), &mixed));
        assert_eq!(one, rows(sweep(300, 7, Until::Done), &mixed));
        let summary = one.1;
        assert_eq!((summary.seeds, summary.violated, summary.unknown, summary.defects), (300, 43, 20, 0));
        assert_eq!(summary.failures.len(), 1, "they are all alike");
        assert_eq!(summary.failures[0].seeds, [105, 112, 119, 126, 133]);
        let expected = ["leader lost", "client retried", "no such mark"].map(Expectation::Sometimes);
        assert_eq!(summary.never_seen(&expected), [&expected[1], &expected[2]]);
    }

    #[test]
    fn the_lowest_seed_that_fails_is_the_last_row() {
        for jobs in [1, 2, 8] {
            // A higher seed fails sooner.
            let slow_failure = |seed| {
                if seed == 105 {
                    thread::sleep(std::time::Duration::from_millis(20));
                }
                if seed == 105 || seed == 107 { violated(seed, "a", "") } else { outcome(seed) }
            };
            let (rows, summary) = rows(sweep(1_000_000, jobs, Until::Violated), &slow_failure);
            assert_eq!(rows.iter().map(|row| row.seed).collect::<Vec<_>>(), [100, 101, 102, 103, 104, 105]);
            assert_eq!((summary.ended, summary.seeds, summary.violated), (Ended::Violated, 6, 1));
        }
    }

    #[test]
    fn a_property_that_is_waited_for_ends_it_and_no_other_does() {
        let two = |seed| violated(seed, if seed % 10 == 3 { "b" } else { "a" }, "");
        for (property, seeds, ended) in [("a", 1, Ended::Violated), ("b", 4, Ended::Violated), ("c", 20, Ended::Complete)] {
            let (rows, summary) = rows(sweep(20, 2, Until::Violates(property)), &two);
            assert_eq!((rows.len(), summary.ended), (seeds, ended), "{property}");
            assert_eq!(summary.violates(property), u64::from(ended == Ended::Violated));
        }
    }

    #[test]
    fn a_defect_does_not_end_the_sweep() {
        let quiet = |seed| if seed == 103 { std::panic::resume_unwind(Box::new("a judge fell over")) } else { outcome(seed) };
        let (rows, summary) = rows(sweep(10, 2, Until::Violated), &quiet);
        assert_eq!((rows.len(), summary.holds, summary.defects), (10, 9, 1));
        assert_eq!(summary.first_defects, [(103, Defect { message: "a judge fell over".to_owned() })]);
    }

    #[test]
    fn what_is_under_way_when_the_sweep_is_cancelled_is_told() {
        let cancel = AtomicBool::new(false);
        let sweep = Sweep { cancel: &cancel, ..sweep(1_000_000, 4, Until::Done) };
        let stop_soon = |seed| {
            cancel.store(seed >= 150, Ordering::Relaxed);
            outcome(seed)
        };
        let (rows, summary) = rows(sweep, &stop_soon);
        assert!(rows.len() >= 51 && rows.len() < 1_000, "{}", rows.len());
        assert!(rows.iter().zip(100..).all(|(row, seed)| row.seed == seed));
        assert_eq!(summary.ended, Ended::Cancelled);
    }

    #[test]
    fn the_one_who_looks_may_end_it() {
        let mut seen = 0;
        let summary = sweep(1_000_000, 3, Until::Done).run(&outcome, &mut |_| {
            seen += 1;
            if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let summary = summary.unwrap();
        assert_eq!((seen, summary.seeds, summary.ended), (3, 3, Ended::Unwritten));
    }

    #[test]
    fn one_slow_seed_holds_up_no_more_than_a_window() {
        let furthest = std::sync::atomic::AtomicU64::new(0);
        let first_is_slow = |seed| {
            furthest.fetch_max(seed, Ordering::Relaxed);
            if seed == 100 {
                thread::sleep(std::time::Duration::from_millis(50));
                assert!(furthest.load(Ordering::Relaxed) < 100 + 2 * WINDOW);
            }
            outcome(seed)
        };
        let (rows, summary) = rows(sweep(1_000, 2, Until::Done), &first_is_slow);
        assert_eq!((rows.len(), summary.defects), (1_000, 0));
    }

    /// Seeds that come after the end are told that no row of theirs is waited for.
    #[test]
    fn seeds_that_are_run_elsewhere_may_have_no_outcome() {
        let elsewhere = |seed, needless: &dyn Fn() -> bool| match seed {
            101 => Ran::Row(Box::new(Row::new(seed, Err(NoOutcome::Stalled)))),
            104 => Ran::Row(Box::new(Row::new(seed, Ok(violated(seed, "a", ""))))),
            105 => {
                while !needless() {
                    thread::yield_now();
                }
                Ran::Dropped
            }
            _ => Ran::Row(Box::new(Row::new(seed, Ok(outcome(seed))))),
        };
        let mut seeds = Vec::new();
        let summary = sweep(1_000, 2, Until::Violated).run_elsewhere(&elsewhere, &mut |row| {
            seeds.push(row.seed);
            ControlFlow::Continue(())
        });
        let summary = summary.unwrap();
        assert_eq!(seeds, [100, 101, 102, 103, 104]);
        assert_eq!((summary.seeds, summary.unknown, summary.stalled_seeds), (5, 1, vec![101]));
        assert_eq!(summary.ended, Ended::Violated);
    }

    /// What is reported does not depend on whether a thread claims several seeds before it tells of the first.
    #[test]
    fn seeds_that_are_claimed_ahead_have_the_same_rows() {
        let ahead = |claims: &Claims<'_>| {
            while let Some(first) = claims.claim() {
                let claimed: Vec<u64> = std::iter::once(first).chain(std::iter::from_fn(|| claims.claim_ahead()).take(9)).collect();
                for seed in claimed {
                    let row = || Ran::Row(Box::new(Row::new(seed, Ok(mixed(seed)))));
                    if !claims.tell(seed, if claims.is_needless(seed) { Ran::Dropped } else { row() }) {
                        return;
                    }
                }
            }
        };
        for until in [Until::Done, Until::Violated, Until::Violates("no such property")] {
            let expected = rows(sweep(300, 1, until), &mixed);
            for jobs in [1, 2, 7] {
                let mut found = Vec::new();
                let summary = sweep(300, jobs, until).go_on(Summary::of(300), &ahead, &mut |row| {
                    found.push(row.clone());
                    ControlFlow::Continue(())
                });
                assert_eq!((found, summary.unwrap()), expected, "{jobs} threads, until {until:?}");
            }
        }
    }

    /// A seed that was given up has no row, and none after it has one, even if it was done before.
    #[test]
    fn no_row_comes_after_a_seed_that_was_given_up() {
        let elsewhere = |seed, _: &dyn Fn() -> bool| match seed {
            107 => {
                thread::sleep(std::time::Duration::from_millis(20));
                Ran::Dropped
            }
            _ => Ran::Row(Box::new(Row::new(seed, Ok(outcome(seed))))),
        };
        let mut seeds = Vec::new();
        let summary = sweep(50, 3, Until::Done).run_elsewhere(&elsewhere, &mut |row| {
            seeds.push(row.seed);
            ControlFlow::Continue(())
        });
        assert_eq!(seeds, (100..107).collect::<Vec<_>>());
        assert_eq!(summary.map(|summary| (summary.seeds, summary.ended)).unwrap(), (7, Ended::Cancelled));
    }

    #[test]
    fn the_last_seed_of_all_is_run() {
        let (rows, summary) = rows(Sweep { start: u64::MAX - 1, ..sweep(10, 2, Until::Done) }, &|seed| outcome(seed % 10));
        assert_eq!((rows.len(), summary.ended), (2, Ended::Complete));
    }
}
