//! What no mutant shows: that look-ups are judged by their order, with what the registry does by itself.

use super::super::{Change, Condition, Health, Instance, Item, Key, LeaseId, Listing, Operation, Response, Value};
use super::order::Order;
use super::truth::Truth;
use crate::base::{ClientId, NodeId, OperationId, Time};
use crate::check::{Sighting, Verdict};
use crate::history::{Event, Outcome};

const KEY: Key = Key { directory: 0, name: 0 };
const LEASE: LeaseId = LeaseId { holder: ClientId::new(0), grant: 1 };

fn at(millis: u64) -> Time {
    Time::from_nanos(millis * 1_000_000)
}

fn instance() -> Value {
    Value::Instance(Instance { node: NodeId::client(0), weight: 1, metadata: 0, health: Health::Passing })
}

fn item() -> Item {
    Item { value: instance(), created: 1, modified: 1, lease: Some(LEASE) }
}

/// An operation, with its client, from then until then.
fn did(order: &mut Order, client: u32, from: u64, until: u64, op: Operation, response: Response) {
    let client = ClientId::new(client);
    order.client(at(from), &Event::Invoke { client, id: OperationId::new(client, 1), op });
    order.client(at(until), &Event::Complete { client, outcome: Outcome::Done(response) });
}

/// An instance is registered until 20 ms, and a look-up from 100 to 120 ms finds it, or not.
fn looked_up(order: &mut Order, found: bool) -> Verdict {
    let put = Operation::Put { key: KEY, value: instance(), lease: Some(LEASE), only: Condition::Always };
    did(order, 0, 10, 20, put, Response::Put { created: 1 });
    let items = if found { vec![(0, item())] } else { vec![] };
    did(order, 1, 100, 120, Operation::List { directory: 0 }, Response::Listed(Listing { revision: 1, items }));
    order.judge().verdict
}

#[test]
fn what_is_registered_is_found() {
    assert_eq!(looked_up(&mut Order::default(), true), Verdict::Holds);
    assert_eq!(looked_up(&mut Order::default(), false), Verdict::Violated);
}

#[test]
fn an_expiry_takes_effect_between_its_proposal_and_its_application() {
    let expired = |from, until: Option<u64>, found| {
        let mut order = Order::default();
        order.expires(at(from), LEASE);
        if let Some(until) = until {
            order.ended(at(until), LEASE);
        }
        looked_up(&mut order, found)
    };
    assert_eq!(expired(50, Some(60), false), Verdict::Holds);
    assert_eq!(expired(50, Some(60), true), Verdict::Violated, "it was gone");
    assert_eq!(expired(50, Some(110), true), Verdict::Holds, "it need not be gone yet");
    assert_eq!(expired(130, Some(140), false), Verdict::Violated, "it was there still");
    assert_eq!(expired(50, None, false), Verdict::Holds, "it may have been committed all the same");
    assert_eq!(expired(50, None, true), Verdict::Holds);
}

/// So does a lease that is given back: where its holder crashes before it is answered, at any later time or never.
#[test]
fn what_is_given_back_may_be_gone_without_an_answer() {
    let revoked = |answered: bool, found| {
        let (mut order, client) = (Order::default(), ClientId::new(2));
        order.client(at(50), &Event::Invoke { client, id: OperationId::new(client, 2), op: Operation::Revoke { lease: LEASE } });
        if answered {
            order.client(at(60), &Event::Complete { client, outcome: Outcome::Done(Response::Ended) });
        }
        looked_up(&mut order, found)
    };
    assert_eq!(revoked(true, false), Verdict::Holds);
    assert_eq!(revoked(true, true), Verdict::Violated, "it was gone");
    assert_eq!(revoked(false, false), Verdict::Holds);
    assert_eq!(revoked(false, true), Verdict::Holds);
}

#[test]
fn what_was_at_a_revision_is_remembered() {
    let mut truth = Truth::default();
    let change = |revision, item| Change { revision, key: KEY, item };
    for revision in 1..=100 {
        let now = Sighting { record: revision, at: at(revision) };
        truth.learn(change(revision, (revision % 2 == 1).then(item)), now);
        truth.learn(change(revision, (revision % 2 == 1).then(item)), Sighting { record: 0, at: at(999) });
    }
    let held = |revision, items| truth.was(0, &Listing { revision, items });
    assert!((1..=100).all(|revision| held(revision, if revision % 2 == 1 { vec![(0, item())] } else { vec![] })));
    assert!(!held(50, vec![(0, item())]) && !held(101, vec![]), "of what is to come nothing is known");
    assert_eq!(truth.missing(0, 49, at(50)).map(|(change, _)| change.revision), Some(50));
    assert_eq!(truth.missing(0, 50, at(50)), None);
}
