//! Operations on a transactional store.

use super::bank::{Bank, Teller};
use super::mixed::{Mixed, Mixer};
use super::{Generator, Origin};
use crate::base::{Committed, Stream, Transaction};

/// What a [`TransactionGenerator`] is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionLoad {
    /// Transfers between accounts, and audits.
    Bank(Bank),
    /// Reads and changes of several keys.
    Mixed(Mixed),
}

/// Transactions of one client, of the kind that its load names.
#[derive(Clone, Debug)]
pub struct TransactionGenerator(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Bank(Teller),
    Mixed(Mixer),
}

impl Generator<Transaction, Committed> for TransactionGenerator {
    type Config = TransactionLoad;

    fn new(load: &TransactionLoad, origin: Origin) -> Self {
        Self(match load.clone() {
            TransactionLoad::Bank(bank) => Kind::Bank(Teller::new(bank, origin)),
            TransactionLoad::Mixed(mixed) => Kind::Mixed(Mixer::new(mixed, origin)),
        })
    }

    fn next(&mut self, random: &mut Stream) -> Transaction {
        match &mut self.0 {
            Kind::Bank(teller) => teller.next(random),
            Kind::Mixed(mixer) => mixer.next(random),
        }
    }

    fn saw(&mut self, _: &Transaction, committed: &Committed) {
        if let Kind::Bank(teller) = &mut self.0 {
            teller.saw(committed);
        }
    }
}
