//! The house around transactional protocols, tried with a store on one server: it holds as it is, and the judges see what is planted in it.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use serde::{Deserialize, Serialize};
use stormglass::base::{Act, ClientId, Committed, Duration, NodeId, Seen, Transaction};
use stormglass::check::Verdict;
use stormglass::check::conservation::CONSERVATION;
use stormglass::check::isolation::ISOLATION;
use stormglass::process::{self, Context, Files, NoNote, Process, Reply, Service};
use stormglass::scenario::Scenario;
use stormglass::systems::transactional::{Transactional, Txn};
use stormglass::systems::{Mutant, Registry, System};
use stormglass::world::Outcome;

/// Carries out one transaction after the other, on one server, and logs them on its disk.
struct Single;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Request { session: ClientId, number: u64, transaction: Transaction },
    Answer { session: ClientId, number: u64, reply: Reply<Committed> },
}
impl process::Message for Message {}

impl Service for Single {
    type Message = Message;
    type Operation = Transaction;
    type Response = Committed;

    fn request(session: ClientId, number: u64, operation: &Transaction) -> Message {
        Message::Request { session, number, transaction: operation.clone() }
    }

    fn reply(message: Message) -> Option<(ClientId, u64, Reply<Committed>)> {
        let Message::Answer { session, number, reply } = message else { return None };
        Some((session, number, reply))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// Every tenth amount that an account should receive goes nowhere.
    LosesMoney,
    /// A transaction that must abort leaves what it did so far.
    AppliesHalf,
    /// Changes take time, and whoever asks meanwhile sees what is there.
    ReadsDirty,
    /// A request that comes again is carried out again.
    RunsTwice,
}

#[derive(Clone, Copy, Debug)]
struct Config {
    bug: Option<Bug>,
}

/// Who waits for an answer: the client's node, its session, the number of the request.
type Asker = (NodeId, ClientId, u64);

#[derive(Debug)]
struct Server {
    bug: Option<Bug>,
    keys: BTreeMap<u64, Seen>,
    /// The last transaction of each session, and what became of it.
    answers: BTreeMap<ClientId, (u64, Option<Committed>)>,
    received: u64,
    /// Of a mutant: acts that are still to be done, and who waits for them.
    later: Vec<(Act, Option<Asker>)>,
}

/// The next act is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Next;

const ACT: Duration = Duration::from_millis(1);

impl Process for Server {
    type Config = Config;
    type Message = Message;
    type Timer = Next;
    type Note = NoNote;

    fn boot(config: &Config, disk: &Files, _: &mut Context<'_, Self>) -> Self {
        let Config { bug } = *config;
        let mut server = Self { bug, keys: BTreeMap::new(), answers: BTreeMap::new(), received: 0, later: Vec::new() };
        for (session, number, transaction) in disk.records::<(ClientId, u64, Transaction)>("log") {
            server.execute(session, number, &transaction);
        }
        server
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        let Message::Request { session, number, transaction } = message else { return };
        let known = self.answers.get(&session).map_or(0, |(last, _)| *last);
        if number < known {
            return;
        }
        let changes = !transaction.acts.iter().any(Act::is_read);
        if self.bug == Some(Bug::ReadsDirty) && changes && number > known {
            self.answers.insert(session, (number, Some(Committed::default())));
            self.later.extend(transaction.acts.iter().map(|act| (*act, None)));
            self.later.last_mut().expect("a transfer has acts").1 = Some((from, session, number));
            return context.set_timer(Next, ACT);
        }
        if number > known || self.bug == Some(Bug::RunsTwice) {
            context.append_record("log", &(session, number, &transaction));
            self.execute(session, number, &transaction);
        }
        self.answer(from, session, number, context);
    }

    fn on_timer(&mut self, Next: Next, context: &mut Context<'_, Self>) {
        if self.later.is_empty() {
            return;
        }
        let (act, waiting) = self.later.remove(0);
        self.act(&act);
        if let Some((client, session, number)) = waiting {
            self.answer(client, session, number, context);
        }
        context.set_timer(Next, ACT);
    }
}

impl Server {
    fn answer(&self, client: NodeId, session: ClientId, number: u64, context: &mut Context<'_, Self>) {
        let (_, committed) = &self.answers[&session];
        let reply = committed.clone().map_or(Reply::Refused, Reply::Done);
        context.send_when_durable(client, Message::Answer { session, number, reply });
    }

    fn execute(&mut self, session: ClientId, number: u64, transaction: &Transaction) {
        let before = self.keys.clone();
        let mut seen = Some(Vec::new());
        for act in &transaction.acts {
            if let Act::Read { key } = act {
                let found = self.keys.get(key).cloned().unwrap_or(Seen::Empty);
                seen.as_mut().expect("the loop ends where it is taken").push(found);
            } else if !self.act(act) {
                seen = None;
                break;
            }
        }
        if seen.is_none() && self.bug != Some(Bug::AppliesHalf) {
            self.keys = before;
        }
        self.answers.insert(session, (number, seen.map(|seen| Committed { seen })));
    }

    /// Does one act; says whether it could.
    fn act(&mut self, act: &Act) -> bool {
        let held = self.keys.entry(act.key()).or_insert(Seen::Empty);
        match (act, &mut *held) {
            (Act::Read { .. }, _) => {}
            (Act::Write { value, .. }, _) => *held = Seen::Number(*value),
            (Act::Append { value, .. }, Seen::List(list)) => list.push(*value),
            (Act::Append { value, .. }, _) => *held = Seen::List(vec![*value]),
            (Act::Add { amount, .. }, _) => {
                let number = if let Seen::Number(number) = held { *number } else { 0 };
                if number + amount < 0 {
                    return false;
                }
                self.received += u64::from(*amount > 0);
                let lost = self.bug == Some(Bug::LosesMoney) && *amount > 0 && self.received.is_multiple_of(10);
                *held = Seen::Number(if lost { number } else { number + amount });
            }
        }
        true
    }
}

impl Transactional for Single {
    const NAME: &'static str = "Single";
    const ABOUT: &'static str = "transactions on one server, one after the other";

    type Server = Server;
    type Settings = ();

    fn count((): &()) -> u32 {
        1
    }

    fn servers((): &(), mutants: &[&'static str]) -> Vec<Config> {
        let bug = mutants.first().map(|mutant| match *mutant {
            "single/loses-money" => Bug::LosesMoney,
            "single/applies-half" => Bug::AppliesHalf,
            "single/reads-dirty" => Bug::ReadsDirty,
            _ => Bug::RunsTwice,
        });
        vec![Config { bug }]
    }

    fn mutants() -> Vec<Mutant> {
        fn planted(name: &'static str) -> Mutant {
            Mutant { name, property: Some(CONSERVATION.name), about: "see `Bug`", source: "this file", needs: &[], rules: () }
        }
        ["single/loses-money", "single/applies-half", "single/reads-dirty", "single/runs-twice"].map(planted).to_vec()
    }
}

fn scenario(load: &str, more: &str) -> Scenario {
    let text = format!(
        r#"Scenario(
            name: "one server",
            system: Single(),
            network: (latency: Uniform("1ms", "5ms"), loss: "2/100", duplicate: "2/100"),
            disk: (sync: Uniform("500us", "5ms")),
            workload: (clients: 4, load: {load}, rate: "200/s"),
            duration: "5s",
            settle: "5s",
            {more}
        )"#
    );
    Scenario::from_ron(&text, &registry()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn registry() -> Registry {
    Registry::new().with::<Txn<Single>>()
}

const CRASHES: &str = "faults: [Every(\"300ms..1s\", Crash(node: n1, down: \"1ms..500ms\"))],";
const BANK: &str = "Bank(accounts: 4, balance: 20)";

#[test]
fn a_serial_store_holds_under_every_load() {
    for load in [BANK, "Bank()", "Lists()", "Registers(keys: 3, choice: Zipf(\"0.99\"), acts: 6, mix: (read: 3, write: 1))"] {
        for seed in 0..10 {
            scenario(load, CRASHES).assert_holds(seed);
        }
    }
}

/// The load is one: transfers commit and abort, and clients time out and ask again.
#[test]
fn the_bank_is_busy() {
    let outcome = scenario(BANK, CRASHES).run(1);
    let operations = outcome.operations;
    assert!(operations.completed > 300 && operations.failed > 20 && operations.unknown < operations.completed / 10, "{operations:?}");
    let retried = outcome.sometimes.iter().find(|mark| mark.name == "client retried").map_or(0, |mark| mark.count);
    assert!(retried > 20, "{retried}");
}

fn verdict(outcome: &Outcome, property: &str) -> Verdict {
    outcome.properties.iter().find(|report| report.name == property).expect("it is judged").verdict
}

#[test]
fn conservation_sees_what_money_shows() {
    for mutant in ["single/loses-money", "single/applies-half", "single/reads-dirty"] {
        let planted = scenario(BANK, &format!("mutant: \"{mutant}\","));
        for seed in 0..10 {
            assert_eq!(verdict(&planted.run(seed), CONSERVATION.name), Verdict::Violated, "{mutant} under seed {seed}");
        }
    }
}

/// A transfer that is carried out twice keeps the total; a list shows it.
#[test]
fn isolation_sees_what_lists_and_registers_show() {
    for (load, mutant) in
        [("Lists(keys: 3)", "single/reads-dirty"), ("Lists(keys: 3)", "single/runs-twice"), ("Registers(keys: 3)", "single/runs-twice")]
    {
        let planted = scenario(load, &format!("mutant: \"{mutant}\","));
        for seed in 0..10 {
            assert_eq!(verdict(&planted.run(seed), ISOLATION.name), Verdict::Violated, "{mutant} under seed {seed}, {load}");
        }
    }
    for seed in 0..10 {
        let planted = scenario(BANK, "mutant: \"single/runs-twice\",");
        assert_eq!(verdict(&planted.run(seed), CONSERVATION.name), Verdict::Holds);
    }
}

/// A scenario can name both, and each load is judged by one.
#[test]
fn each_load_is_judged_by_what_it_can_show() {
    assert_eq!(Txn::<Single>::properties(), [CONSERVATION, ISOLATION]);
    for (load, judged) in [(BANK, CONSERVATION.name), ("Lists()", ISOLATION.name), ("Registers()", ISOLATION.name)] {
        let outcome = scenario(load, "").run(0);
        assert_eq!(
            outcome
                .properties
                .iter()
                .filter(|report| [CONSERVATION.name, ISOLATION.name].contains(&report.name))
                .map(|r| r.name)
                .collect::<Vec<_>>(),
            [judged]
        );
    }
}

#[test]
fn workloads_are_written_as_they_are_read() {
    for load in [
        "Bank(accounts: 4, balance: 20, parties: 2, mix: (transfer: 1, audit: 2))",
        "Lists(keys: 3, choice: Zipf(\"0.99\"), acts: 6, mix: (read: 3, append: 1))",
        "Registers(keys: 8, choice: Uniform, acts: 4, mix: (read: 1, write: 0))",
    ] {
        let once = scenario(load, "").to_ron();
        let load = format!("load: {load}");
        assert!(once.contains(&load), "{load} is not in\n{once}");
        let again = Scenario::from_ron(&once, &registry()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(again.to_ron(), once);
    }
}

#[track_caller]
fn refused(load: &str, expected: &Expect) {
    let text = format!("Scenario(\n    name: \"wrong\",\n    system: Single(),\n    workload: (load: {load}),\n    duration: \"1s\",\n)\n");
    let problems = Scenario::from_ron(&text, &registry()).err().unwrap_or_else(|| panic!("{load} is taken"));
    expected.assert_eq(&problems.to_string());
}

#[test]
fn wrong_loads_are_refused_with_their_place() {
    refused(
        "Shop()",
        &expect![[r#"
        error: expected a load, found `Shop`
         --> scenario:4:22
          |
        4 |     workload: (load: Shop()),
          |                      ^^^^
          |
          = help: known here: Bank, Lists, Registers
    "#]],
    );
    refused(
        "Bank(accounts: 1)",
        &expect![[r#"
        error: expected a whole number from 2 to 1000, found the number `1`
         --> scenario:4:37
          |
        4 |     workload: (load: Bank(accounts: 1)),
          |                                     ^
    "#]],
    );
    refused(
        "Bank(accounts: 4, parties: 5, mix: (transfer: 0, audit: 0))",
        &expect![[r#"
            error: expected a whole number from 2 to 4, found the number `5`
             --> scenario:4:49
              |
            4 |     workload: (load: Bank(accounts: 4, parties: 5, mix: (transfer: 0, audit: 0))),
              |                                                 ^

            error: nothing to do: all parts of the mix are zero
             --> scenario:4:57
              |
            4 |     workload: (load: Bank(accounts: 4, parties: 5, mix: (transfer: 0, audit: 0))),
              |                                                         ^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: for example (transfer: 4, audit: 1)
        "#]],
    );
    refused(
        "Lists(acts: 0, mix: (write: 1))",
        &expect![[r#"
            error: expected a whole number from 1 to 1000, found the number `0`
             --> scenario:4:34
              |
            4 |     workload: (load: Lists(acts: 0, mix: (write: 1))),
              |                                  ^

            error: nothing to do: all parts of the mix are zero
             --> scenario:4:42
              |
            4 |     workload: (load: Lists(acts: 0, mix: (write: 1))),
              |                                          ^^^^^^^^^^
              |
              = help: for example (read: 1, append: 1)

            error: there is no field `write` here
             --> scenario:4:43
              |
            4 |     workload: (load: Lists(acts: 0, mix: (write: 1))),
              |                                           ^^^^^
              |
              = help: known here: read, append
        "#]],
    );
    refused(
        "Registers(choice: Skewed)",
        &expect![[r#"
        error: expected a choice of keys, found `Skewed`
         --> scenario:4:40
          |
        4 |     workload: (load: Registers(choice: Skewed)),
          |                                        ^^^^^^
          |
          = help: known here: Uniform, Zipf
    "#]],
    );
}
