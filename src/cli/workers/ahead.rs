//! A worker that is asked for its next seeds before it has told of the last, so that it need not wait.
//!
//! A round trip between two processes costs as much as a tenth of a short run. So as many seeds are claimed as will be run in a moment,
//! by how long the last one took; of long runs one at a time, so that no thread has what another could run. Rows come in the order of the
//! requests: if a worker dies or takes too long, that is the doing of the first seed that it has not told of, and the others are asked
//! for anew.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::crew::{Crew, GivenUp, no_worker, now, stalled};
use super::message::{Answer, Closeness};
use super::worker::{Heard, Surroundings, Worker};
use crate::explore::{Claims, Ran};

/// How long what a worker has been asked for may be likely to take.
const MOMENT: Duration = Duration::from_millis(20);
/// The most seeds that a worker is asked for at a time.
const MOST: usize = 16;

/// What one thread of a sweep has claimed, and its worker.
pub(super) struct Ahead<'a> {
    crew: &'a Crew<'a>,
    claims: &'a Claims<'a>,
    worker: Option<Worker>,
    /// In the order of their numbers.
    claimed: VecDeque<u64>,
    /// How many of them the worker has been asked for: the first ones.
    asked: usize,
    /// How many it may be asked for.
    depth: usize,
}

/// Why a worker is no longer listened to.
enum Ending {
    /// It has told of all that was claimed.
    Idle,
    /// Its process is gone.
    Died,
    GivenUp(GivenUp),
    /// No rows are taken any more.
    Untold,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(crew: &'a Crew<'a>, claims: &'a Claims<'a>) -> Self {
        Self { crew, claims, worker: None, claimed: VecDeque::new(), asked: 0, depth: 1 }
    }

    /// Runs seeds until there are none left, or until no rows are taken.
    pub(super) fn work(mut self) {
        while let Some(first) = self.claimed.front().copied().or_else(|| self.claims.claim()) {
            if self.claimed.is_empty() {
                self.claimed.push_back(first);
            }
            if !self.go_on() {
                return;
            }
        }
    }

    /// Lets the worker run what is claimed, and what comes after, until there is nothing to be claimed or something happens to it. Returns
    /// whether rows are still taken.
    fn go_on(&mut self) -> bool {
        let beside_others = self.crew.beside_others();
        let worker = self.worker.take().map_or_else(|| self.crew.worker(Surroundings::Same), Ok);
        let mut worker = match worker {
            Ok(worker) => worker,
            Err(error) => return self.tell_first(|_, seed| no_worker(seed, &error)),
        };
        self.asked = 0;
        let ending = self.follow(&mut worker);
        drop(beside_others);
        match ending {
            Ending::Idle => {
                self.worker = Some(worker);
                true
            }
            Ending::Died => self.tell_first(|ahead, seed| ahead.crew.run_alone(seed, &|| ahead.claims.is_needless(seed))),
            Ending::GivenUp(GivenUp::Stalled) => self.tell_first(|_, seed| stalled(seed)),
            // No row comes after one that was given up.
            Ending::GivenUp(GivenUp::Dropped) => self.claimed.drain(..).all(|seed| self.claims.tell(seed, Ran::Dropped)),
            Ending::Untold => false,
        }
    }

    /// Tells of the first seed that is claimed. Returns whether rows are still taken.
    fn tell_first(&mut self, what: impl FnOnce(&Self, u64) -> Ran) -> bool {
        let Some(seed) = self.claimed.pop_front() else { return true };
        self.claims.tell(seed, what(self, seed))
    }

    /// Asks for seeds, and tells of them.
    fn follow(&mut self, worker: &mut Worker) -> Ending {
        let (mut begun, mut cancelled) = (now(), None);
        loop {
            self.ask(worker);
            let Some(&first) = self.claimed.front() else { return Ending::Idle };
            match worker.hear() {
                Heard::Answer(Answer::Ended(sent)) => {
                    self.asked -= 1;
                    self.depth = depth(&mut begun);
                    if !self.tell_first(|_, _| Ran::Row(Box::new(sent.into_row()))) {
                        return Ending::Untold;
                    }
                    continue;
                }
                Heard::Answer(Answer::Ready | Answer::Step(_) | Answer::Record { .. }) | Heard::Nothing => {}
                Heard::Gone => return Ending::Died,
            }
            if let Some(why) = self.crew.gives_up(begun, &mut cancelled, self.claims.is_needless(first)) {
                return Ending::GivenUp(why);
            }
        }
    }

    /// Claims seeds ahead, and asks for what has not been asked for yet; several at once, if it can be. Where a seed waits to be run with
    /// nothing beside it, none are claimed: so the worker comes to an end.
    fn ask(&mut self, worker: &mut Worker) {
        if self.asked > 0 && self.asked > self.depth / 2 {
            return;
        }
        while self.claimed.len() < self.depth && !self.claimed.is_empty() && !self.crew.makes_room() {
            let Some(seed) = self.claims.claim_ahead() else { break };
            self.claimed.push_back(seed);
        }
        let fresh = self.claimed.iter().skip(self.asked).copied();
        if self.asked < self.claimed.len() {
            worker.run(fresh, Closeness::Outcome, false);
            self.asked = self.claimed.len();
        }
    }
}

/// How many seeds a worker may be asked for if they all take as long as the one that was begun then, and has ended now; when the next
/// began.
fn depth(begun: &mut Instant) -> usize {
    let taken = begun.elapsed();
    *begun += taken;
    let count = MOMENT.as_nanos() / taken.as_nanos().max(1);
    usize::try_from(count).unwrap_or(MOST).clamp(1, MOST)
}
