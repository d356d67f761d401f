//! Judges key by key, in rounds, and puts the keys' orders together.

use super::encoding::{Object, Ties, encode};
use super::merge::merge;
use super::partition::{KeyEvents, whole};
use super::portfolio::{Account, Conclusion, EncodedKey, Monitors, Portfolio, Strategies};
use super::product::ProductModel;
use super::report::{Judgement, Report, Undecided, Violation};
use super::search::Order;
use super::subject::{Judged, Subject};
use crate::check::model::Key;
use crate::check::verdict::Budget;
use crate::history::Timeline;

/// Judges whether the history is linearizable with these strategies, spending no more than about this.
pub(in crate::check) fn judge_keys(strategies: Strategies, subject: &dyn Subject, budget: Budget) -> Report {
    let keys = subject.partition();
    let mut judging = Judging::new(subject.timeline(), strategies, budget);
    let judgement = judging.apart(&|| subject.object(), &keys).unwrap_or_else(|| {
        let numbered = subject.numbered();
        let product = ProductModel::new(&numbered);
        let together = Judged { model: &product, history: &numbered.history };
        judging.together(&|| together.object())
    });
    Report { judgement, states: judging.account.spent }
}

/// What became of one key.
enum KeyJudgement {
    Order(Order),
    Violated { completions: u32 },
    Undecided(Undecided),
}

/// Makes the object that is to be judged, with nothing known of it yet.
type Maker<'a, 'o> = &'a dyn Fn() -> Box<dyn Object + 'o>;

struct Judging<'a> {
    timeline: &'a dyn Timeline,
    ties: Ties,
    strategies: Strategies,
    account: Account,
    places: Vec<u32>,
    /// Of each key, in their order.
    judgements: Vec<KeyJudgement>,
}

/// What a strategy may explore of a key before the next one has its turn; each later round allows more.
const FIRST_ROUND: u64 = 4096;
const GROWTH: u64 = 4;

impl<'a> Judging<'a> {
    fn new(timeline: &'a dyn Timeline, strategies: Strategies, budget: Budget) -> Self {
        let places = vec![0; timeline.len()];
        let (states, bytes) = (budget.states_for(timeline.len()), budget.bytes_for(timeline.len()));
        let account = Account { states, bytes, spent: 0, elsewhere: 0 };
        Self { timeline, ties: Ties::Concurrent, strategies, account, places, judgements: Vec::new() }
    }

    /// Judges each key by itself; nothing if that does not tell.
    fn apart(&mut self, maker: Maker<'_, '_>, keys: &[(Key<'_>, KeyEvents)]) -> Option<Judgement> {
        self.judge(maker, keys);
        if self.judgements.iter().any(|judgement| !matches!(judgement, KeyJudgement::Order(_))) {
            return Some(gather(keys, std::mem::take(&mut self.judgements), false));
        }
        let witness = self.witness().or_else(|| {
            // The keys hold apart, but the orders that were found contradict one another: possible only where several clients complete and
            // invoke operations on different keys at one instant. Most often there are others that do not: those that take what was
            // recorded first to have happened first. Then each event has an instant of its own, and keys that hold apart hold together
            // (Herlihy and Wing, section 3.1).
            (self.ties, self.strategies) = (Ties::AsRecorded, Strategies::Exhaustive);
            self.judge(maker, keys);
            self.witness()
        });
        witness.map(|witness| Judgement::Holds { witness })
    }

    /// Judges all keys as one object.
    fn together(&mut self, maker: Maker<'_, '_>) -> Judgement {
        let all = [(Key::Whole, whole(self.timeline))];
        (self.ties, self.strategies) = (Ties::Concurrent, Strategies::All);
        self.judge(maker, &all);
        match self.judgements.pop() {
            Some(KeyJudgement::Order(order)) => Judgement::Holds { witness: order.into_iter().map(|(index, _)| index as usize).collect() },
            Some(judgement) => gather(&all, vec![judgement], true),
            None => unreachable!("there is a judgement of each key"),
        }
    }

    /// Finds a judgement of each key, which later rounds may better.
    fn judge(&mut self, maker: Maker<'_, '_>, keys: &[(Key<'_>, KeyEvents)]) {
        self.judgements.clear();
        self.account.elsewhere = 0;
        let mut open = Vec::new();
        for (place, (key, events)) in keys.iter().enumerate() {
            let mut object = maker();
            let encoding = encode(&mut *object, events, self.ties, &mut self.places);
            let mut portfolio = Portfolio::new(self.strategies, EncodedKey { encoding, object });
            let conclusion = portfolio.first_round(&mut self.account, FIRST_ROUND, Monitors { events, places: &mut self.places });
            let judgement = KeyJudgement::new(*key, conclusion, &portfolio);
            if judgement.is_open() && portfolio.can_go_on() {
                self.account.elsewhere += portfolio.bytes();
                open.push((place, portfolio));
            }
            self.judgements.push(judgement);
        }
        let (mut allowance, mut greedy_first) = (FIRST_ROUND, true);
        while !open.is_empty() && self.account.spent < self.account.states {
            allowance = allowance.saturating_mul(GROWTH);
            greedy_first = !greedy_first;
            open.retain_mut(|(place, portfolio)| {
                self.account.elsewhere -= portfolio.bytes();
                let conclusion = portfolio.round(&mut self.account, allowance, greedy_first);
                self.judgements[*place] = KeyJudgement::new(keys[*place].0, conclusion, portfolio);
                let goes_on = self.judgements[*place].is_open() && portfolio.can_go_on();
                self.account.elsewhere += if goes_on { portfolio.bytes() } else { 0 };
                goes_on
            });
        }
    }

    /// An order of all operations, if there is one for each key and they agree.
    fn witness(&self) -> Option<Vec<usize>> {
        let mut orders = Vec::with_capacity(self.judgements.len());
        for judgement in &self.judgements {
            let KeyJudgement::Order(order) = judgement else { return None };
            orders.push(order);
        }
        merge(self.timeline, &orders)
    }
}

impl KeyJudgement {
    fn new(key: Key<'_>, conclusion: Conclusion, portfolio: &Portfolio<'_>) -> Self {
        match conclusion {
            Conclusion::Order(order) => Self::Order(order),
            Conclusion::Violated(completions) => Self::Violated { completions },
            Conclusion::Open | Conclusion::Full => Self::Undecided(portfolio.undecided(key)),
        }
    }

    const fn is_open(&self) -> bool {
        matches!(self, Self::Undecided(_))
    }
}

/// The judgement of a history of which not every key is known to hold.
fn gather(keys: &[(Key<'_>, KeyEvents)], judgements: Vec<KeyJudgement>, across_keys: bool) -> Judgement {
    let (mut violations, mut undecided) = (Vec::new(), Vec::new());
    for ((key, events), judgement) in keys.iter().zip(judgements) {
        match judgement {
            KeyJudgement::Order(_) => {}
            KeyJudgement::Violated { completions } => violations.push(Violation {
                key: key.to_string(),
                operations: events.operations.iter().map(|index| *index as usize).collect(),
                completions: completions as usize,
                across_keys,
            }),
            KeyJudgement::Undecided(key) => undecided.push(key),
        }
    }
    if violations.is_empty() { Judgement::Unknown { undecided } } else { Judgement::Violated { violations, undecided } }
}
