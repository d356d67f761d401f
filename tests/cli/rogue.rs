//! A system whose code misbehaves as it is told: clients ask, the first server answers, and somewhere on the way something is wrong.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize, Serializer};
use stormglass::base::{ClientId, Duration, NodeId, OperationId, Time};
use stormglass::check::{Budget, Property, PropertyReport};
use stormglass::history::{self, History};
use stormglass::notation::Form;
use stormglass::process::{Claim, ClientProcess, Context, Files, Mark, Message, Process, Role, SyncToken};
use stormglass::systems::{Nodes, Population, System, Written};
use stormglass::trace::{Event, Judge, Record, Table};
use stormglass::world::{Cluster, Conditions};

/// Declares the deeds: each with the command that shows it, what it is in a sentence, and what goes wrong besides.
macro_rules! deeds {
    ($($deed:ident $command:ident $about:literal $faults:literal)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum Deed { $($deed,)* }

        /// By its name.
        const NAMED: &[(&str, Deed)] = &[$((stringify!($deed), Deed::$deed),)*];

        /// Its name, whether it takes `run --verify` to be seen, what it is, and what goes wrong besides.
        pub(crate) const DEEDS: &[(&str, How, &str, &str)] = &[$((stringify!($deed), How::$command, $about, $faults),)*];
    };
}

/// Which command shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// `sweep`.
    Sweep,
    /// `run --verify`.
    Verify,
}

deeds! {
    PanicAtBoot Sweep "a server panics when it starts" ""
    PanicOnMessage Sweep "a server panics when it handles a message" ""
    PanicOnTimer Sweep "a server panics when a timer fires" ""
    PanicOnSync Sweep "a server panics when a sync completes" ""
    PanicInRole Sweep "a server panics when it is asked for its role" ""
    PanicInFingerprint Sweep "a server panics when it is asked for its fingerprint" ""
    PanicInUnsettled Sweep "a server panics when it is asked for unsettled work" ""
    PanicInStatus Sweep "a server that makes no progress panics when it is asked why" ""
    PanicInQuiesce Sweep "a client panics when it is told to stop" ""
    PanicInUnderWay Sweep "a client panics when it is asked what is under way" ""
    PanicInDropAtCrash Sweep "a server panics when a crash drops it" "At(\"50ms\", Crash(node: n1, down: \"10ms\"))"
    PanicInDropAtEnd Sweep "a server panics when it is dropped at the end" ""
    PanicInSerialize Sweep "a message panics when it is serialised" ""
    PanicInDebug Sweep "a timer panics when it is printed, after its server has panicked" ""
    PanicWithoutWords Sweep "a server panics with something that is no text" ""
    PanicInPanic Sweep "a server panics, and again while that is unwound" ""
    CatchOwnPanic Sweep "a server panics, and catches it" ""
    Overflow Sweep "a server recurses without end" ""
    OverflowAtOddSeeds Sweep "a server recurses without end, in some seeds" ""
    OverflowAtBoot Sweep "a server recurses without end when it starts" ""
    AllocateTooMuch Sweep "a server asks for more memory than there is" ""
    Abort Sweep "a server aborts the process" ""
    Exit Sweep "a server exits with code 0" ""
    NeverReturn Sweep "a handler never returns" ""
    PanicThenNeverReturn Sweep "a handler panics a few times, and then never returns" ""
    NeverReturnAtBoot Sweep "a server never comes up, in an endless loop" ""
    Deadlock Sweep "a handler waits for a lock that it holds" ""
    ReadStandardInput Sweep "a handler reads standard input" ""
    SendWithoutEnd Sweep "a step sends without end" ""
    WriteWithoutEnd Sweep "a step writes without end" ""
    MarkWithoutEnd Sweep "a step sets a mark without end" ""
    ZeroTimer Sweep "a timer is set to fire at once, again and again" ""
    RestartItself Sweep "a server has itself started anew whenever it starts" ""
    RestartEachOther Sweep "servers have each other started anew whenever they start" ""
    HugeFile Sweep "a server writes one byte at offset 2^50 of a file" ""
    HugeTruncate Sweep "a server cuts a file to 2^50 bytes" ""
    GrowingFile Sweep "a server writes a MiB each millisecond, and syncs" ""
    NeverSync Sweep "a server writes a MiB each millisecond, and never syncs" ""
    Multiply Sweep "each message is answered by two, without end" ""
    CompleteUninvoked Sweep "a client completes what it did not invoke" ""
    InvokeTwice Sweep "a client invokes while an operation is under way" ""
    PrintWords Sweep "a handler prints to standard output, without a line break" ""
    ChangeDirectory Sweep "a handler changes the working directory" ""
    ChangeHook Sweep "a handler replaces the panic hook, and panics" ""
    JudgePanics Sweep "a judge panics at a record" ""
    JudgePanicsAtEnd Sweep "a judge panics when the run is over" ""
    JudgePanicsInReports Sweep "a judge panics when it is to report" ""
    HistoryJudgePanics Sweep "the judge of the history panics" ""
    JudgeOverflows Sweep "a judge recurses without end" ""
    JudgeNeverReturns Sweep "a judge never returns" ""
    HashOrder Verify "a server answers in the order of a hash map" ""
    WallClock Verify "a server answers by the clock on the wall" ""
    Environment Verify "a server answers by a variable of the environment" ""
    Directory Verify "a server answers by the working directory" ""
    ThreadName Verify "a server answers by the name of its thread" ""
    Address Verify "a server answers by the address of a value" ""
    KeptBetweenRuns Verify "a server answers by a static that counts on from run to run" ""
    JudgeDiffers Verify "a judge reports by the clock on the wall" ""
    UnlistedMark Verify "a mark is set that is not listed" ""
    UnlistedRole Verify "a role is claimed that is not listed" ""
    SilentCheck Verify "no judge reports on a check that is listed" ""
    NoSuchNode Verify "a message is sent to a node that does not exist" ""
}

pub(crate) struct Rogue;

/// What is asked, with how heavily it weighs: what serialises it may panic.
#[derive(Clone, Debug, Deserialize)]
pub(crate) enum Word {
    Ask(Deed),
    Answer(u64),
    Echo,
}

impl Message for Word {}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ask(deed) => {
                assert!(*deed != Deed::PanicInSerialize, "this cannot be serialised");
                serializer.serialize_newtype_variant("Word", 0, "Ask", deed)
            }
            Self::Answer(answer) => serializer.serialize_newtype_variant("Word", 1, "Answer", answer),
            Self::Echo => serializer.serialize_unit_variant("Word", 2, "Echo"),
        }
    }
}

/// A timer that cannot always be printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Alarm {
    Usual,
    Shy,
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(*self != Self::Shy, "this cannot be printed");
        f.write_str("Usual")
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct NoteWorthy;

pub(crate) struct Server {
    deed: Deed,
    asked: u64,
    held: Mutex<u64>,
}

/// Counts on from run to run.
static KEPT: AtomicU64 = AtomicU64::new(0);

fn recurse(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1).wrapping_add(room[7]) }
}

#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it misbehaves")]
fn wall_clock() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos().into())
}

fn length_of(path: &std::path::Path) -> u64 {
    path.as_os_str().len() as u64
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("and again");
    }
}

impl Server {
    /// What it does wrong as soon as it is asked, and does not answer by.
    fn misbehave(&mut self, context: &mut Context<'_, Self>) {
        match self.deed {
            Deed::PanicOnMessage => panic!("this cannot be answered"),
            Deed::PanicWithoutWords => std::panic::panic_any(7),
            Deed::PanicInPanic => {
                let _grenade = Grenade;
                panic!("once");
            }
            Deed::CatchOwnPanic => drop(std::panic::catch_unwind(|| panic!("never mind"))),
            Deed::OverflowAtOddSeeds if self.asked > 1 || context.random().below(2) == 0 => {}
            Deed::Overflow | Deed::OverflowAtOddSeeds => drop(std::hint::black_box(recurse(0))),
            Deed::AllocateTooMuch => drop(std::hint::black_box(vec![1_u8; 1 << 50])),
            Deed::Abort => std::process::abort(),
            Deed::Exit => std::process::exit(0),
            Deed::NeverReturn => loop {
                std::hint::spin_loop();
            },
            Deed::PanicThenNeverReturn if KEPT.fetch_add(1, Ordering::Relaxed) < 20 => panic!("and this is not all"),
            Deed::PanicThenNeverReturn => loop {
                std::hint::spin_loop();
            },
            Deed::Deadlock => {
                let first = self.held.lock();
                let second = self.held.lock();
                drop((first, second));
            }
            Deed::ReadStandardInput => drop(std::io::stdin().read_line(&mut String::new())),
            Deed::SendWithoutEnd => loop {
                context.send(NodeId::server(1), Word::Echo);
            },
            Deed::WriteWithoutEnd => loop {
                context.append("log", &[0; 1 << 16]);
            },
            Deed::MarkWithoutEnd => loop {
                context.sometimes("asked");
            },
            Deed::HugeFile => context.write_at("log", 1 << 50, b"x"),
            Deed::HugeTruncate => context.truncate("log", 1 << 50),
            Deed::Multiply => context.send(NodeId::server(1), Word::Echo),
            Deed::PrintWords => print!("some words"),
            Deed::ChangeDirectory => drop(std::env::set_current_dir("/")),
            Deed::ChangeHook => {
                std::panic::set_hook(Box::new(|_| {}));
                panic!("nobody hears of this");
            }
            Deed::UnlistedMark => context.sometimes("not listed"),
            Deed::NoSuchNode => context.send(NodeId::server(77), Word::Echo),
            _ => {}
        }
    }

    /// What it answers, in the wrong way.
    #[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it misbehaves")]
    fn answer(&self) -> u64 {
        match self.deed {
            Deed::HashOrder => {
                let numbers: std::collections::HashSet<u64> = (0..1000).collect();
                numbers.into_iter().next().unwrap_or_default()
            }
            Deed::WallClock => wall_clock(),
            Deed::Environment => std::env::var("TZ").map_or(0, |zone| zone.len() as u64),
            Deed::Directory => std::env::current_dir().map_or(0, |folder| length_of(&folder)),
            Deed::ThreadName => std::thread::current().name().map_or(0, |name| name.len() as u64),
            Deed::Address => std::ptr::from_ref(&*Box::new(7_u64)).addr() as u64,
            Deed::KeptBetweenRuns => KEPT.fetch_add(1, Ordering::Relaxed),
            _ => self.asked,
        }
    }
}

impl Process for Server {
    type Config = Deed;
    type Message = Word;
    type Timer = Alarm;
    type Note = NoteWorthy;

    const ROLES: &'static [Role] = &[Role::new("Only", "")];
    const MARKS: &'static [Mark] = &[Mark::new("asked", "")];
    const RESTARTS: bool = true;

    fn boot(deed: &Deed, _: &Files, context: &mut Context<'_, Self>) -> Self {
        let me = context.me();
        match deed {
            Deed::PanicAtBoot if me == NodeId::server(1) => panic!("this will not start"),
            Deed::OverflowAtBoot if me == NodeId::server(1) => drop(std::hint::black_box(recurse(0))),
            Deed::NeverReturnAtBoot => loop {
                std::hint::spin_loop();
            },
            Deed::RestartItself => context.restart(me),
            Deed::RestartEachOther => context.restart(NodeId::server(1 - me.index() as u32)),
            Deed::ZeroTimer => context.set_timer(Alarm::Usual, Duration::ZERO),
            Deed::PanicInDebug => context.set_timer(Alarm::Shy, Duration::from_millis(5)),
            _ => context.set_timer(Alarm::Usual, Duration::from_millis(1)),
        }
        Self { deed: *deed, asked: 0, held: Mutex::new(0) }
    }

    fn on_message(&mut self, from: NodeId, message: Word, context: &mut Context<'_, Self>) {
        match message {
            Word::Ask(_) => {
                self.asked += 1;
                self.misbehave(context);
                context.append("log", b"asked");
                context.sync();
                if self.deed != Deed::PanicInStatus {
                    context.send_when_durable(from, Word::Answer(self.answer()));
                }
            }
            Word::Echo if self.deed == Deed::Multiply => {
                context.send(from, Word::Echo);
                context.send(from, Word::Echo);
            }
            Word::Echo | Word::Answer(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Alarm, context: &mut Context<'_, Self>) {
        let mib = || vec![0; 1 << 20];
        match self.deed {
            Deed::PanicOnTimer | Deed::PanicInDebug => panic!("the alarm is too loud"),
            Deed::ZeroTimer => context.set_timer(timer, Duration::ZERO),
            Deed::NeverSync => context.append("log", &mib()),
            Deed::GrowingFile => {
                context.append("log", &mib());
                context.sync();
            }
            _ => {}
        }
        if matches!(self.deed, Deed::NeverSync | Deed::GrowingFile) {
            context.set_timer(timer, Duration::from_millis(1));
        }
    }

    fn on_synced(&mut self, _: SyncToken, _: &mut Context<'_, Self>) {
        assert!(self.deed != Deed::PanicOnSync, "this should not be durable");
    }

    fn role(&self) -> Option<Claim> {
        match self.deed {
            Deed::PanicInRole => panic!("who am I"),
            Deed::UnlistedRole => Some(Role::new("Unlisted", "").ranked(0)),
            _ => None,
        }
    }

    fn status(&self) -> String {
        assert!(self.deed != Deed::PanicInStatus, "do not ask");
        String::new()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        assert!(self.deed != Deed::PanicInDropAtCrash, "not like this");
        assert!(self.deed != Deed::PanicInDropAtEnd, "never");
    }
}

pub(crate) struct Client {
    me: ClientId,
    deed: Deed,
    asked: u32,
    open: bool,
    quiet: bool,
}

impl Process for Client {
    type Config = Deed;
    type Message = Word;
    type Timer = ();
    type Note = history::Event<(), u64>;

    fn boot(deed: &Deed, _: &Files, context: &mut Context<'_, Self>) -> Self {
        context.set_timer((), Duration::from_millis(10));
        Self { me: ClientId::new(context.me().index() as u32), deed: *deed, asked: 0, open: false, quiet: false }
    }

    fn on_message(&mut self, _: NodeId, message: Word, context: &mut Context<'_, Self>) {
        let Word::Answer(answer) = message else { return };
        self.open = false;
        context.note(history::Event::Complete { client: self.me, outcome: history::Outcome::Done(answer) });
        if self.deed == Deed::CompleteUninvoked {
            context.note(history::Event::Complete { client: self.me, outcome: history::Outcome::Done(answer) });
        }
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.set_timer((), Duration::from_millis(10));
        if self.open || self.quiet {
            return;
        }
        self.open = true;
        for _ in 0..if self.deed == Deed::InvokeTwice { 2 } else { 1 } {
            self.asked += 1;
            context.note(history::Event::Invoke { client: self.me, id: OperationId::new(self.me, self.asked), op: () });
        }
        context.send(NodeId::server(0), Word::Ask(self.deed));
    }
}

impl ClientProcess for Client {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {
        assert!(self.deed != Deed::PanicInQuiesce, "never quiet");
        self.quiet = true;
    }

    fn under_way(&self) -> usize {
        assert!(self.deed != Deed::PanicInUnderWay, "not your business");
        usize::from(self.open)
    }
}

impl Cluster for Rogue {
    type Message = Word;
    type Operation = ();
    type Response = u64;
    type Server = Server;
    type Client = Client;

    fn fingerprint(server: &Server) -> Option<u64> {
        assert!(server.deed != Deed::PanicInFingerprint, "no prints");
        None
    }

    fn unsettled(server: &Server) -> Option<String> {
        assert!(server.deed != Deed::PanicInUnsettled, "all is well");
        None
    }
}

const GOOD: Property = Property::always("all-is-good", "all is good");

impl System for Rogue {
    const NAME: &'static str = "Rogue";
    const ABOUT: &'static str = "Clients ask, the first server answers. Its code misbehaves as it is told.";
    type Config = Deed;

    fn properties() -> Vec<Property> {
        vec![GOOD]
    }

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<Deed> {
        let mut fields = system.fields()?;
        let deed = fields.required("deed", |deed| deed.one_of("a deed", NAMED));
        fields.finish();
        deed
    }

    fn write(deed: &Deed) -> Written {
        Written { system: format!("Rogue(deed: {deed:?})"), workload: None }
    }

    fn population(_: &Deed) -> Population {
        Population { servers: 2, clients: 1 }
    }

    fn nodes(deed: &Deed, _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![*deed; 2], clients: vec![*deed] }
    }

    fn judges(deed: &Deed, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        if *deed == Deed::SilentCheck { Vec::new() } else { vec![Box::new(Watcher(*deed))] }
    }

    fn judge_history(deed: &Deed, _: &History<(), u64>, _: Budget) -> Vec<PropertyReport> {
        assert!(*deed != Deed::HistoryJudgePanics, "the history is a closed book");
        Vec::new()
    }
}

struct Watcher(Deed);

impl Judge<Rogue> for Watcher {
    fn observe(&mut self, record: &Record<'_, Rogue>) {
        if !matches!(record.event, Event::Deliver { .. }) {
            return;
        }
        match self.0 {
            Deed::JudgePanics => panic!("the judge is at a loss"),
            Deed::JudgeOverflows => drop(std::hint::black_box(recurse(0))),
            Deed::JudgeNeverReturns => loop {
                std::hint::spin_loop();
            },
            _ => {}
        }
    }

    fn finish(&mut self, _: Time) {
        assert!(self.0 != Deed::JudgePanicsAtEnd, "the judge cannot let go");
    }

    fn reports(&self) -> Vec<PropertyReport> {
        match self.0 {
            Deed::JudgePanicsInReports => panic!("the judge is speechless"),
            Deed::JudgeDiffers => vec![PropertyReport::holds(&GOOD).explained(wall_clock().to_string())],
            _ => vec![PropertyReport::holds(&GOOD)],
        }
    }

    fn tables(&self) -> Vec<Table> {
        Vec::new()
    }
}
