//! What the transactional systems share: their clients, their part of a scenario's `workload`, and the judging of what the clients saw. A
//! protocol that implements [`Transactional`] becomes a system as [`Txn`].
//!
//! ```ron
//! workload: (
//!     clients: 5,
//!     load: Bank(accounts: 8, balance: 100, parties: 3, mix: (transfer: 4, audit: 1)),
//!     // or Lists(keys: 8, choice: Zipf("0.99"), acts: 4, mix: (read: 1, append: 1))
//!     // or Registers(keys: 8, acts: 4, mix: (read: 1, write: 1))
//!     rate: "100/s",                      // open loop; or think: "0s..10ms" for a closed one
//!     request_timeout: "250ms", operation_timeout: "2s", pause: "10ms..50ms", sessions: 64,
//! )
//! ```

use std::fmt::Debug;
use std::marker::PhantomData;

use super::load::{Choice, MOST, Mixed, PARTS, Traffic};
use super::{Mutant, Nodes, Population, Scripting, System, Written, spelling};
use crate::base::{Committed, Metric, Transaction};
use crate::check::conservation::{self, CONSERVATION};
use crate::check::isolation::{self, ISOLATION, Level};
use crate::check::{Budget, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::metrics::Probe;
use crate::notation::{Count, CountUpTo, Form, Given, Setting, Settings, Variant, Within, codecs, settings};
use crate::process::{Process, Service};
use crate::trace::Judge;
use crate::workload::{
    self, Bank, BankMix, Client, ClientConfig, KeyChoice, LoadError, MixedChange, MixedMix, TransactionGenerator, TransactionLoad,
};
use crate::world::{Cluster, Conditions};

/// The workload of a transactional system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnWorkload {
    /// Who the clients are, and when they ask.
    pub traffic: Traffic,
    /// What they do.
    pub load: TransactionLoad,
}

impl Default for TxnWorkload {
    /// Three clients that do a hundred transactions a second with a bank of eight accounts.
    fn default() -> Self {
        Self { traffic: Traffic::default(), load: Loaded::default().load }
    }
}

settings! {
    /// What clients do.
    struct Loaded {
        /// What clients do: each has fields of its own.
        load: TransactionLoad = TransactionLoad::Bank(BankLoad::default().bank().expect("the usual bank is possible")), Loads;
    }
}

codecs! {
    /// What clients do.
    Loads: TransactionLoad = load, write_load, "a load, like `Bank(accounts: 8)`", within Within::OneOf("a load", LOADS.to_vec());
}

const LOADS: [Variant; 3] = [
    Variant::new(
        "Bank",
        "Money is moved between accounts, and audited: the total must stay.",
        "workload: (load: Bank(accounts: 8, parties: 3))",
    )
    .with(BankLoad::declared),
    Variant::new(
        "Lists",
        "Transactions read lists, and append to them: what they read tells in which order they were.",
        "workload: (load: Lists(keys: 8, acts: 4))",
    )
    .with(ListsLoad::declared),
    Variant::new("Registers", "Transactions read registers, and write them.", "workload: (load: Registers(keys: 8, acts: 4))")
        .with(RegistersLoad::declared),
];

settings! {
    /// A bank: money is moved between accounts, and audited.
    struct BankLoad {
        /// How many accounts there are.
        accounts: u32 = 8, Count(2..=ACTS_MOST);
        /// How much each holds at first.
        balance: u32 = 100, Count(1..=1_000_000_000);
        /// How many accounts a transfer touches, at most all.
        parties: u32 = accounts.min(3), CountUpTo(2..=accounts, "accounts");
        /// So many parts transfers and audits.
        mix: BankParts = BankParts { transfer: 4, audit: 1 }, Mixed::<BankParts>::like("(transfer: 4, audit: 1)");
    }
}

settings! {
    /// What clients of a bank do.
    #[derive(Clone)]
    struct BankParts {
        /// How many parts of the transactions move money.
        transfer: u32 = 0, PARTS;
        /// How many parts read all accounts.
        audit: u32 = 0, PARTS;
    }
}

settings! {
    /// Transactions that read lists, and append to them.
    struct ListsLoad {
        /// How many keys there are.
        keys: u32 = 8, Count(1..=MOST);
        /// How clients choose among them.
        choice: KeyChoice = KeyChoice::Uniform, Choice;
        /// How many acts a transaction has at most.
        acts: u32 = 4, Count(1..=ACTS_MOST);
        /// So many parts reads and appends.
        mix: ListsParts = ListsParts { read: 1, append: 1 }, Mixed::<ListsParts>::like("(read: 1, append: 1)");
    }
}

settings! {
    /// What transactions do with lists.
    #[derive(Clone)]
    struct ListsParts {
        /// How many parts of the acts read a list.
        read: u32 = 0, PARTS;
        /// How many parts append to one.
        append: u32 = 0, PARTS;
    }
}

settings! {
    /// Transactions that read registers, and write them.
    struct RegistersLoad {
        /// How many keys there are.
        keys: u32 = 8, Count(1..=MOST);
        /// How clients choose among them.
        choice: KeyChoice = KeyChoice::Uniform, Choice;
        /// How many acts a transaction has at most.
        acts: u32 = 4, Count(1..=ACTS_MOST);
        /// So many parts reads and writes.
        mix: RegistersParts = RegistersParts { read: 1, write: 1 }, Mixed::<RegistersParts>::like("(read: 1, write: 1)");
    }
}

settings! {
    /// What transactions do with registers.
    #[derive(Clone)]
    struct RegistersParts {
        /// How many parts of the acts read a register.
        read: u32 = 0, PARTS;
        /// How many parts write one.
        write: u32 = 0, PARTS;
    }
}

/// The most accounts of a bank, and the most acts of a transaction.
const ACTS_MOST: u32 = 1_000;

impl BankLoad {
    fn bank(&self) -> Result<Bank, LoadError> {
        let BankParts { transfer, audit } = self.mix;
        Bank::new(self.accounts, self.balance, self.parties, BankMix { transfer, audit })
    }
}

impl TxnWorkload {
    /// Reads the workload: the usual one where there is none.
    pub fn decode(form: Option<Form<'_>>) -> Option<Self> {
        let Some(form) = form else { return Some(Self::default()) };
        let mut fields = form.fields()?;
        let (traffic, given) = Traffic::read(&mut fields);
        traffic.fits(&given);
        let (Loaded { load }, _) = Loaded::read(&mut fields);
        fields.finish();
        Some(Self { traffic, load })
    }

    /// Writes the workload as [`decode`](Self::decode) reads it.
    pub fn write(&self) -> String {
        format!("({}, {})", self.traffic.written(), Loaded { load: self.load.clone() }.written())
    }

    /// What there is to set.
    pub fn declared() -> Vec<Setting> {
        [Traffic::declared(), Loaded::declared()].concat()
    }

    /// What each client is built from, for a cluster of which this many servers take requests.
    pub fn configs(&self, servers: u32) -> Vec<ClientConfig<TransactionLoad>> {
        self.traffic.configs(servers, self.load.clone())
    }
}

fn load(form: Form<'_>) -> Option<TransactionLoad> {
    let name = form.variant_of("a load", &LOADS)?.name;
    let mut fields = form.fields()?;
    let load = match name {
        "Bank" => BankLoad::read(&mut fields).0.bank().map(TransactionLoad::Bank),
        "Lists" => {
            let (ListsLoad { keys, choice, acts, mix: ListsParts { read, append } }, _) = ListsLoad::read(&mut fields);
            workload::Mixed::new(keys, choice, acts, MixedMix { read, change: append }, MixedChange::Append).map(TransactionLoad::Mixed)
        }
        _ => {
            let (RegistersLoad { keys, choice, acts, mix: RegistersParts { read, write } }, _) = RegistersLoad::read(&mut fields);
            workload::Mixed::new(keys, choice, acts, MixedMix { read, change: write }, MixedChange::Write).map(TransactionLoad::Mixed)
        }
    };
    fields.finish();
    load.map_err(|why| form.report(form.problem(why.to_string()))).ok()
}

fn write_load(load: &TransactionLoad) -> String {
    match load {
        TransactionLoad::Bank(bank) => {
            let BankMix { transfer, audit } = bank.mix();
            let (accounts, balance, parties) = (bank.accounts(), bank.balance(), bank.parties());
            format!("Bank({})", BankLoad { accounts, balance, parties, mix: BankParts { transfer, audit } }.written())
        }
        TransactionLoad::Mixed(mixed) => {
            let (keys, choice, acts, MixedMix { read, change }) = (mixed.keys(), mixed.choice(), mixed.acts(), mixed.mix());
            match mixed.change() {
                MixedChange::Append => {
                    format!("Lists({})", ListsLoad { keys, choice, acts, mix: ListsParts { read, append: change } }.written())
                }
                MixedChange::Write => {
                    format!("Registers({})", RegistersLoad { keys, choice, acts, mix: RegistersParts { read, write: change } }.written())
                }
            }
        }
    }
}

/// A protocol that carries out transactions. [`Txn`] makes a system of it: with clients, a workload, and judges of what the clients saw.
///
/// *What it owes its clients.* A transaction takes effect as a whole or not at all, and once: a request may come again, to any server,
/// under the same session and number. A protocol that cannot tell a repeated request from a new one sets [`Service::RETRY`] to `false`;
/// then clients ask once. An abort is answered with [`Reply::Refused`](crate::process::Reply::Refused): it is a promise that the
/// transaction never takes effect.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use stormglass::base::{ClientId, Committed, NodeId, Transaction};
/// # use stormglass::process::{Context, Files, Message, NoNote, Process, Reply, Service};
/// # use stormglass::systems::Registry;
/// # use stormglass::systems::transactional::{Transactional, Txn};
/// # #[derive(Clone, Debug, Serialize, Deserialize)]
/// # enum Talk { Ask(ClientId, u64, Transaction), Abort(ClientId, u64) }
/// # impl Message for Talk {}
/// # struct Server;
/// # impl Process for Server {
/// #     type Config = ();
/// #     type Message = Talk;
/// #     type Timer = ();
/// #     type Note = NoNote;
/// #     fn boot(_: &(), _: &Files, _: &mut Context<'_, Self>) -> Self { Self }
/// #     fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
/// #         if let Talk::Ask(session, number, _) = message { context.send(from, Talk::Abort(session, number)) }
/// #     }
/// #     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// # }
/// /// Aborts every transaction: right, and of little use.
/// struct Aborts;
///
/// # impl Service for Aborts {
/// #     type Message = Talk;
/// #     type Operation = Transaction;
/// #     type Response = Committed;
/// #     fn request(session: ClientId, number: u64, operation: &Transaction) -> Talk { Talk::Ask(session, number, operation.clone()) }
/// #     fn reply(message: Talk) -> Option<(ClientId, u64, Reply<Committed>)> {
/// #         let Talk::Abort(session, number) = message else { return None };
/// #         Some((session, number, Reply::Refused))
/// #     }
/// # }
/// impl Transactional for Aborts {
///     const NAME: &'static str = "Aborts";
///     const ABOUT: &'static str = "a store that aborts every transaction";
///     type Server = Server;
///     type Settings = ();
///
///     fn count(_: &()) -> u32 {
///         3
///     }
///
///     fn servers(_: &(), _: &[&'static str]) -> Vec<()> {
///         vec![(); 3]
///     }
/// }
///
/// let registry = Registry::new().with::<Txn<Aborts>>();
/// assert!(registry.find("Aborts").is_some());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not carry out transactions",
    label = "`Txn` makes no system of this",
    note = "implement `Service` with `Operation = Transaction` and `Response = Committed`, and then `Transactional`; other operations are for `Serves` and `Served`"
)]
pub trait Transactional: Service<Operation = Transaction, Response = Committed> {
    /// Its name in a scenario: `TwoPhase`.
    const NAME: &'static str;
    /// What it is, in a sentence or two.
    const ABOUT: &'static str;

    /// What runs on servers.
    type Server: Process<Message = Self::Message, Config: Clone>;
    /// Its own fields in a scenario, as [`settings!`](crate::settings) declares them.
    type Settings: Settings + Clone + Debug + Send + Sync + 'static;

    /// Reports what does not fit together among its own fields.
    fn fits(settings: &Self::Settings, given: &Given<'_>) {
        let _ = (settings, given);
    }

    /// How many servers there are.
    fn count(settings: &Self::Settings) -> u32;

    /// How many of the servers, from the first on, take requests: all, unless the protocol says otherwise.
    fn fronts(settings: &Self::Settings) -> u32 {
        Self::count(settings)
    }

    /// What each server is built from, with this planted bug if one is named.
    fn servers(settings: &Self::Settings, mutants: &[&'static str]) -> Vec<<Self::Server as Process>::Config>;

    /// Its planted bugs and its decoys.
    fn mutants() -> Vec<Mutant> {
        Vec::new()
    }

    /// The properties of its own that its judges report on, next to those of all transactional systems.
    fn properties() -> Vec<Property> {
        Vec::new()
    }

    /// The judges of a run under these conditions.
    fn judges(settings: &Self::Settings, conditions: &Conditions) -> Vec<Box<dyn Judge<Txn<Self>>>>
    where
        Self: Sized,
    {
        let _ = (settings, conditions);
        Vec::new()
    }

    /// What its runs measure besides what all do.
    fn metrics() -> Vec<Metric> {
        Vec::new()
    }

    /// What measures that.
    fn probes(settings: &Self::Settings) -> Vec<Box<dyn Probe<Txn<Self>>>>
    where
        Self: Sized,
    {
        let _ = settings;
        Vec::new()
    }

    /// A digest of the state that all servers must agree on in the end: see [`Cluster::fingerprint`].
    fn fingerprint(server: &Self::Server) -> Option<u64> {
        let _ = server;
        None
    }

    /// What it must still bring to an end before the run has settled, in words: see [`Cluster::unsettled`].
    fn unsettled(server: &Self::Server) -> Option<String> {
        let _ = server;
        None
    }
}

/// A transactional protocol as a system, with clients that use it.
pub struct Txn<P>(PhantomData<P>);

/// A transactional system's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnConfig<T> {
    /// What the protocol has fields for.
    pub settings: T,
    /// What the clients do.
    pub workload: TxnWorkload,
}

impl<P: Transactional> Cluster for Txn<P> {
    type Message = P::Message;
    type Operation = Transaction;
    type Response = Committed;
    type Server = P::Server;
    type Client = Client<P, TransactionGenerator>;

    fn fingerprint(server: &P::Server) -> Option<u64> {
        P::fingerprint(server)
    }

    fn unsettled(server: &P::Server) -> Option<String> {
        P::unsettled(server)
    }
}

impl<P: Transactional> System for Txn<P> {
    const NAME: &'static str = P::NAME;
    const ABOUT: &'static str = P::ABOUT;

    type Config = TxnConfig<P::Settings>;

    fn properties() -> Vec<Property> {
        [CONSERVATION, ISOLATION].into_iter().chain(P::properties()).collect()
    }

    fn mutants() -> Vec<Mutant> {
        P::mutants()
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config> {
        let workload = TxnWorkload::decode(workload);
        let mut fields = system.fields()?;
        let (settings, given) = P::Settings::read(&mut fields);
        P::fits(&settings, &given);
        fields.finish();
        Some(TxnConfig { settings, workload: workload? })
    }

    fn write(config: &Self::Config) -> Written {
        Written { system: format!("{}({})", P::NAME, config.settings.written()), workload: Some(config.workload.write()) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(P::NAME, P::Settings::declared()), ("workload", TxnWorkload::declared())]
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: P::count(&config.settings), clients: config.workload.traffic.clients }
    }

    fn nodes(config: &Self::Config, mutants: &[&'static str]) -> Nodes<Self> {
        let servers = P::servers(&config.settings, mutants);
        Nodes { servers, clients: config.workload.configs(P::fronts(&config.settings)) }
    }

    fn judges(config: &Self::Config, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        P::judges(&config.settings, conditions)
    }

    fn metrics() -> Vec<Metric> {
        P::metrics()
    }

    fn probes(config: &Self::Config) -> Vec<Box<dyn Probe<Self>>> {
        P::probes(&config.settings)
    }

    fn states(_: &Self::Config, _: usize) -> u64 {
        isolation::DEFAULT_BUDGET
    }

    fn judge_history(config: &Self::Config, history: &History<Transaction, Committed>, budget: Budget) -> Vec<PropertyReport> {
        judge(&config.workload.load, history, budget)
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_clients())
    }

    fn spelling(config: &Self::Config) -> Option<Spelling<Transaction, Committed>> {
        Some(spelling::transactions(&config.workload.load))
    }
}

/// Judges what the clients of a transactional system saw under this load, spending no more than about this. Sums tell nothing of who came
/// before whom, so a bank is judged by its total, and the other loads by the order of what was read and written.
pub fn judge(load: &TransactionLoad, history: &History<Transaction, Committed>, budget: impl Into<Budget>) -> Vec<PropertyReport> {
    vec![match load {
        TransactionLoad::Bank(bank) => conservation::judge(bank.accounts(), bank.total(), history),
        TransactionLoad::Mixed(_) => isolation::judge(&ISOLATION, Level::StrictSerializable, history, budget),
    }]
}
