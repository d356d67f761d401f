//! Histories of transactions made up, to test and measure checkers on: strictly serializable by construction, or with one planted anomaly.
//!
//! ```
//! use stormglass_check::base::RunKey;
//! use stormglass_check::check::isolation::generate::{HistoryShape, generate};
//! use stormglass_check::check::isolation::{DEFAULT_BUDGET, Level, Phenomenon, Transactions, check};
//!
//! let made = generate(&HistoryShape::new(5, 200), RunKey::from_seed(1));
//! let report = check(&Transactions::from(&made.history), DEFAULT_BUDGET);
//! assert_eq!(report.strongest(), [Level::StrictSerializable]);
//!
//! let planted = HistoryShape { planted: Some(Phenomenon::WriteSkew), ..HistoryShape::new(5, 200) };
//! let made = generate(&planted, RunKey::from_seed(1));
//! let report = check(&Transactions::from(&made.history), DEFAULT_BUDGET);
//! assert_eq!(report.findings[0].anomaly.phenomenon, Phenomenon::WriteSkew);
//! ```

use std::collections::{BTreeMap, VecDeque};

use crate::base::{Act, ClientId, Committed, Ratio, RunKey, Seen, Stream, Time, Transaction};
use crate::check::verdict::Phenomenon;
use crate::history::{History, Outcome};

/// What a history is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryShape {
    /// How many clients there are; each does one transaction at a time.
    pub clients: u32,
    /// How many transactions they do together.
    pub transactions: usize,
    /// How many acts a transaction has at most; it has at least one.
    pub acts: u64,
    /// How many keys are in use at a time.
    pub keys: u64,
    /// After so many writes a key is used no more, and a new one in its place: lists stay short.
    pub writes: u32,
    /// Whether keys are registers. By default, they are lists.
    pub registers: bool,
    /// How likely a transaction aborts.
    pub aborted: Ratio,
    /// How likely a client does not learn the outcome. Half of these take effect.
    pub unknown: Ratio,
    /// An anomaly to plant, in the middle: between transactions of clients of their own, on keys of their own.
    pub planted: Option<Phenomenon>,
}

impl HistoryShape {
    /// So many clients and transactions of up to four acts, on ten lists at a time, all of known outcome, without an anomaly.
    pub const fn new(clients: u32, transactions: usize) -> Self {
        Self {
            clients,
            transactions,
            acts: 4,
            keys: 10,
            writes: 32,
            registers: false,
            aborted: Ratio::NEVER,
            unknown: Ratio::NEVER,
            planted: None,
        }
    }
}

/// A history made up.
#[derive(Clone, Debug)]
pub struct Made {
    /// The history.
    pub history: History<Transaction, Committed>,
    /// In which order the values of each key were installed, but for those of a planted anomaly.
    pub orders: BTreeMap<u64, Vec<i64>>,
}

/// Makes up a history. The same shape and key make the same history, everywhere.
///
/// # Panics
/// If the shape has no clients, no keys or no acts.
pub fn generate(shape: &HistoryShape, key: RunKey) -> Made {
    assert!(shape.clients > 0 && shape.keys > 0 && shape.acts > 0, "clients must do something to keys");
    let mut maker = Maker {
        shape,
        random: key.stream("transactions", 0),
        history: History::new(),
        store: BTreeMap::new(),
        keys: (0..shape.keys).collect(),
        next_key: shape.keys,
        value: 0,
        now: 0,
    };
    maker.make();
    Made { history: maker.history, orders: maker.store }
}

/// What a client is at.
#[derive(Clone)]
enum Client {
    Idle,
    /// Its transaction has not taken effect.
    Waiting(Transaction),
    /// It ends like this.
    Answered(Outcome<Committed>),
}

struct Maker<'a> {
    shape: &'a HistoryShape,
    random: Stream,
    history: History<Transaction, Committed>,
    store: BTreeMap<u64, Vec<i64>>,
    /// Those in use.
    keys: Vec<u64>,
    next_key: u64,
    value: i64,
    now: u64,
}

/// Planted transactions use keys from here on.
const PLANTED: u64 = 1 << 40;

impl Maker<'_> {
    fn make(&mut self) {
        let mut clients = vec![Client::Idle; self.shape.clients as usize];
        let (mut left, mut busy) = (self.shape.transactions, 0);
        let mut plant = self.shape.planted;
        while left > 0 || busy > 0 {
            if left <= self.shape.transactions / 2
                && let Some(phenomenon) = plant.take()
            {
                self.plant(phenomenon);
            }
            let place = self.random.below(u64::from(self.shape.clients)) as usize;
            let client = ClientId::new(place as u32);
            clients[place] = match std::mem::replace(&mut clients[place], Client::Idle) {
                Client::Idle if left > 0 => {
                    let transaction = self.transaction();
                    self.begin(client, transaction.clone());
                    (left, busy) = (left - 1, busy + 1);
                    Client::Waiting(transaction)
                }
                Client::Idle => Client::Idle,
                Client::Waiting(transaction) => Client::Answered(self.take_effect(&transaction)),
                Client::Answered(outcome) => {
                    self.end(client, outcome);
                    busy -= 1;
                    Client::Idle
                }
            };
        }
    }

    fn transaction(&mut self) -> Transaction {
        let count = 1 + self.random.below(self.shape.acts);
        let acts = (0..count).map(|_| {
            let place = self.random.below(self.shape.keys) as usize;
            let key = self.keys[place];
            if self.random.below(2) == 0 {
                return Act::Read { key };
            }
            self.value += 1;
            let value = self.value;
            if self.random.below(u64::from(self.shape.writes.max(1))) == 0 {
                self.keys[place] = self.next_key;
                self.next_key += 1;
            }
            if self.shape.registers { Act::Write { key, value } } else { Act::Append { key, value } }
        });
        Transaction { acts: acts.collect() }
    }

    fn take_effect(&mut self, transaction: &Transaction) -> Outcome<Committed> {
        if self.random.chance(self.shape.aborted) {
            return Outcome::Failed;
        }
        let unknown = self.random.chance(self.shape.unknown);
        if unknown && self.random.below(2) == 0 {
            return Outcome::Unknown;
        }
        let mut seen = Vec::new();
        for act in &transaction.acts {
            match act {
                Act::Read { key } => seen.push(match self.store.get(key) {
                    None => Seen::Empty,
                    Some(values) if !self.shape.registers => Seen::List(values.clone()),
                    Some(values) => values.last().map_or(Seen::Empty, |last| Seen::Number(*last)),
                }),
                Act::Append { key, value } => self.store.entry(*key).or_default().push(*value),
                // Of several writes of one transaction, the last is installed.
                Act::Write { key, value } => {
                    let own = |other: &i64| transaction.acts.contains(&Act::Write { key: *key, value: *other });
                    let values = self.store.entry(*key).or_default();
                    values.pop_if(|last| own(last));
                    values.push(*value);
                }
                Act::Add { .. } => {}
            }
        }
        if unknown { Outcome::Unknown } else { Outcome::Done(Committed { seen }) }
    }

    fn begin(&mut self, client: ClientId, transaction: Transaction) {
        self.now += 1;
        self.history.invoke(Time::from_nanos(self.now), client, transaction).expect("an idle client");
    }

    fn end(&mut self, client: ClientId, outcome: Outcome<Committed>) {
        self.now += 1;
        self.history.complete(Time::from_nanos(self.now), client, outcome).expect("a busy client");
    }

    /// Plants an anomaly: transactions that are all open at once, by clients of their own.
    fn plant(&mut self, phenomenon: Phenomenon) {
        let plants = script(phenomenon, self.shape.registers, self.value);
        self.value += 100;
        let first = self.shape.clients;
        let client = |place: usize| ClientId::new(first + place as u32);
        let mut outcomes: VecDeque<(usize, Outcome<Committed>)> = VecDeque::new();
        for (place, (acts, outcome)) in plants.into_iter().enumerate() {
            self.begin(client(place), Transaction { acts });
            outcomes.push_back((place, outcome));
        }
        while let Some((place, outcome)) = outcomes.pop_front() {
            self.end(client(place), outcome);
        }
    }
}

/// Transactions that show a phenomenon, with their outcomes. `base` is below every value they write.
fn script(phenomenon: Phenomenon, registers: bool, base: i64) -> Vec<(Vec<Act>, Outcome<Committed>)> {
    let (x, y) = (PLANTED, PLANTED + 1);
    let value = |number: i64| base + number;
    let put = |key, number| if registers { Act::Write { key, value: value(number) } } else { Act::Append { key, value: value(number) } };
    let read = |key| Act::Read { key };
    let seen = |numbers: &[i64]| match numbers.last() {
        None => Seen::Empty,
        Some(last) if registers => Seen::Number(value(*last)),
        Some(_) => Seen::List(numbers.iter().map(|number| value(*number)).collect()),
    };
    let done = |lists: &[&[i64]]| Outcome::Done(Committed { seen: lists.iter().map(|list| seen(list)).collect() });
    use Phenomenon as P;
    match phenomenon {
        P::GarbageRead => vec![(vec![read(x)], done(&[&[99]]))],
        P::AbortedRead => vec![(vec![put(x, 1)], Outcome::Failed), (vec![read(x)], done(&[&[1]]))],
        P::IntermediateRead => vec![(vec![put(x, 1), put(x, 2)], done(&[])), (vec![read(x)], done(&[&[1]]))],
        P::Internal => vec![(vec![put(x, 1), read(x)], done(&[&[]]))],
        P::DuplicateElement => vec![(vec![put(x, 1)], done(&[])), (vec![read(x)], done(&[&[1, 1]]))],
        P::IncompatibleOrder => {
            let reads = [(vec![read(x)], done(&[&[1, 2]])), (vec![read(x)], done(&[&[2, 1]]))];
            [(vec![put(x, 1)], done(&[])), (vec![put(x, 2)], done(&[]))].into_iter().chain(reads).collect()
        }
        P::DirtyUpdate => {
            vec![(vec![put(x, 1)], Outcome::Failed), (vec![put(x, 2)], done(&[])), (vec![read(x)], done(&[&[1, 2]]))]
        }
        P::WriteCycle => vec![
            (vec![put(x, 1), put(y, 3)], done(&[])),
            (vec![put(x, 2), put(y, 4)], done(&[])),
            (vec![read(x), read(y)], done(&[&[1, 2], &[4, 3]])),
        ],
        P::CircularFlow => vec![(vec![put(x, 1), read(y)], done(&[&[2]])), (vec![put(y, 2), read(x)], done(&[&[1]]))],
        P::LostUpdate => vec![(vec![read(x), put(x, 1)], done(&[&[]])), (vec![read(x), put(x, 2)], done(&[&[]]))],
        P::ReadSkew => vec![(vec![put(x, 1), put(y, 2)], done(&[])), (vec![read(x), read(y)], done(&[&[1], &[]]))],
        P::LongFork => vec![
            (vec![put(x, 1)], done(&[])),
            (vec![put(y, 2)], done(&[])),
            (vec![read(x), read(y)], done(&[&[1], &[]])),
            (vec![read(x), read(y)], done(&[&[], &[2]])),
        ],
        P::Nonadjacent => vec![
            (vec![put(x, 1)], done(&[])),
            (vec![put(y, 2)], done(&[])),
            (vec![read(x), put(PLANTED + 2, 3)], done(&[&[1]])),
            (vec![read(PLANTED + 2), read(y)], done(&[&[3], &[]])),
            (vec![read(y), read(x)], done(&[&[2], &[]])),
        ],
        P::WriteSkew => vec![(vec![read(x), put(y, 1)], done(&[&[]])), (vec![read(y), put(x, 2)], done(&[&[]]))],
        P::AntiDependency => vec![
            (vec![read(x), put(y, 1)], done(&[&[]])),
            (vec![read(y), put(PLANTED + 2, 2)], done(&[&[]])),
            (vec![read(PLANTED + 2), put(x, 3)], done(&[&[]])),
        ],
    }
}
