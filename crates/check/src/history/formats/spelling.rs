//! Histories of typed operations, in the words of files.

use std::fmt;

use super::entry::{Entry, EntryKind, Name, Process};
use super::value::Value;
use crate::base::{ClientId, SortedMap, Time};
use crate::history::{Event, History, Outcome};

/// How a system's operations are written down in files, so that checkers can read them.
///
/// ```
/// use stormglass_check::base::{ClientId, Time};
/// use stormglass_check::history::formats::{Format, Spelled, Spelling, write};
/// use stormglass_check::history::{History, Outcome};
///
/// let mut history = History::new();
/// history.invoke(Time::ZERO, ClientId::new(0), 4_i64)?;
/// history.complete(Time::from_nanos(9), ClientId::new(0), Outcome::Done(()))?;
/// let put = |value: &i64| Spelled { f: "write", key: None, value: Value::Int(*value), rest: Vec::new() };
/// let (asked, answered) = (move |value: &i64| Some(put(value)), move |value: &i64, (): &()| put(value));
/// let spelling = Spelling { model: "register", asked: Box::new(asked), answered: Box::new(answered) };
/// let mut file = Vec::new();
/// write(spelling.entries(history, Time::from_nanos(9)), Format::Edn, &mut file)?;
/// assert_eq!(String::from_utf8(file)?, "\
/// {:process 0, :type :invoke, :f :write, :value 4, :time 0, :client \"c1\"}
/// {:process 0, :type :ok, :f :write, :value 4, :time 9, :client \"c1\"}
/// ");
/// # use stormglass_check::history::formats::Value;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Spelling<O, R> {
    /// The model in whose words they are: one of those that the command `check` knows, or another name for what they are.
    pub model: &'static str,
    /// What was asked for; nothing leaves the operation out, as one that shows nothing.
    pub asked: Asked<O>,
    /// What came back.
    pub answered: Answered<O, R>,
}

/// What was asked for, of an operation.
pub type Asked<O> = Box<dyn Fn(&O) -> Option<Spelled>>;

/// What came back, of what was asked for and the answer.
pub type Answered<O, R> = Box<dyn Fn(&O, &R) -> Spelled>;

/// What is done, as files have it: see [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    /// Its name: `read`, `write`, `txn`.
    pub f: &'static str,
    /// What it is about, if that stands apart from the value.
    pub key: Option<Value>,
    /// What goes in, or comes out.
    pub value: Value,
    /// What else there is to say, by names of fields of their own.
    pub rest: Vec<(&'static str, Value)>,
}

impl<O, R> fmt::Debug for Spelling<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spelling").field("model", &self.model).finish_non_exhaustive()
    }
}

impl<O, R> Spelling<O, R> {
    /// What happened, one after another, until this time: what is open then is of unknown outcome.
    ///
    /// A process stands for a session of a client. After an operation of unknown outcome the session goes on as another process, as clients
    /// do for Jepsen, since there are checkers for which a process never goes on after that.
    pub fn entries(&self, history: History<O, R>, end: Time) -> Vec<Entry> {
        let mut scroll = Scroll::default();
        for (at, event) in history.into_events() {
            match event {
                Event::Invoke { client, op, .. } => {
                    let Some(asked) = (self.asked)(&op) else { continue };
                    let process = scroll.process(client);
                    scroll.push(process, client, EntryKind::Invoke, at, asked.clone());
                    scroll.open.insert(client, Open { process, op, asked });
                }
                Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
                    let Some(Open { process, op, asked }) = scroll.open.remove(&client) else { continue };
                    let (kind, spelled) = match outcome {
                        Outcome::Done(result) => (EntryKind::Ok, (self.answered)(&op, &result)),
                        Outcome::Failed => (EntryKind::Fail, asked),
                        Outcome::Unknown => (EntryKind::Info, asked),
                    };
                    scroll.push(process, client, kind, at, spelled);
                }
            }
        }
        for (client, Open { process, asked, .. }) in std::mem::take(&mut scroll.open) {
            scroll.push(process, client, EntryKind::Info, end, asked);
        }
        scroll.entries
    }
}

/// An operation that is under way.
struct Open<O> {
    /// By which its session goes.
    process: u32,
    op: O,
    asked: Spelled,
}

/// What has been written so far.
struct Scroll<O> {
    entries: Vec<Entry>,
    /// What is under way.
    open: SortedMap<ClientId, Open<O>>,
    /// The process that a session goes by.
    processes: SortedMap<ClientId, u32>,
    /// How many processes there are.
    count: u32,
}

impl<O> Default for Scroll<O> {
    fn default() -> Self {
        Self { entries: Vec::new(), open: SortedMap::new(), processes: SortedMap::new(), count: 0 }
    }
}

impl<O> Scroll<O> {
    fn process(&mut self, client: ClientId) -> u32 {
        let next = self.count;
        let process = *self.processes.entry(client).or_insert(next);
        self.count += u32::from(process == next);
        process
    }

    fn push(&mut self, process: u32, client: ClientId, kind: EntryKind, at: Time, spelled: Spelled) {
        if kind == EntryKind::Info {
            self.processes.remove(&client);
        }
        let mut rest: Vec<(Name, Value)> = spelled.rest.into_iter().map(|(name, value)| (name.into(), value)).collect();
        rest.push(("client".into(), Value::text(&client.to_string())));
        rest.sort_unstable();
        self.entries.push(Entry {
            line: self.entries.len() as u64 + 1,
            process: Process::Client(process),
            kind,
            f: Some(spelled.f.into()),
            key: spelled.key,
            value: spelled.value,
            time: Some(at.as_nanos()),
            rest,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::formats::{Format, write};

    const A: ClientId = ClientId::new(0);
    const B: ClientId = ClientId { client: 1, session: 2 };

    fn numbers() -> Spelling<i64, i64> {
        let spelled = |number: i64| Spelled { f: "read", key: None, value: Value::Int(number), rest: Vec::new() };
        Spelling {
            model: "register",
            asked: Box::new(move |op| (*op != 0).then(|| spelled(*op))),
            answered: Box::new(move |_, result| spelled(*result)),
        }
    }

    #[test]
    fn what_shows_nothing_is_left_out() {
        let mut history = History::new();
        let at = Time::from_nanos;
        for (place, op) in (0..).zip([0, 1, 0]) {
            history.invoke(at(place * 2), A, op).unwrap();
            history.complete(at(place * 2 + 1), A, if place == 0 { Outcome::Unknown } else { Outcome::Done(op) }).unwrap();
        }
        history.invoke(at(7), B, 0).unwrap();
        let text = written(history, Format::Edn).0;
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.starts_with("{:process 0,")), "{text}");
    }

    fn written(history: History<i64, i64>, format: Format) -> (String, usize) {
        let mut file = Vec::new();
        let written = write(numbers().entries(history, Time::from_nanos(9)), format, &mut file).expect("memory");
        (String::from_utf8(file).expect("text"), written.problems.shown().len())
    }

    #[test]
    fn a_session_goes_on_as_another_process_after_an_unknown_outcome() {
        let mut history = History::new();
        let at = Time::from_nanos;
        history.invoke(at(1), A, 1).unwrap();
        history.invoke(at(2), B, 2).unwrap();
        history.complete(at(3), A, Outcome::Unknown).unwrap();
        history.invoke(at(4), A, 3).unwrap();
        history.complete(at(5), B, Outcome::Failed).unwrap();
        history.invoke(at(5), B, 4).unwrap();
        history.complete(at(6), B, Outcome::Done(40)).unwrap();
        expect_test::expect![[r#"
            {:process 0, :type :invoke, :f :read, :value 1, :time 1, :client "c1"}
            {:process 1, :type :invoke, :f :read, :value 2, :time 2, :client "c2.3"}
            {:process 0, :type :info, :f :read, :value 1, :time 3, :client "c1"}
            {:process 2, :type :invoke, :f :read, :value 3, :time 4, :client "c1"}
            {:process 1, :type :fail, :f :read, :value 2, :time 5, :client "c2.3"}
            {:process 1, :type :invoke, :f :read, :value 4, :time 5, :client "c2.3"}
            {:process 1, :type :ok, :f :read, :value 40, :time 6, :client "c2.3"}
            {:process 2, :type :info, :f :read, :value 3, :time 9, :client "c1"}
        "#]]
        .assert_eq(&written(history, Format::Edn).0);
    }

    #[test]
    fn what_nobody_can_order_begins_before_it_ends_or_is_json() {
        let at = Time::from_nanos;
        let mut history = History::new();
        history.invoke(at(1), A, 1).unwrap();
        history.complete(at(2), A, Outcome::Done(1)).unwrap();
        history.invoke(at(2), B, 2).unwrap();
        let (edn, problems) = written(history.clone(), Format::Edn);
        let kinds: Vec<&str> = edn.lines().map(|line| line.split_whitespace().nth(3).unwrap_or_default()).collect();
        assert_eq!((kinds, problems), (vec![":invoke,", ":invoke,", ":ok,", ":info,"], 0));
        history.invoke(at(2), A, 3).unwrap();
        assert_eq!(written(history.clone(), Format::Edn).1, 1, "the order of lines would say too much");
        assert_eq!(written(history, Format::Json).1, 0);
    }
}
