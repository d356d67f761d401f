//! `Registry`: service discovery, with leases, watches and health checks.
//!
//! ```ron
//! system: Registry(nodes: 3, lease: "10s", checks: Probes),
//! workload: (clients: 6, services: 2, think: "10ms..100ms", mix: (list: 4, peek: 2, look: 2, update: 2, leave: 1)),
//! ```
//!
//! Each client runs an instance of a service, registers it under a lease, watches services, and looks for instances.

mod tenant;

use super::load::{MOST, Mixed, PARTS};
use super::probes::{OF_RAFT, RaftProbe};
use super::raft_kv::{ELECTION_TIMEOUT, timeouts_fit};
use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::base::{Duration, DurationRange, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{
    Count, CountUpTo, Flag, Form, Given, Length, LengthRange, Maybe, OneOf, PositiveLength, Setting, Settings, Timed, joined, settings,
};
use crate::protocols::registry::properties::{self, Demands, RegistryJudge};
use crate::protocols::registry::{self, Checking, Message, Operation, Response, Server, Style};
use crate::systems::load::Traffic;
use crate::trace::Judge;
use crate::world::{Cluster, Conditions, Reached};

pub use tenant::{RegistryStep, Tenant, TenantConfig};

/// A registry of services, with clients whose instances it knows.
#[derive(Clone, Copy, Debug)]
pub struct ServiceRegistry;

/// Its part of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryConfig {
    /// The servers, and how leases, watches and checks are.
    pub settings: RegistrySettings,
    /// When clients do something, and how long they wait.
    pub traffic: Traffic,
    /// What they do.
    pub load: RegistryLoad,
}

settings! {
    /// What the registry has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RegistrySettings {
        /// How many servers there are.
        nodes: u32 = 3, Count(1..=99);
        /// How long a server waits for a leader before it campaigns: drawn anew each time.
        election_timeout: DurationRange = registry::Config::of(1).election_timeout, Timed(LengthRange, ELECTION_TIMEOUT);
        /// How often a leader shows that it lives: shorter than every election timeout. Keep-alives wait for it to prove that it leads.
        heartbeat: Duration = registry::Config::of(1).heartbeat, PositiveLength;
        /// How many log entries one message carries at most.
        batch: u32 = registry::Config::of(1).batch, Count(1..=100_000);
        /// How long a lease lasts when it is not kept alive.
        lease: Duration = Duration::from_secs(10), PositiveLength;
        /// How often a holder keeps its lease alive. At a third of its length two may be lost.
        keep_alive: Duration = lease / 3, PositiveLength;
        /// How many changes are remembered for watchers.
        history: u32 = registry::Config::of(1).history, Count(1..=10_000_000);
        /// How often a server looks for what is due: leases, checks, watchers who are to be told that nothing has happened.
        tick: Duration = registry::Config::of(1).tick, PositiveLength;
        /// After how long watchers are told that nothing has happened. They say twice as rarely that they watch, and leave a server
        /// that is silent for as long.
        progress: Duration = registry::Config::of(1).progress, PositiveLength;
        /// How often a server asks its leader how current its state is: by that answers from any server tell their age.
        refresh: Duration = registry::Config::of(1).refresh, PositiveLength;
        /// Whether clients watch: else they list once what they look for, and keep that.
        watch: bool = true, Flag;
        /// Whether a watch goes on from the revision that its client has seen; else it lists anew where it comes to another server.
        resumes: bool = true, Flag;
        /// How instances are checked.
        checks: Checks = Checks::Off, OneOf("a way of checking", &CHECKS);
        /// How often an instance is checked.
        check_every: Duration = Duration::from_secs(1), PositiveLength;
        /// After how many checks gone wrong in a row it is critical; after the first it is a warning.
        failures: u32 = 3, Count(1..=1000);
        /// How long it is critical before it is deregistered.
        deregister_after: Duration = Duration::from_secs(5), Length;
        /// Whether no lease may expire of a node that lives.
        lasting: bool = false, Flag;
        /// How old what clients find in their caches may be at most; without it, as old as it says.
        cache_max: Option<Duration> = None, Maybe(PositiveLength);
        /// Within which time an instance that is not well must be gone; without it, within what the checks promise, if there are any.
        sick_max: Option<Duration> = None, Maybe(PositiveLength);
    }
}

settings! {
    /// What clients of a registry do.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RegistryLoad {
        /// How many services there are. Each client runs an instance of one.
        services: u32 = 2, Count(1..=MOST);
        /// How many services each client watches.
        watches: u32 = 1, CountUpTo(1..=services, "services");
        /// How old an answer from any server may be.
        age_max: Duration = Duration::from_secs(5), PositiveLength;
        /// So many parts of each thing to do.
        mix: RegistryMix = RegistryMix { list: 4, peek: 3, look: 2, update: 2, leave: 1, revoke: 0, sicken: 0 },
            Mixed::<RegistryMix>::like("(list: 4, update: 1)");
    }
}

settings! {
    /// What clients do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RegistryMix {
        /// How many parts list a service: what they find is current.
        list: u32 = 0, PARTS;
        /// How many parts ask any server for a service: what they find has an age.
        peek: u32 = 0, PARTS;
        /// How many parts look into the cache of a service that is watched.
        look: u32 = 0, PARTS;
        /// How many parts register the own instance anew, with another weight.
        update: u32 = 0, PARTS;
        /// How many parts deregister the own instance, or register it again.
        leave: u32 = 0, PARTS;
        /// How many parts give the own lease back, with all that goes with it, and ask for another.
        revoke: u32 = 0, PARTS;
        /// How many parts make the own instance ill, or well again: it keeps its lease alive all the same.
        sicken: u32 = 0, PARTS;
    }
}

/// How instances are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Not at all: an instance is there as long as its lease.
    Off,
    /// The leader asks.
    Probes,
    /// The instance reports.
    Reports,
}

const CHECKS: [(&str, &str, Checks); 3] = [
    ("Off", "Not at all: an instance is there as long as its lease.", Checks::Off),
    ("Probes", "The leader asks each instance how it is.", Checks::Probes),
    ("Reports", "Each instance reports to the leader how it is.", Checks::Reports),
];

impl RegistrySettings {
    fn checking(&self) -> Option<Checking> {
        let style = match self.checks {
            Checks::Off => return None,
            Checks::Probes => Style::Probe,
            Checks::Reports => Style::Report,
        };
        Some(Checking { style, every: self.check_every, failures: self.failures, deregister_after: self.deregister_after })
    }

    fn server(&self, mutants: &[&'static str]) -> registry::Config {
        registry::Config {
            servers: self.nodes,
            election_timeout: self.election_timeout,
            heartbeat: self.heartbeat,
            batch: self.batch,
            history: self.history,
            tick: self.tick,
            progress: self.progress,
            refresh: self.refresh,
            checking: self.checking(),
            rules: registry::rules_of(mutants),
        }
    }

    /// What is demanded of a registry with these settings, with clocks that drift so far.
    fn demands(&self, drift_ppm: u32) -> Demands {
        Demands {
            drift_ppm,
            lease: self.lease,
            keep_alive: self.keep_alive,
            lasting: self.lasting,
            tick: self.tick,
            election_max: self.election_timeout.high(),
            progress: self.progress,
            sick_max: self.sick_max.or_else(|| self.checking().map(|checking| checking.bound())),
            cache_max: self.cache_max,
        }
    }

    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        timeouts_fit(self.election_timeout, self.heartbeat, given);
        lease_fits(self.lease, self.keep_alive, self.heartbeat, given);
    }
}

/// Reports a lease that ends before it can be kept alive.
pub(super) fn lease_fits(lease: Duration, keep_alive: Duration, heartbeat: Duration, given: &Given<'_>) {
    let complain = |names: &[&str], problem: String, label: &str, help: &str| {
        if let Some(form) = given.complain(names) {
            form.report(form.problem(problem).label(label).help(help));
        }
    };
    if lease <= heartbeat {
        let problem = format!("a lease of {lease} is over by the next heartbeat, {heartbeat}");
        let label = "before a keep-alive is answered, a heartbeat proves that its server leads";
        complain(&["lease", "heartbeat"], problem, label, "make the lease ten times as long as the heartbeat, or longer");
    } else if keep_alive >= lease {
        let problem = format!("a lease of {lease} is kept alive every {keep_alive}, when it is over");
        complain(&["keep_alive", "lease"], problem, "it would end before", "make keep_alive a third of the lease, or less");
    }
}

impl RegistryConfig {
    fn tenant(&self, mutants: &[&'static str]) -> TenantConfig {
        let Self { settings, traffic, load } = self;
        let client = traffic.configs(settings.nodes, ()).remove(0);
        let agent = registry::AgentConfig {
            servers: settings.nodes,
            lease: settings.lease,
            keep_alive: settings.keep_alive,
            request_timeout: client.patience.request_timeout,
            operation_timeout: client.patience.operation_timeout,
            pause: client.patience.pause,
            renew: settings.progress * 2,
            resumes: settings.resumes,
            report: (settings.checks == Checks::Reports).then_some(settings.check_every),
            rules: registry::rules_of(mutants),
        };
        TenantConfig { agent, pace: client.pace, clients: client.clients, watch: settings.watch, load: load.clone() }
    }
}

impl Cluster for ServiceRegistry {
    type Message = Message;
    type Operation = Operation;
    type Response = Response;
    type Server = Server;
    type Client = Tenant;

    fn fingerprint(server: &Server) -> Option<u64> {
        Some(server.raft().fingerprint())
    }

    fn reached(server: &Server) -> Option<Reached> {
        Some(Reached { count: server.raft().applied(), of: "applied entries" })
    }

    fn unsettled(server: &Server) -> Option<String> {
        server.unsettled()
    }
}

impl System for ServiceRegistry {
    const NAME: &'static str = "Registry";
    const ABOUT: &'static str = "service discovery: instances under leases that are kept alive, look-ups that are current or tell their age, \
                                 watches from a revision, health checks, on a log replicated by Raft";

    type Config = RegistryConfig;

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.to_vec()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[registry::MUTANTS, registry::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<RegistryConfig> {
        let mut config = RegistryConfig::default();
        let mut is_readable = true;
        if let Some(form) = workload {
            match form.fields() {
                Some(mut fields) => {
                    let (traffic, given) = Traffic::read(&mut fields);
                    traffic.fits(&given);
                    let (load, _) = RegistryLoad::read(&mut fields);
                    fields.finish();
                    (config.traffic, config.load) = (traffic, load);
                }
                None => is_readable = false,
            }
        }
        let mut fields = system.fields()?;
        let (settings, given) = RegistrySettings::read(&mut fields);
        settings.fits(&given);
        fields.finish();
        is_readable.then_some(RegistryConfig { settings, ..config })
    }

    fn write(config: &RegistryConfig) -> Written {
        let workload = joined([config.traffic.written(), config.load.written()]);
        Written { system: format!("Registry({})", config.settings.written()), workload: Some(format!("({workload})")) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, RegistrySettings::declared()), ("workload", [Traffic::declared(), RegistryLoad::declared()].concat())]
    }

    fn population(config: &RegistryConfig) -> Population {
        Population { servers: config.settings.nodes, clients: config.traffic.clients }
    }

    fn nodes(config: &RegistryConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let server = config.settings.server(mutants);
        Nodes {
            servers: vec![server; config.settings.nodes as usize],
            clients: vec![config.tenant(mutants); config.traffic.clients as usize],
        }
    }

    fn judged(config: &RegistryConfig, conditions: &Conditions) -> Vec<Property> {
        let demands = config.settings.demands(conditions.clocks.drift_ppm);
        properties::PROPERTIES.into_iter().filter(|property| demands.asks_for(property)).collect()
    }

    fn promises(config: &RegistryConfig, conditions: &Conditions) -> Vec<(&'static str, Duration)> {
        config.settings.demands(conditions.clocks.drift_ppm).promises()
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_steps())
    }

    fn metrics() -> Vec<Metric> {
        OF_RAFT.to_vec()
    }

    fn probes(_: &RegistryConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(RaftProbe::new(|note: &registry::Note| if let registry::Note::Raft(note) = note { Some(note) } else { None }))]
    }

    fn judges(config: &RegistryConfig, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let demands = config.settings.demands(conditions.clocks.drift_ppm);
        vec![Box::new(RegistryJudge::new(config.settings.nodes, demands))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that `explain` prints are those that the judge goes by.
    #[test]
    fn the_bounds_that_are_told_are_those_that_are_judged() {
        let demands = RegistrySettings { checks: Checks::Probes, ..RegistrySettings::default() }.demands(0);
        let told = |name: &str| properties::PROPERTIES.iter().find(|property| property.name == name).map_or("", |property| property.about);
        let rounded = |bound: Duration| Duration::from_millis(bound.as_nanos() / 1_000_000);
        assert!(told("dead-gone").contains(&format!("{})", rounded(demands.dead_max()))), "{}", demands.dead_max());
        let sick = demands.sick_gone().expect("there are checks");
        assert!(told("sick-gone").contains(&format!("{})", rounded(sick))), "{sick}");
    }

    /// A property that asks for nothing says nothing.
    #[test]
    fn what_is_not_asked_for_is_not_judged() {
        let judged = |settings| ServiceRegistry::judged(&RegistryConfig { settings, ..RegistryConfig::default() }, &Conditions::default());
        let names = |settings| judged(settings).iter().map(|property| property.name).collect::<Vec<_>>();
        let without = names(RegistrySettings::default());
        assert!(["lease-lasts", "sick-gone", "cache-bound"].iter().all(|name| !without.contains(name)));
        let cache_max = Some(Duration::from_secs(1));
        let all = names(RegistrySettings { lasting: true, checks: Checks::Reports, cache_max, ..RegistrySettings::default() });
        assert_eq!(all.len(), properties::PROPERTIES.len());
    }
}
