//! How a system's clients take operations that a scenario writes down.

use ron::ser::PrettyConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::{NodeId, OperationId, SortedSet, Time, sort_by_numbers};
use crate::history::History;
use crate::notation::{Form, Misread, read_ron};
use crate::process::{Misfit, Process, Service, TakesSteps};
use crate::protocols::lock::{Job, Keeper, Worker, WorkerConfig, WorkerTimer};
use crate::trace::{Sink, UntypedRecord};
use crate::workload::{Client, ClientConfig, ClientTimer, Generator, Pace};
use crate::world::{Cluster, DueTimes, Script, Scripted};

/// How operations of a scenario are read and written, and how they come to clients. [`Scripting::of_clients`] is that of every system whose
/// clients are [`Client`]s; [`Scripting::of_steps`] that of every system whose clients [take steps](TakesSteps).
pub struct Scripting<S: Cluster>(Box<dyn Operated<S>>);

type Timer<S> = <<S as Cluster>::Client as Process>::Timer;
type Config<S> = <<S as Cluster>::Client as Process>::Config;

impl<P, G, S> Scripting<S>
where
    P: Service<Operation: DeserializeOwned>,
    G: Generator<P::Operation, P::Response>,
    S: Cluster<Client = Client<P, G>, Operation = P::Operation>,
{
    /// Operations are those of the history, written in RON, as their `Deserialize` has them; clients are [handed](Client::hand) them.
    pub fn of_clients() -> Self {
        Self(Box::new(Shape {
            hand: Client::hand,
            due: |timer| if let ClientTimer::Due(id) = timer { Some(*id) } else { None },
            quiet: |config: &mut ClientConfig<G::Config>| config.pace = Pace::Handed,
            fits: |_, _| Ok(()),
            begun: Begun::InHistory(Clone::clone),
        }))
    }
}

impl<K, S> Scripting<S>
where
    K: Keeper,
    S: Cluster<Client = Worker<K>, Operation = Job>,
{
    /// Of systems of locks: operations are jobs.
    pub(super) fn of_workers() -> Self {
        Self(Box::new(Shape {
            hand: Worker::hand,
            due: |timer| if let WorkerTimer::Due(id) = timer { Some(*id) } else { None },
            quiet: |config: &mut WorkerConfig<K::Config>| config.think = None,
            fits: |_, _| Ok(()),
            begun: Begun::InHistory(Clone::clone),
        }))
    }
}

impl<S> Scripting<S>
where
    S: Cluster<Client: TakesSteps<Step: Serialize + DeserializeOwned>>,
{
    /// Operations are what clients do in a step, written in RON, as the `Deserialize` of steps has them: whatever they come to in the
    /// history, if there is one.
    pub fn of_steps() -> Self {
        Self(Box::new(Shape::<S, <S::Client as TakesSteps>::Step> {
            hand: S::Client::hand,
            due: S::Client::is_due,
            quiet: S::Client::only_handed,
            fits: S::Client::fits,
            begun: Begun::ByClients(|client: &S::Client| client.steps().begun()),
        }))
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
        match self.0.rewritten(form.raw()) {
            Ok(written) => Some(written),
            Err(misread) => {
                let problem = form.misread("an operation of the system", misread);
                form.report(problem.help("it is written in RON, as its type derives `Deserialize`"));
                None
            }
        }
    }

    /// Whether a client that is built from this can invoke this operation.
    ///
    /// # Panics
    /// If the operation cannot be read; those of a scenario were.
    pub(super) fn fits(&self, client: &Config<S>, op: &str) -> Result<(), Misfit> {
        self.0.fits(client, op)
    }

    /// The script that these make, with clients that follow it.
    ///
    /// # Panics
    /// If an operation cannot be read; those of a scenario were.
    pub(super) fn script(&self, operations: &Operations, clients: &mut [Config<S>]) -> Box<dyn Script<S>> {
        if !operations.generated {
            clients.iter_mut().for_each(|client| self.0.quiet(client));
        }
        self.0.script(operations)
    }

    /// Takes note of when operations are due.
    pub(super) fn observe(&self) -> Dues<S> {
        Dues { due: self.0.due(), times: DueTimes::new() }
    }
}

/// How the clients of a system take operations, with the type of these erased.
trait Operated<S: Cluster> {
    /// The operation that the text says, as its type writes it.
    fn rewritten(&self, text: &str) -> Result<String, Misread>;
    fn fits(&self, client: &Config<S>, op: &str) -> Result<(), Misfit>;
    fn quiet(&self, client: &mut Config<S>);
    fn due(&self) -> fn(&Timer<S>) -> Option<OperationId>;
    fn script(&self, operations: &Operations) -> Box<dyn Script<S>>;
}

/// The same with its type.
struct Shape<S: Cluster, O> {
    hand: fn(&mut S::Client, OperationId, Option<O>) -> Timer<S>,
    due: fn(&Timer<S>) -> Option<OperationId>,
    quiet: fn(&mut Config<S>),
    fits: fn(&Config<S>, &O) -> Result<(), Misfit>,
    begun: Begun<S, O>,
}

/// Where it stands which operations were begun.
enum Begun<S: Cluster, O> {
    /// In the history, whose operations they are.
    InHistory(fn(&S::Operation) -> O),
    /// Clients say so.
    ByClients(fn(&S::Client) -> &[(OperationId, O)]),
}

impl<S: Cluster, O> Clone for Begun<S, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Cluster, O> Copy for Begun<S, O> {}

const READ: &str = "the operations of a scenario can be read";

impl<S: Cluster, O: Clone + Serialize + DeserializeOwned + 'static> Operated<S> for Shape<S, O> {
    fn rewritten(&self, text: &str) -> Result<String, Misread> {
        read_ron(text).map(|operation: O| in_ron(&operation))
    }

    fn fits(&self, client: &Config<S>, op: &str) -> Result<(), Misfit> {
        (self.fits)(client, &read_ron(op).expect(READ))
    }

    fn quiet(&self, client: &mut Config<S>) {
        (self.quiet)(client);
    }

    fn due(&self) -> fn(&Timer<S>) -> Option<OperationId> {
        self.due
    }

    fn script(&self, Operations { scripted, generated }: &Operations) -> Box<dyn Script<S>> {
        let typed = |Scripted { op, .. }: &Scripted| op.as_ref().map(|op| read_ron(op).expect(READ));
        Box::new(Followed {
            due: scripted.iter().map(|Scripted { id, at, client, .. }| Scripted { id: *id, at: *at, client: *client, op: None }).collect(),
            asked: scripted.iter().map(typed).collect(),
            generated: *generated,
            hand: self.hand,
            source: self.begun,
            begun: Vec::new(),
            known: SortedSet::new(),
        })
    }
}

/// A script, and what clients have begun.
struct Followed<S: Cluster, O> {
    due: Vec<Scripted<()>>,
    /// Of each what it asks for; nothing: what the workload generates for its identity.
    asked: Vec<Option<O>>,
    generated: bool,
    hand: fn(&mut S::Client, OperationId, Option<O>) -> Timer<S>,
    source: Begun<S, O>,
    /// What clients said that they have begun.
    begun: Vec<(NodeId, OperationId, Time, O)>,
    known: SortedSet<(NodeId, OperationId)>,
}

impl<S: Cluster, O: Clone + Serialize> Script<S> for Followed<S, O> {
    fn operations(&self) -> &[Scripted<()>] {
        &self.due
    }

    fn generates(&self) -> bool {
        self.generated
    }

    fn goes_on(&self) -> bool {
        matches!(self.source, Begun::ByClients(_))
    }

    fn hand(&self, place: usize, client: &mut S::Client) -> Timer<S> {
        (self.hand)(client, self.due[place].id, self.asked[place].clone())
    }

    fn watch(&mut self, at: Time, node: NodeId, client: &S::Client) {
        let Begun::ByClients(begun) = self.source else { return };
        for (id, operation) in begun(client) {
            if self.known.insert((node, *id)) {
                self.begun.push((node, *id, at, operation.clone()));
            }
        }
    }

    fn invoked(&self, history: &History<S::Operation, S::Response>) -> SortedSet<(NodeId, OperationId)> {
        match self.source {
            Begun::ByClients(_) => self.known.clone(),
            Begun::InHistory(_) => {
                history.operations().iter().map(|operation| (NodeId::client(operation.client.client), operation.id)).collect()
            }
        }
    }

    fn observed(&self, mut due: DueTimes, history: &History<S::Operation, S::Response>) -> Vec<Scripted> {
        let mut found: Vec<(u64, Scripted)> = Vec::new();
        let mut add = |client, id, begun: Time, operation: &O| {
            let (record, at) = due.remove(&(client, id)).unwrap_or((u64::MAX, begun));
            found.push((record, Scripted { id, at: at.since(Time::ZERO), client, op: Some(in_ron(operation)) }));
        };
        self.begun.iter().for_each(|(client, id, at, operation)| add(*client, *id, *at, operation));
        if let Begun::InHistory(of) = self.source {
            for operation in history.operations() {
                add(NodeId::client(operation.client.client), operation.id, operation.invoked, &of(&operation.op));
            }
        }
        let never = |((client, id), (record, at)): (_, (u64, Time))| (record, Scripted { id, at: at.since(Time::ZERO), client, op: None });
        found.extend(due.into_iter().map(never));
        by_time(found)
    }
}

/// When operations were due, and by which record.
pub(super) struct Dues<S: Cluster> {
    due: fn(&Timer<S>) -> Option<OperationId>,
    pub(super) times: DueTimes,
}

impl<S: Cluster> Sink for Dues<S> {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let timer = entry.payload.filter(|_| entry.sort == "timer").and_then(|payload| payload.any().downcast_ref());
        if let (Some(client), Some(id)) = (entry.node.filter(|node| node.is_client()), timer.and_then(self.due)) {
            self.times.insert((client, id), (entry.number, entry.at));
        }
    }
}

/// Operations by when they began; those of one instant by the records that began them.
fn by_time(mut found: Vec<(u64, Scripted)>) -> Vec<Scripted> {
    sort_by_numbers(&mut found, |(record, scripted)| (scripted.at.as_nanos(), *record));
    found.into_iter().map(|(_, scripted)| scripted).collect()
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
