//! What a server has on disk: one file of records, only ever appended to.
//!
//! Votes and entries share one write-ahead file, so that their order on disk is the order in which they were written, whatever a crash
//! leaves: a term can be durable no later than the entries of that term. The file is never cut, apart from a torn tail at boot: an entry's
//! record carries its index and thereby replaces whatever the log had from there on, so that there is no moment between "truncated" and
//! "appended" for a crash to fall into.
//!
//! Each record is framed by its length and a checksum.

use std::fmt;

use super::{Command, Entry, EntryId, Log, Operation, Term};
use crate::base::{ClientId, NodeId};
use crate::protocols::frame;

/// The name of the file.
pub(super) const FILE: &str = "wal";

const VOTE: u8 = 1;
const ENTRY: u8 = 2;

const _: () = assert!(VOTE != ENTRY, "a record says which it is");

/// Appends the record of a term and the vote in it to `out`.
pub(super) fn encode_vote(term: Term, vote: Option<NodeId>, out: &mut Vec<u8>) {
    frame::append(out, |body| {
        body.push(VOTE);
        body.extend_from_slice(&term.0.to_le_bytes());
        if let Some(candidate) = vote {
            body.extend_from_slice(&(candidate.index() as u32).to_le_bytes());
        }
    });
}

/// Appends the record of an entry to `out`.
pub(super) fn encode_entry<O: Operation>(id: EntryId, command: &Command<O>, out: &mut Vec<u8>) {
    frame::append(out, |body| {
        body.push(ENTRY);
        body.extend_from_slice(&id.index.to_le_bytes());
        body.extend_from_slice(&id.term.0.to_le_bytes());
        encode_command(command, body);
    });
}

fn encode_command<O: Operation>(command: &Command<O>, body: &mut Vec<u8>) {
    match command {
        Command::Noop => body.push(0),
        Command::Open { session } => {
            body.push(1);
            encode_session(*session, body);
        }
        Command::Apply { session, number, operation } => {
            body.push(2);
            encode_session(*session, body);
            body.extend_from_slice(&number.to_le_bytes());
            operation.encode(body);
        }
        Command::Internal { operation } => {
            body.push(3);
            operation.encode(body);
        }
    }
}

fn encode_session(session: ClientId, body: &mut Vec<u8>) {
    body.extend_from_slice(&session.client.to_le_bytes());
    body.extend_from_slice(&session.session.to_le_bytes());
}

/// What a server finds on its disk at boot.
#[derive(Debug)]
pub(super) struct Recovered<O: Operation> {
    /// The last term it knew.
    pub(super) term: Term,
    /// For whom it voted in that term.
    pub(super) vote: Option<NodeId>,
    /// Its log.
    pub(super) log: Log<O>,
    /// How many bytes from the start of the file are whole records. What follows is a torn write, which no other server has been told of.
    pub(super) length: usize,
}

/// Reads the file, up to the first record that is not whole.
pub(super) fn recover<O: Operation>(bytes: &[u8]) -> Recovered<O> {
    let mut recovered = Recovered { term: Term(0), vote: None, log: Log::default(), length: 0 };
    let mut rest = Reader(bytes);
    while let Some(record) = rest.record()
        && recovered.take(record)
    {
        recovered.length = bytes.len() - rest.0.len();
    }
    recovered
}

/// What was written to the file at once, in words, if it is nothing but whole records.
pub(super) fn words<O: Operation>(bytes: &[u8]) -> Option<String> {
    let (mut rest, mut words) = (Reader(bytes), Vec::new());
    while !rest.0.is_empty() {
        words.push(rest.record::<O>()?.to_string());
    }
    (!words.is_empty()).then(|| words.join("; "))
}

enum Record<O> {
    Vote(Term, Option<NodeId>),
    Entry(u64, Entry<O>),
}

impl<O: Operation> fmt::Display for Record<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vote(term, None) => write!(f, "term {term}, no vote"),
            Self::Vote(term, Some(candidate)) => write!(f, "term {term}, vote for {candidate}"),
            Self::Entry(index, entry) => write!(f, "entry {index} of term {}: {:?}", entry.term, entry.command),
        }
    }
}

impl<O: Operation> Recovered<O> {
    /// Takes a record over, unless it cannot follow what came before.
    fn take(&mut self, record: Record<O>) -> bool {
        match record {
            Record::Vote(term, vote) => {
                (self.term, self.vote) = (term, vote);
                true
            }
            Record::Entry(index, entry) => {
                let follows = (1..=self.log.last_index() + 1).contains(&index);
                if follows {
                    if entry.term > self.term {
                        // The server that wrote this entry knew of its term.
                        (self.term, self.vote) = (entry.term, None);
                    }
                    self.log.truncate(index - 1);
                    self.log.push(entry);
                }
                follows
            }
        }
    }
}

/// Takes values from the front; nothing where there are not enough bytes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn record<O: Operation>(&mut self) -> Option<Record<O>> {
        let (body, rest) = frame::first(self.0)?;
        self.0 = rest;
        Reader(body).body()
    }

    fn body<O: Operation>(mut self) -> Option<Record<O>> {
        match self.u8()? {
            VOTE => {
                let term = Term(self.u64()?);
                let vote = if self.0.is_empty() { None } else { Some(self.server()?) };
                self.end(Record::Vote(term, vote))
            }
            ENTRY => {
                let (index, term, command) = (self.u64()?, Term(self.u64()?), self.command()?);
                self.end(Record::Entry(index, Entry { term, command }))
            }
            _ => None,
        }
    }

    fn end<O>(self, record: Record<O>) -> Option<Record<O>> {
        self.0.is_empty().then_some(record)
    }

    fn command<O: Operation>(&mut self) -> Option<Command<O>> {
        match self.u8()? {
            0 => Some(Command::Noop),
            1 => Some(Command::Open { session: self.session()? }),
            2 => Some(Command::Apply { session: self.session()?, number: self.u64()?, operation: self.operation()? }),
            3 => Some(Command::Internal { operation: self.operation()? }),
            _ => None,
        }
    }

    fn session(&mut self) -> Option<ClientId> {
        Some(ClientId { client: self.u32()?, session: self.u32()? })
    }

    /// The rest is an operation.
    fn operation<O: Operation>(&mut self) -> Option<O> {
        O::decode(std::mem::take(&mut self.0))
    }

    fn server(&mut self) -> Option<NodeId> {
        let index = self.u32()?;
        (index < 1 << 31).then(|| NodeId::server(index))
    }

    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::KvOp;

    fn recover(bytes: &[u8]) -> Recovered<KvOp> {
        super::recover(bytes)
    }

    fn commands() -> Vec<Command> {
        let session = ClientId { client: 7, session: 2 };
        let apply = |operation| Command::Apply { session, number: 9, operation };
        vec![
            Command::Noop,
            Command::Open { session },
            apply(KvOp::Read { key: 1 }),
            apply(KvOp::Write { key: 1, value: 2 }),
            apply(KvOp::Cas { key: 1, expected: None, value: 3 }),
            apply(KvOp::Cas { key: 1, expected: Some(u64::MAX), value: 0 }),
            Command::Internal { operation: KvOp::Write { key: 1, value: 2 } },
        ]
    }

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_vote(Term(4), None, &mut bytes);
        encode_vote(Term(4), Some(NodeId::server(3)), &mut bytes);
        for (index, command) in (1..).zip(commands()) {
            encode_entry(EntryId { term: Term(4), index }, &command, &mut bytes);
        }
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = file();
        let recovered = recover(&bytes);
        assert_eq!((recovered.term, recovered.vote, recovered.length), (Term(4), Some(NodeId::server(3)), bytes.len()));
        let read: Vec<_> = recovered.log.slice(1, 99).iter().map(|entry| entry.command).collect();
        assert_eq!(read, commands());
    }

    #[test]
    fn what_was_written_is_told() {
        let mut bytes = Vec::new();
        encode_vote(Term(4), Some(NodeId::server(3)), &mut bytes);
        encode_entry(EntryId { term: Term(4), index: 7 }, &commands()[3], &mut bytes);
        let told = |bytes| words::<KvOp>(bytes);
        assert_eq!(told(&bytes).as_deref(), Some("term 4, vote for n4; entry 7 of term 4: c8.3#9 write k1 = 2"));
        assert_eq!(told(&bytes[..bytes.len() - 1]), None, "what is torn is not told");
        assert_eq!(told(b""), None);
    }

    #[test]
    fn a_tail_torn_anywhere_is_cut() {
        let bytes = file();
        let mut lengths = Vec::new();
        for cut in 0..=bytes.len() {
            let length = recover(&bytes[..cut]).length;
            assert!(length <= cut);
            assert_eq!(recover(&bytes[..length]).length, length);
            lengths.push(length);
        }
        lengths.dedup();
        assert_eq!(lengths.len(), 2 + commands().len() + 1, "one for each record, and none");
    }

    #[test]
    fn a_flipped_bit_ends_the_file() {
        let whole = file();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            assert!(recover(&bytes).length <= place, "byte {place}");
        }
    }

    #[test]
    fn zeros_are_no_record() {
        assert_eq!(recover(&[0; 64]).length, 0);
    }

    #[test]
    fn an_entry_replaces_what_follows() {
        let mut bytes = file();
        encode_entry(EntryId { term: Term(5), index: 2 }, &Command::<KvOp>::Noop, &mut bytes);
        assert_eq!(recover(&bytes).log.last(), EntryId { term: Term(5), index: 2 });
        let length = bytes.len();
        encode_entry(EntryId { term: Term(5), index: 9 }, &Command::<KvOp>::Noop, &mut bytes);
        assert_eq!(recover(&bytes).length, length, "an entry after a gap cannot be read");
    }
}
