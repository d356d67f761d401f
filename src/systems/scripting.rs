//! How a system's clients take operations that a scenario writes down.

use std::collections::BTreeMap;

use ron::ser::PrettyConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::{NodeId, OperationId, Time};
use crate::history::History;
use crate::notation::{Form, Misread, read_ron};
use crate::process::{Process, Service};
use crate::protocols::lock::{Job, Keeper, Worker, WorkerConfig, WorkerTimer};
use crate::trace::{Sink, UntypedRecord};
use crate::workload::{Client, ClientConfig, ClientTimer, Generator, Pace};
use crate::world::{Cluster, Hand, Script, Scripted};

/// How operations of a scenario are read and written, and how they come to clients. [`Scripting::of_clients`] is that of every system whose
/// clients are [`Client`]s.
pub struct Scripting<S: Cluster> {
    read: fn(&str) -> Result<S::Operation, Misread>,
    write: fn(&S::Operation) -> String,
    hand: Hand<S>,
    due: fn(&Timer<S>) -> Option<OperationId>,
    quiet: fn(&mut Config<S>),
}

type Timer<S> = <<S as Cluster>::Client as Process>::Timer;
type Config<S> = <<S as Cluster>::Client as Process>::Config;

impl<P, G, S> Scripting<S>
where
    P: Service<Operation: DeserializeOwned>,
    G: Generator<P::Operation, P::Response>,
    S: Cluster<Client = Client<P, G>, Operation = P::Operation>,
{
    /// Operations are written in RON, as their `Deserialize` has them; clients are [handed](Client::hand) them.
    pub fn of_clients() -> Self {
        Self {
            read: read_ron,
            write: in_ron,
            hand: Client::hand,
            due: |timer| if let ClientTimer::Due(id) = timer { Some(*id) } else { None },
            quiet: |config: &mut ClientConfig<G::Config>| config.pace = Pace::Handed,
        }
    }
}

impl<K, S> Scripting<S>
where
    K: Keeper,
    S: Cluster<Client = Worker<K>, Operation = Job>,
{
    /// Of systems of locks: operations are jobs.
    pub(super) fn of_workers() -> Self {
        Self {
            read: read_ron,
            write: in_ron,
            hand: Worker::hand,
            due: |timer| if let WorkerTimer::Due(id) = timer { Some(*id) } else { None },
            quiet: |config: &mut WorkerConfig<K::Config>| config.think = None,
        }
    }
}

/// Operations that a scenario writes down, and whether clients do what its workload makes up besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operations {
    /// Each with an identity of its own.
    pub scripted: Vec<Scripted>,
    /// Whether the workload generates others besides.
    pub generated: bool,
}

impl Default for Operations {
    /// Only what the workload generates.
    fn default() -> Self {
        Self { scripted: Vec::new(), generated: true }
    }
}

impl<S: Cluster> Scripting<S> {
    /// The operation as its type writes it, if it is one; else reports why it is none.
    pub(super) fn written(&self, form: Form<'_>) -> Option<String> {
        match (self.read)(form.raw()) {
            Ok(operation) => Some((self.write)(&operation)),
            Err(misread) => {
                let problem = form.misread("an operation of the system", misread);
                form.report(problem.help("it is written in RON, as its type derives `Deserialize`"));
                None
            }
        }
    }

    /// The script that these make, with clients that follow it.
    ///
    /// # Panics
    /// If an operation cannot be read; those of a scenario were.
    pub(super) fn script(&self, operations: &Operations, clients: &mut [Config<S>]) -> Script<S> {
        let Operations { scripted, generated } = operations;
        if !generated {
            clients.iter_mut().for_each(self.quiet);
        }
        let typed = |Scripted { id, at, client, op }: &Scripted| {
            let op = op.as_ref().map(|op| (self.read)(op).expect("the operations of a scenario can be read"));
            Scripted { id: *id, at: *at, client: *client, op }
        };
        Script { operations: scripted.iter().map(typed).collect(), generated: *generated, hand: self.hand }
    }

    /// Takes note of when operations are due.
    pub(super) fn observe(&self) -> DueTimes<S> {
        DueTimes { due: self.due, times: BTreeMap::new() }
    }

    /// What was due to clients, as it can be written down: in the order in which it was, and what it was if it was invoked.
    pub(super) fn observed(&self, mut due: DueTimes<S>, history: &History<S::Operation, S::Response>) -> Vec<Scripted> {
        let mut found: Vec<(u64, Scripted)> = Vec::new();
        for operation in history.operations() {
            let (client, id) = (NodeId::client(operation.client.client), operation.id);
            let (record, at) = due.times.remove(&(client, id)).unwrap_or((u64::MAX, operation.invoked));
            found.push((record, Scripted { id, at: at.since(Time::ZERO), client, op: Some((self.write)(&operation.op)) }));
        }
        let never = |((client, id), (record, at)): (_, (u64, Time))| (record, Scripted { id, at: at.since(Time::ZERO), client, op: None });
        found.extend(due.times.into_iter().map(never));
        found.sort_by_key(|(record, _)| *record);
        found.into_iter().map(|(_, scripted)| scripted).collect()
    }
}

/// When operations were due, and by which record.
pub(super) struct DueTimes<S: Cluster> {
    due: fn(&Timer<S>) -> Option<OperationId>,
    times: BTreeMap<(NodeId, OperationId), (u64, Time)>,
}

impl<S: Cluster> Sink for DueTimes<S> {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let timer = entry.payload.filter(|_| entry.sort == "timer").and_then(|payload| payload.any().downcast_ref());
        if let (Some(client), Some(id)) = (entry.node.filter(|node| node.is_client()), timer.and_then(self.due)) {
            self.times.insert((client, id), (entry.number, entry.at));
        }
    }
}

/// An operation as it is written in a scenario: in one line.
fn in_ron<O: Serialize>(operation: &O) -> String {
    let in_a_line = PrettyConfig::new().compact_arrays(true).compact_structs(true).compact_maps(true);
    ron::ser::to_string_pretty(operation, in_a_line).expect("what can be read as RON can be written so")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Act, KvOp, Transaction};

    #[test]
    fn operations_are_written_in_a_line_and_read_back() {
        fn check<O: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(operation: &O, expected: &str) {
            assert_eq!(in_ron(operation), expected);
            assert_eq!(read_ron::<O>(expected).ok().as_ref(), Some(operation));
        }
        check(&KvOp::Write { key: 0, value: 73 }, "Write(key: 0, value: 73)");
        check(&KvOp::Cas { key: 0, expected: Some(3), value: 73 }, "Cas(key: 0, expected: Some(3), value: 73)");
        check(
            &Transaction { acts: vec![Act::Read { key: 1 }, Act::Add { key: 2, amount: -5 }] },
            "(acts: [Read(key: 1), Add(key: 2, amount: -5)])",
        );
        check(&"a \"ping\"".to_owned(), r#""a \"ping\"""#);
    }
}
