//! A bank between whose accounts money moves: what is seen of all accounts at once is always the same total.
//!
//! That is less than to be linearizable: a read may be of the past. It is what a database has to keep that isolates snapshots.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role, list};
use crate::base::sort_by_numbers;
use crate::check::monitor::{KeyHistory, Opinion};

/// What is asked of a bank.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BankOp<K = i64> {
    /// What is in the accounts?
    Read,
    /// Let money move.
    Transfer {
        /// From this account.
        from: K,
        /// To this one.
        to: K,
        /// So much.
        amount: i64,
    },
}

/// What a bank answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Ord + Deserialize<'de>"))]
pub enum BankResult<K = i64> {
    /// The money moved.
    Moved,
    /// This is in each account.
    Balances(BTreeMap<K, i64>),
}

/// A bank with one total in all accounts, none of which goes below zero.
#[derive(Clone, Debug)]
pub struct Bank<K = i64> {
    total: Option<i64>,
    keys: PhantomData<fn(K)>,
}

impl<K> Bank<K> {
    /// A bank with so much in all accounts together; with nothing, it is not known how much.
    pub const fn of(total: Option<i64>) -> Self {
        Self { total, keys: PhantomData }
    }

    /// Whether this can be in the accounts.
    fn holds(&self, balances: &BTreeMap<K, i64>) -> bool {
        let sum: i128 = balances.values().map(|balance| i128::from(*balance)).sum();
        balances.values().all(|balance| *balance >= 0) && self.total.is_none_or(|total| sum == i128::from(total))
    }
}

impl<K: Clone + Ord + Hash + fmt::Debug> Model for Bank<K> {
    /// What is in which account does not matter.
    type State = ();
    type Op = BankOp<K>;
    type Ret = BankResult<K>;

    fn initial(&self) {}

    fn step(&self, (): &(), op: &BankOp<K>, ret: Option<&BankResult<K>>) -> Next<()> {
        match (op, ret) {
            (_, None) | (BankOp::Transfer { .. }, Some(BankResult::Moved)) => Next::Same,
            (BankOp::Read, Some(BankResult::Balances(balances))) if self.holds(balances) => Next::Same,
            _ => Next::Illegal,
        }
    }

    fn role(&self, _: &BankOp<K>, _: Option<&BankResult<K>>) -> Role<()> {
        Role::Observer
    }

    fn leads(&self, state: &(), op: &BankOp<K>, ret: &BankResult<K>) -> bool {
        self.step(state, op, Some(ret)).is_legal()
    }

    fn monitor(&self, history: &KeyHistory<'_, BankOp<K>, BankResult<K>>) -> Opinion {
        let mut order = Vec::new();
        for (place, span) in history.spans().iter().enumerate() {
            let legal = self.step(&(), span.op, span.ret).is_legal();
            match span.until {
                Some(_) if !legal => return Opinion::Violated,
                Some(_) => order.push((place, span.from)),
                None => {}
            }
        }
        sort_by_numbers(&mut order, |(place, gap)| (u64::from(*gap), *place as u64));
        Opinion::Order(order)
    }

    fn describe(&self, op: &BankOp<K>, ret: Option<&BankResult<K>>) -> String {
        match (op, ret) {
            (BankOp::Transfer { from, to, amount }, _) => {
                format!("transfer {amount} from {from:?} to {to:?}{}", if ret.is_none() { " → ?" } else { "" })
            }
            (BankOp::Read, Some(BankResult::Balances(balances))) => {
                let accounts = balances.iter().map(|(key, balance)| Account(key, *balance));
                format!("read → {}", list('{', accounts, '}'))
            }
            (BankOp::Read, _) => "read → ?".to_owned(),
        }
    }

    fn describe_state(&self, (): &()) -> String {
        self.total.map_or_else(|| "holds some total".to_owned(), |total| format!("holds {total} in all"))
    }

    fn expected(&self, (): &(), _: &BankOp<K>) -> String {
        let total = self.total.map_or_else(|| "the same".to_owned(), |total| total.to_string());
        format!("together, the accounts hold {total}, and none is below zero")
    }
}

/// What is in one account.
struct Account<'k, K>(&'k K, i64);

impl<K: fmt::Debug> fmt::Debug for Account<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0, self.1)
    }
}
