//! Operations on a transactional store.

use super::bank::{Bank, Explainer};
use super::mixed::Mixed;
use super::{Generator, Turn};
use crate::base::{Committed, OperationId, Stream, Transaction};
use crate::process::NoNote;

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
    Bank(Explainer),
    Mixed(Mixed),
}

impl Generator<Transaction, Committed> for TransactionGenerator {
    type Config = TransactionLoad;
    type Note = NoNote;

    fn new(load: &TransactionLoad) -> Self {
        Self(match load.clone() {
            TransactionLoad::Bank(bank) => Kind::Bank(Explainer::new(bank)),
            TransactionLoad::Mixed(mixed) => Kind::Mixed(mixed),
        })
    }

    fn next(&mut self, id: OperationId, random: &mut Stream, _: &mut Turn<NoNote>) -> Transaction {
        match &mut self.0 {
            Kind::Bank(explainer) => explainer.next(id, random),
            Kind::Mixed(mixed) => mixed.next(id, random),
        }
    }

    fn saw(&mut self, _: &Transaction, committed: &Committed, _: &mut Turn<NoNote>) {
        if let Kind::Bank(explainer) = &mut self.0 {
            explainer.saw(committed);
        }
    }
}
