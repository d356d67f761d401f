//! Money that moves between accounts is neither made nor lost.

use super::verdict::{Broken, Fact, Property, PropertyReport, Rule};
use crate::base::{Act, Committed, Seen, Time, Transaction};
use crate::history::History;

/// The property that audits of a bank are judged by.
pub const CONSERVATION: Property = Property::always(
    "conservation",
    "each audit of the bank sees the total that it was opened with, and no account below zero (workloads with a Bank)",
);

/// Judges a bank of this many accounts: the keys from 0 on, to which the opening, a transaction of writes, gave this total.
///
/// An audit is a transaction that reads each account once, in order, and does nothing else. Each that committed must have seen the total,
/// and no account below zero. Of a bank that is not open yet it sees nothing; that is right unless another transaction had seen or moved
/// money, and was over before the audit began.
///
/// A transaction of unknown outcome is no trouble: whether it took effect or not, the total is the same. One that aborted saw nothing.
pub fn judge(accounts: u32, total: i64, history: &History<Transaction, Committed>) -> PropertyReport {
    let mut open: Option<Time> = None;
    for &index in history.completions() {
        let operation = &history.operations()[index];
        let (Some(committed), Some(at)) = (operation.result(), operation.completed) else { continue };
        let sees_nothing = committed.seen.iter().all(|seen| *seen == Seen::Empty);
        let early = sees_nothing && open.is_none_or(|since| since >= operation.invoked);
        if is_audit(&operation.op, accounts)
            && !early
            && let Some(wrong) = wrong(&committed.seen, accounts, total)
        {
            return PropertyReport::violated(
                &CONSERVATION,
                at,
                wrong
                    .with("client", operation.client)
                    .with("began", operation.invoked)
                    .with("audit", Fact::Operation { index, text: operation.op.to_string() }),
            );
        }
        if !sees_nothing || operation.op.acts.iter().any(|act| !act.is_read()) {
            open.get_or_insert(at);
        }
    }
    PropertyReport::holds(&CONSERVATION)
}

fn is_audit(transaction: &Transaction, accounts: u32) -> bool {
    transaction.acts.iter().copied().eq((0..u64::from(accounts)).map(|key| Act::Read { key }))
}

static ACCOUNTS: Rule =
    Rule::new("accounts", "an audit of {client} begins at {began} and sees {seen} accounts, where there are {accounts}");
static BELOW_ZERO: Rule = Rule::new("below-zero", "an audit of {client} begins at {began} and sees {value} in {key}, below zero");
static NO_ACCOUNT: Rule = Rule::new("no-account", "an audit of {client} begins at {began} and sees a list in {key}, which is an account");
static TOTAL: Rule =
    Rule::new("total", "an audit of {client} begins at {began} and sees {seen}, together {sum}, in all accounts, where {total} must be");

/// What is wrong with what an audit of an open bank saw.
fn wrong(seen: &[Seen], accounts: u32, total: i64) -> Option<Broken> {
    if seen.len() != accounts as usize {
        return Some(ACCOUNTS.with("seen", seen.len()).with("accounts", u64::from(accounts)));
    }
    let mut sum = 0_i128;
    for (key, seen) in seen.iter().enumerate() {
        match seen {
            Seen::Empty => {}
            Seen::Number(number) if *number < 0 => {
                return Some(BELOW_ZERO.with("value", value(number)).with("key", account(key)));
            }
            Seen::Number(number) => sum += i128::from(*number),
            Seen::List(_) => return Some(NO_ACCOUNT.with("key", account(key))),
        }
    }
    (sum != i128::from(total)).then(|| {
        let parts = seen.iter().map(|seen| Fact::Value(seen.to_string())).collect();
        TOTAL.with("seen", Fact::All(parts)).with("sum", value(sum)).with("total", value(total))
    })
}

fn value(number: impl ToString) -> Fact {
    Fact::Value(number.to_string())
}

fn account(key: usize) -> Fact {
    Fact::Key(format!("k{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ClientId;
    use crate::check::verdict::Verdict;
    use crate::history::Outcome;

    type Line<'a> = (u64, u64, &'a [Act], Outcome<Vec<Seen>>);

    /// Two accounts with ten each; a transaction for each line: when it began and ended, what it did, and what it saw.
    fn judged(lines: &[Line<'_>]) -> (Verdict, String) {
        let mut events = Vec::new();
        for (index, (from, to, acts, outcome)) in lines.iter().enumerate() {
            let client = ClientId::new(index as u32);
            events.push((*from, client, Err(Transaction { acts: acts.to_vec() })));
            let outcome = match outcome {
                Outcome::Done(seen) => Outcome::Done(Committed { seen: seen.clone() }),
                Outcome::Failed => Outcome::Failed,
                Outcome::Unknown => Outcome::Unknown,
            };
            events.push((*to, client, Ok(outcome)));
        }
        events.sort_by_key(|(at, ..)| *at);
        let mut history = History::new();
        for (at, client, event) in events {
            let at = Time::from_nanos(at);
            match event {
                Err(transaction) => history.invoke(at, client, transaction).map(|_| ()),
                Ok(outcome) => history.complete(at, client, outcome).map(|_| ()),
            }
            .expect("a well-formed history");
        }
        let report = judge(2, 20, &history);
        (report.verdict, report.reason())
    }

    const OPENING: &[Act] = &[Act::Write { key: 0, value: 10 }, Act::Write { key: 1, value: 10 }];
    const AUDIT: &[Act] = &[Act::Read { key: 0 }, Act::Read { key: 1 }];
    const TRANSFER: &[Act] = &[Act::Add { key: 0, amount: -3 }, Act::Add { key: 1, amount: 3 }];

    fn saw(numbers: &[i64]) -> Outcome<Vec<Seen>> {
        Outcome::Done(numbers.iter().map(|number| Seen::Number(*number)).collect())
    }

    fn nothing() -> Outcome<Vec<Seen>> {
        Outcome::Done(vec![Seen::Empty; 2])
    }

    fn done() -> Outcome<Vec<Seen>> {
        Outcome::Done(Vec::new())
    }

    #[test]
    fn whole_transactions_keep_the_total() {
        let history = [
            (0, 1, AUDIT, nothing()),
            (1, 2, OPENING, done()),
            (3, 4, TRANSFER, Outcome::Unknown),
            (3, 5, TRANSFER, done()),
            (5, 6, TRANSFER, Outcome::Failed),
            (7, 8, AUDIT, saw(&[7, 13])),
            (9, 10, AUDIT, saw(&[4, 16])),
            (9, 10, &[Act::Read { key: 0 }], saw(&[4])),
        ];
        assert_eq!(judged(&history), (Verdict::Holds, String::new()));
    }

    #[test]
    fn each_wrong_audit_is_told() {
        let opened = (0, 1, OPENING, done());
        for (seen, detail) in [
            (saw(&[7, 10]), "total seen=7, 10 sum=17 total=20 client=c2 began=2ns audit=read k0, read k1"),
            (saw(&[23, -3]), "below-zero value=-3 key=k1 client=c2 began=2ns audit=read k0, read k1"),
            (saw(&[20]), "accounts seen=1 accounts=2 client=c2 began=2ns audit=read k0, read k1"),
            (nothing(), "total seen=nothing, nothing sum=0 total=20 client=c2 began=2ns audit=read k0, read k1"),
            (Outcome::Done(vec![Seen::List(vec![1]), Seen::Number(20)]), "no-account key=k0 client=c2 began=2ns audit=read k0, read k1"),
        ] {
            assert_eq!(judged(&[opened.clone(), (2, 3, AUDIT, seen)]), (Verdict::Violated, detail.to_owned()));
        }
    }

    #[test]
    fn a_bank_is_empty_only_before_a_transaction_knows_it_to_be_open() {
        let (empty, full) = (nothing(), saw(&[10, 10]));
        let verdict = |history: &[_]| judged(history).0;
        assert_eq!(verdict(&[(0, 5, OPENING, Outcome::Unknown), (6, 7, AUDIT, empty.clone())]), Verdict::Holds);
        assert_eq!(verdict(&[(0, 2, AUDIT, full.clone()), (2, 3, AUDIT, empty.clone())]), Verdict::Holds, "at one instant");
        assert_eq!(verdict(&[(0, 2, AUDIT, full), (3, 4, AUDIT, empty.clone())]), Verdict::Violated, "an audit had seen money");
        assert_eq!(verdict(&[(0, 2, TRANSFER, done()), (3, 4, AUDIT, empty.clone())]), Verdict::Violated, "a transfer had moved money");
        assert_eq!(verdict(&[(0, 2, TRANSFER, Outcome::Failed), (3, 4, AUDIT, empty)]), Verdict::Holds);
    }
}
