//! A bank: money moves between accounts, and is never made or lost.

use serde::{Deserialize, Serialize};

use super::LoadError;
use crate::base::{Act, Committed, OperationId, Seen, Stream, Transaction};

/// Accounts, the keys from 0 on, with money that transfers move between them and audits count.
///
/// *How the bank opens.* An account is an empty key until the opening, a transaction that writes the same balance into all of them. The
/// first client asks for it, again and again until it hears that one took effect; the others audit until they see money. A second opening,
/// after one of unknown outcome, sets all accounts back to the first balance: the total stays what it was. So a transaction that takes
/// effect as a whole keeps the total, whatever became of those before it, and no protocol has to know that there is a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bank {
    accounts: u32,
    balance: u32,
    parties: u32,
    mix: BankMix,
}

/// How often each kind of transaction is chosen: so many parts of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankMix {
    /// Transfers: one account pays, one or more others receive.
    pub transfer: u32,
    /// Audits: all accounts are read.
    pub audit: u32,
}

impl Bank {
    /// This many accounts, each with this balance at first; at most `parties` of them take part in a transfer.
    pub fn new(accounts: u32, balance: u32, parties: u32, mix: BankMix) -> Result<Self, LoadError> {
        if mix.transfer == 0 && mix.audit == 0 {
            return Err(LoadError::NoOperations);
        }
        if balance == 0 {
            return Err(LoadError::NoMoney);
        }
        if !(2..=accounts).contains(&parties) {
            return Err(LoadError::Parties);
        }
        Ok(Self { accounts, balance, parties, mix })
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> u32 {
        self.accounts
    }

    /// What is in each of them at first.
    pub fn balance(&self) -> u32 {
        self.balance
    }

    /// How many accounts take part in a transfer at most.
    pub fn parties(&self) -> u32 {
        self.parties
    }

    /// What clients do.
    pub fn mix(&self) -> BankMix {
        self.mix
    }

    /// What is in all accounts together, always.
    pub fn total(&self) -> i64 {
        i64::from(self.accounts) * i64::from(self.balance)
    }

    fn opening(&self) -> Transaction {
        let value = i64::from(self.balance);
        Transaction { acts: (0..u64::from(self.accounts)).map(|key| Act::Write { key, value }).collect() }
    }

    fn audit(&self) -> Transaction {
        Transaction { acts: (0..u64::from(self.accounts)).map(|key| Act::Read { key }).collect() }
    }

    /// One of some accounts pays what the others receive: each at most a third of the first balance, so that several transfers fit into it,
    /// and yet accounts run dry. The one that pays stands anywhere among the others: a store may find late that it has to abort.
    fn transfer(&self, random: &mut Stream) -> Transaction {
        let parties = 2 + random.below(u64::from(self.parties) - 1);
        let mut accounts: Vec<u64> = Vec::new();
        while accounts.len() < parties as usize {
            let account = random.below(u64::from(self.accounts));
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        let amount_max = u64::from(self.balance / 3).max(1);
        let mut paid = 0;
        let mut acts = Vec::new();
        for &key in &accounts[1..] {
            let amount = 1 + random.below(amount_max) as i64;
            paid += amount;
            acts.push(Act::Add { key, amount });
        }
        acts.push(Act::Add { key: accounts[0], amount: -paid });
        random.shuffle(&mut acts);
        Transaction { acts }
    }
}

/// The transactions of one client of a bank.
#[derive(Clone, Debug)]
pub(super) struct Explainer {
    bank: Bank,
    door: Door,
}

/// What a client knows of the opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Nothing: it looks.
    Unknown,
    /// No money was there when it looked.
    Closed,
    /// There is money.
    Open,
}

impl Explainer {
    pub(super) fn new(bank: Bank) -> Self {
        Self { bank, door: Door::Unknown }
    }

    pub(super) fn next(&mut self, id: OperationId, random: &mut Stream) -> Transaction {
        match self.door {
            Door::Open => {}
            Door::Closed if id.client == 0 => return self.bank.opening(),
            Door::Closed | Door::Unknown => return self.bank.audit(),
        }
        let BankMix { transfer, audit } = self.bank.mix;
        let part = random.below(u64::from(transfer) + u64::from(audit));
        if part < u64::from(transfer) { self.bank.transfer(random) } else { self.bank.audit() }
    }

    pub(super) fn saw(&mut self, committed: &Committed) {
        let no_money = !committed.seen.is_empty() && committed.seen.iter().all(|seen| *seen == Seen::Empty);
        if !no_money {
            self.door = Door::Open;
        } else if self.door == Door::Unknown {
            self.door = Door::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RunKey;

    const MIX: BankMix = BankMix { transfer: 4, audit: 1 };

    fn explainer() -> Explainer {
        Explainer::new(Bank::new(4, 100, 3, MIX).unwrap())
    }

    const FIRST: OperationId = OperationId { client: 0, life: 0, nth: 1 };
    const SECOND: OperationId = OperationId { client: 1, life: 0, nth: 1 };

    fn random() -> Stream {
        RunKey::from_seed(1).stream("test", 0)
    }

    fn nothing() -> Committed {
        Committed { seen: vec![Seen::Empty; 4] }
    }

    #[test]
    fn the_first_client_opens_the_bank_and_the_others_wait() {
        let (audit, opening) = (explainer().bank.audit(), explainer().bank.opening());
        let (mut first, mut second, mut random) = (explainer(), explainer(), random());
        assert_eq!([first.next(FIRST, &mut random), second.next(SECOND, &mut random)], [audit.clone(), audit.clone()], "they look");
        first.saw(&nothing());
        second.saw(&nothing());
        assert_eq!([first.next(FIRST, &mut random), second.next(SECOND, &mut random)], [opening.clone(), audit.clone()]);
        assert_eq!([first.next(FIRST, &mut random), second.next(SECOND, &mut random)], [opening, audit], "no answer yet");
        first.saw(&Committed::default());
        second.saw(&Committed { seen: vec![Seen::Number(100); 4] });
        first.saw(&nothing());
        for (explainer, id) in [(&mut first, FIRST), (&mut second, SECOND)] {
            assert!((0..20).any(|_| matches!(explainer.next(id, &mut random).acts[0], Act::Add { .. })), "a late answer closes no door");
        }
    }

    #[test]
    fn a_client_that_comes_back_to_an_open_bank_does_not_open_it_again() {
        let (mut explainer, mut random) = (explainer(), random());
        explainer.saw(&Committed { seen: vec![Seen::Number(0), Seen::Number(400), Seen::Empty, Seen::Empty] });
        assert!((0..100).all(|_| !matches!(explainer.next(FIRST, &mut random).acts[0], Act::Write { .. })));
    }

    #[test]
    fn transfers_keep_the_total_and_the_mix_is_kept() {
        let (mut explainer, mut random) = (explainer(), random());
        explainer.saw(&Committed::default());
        let (mut audits, mut parties) = (0_u32, [0_u32; 2]);
        for _ in 0..1_000 {
            let transaction = explainer.next(FIRST, &mut random);
            if transaction.acts[0].is_read() {
                audits += 1;
                continue;
            }
            let mut keys: Vec<u64> = transaction.acts.iter().map(Act::key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), transaction.acts.len(), "{transaction}: each account once");
            let amount = |act: &Act| if let Act::Add { amount, .. } = act { *amount } else { panic!("{transaction}") };
            assert_eq!(transaction.acts.iter().map(amount).sum::<i64>(), 0, "{transaction}");
            parties[keys.len() - 2] += 1;
        }
        assert!(audits.abs_diff(200) < 50, "{audits}");
        assert!(parties.iter().all(|count| count.abs_diff(400) < 60), "{parties:?}");
    }

    #[test]
    fn impossible_banks_are_refused() {
        assert_eq!(Bank::new(1, 100, 2, MIX), Err(LoadError::Parties));
        assert_eq!(Bank::new(2, 100, 1, MIX), Err(LoadError::Parties));
        assert_eq!(Bank::new(2, 0, 2, MIX), Err(LoadError::NoMoney));
        assert_eq!(Bank::new(2, 100, 2, BankMix { transfer: 0, audit: 0 }), Err(LoadError::NoOperations));
    }
}
