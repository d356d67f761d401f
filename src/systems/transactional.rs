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

use super::load::{self, MOST, Traffic};
use super::{Mutant, Nodes, Population, System, Written, spelling};
use crate::base::{Committed, Fields, Form, Transaction};
use crate::check::conservation::{self, CONSERVATION};
use crate::check::isolation::{self, ISOLATION, Level};
use crate::check::{Judge, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::process::{Process, Service};
use crate::workload::{Bank, BankMix, Change, Client, ClientConfig, KeyChoice, LoadError, Mixed, MixedMix};
use crate::workload::{Pace, Patience, TransactionGenerator, TransactionLoad};
use crate::world::Cluster;

/// The workload of a transactional system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnWorkload {
    /// How many clients there are.
    pub clients: u32,
    /// What they do.
    pub load: TransactionLoad,
    /// When they do it.
    pub pace: Pace,
    /// How long they wait.
    pub patience: Patience,
    /// How many transactions a client may have under way.
    pub sessions: u32,
}

impl Default for TxnWorkload {
    /// Three clients that do a hundred transactions a second with a bank of eight accounts.
    fn default() -> Self {
        let Traffic { pace, patience, sessions } = Traffic::default();
        let bank = Bank::new(8, 100, 3, BankMix { transfer: 4, audit: 1 }).expect("it is possible");
        Self { clients: 3, load: TransactionLoad::Bank(bank), pace, patience, sessions }
    }
}

impl TxnWorkload {
    /// The most accounts of a bank, and the most acts of a transaction.
    const ACTS_MOST: u32 = 1_000;

    /// Reads the workload: the usual one where there is none.
    pub fn decode(form: Option<Form<'_>>) -> Option<Self> {
        let usual = Self::default();
        let Some(form) = form else { return Some(usual) };
        let mut fields = form.fields()?;
        let clients = fields.read_or("clients", usual.clients, |form| form.count(1..=MOST));
        let load = fields.read_or("load", usual.load, load);
        let Traffic { pace, patience, sessions } = Traffic::decode(&mut fields);
        fields.finish();
        Some(Self { clients, load, pace, patience, sessions })
    }

    /// Writes the workload as [`decode`](Self::decode) reads it.
    pub fn write(&self) -> String {
        format!("(clients: {}, load: {}, {})", self.clients, write_load(&self.load), self.traffic().write())
    }

    /// What each client is built from, for a cluster of which this many servers take requests.
    pub fn configs(&self, servers: u32) -> Vec<ClientConfig<TransactionLoad>> {
        self.traffic().configs(servers, self.clients, self.load.clone())
    }

    fn traffic(&self) -> Traffic {
        Traffic { pace: self.pace, patience: self.patience, sessions: self.sessions }
    }
}

fn load(form: Form<'_>) -> Option<TransactionLoad> {
    let load = match form.variant("a load", &["Bank", "Lists", "Registers"])? {
        "Bank" => bank(form)?.map(TransactionLoad::Bank),
        "Lists" => mixed(form, Change::Append)?.map(TransactionLoad::Mixed),
        _ => mixed(form, Change::Write)?.map(TransactionLoad::Mixed),
    };
    load.map_err(|why| form.report(form.problem(why.to_string()))).ok()
}

fn bank(form: Form<'_>) -> Option<Result<Bank, LoadError>> {
    let mut fields = form.fields()?;
    let accounts = fields.read_or("accounts", 8, |form| form.count(2..=TxnWorkload::ACTS_MOST));
    let balance = fields.read_or("balance", 100, |form| form.count(1..=1_000_000_000));
    let parties = fields.read_or("parties", accounts.min(3), |form| form.count(2..=accounts));
    let (transfer, audit) = fields.read_or("mix", (4, 1), |form| load::two_parts(form, "transfer", "audit"));
    fields.finish();
    Some(Bank::new(accounts, balance, parties, BankMix { transfer, audit }))
}

fn mixed(form: Form<'_>, change: Change) -> Option<Result<Mixed, LoadError>> {
    let mut fields = form.fields()?;
    let keys = fields.read_or("keys", 8, |form| form.count(1..=MOST));
    let choice = fields.read_or("choice", KeyChoice::Uniform, load::key_choice);
    let acts = fields.read_or("acts", 4, |form| form.count(1..=TxnWorkload::ACTS_MOST));
    let (read, changes) = fields.read_or("mix", (1, 1), |form| load::two_parts(form, "read", word(change)));
    fields.finish();
    Some(Mixed::new(keys, choice, acts, MixedMix { read, change: changes }, change))
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Append => "append",
        Change::Write => "write",
    }
}

fn write_load(load: &TransactionLoad) -> String {
    match load {
        TransactionLoad::Bank(bank) => {
            let (accounts, balance, parties, BankMix { transfer, audit }) = (bank.accounts(), bank.balance(), bank.parties(), bank.mix());
            format!("Bank(accounts: {accounts}, balance: {balance}, parties: {parties}, mix: (transfer: {transfer}, audit: {audit}))")
        }
        TransactionLoad::Mixed(mixed) => {
            let name = match mixed.change() {
                Change::Append => "Lists",
                Change::Write => "Registers",
            };
            let (keys, choice, acts) = (mixed.keys(), load::write_choice(mixed.choice()), mixed.acts());
            let (MixedMix { read, change }, word) = (mixed.mix(), word(mixed.change()));
            format!("{name}(keys: {keys}{choice}, acts: {acts}, mix: (read: {read}, {word}: {change}))")
        }
    }
}

/// A protocol that carries out transactions. [`Txn`] makes a system of it: with clients, a workload, and judges of what the clients saw.
///
/// *What it owes its clients.* A transaction takes effect as a whole or not at all, and once: a request may come again, to any server,
/// under the same session and number. A protocol that cannot tell a repeated request from a new one sets [`Service::RETRY`] to `false`;
/// then clients ask once. An abort is answered with [`Reply::Refused`](crate::process::Reply::Refused): it is a promise that the
/// transaction never takes effect.
pub trait Transactional: Service<Operation = Transaction, Response = Committed> {
    /// Its name in a scenario: `TwoPhase`.
    const NAME: &'static str;
    /// What it is, in a sentence or two.
    const ABOUT: &'static str;

    /// What runs on servers.
    type Server: Process<Message = Self::Message, Config: Clone>;
    /// Its own fields in a scenario: how many servers of which sort there are, timeouts, ….
    type Settings: Clone + Debug + Send + Sync + 'static;

    /// Reads its own fields, and reports every problem that it finds. Where it can go on after a problem it does, with the usual value, so
    /// that the rest of the file is read too; what has problems is never run.
    fn read(fields: &mut Fields<'_>) -> Option<Self::Settings>;

    /// Its own fields, by name, as [`read`](Self::read) reads them.
    fn write(settings: &Self::Settings) -> Vec<(&'static str, String)>;

    /// How many servers there are.
    fn count(settings: &Self::Settings) -> u32;

    /// How many of the servers, from the first on, take requests: all, unless the protocol says otherwise.
    fn fronts(settings: &Self::Settings) -> u32 {
        Self::count(settings)
    }

    /// What each server is built from, with this planted bug if one is named.
    fn servers(settings: &Self::Settings, mutant: Option<&'static str>) -> Vec<<Self::Server as Process>::Config>;

    /// Its planted bugs and its decoys.
    fn mutants() -> Vec<Mutant> {
        Vec::new()
    }

    /// The properties of its own that its judges report on, next to those of all transactional systems.
    fn properties() -> Vec<Property> {
        Vec::new()
    }

    /// Those who watch a run.
    fn judges(settings: &Self::Settings) -> Vec<Box<dyn Judge<Txn<Self>>>>
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
        let settings = P::read(&mut fields);
        fields.finish();
        Some(TxnConfig { settings: settings?, workload: workload? })
    }

    fn write(config: &Self::Config) -> Written {
        let own: Vec<String> = P::write(&config.settings).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Written { system: format!("{}({})", P::NAME, own.join(", ")), workload: Some(config.workload.write()) }
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: P::count(&config.settings), clients: config.workload.clients }
    }

    fn nodes(config: &Self::Config, mutant: Option<&'static str>) -> Nodes<Self> {
        let servers = P::servers(&config.settings, mutant);
        Nodes { servers, clients: config.workload.configs(P::fronts(&config.settings)) }
    }

    fn judges(config: &Self::Config) -> Vec<Box<dyn Judge<Self>>> {
        P::judges(&config.settings)
    }

    fn judge_history(config: &Self::Config, history: &History<Transaction, Committed>, states: u64) -> Vec<PropertyReport> {
        judge(&config.workload.load, history, states)
    }

    fn spelling(config: &Self::Config) -> Option<Spelling<Transaction, Committed>> {
        Some(spelling::transactions(&config.workload.load))
    }
}

/// Judges what the clients of a transactional system saw under this load, in at most about this many steps. Sums tell nothing of who came
/// before whom, so a bank is judged by its total, and the other loads by the order of what was read and written.
pub fn judge(load: &TransactionLoad, history: &History<Transaction, Committed>, steps: u64) -> Vec<PropertyReport> {
    vec![match load {
        TransactionLoad::Bank(bank) => conservation::judge(bank.accounts(), bank.total(), history),
        TransactionLoad::Mixed(_) => isolation::judge(&ISOLATION, Level::StrictSerializable, history, steps),
    }]
}
