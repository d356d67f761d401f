//! Names for the things of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node of the simulated system: a server (`n1`, `n2`, …) or a client (`c1`, `c2`, …).
///
/// Clients are nodes too: they sit behind the same faulty network. Indices count from zero in code, names from one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    const CLIENT: u32 = 1 << 31;

    /// The server with this zero-based index.
    ///
    /// # Panics
    /// If `index` is 2³¹ or more.
    #[inline]
    pub const fn server(index: u32) -> Self {
        assert!(index < Self::CLIENT, "a server's index is below 2^31");
        Self(index)
    }

    /// The client node with this zero-based index.
    ///
    /// # Panics
    /// If `index` is 2³¹ or more.
    #[inline]
    pub const fn client(index: u32) -> Self {
        assert!(index < Self::CLIENT, "a client's index is below 2^31");
        Self(index | Self::CLIENT)
    }

    /// Whether this is a client.
    #[inline]
    pub const fn is_client(self) -> bool {
        self.0 & Self::CLIENT != 0
    }

    /// Zero-based index among the servers, or among the clients.
    #[inline]
    pub const fn index(self) -> usize {
        (self.0 & !Self::CLIENT) as usize
    }

    /// A number that identifies the node within a run: what the digest and keyed randomness fold.
    #[inline]
    pub const fn raw(self) -> u32 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = if self.is_client() { 'c' } else { 'n' };
        write!(f, "{letter}{}", self.index() + 1)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseNodeError;

impl fmt::Display for ParseNodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a node: n1, n2, … for servers, c1, c2, … for clients")
    }
}

impl std::error::Error for ParseNodeError {}

impl FromStr for NodeId {
    type Err = ParseNodeError;

    fn from_str(text: &str) -> Result<Self, ParseNodeError> {
        let (make, digits): (fn(u32) -> Self, _) = match text.split_at_checked(1) {
            Some(("n", digits)) => (Self::server, digits),
            Some(("c", digits)) => (Self::client, digits),
            _ => return Err(ParseNodeError),
        };
        if digits.starts_with(['+', '0']) {
            return Err(ParseNodeError);
        }
        match digits.parse::<u32>() {
            Ok(number) if (1..Self::CLIENT).contains(&number) => Ok(make(number - 1)),
            _ => Err(ParseNodeError),
        }
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u32(self.0) }
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            u32::deserialize(deserializer).map(Self)
        }
    }
}

/// A client's session as the history knows it: one client does one operation at a time, apart from those whose outcome it never learned.
///
/// A client node may own several sessions; the first prints as `c1`, the others as `c1.2`, `c1.3`, ….
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId {
    /// Zero-based index of the client.
    pub client: u32,
    /// Zero-based number of the session within the client.
    pub session: u32,
}

impl ClientId {
    /// The first session of the client with this zero-based index.
    #[inline]
    pub const fn new(client: u32) -> Self {
        Self { client, session: 0 }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.session {
            0 => write!(f, "c{}", u64::from(self.client) + 1),
            session => write!(f, "c{}.{}", u64::from(self.client) + 1, u64::from(session) + 1),
        }
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An operation's identity: the `nth` that its client was to do since it started, counted from 1.
///
/// It keys all that is drawn for the operation, and stays when operations before it are taken away. Prints as `c1#7`; after a crash of the
/// client before whose latest start it had made three sessions, as `c1+3#7`. One that is not drawn but given, with a number of its own, is
/// [`scripted`](Self::scripted).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId {
    /// Zero-based index of the client.
    pub client: u32,
    /// How many sessions the client had made before it started last. No two starts after which it invokes anything have the same.
    pub life: u32,
    /// Which operation since then, from 1.
    pub nth: u32,
}

impl OperationId {
    /// The `nth` operation of a client whose first session since it started is this one.
    #[inline]
    pub const fn new(client: ClientId, nth: u32) -> Self {
        Self { client: client.client, life: client.session, nth }
    }

    /// The operation with this number of its own, which somebody has written down for this client: no client comes to such a number by
    /// itself. Prints as `c1@7`.
    #[inline]
    pub const fn scripted(client: u32, number: u32) -> Self {
        Self { client, life: Self::WRITTEN, nth: number }
    }

    /// Its number, if it was written down with one of its own.
    #[inline]
    pub const fn script_number(self) -> Option<u32> {
        if self.life == Self::WRITTEN { Some(self.nth) } else { None }
    }

    /// No client makes so many sessions.
    const WRITTEN: u32 = u32::MAX;

    /// A value that no other operation of a run has: for what it publishes. That of one that is written down is its number.
    #[inline]
    pub const fn value(self) -> i64 {
        /// The values of a client begin at multiples of this, those of its lives at multiples of the other.
        const CLIENT: i64 = 100_000_000;
        const LIFE: i64 = 100_000;
        /// Numbers that others could have as values, too, are moved out of their way.
        const FAR: i64 = 1 << 60;
        match self.script_number() {
            Some(number) if (number as i64) < CLIENT => number as i64,
            Some(number) => FAR + number as i64,
            None => (self.client as i64 + 1) * CLIENT + self.life as i64 * LIFE + self.nth as i64,
        }
    }

    /// Life and number in one word, for keyed randomness.
    #[inline]
    pub const fn word(self) -> u64 {
        (self.life as u64) << 32 | self.nth as u64
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ClientId::new(self.client))?;
        match self.life {
            0 => write!(f, "#{}", self.nth),
            Self::WRITTEN => write!(f, "@{}", self.nth),
            life => write!(f, "+{life}#{}", self.nth),
        }
    }
}

/// A text that names no operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOperationError;

impl fmt::Display for ParseOperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an operation as traces name it: c1#7, or c1+3#7 after a crash of its client")
    }
}

impl std::error::Error for ParseOperationError {}

impl FromStr for OperationId {
    type Err = ParseOperationError;

    /// Reads one as it prints: `c1#7`, `c1+3#7`, `c1@7`.
    fn from_str(text: &str) -> Result<Self, ParseOperationError> {
        let number = |digits: &str| digits.parse().ok().filter(|number: &u32| number.to_string() == digits).ok_or(ParseOperationError);
        let (who, nth) = text.split_once(['#', '@']).ok_or(ParseOperationError)?;
        let (client, life) = who.split_once('+').map_or((who, None), |(client, life)| (client, Some(life)));
        let client = client.parse().ok().filter(|client: &NodeId| client.is_client()).ok_or(ParseOperationError)?;
        let life = match life {
            _ if text.contains('@') => Self::WRITTEN,
            Some(life) => number(life)?,
            None => 0,
        };
        let id = Self { client: client.index() as u32, life, nth: number(nth)? };
        if id.to_string() == text { Ok(id) } else { Err(ParseOperationError) }
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How often a node has started: 1 at its first boot, one more at each recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for id in [NodeId::server(0), NodeId::server(41), NodeId::client(0), NodeId::client(7)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for wrong in ["", "n", "n0", "x1", "n01", "n-1", "n+1", "né", "n4294967296", "é"] {
            assert_eq!(wrong.parse::<NodeId>(), Err(ParseNodeError), "{wrong}");
        }
    }

    #[test]
    fn operations_read_back() {
        for id in [OperationId { client: 0, life: 0, nth: 7 }, OperationId { client: 11, life: 3, nth: 1 }, OperationId::scripted(2, 40)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for wrong in ["", "7", "c1", "c1#", "c1#07", "c1+0#7", "c1+#7", "c1+4294967295#7", "c1+3@7", "n1#7", "c1.2#7", "c1#7#8"] {
            assert_eq!(wrong.parse::<OperationId>(), Err(ParseOperationError), "{wrong}");
        }
    }
}
