//! What a message must be, and how its kind is found.

use std::fmt::{self, Debug};

use serde::de::{self, DeserializeOwned, Visitor};
use serde::ser::{self, Impossible, Serialize};

use crate::base::{Kind, Part};

/// What nodes send: one type for a whole system, in practice an enum with a variant for each kind of message.
///
/// Kinds are found through serde: the variants of an enum, in order; a type that is no enum has the one kind `message`. `impl Message for
/// MyMessage {}` is all that is needed. Override `kind` and `kinds` together where a variant wraps the messages of an embedded protocol.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::process::Message;
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// enum Gossip {
///     Rumour { heat: u32 },
///     Enough,
/// }
/// impl Message for Gossip {}
///
/// assert_eq!(Gossip::kinds(), ["Rumour", "Enough"]);
/// assert_eq!(Gossip::Rumour { heat: 3 }.kind().name, "Rumour");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared to be a message",
    label = "nodes cannot send this",
    note = "derive `Clone`, `Debug`, `Serialize` and `Deserialize` for it, and write `impl Message for {Self} {{}}`"
)]
pub trait Message: Clone + Debug + Serialize + DeserializeOwned + 'static {
    /// The kind of this message.
    #[inline]
    fn kind(&self) -> Kind {
        match self.serialize(KindOf) {
            Err(Probe::Found(kind)) => kind,
            Ok(()) | Err(Probe::Nothing) => Kind { index: 0, name: "message" },
        }
    }

    /// The names of all kinds, in the order of [`Kind::index`].
    fn kinds() -> &'static [&'static str] {
        match Self::deserialize(KindsOf) {
            Err(Kinds(names)) => names,
            Ok(_) => &["message"],
        }
    }

    /// What a message of this kind says, in a sentence that `explain` tells; empty if that is not told.
    fn about(kind: &str) -> &'static str {
        let _ = kind;
        ""
    }

    /// What this message has to do with a request, for those who follow requests through a run; nothing if it does not say. Most messages
    /// need not: what came of what is known without. It is needed where a node works on several requests and a timer or a queue hides which
    /// of them it goes on with. Nothing in a run depends on it.
    fn part(&self) -> Option<Part> {
        None
    }
}

/// What asking a value for its kind ends in: always an "error", so that nothing is serialised beyond the variant's name.
#[derive(Debug)]
enum Probe {
    Found(Kind),
    Nothing,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the kind was asked for")
    }
}

impl std::error::Error for Probe {}

impl ser::Error for Probe {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Nothing
    }
}

struct KindOf;

#[inline]
fn found<T>(index: u32, name: &'static str) -> Result<T, Probe> {
    Err(Probe::Found(Kind { index: index as u16, name }))
}

macro_rules! no_kind {
    ($($method:ident($($type:ty)?)),*) => {$(
        fn $method(self $(, _: $type)?) -> Result<(), Probe> {
            Err(Probe::Nothing)
        }
    )*};
}

impl ser::Serializer for KindOf {
    type Ok = ();
    type Error = Probe;
    type SerializeSeq = Impossible<(), Probe>;
    type SerializeTuple = Impossible<(), Probe>;
    type SerializeTupleStruct = Impossible<(), Probe>;
    type SerializeTupleVariant = Impossible<(), Probe>;
    type SerializeMap = Impossible<(), Probe>;
    type SerializeStruct = Impossible<(), Probe>;
    type SerializeStructVariant = Impossible<(), Probe>;

    no_kind!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
        serialize_none(),
        serialize_unit()
    );

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Probe> {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Probe> {
        Err(Probe::Nothing)
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, variant: &'static str) -> Result<(), Probe> {
        found(index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Probe> {
        Err(Probe::Nothing)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), Probe> {
        found(index, variant)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Probe> {
        Err(Probe::Nothing)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Probe> {
        Err(Probe::Nothing)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Probe> {
        Err(Probe::Nothing)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Probe> {
        found(index, variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Probe> {
        Err(Probe::Nothing)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Probe> {
        Err(Probe::Nothing)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Probe> {
        found(index, variant)
    }
}

/// The names of all kinds, carried out of a deserialisation that never begins.
#[derive(Debug)]
struct Kinds(&'static [&'static str]);

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the kinds were asked for")
    }
}

impl std::error::Error for Kinds {}

impl de::Error for Kinds {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&["message"])
    }
}

struct KindsOf;

impl<'de> de::Deserializer<'de> for KindsOf {
    type Error = Kinds;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Kinds> {
        Err(Kinds(&["message"]))
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, variants: &'static [&'static str], _: V) -> Result<V::Value, Kinds> {
        Err(Kinds(variants))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{Kind, Message};

    #[derive(Clone, Debug, Serialize, Deserialize)]
    enum Several {
        Ping,
        Pong(u64),
        Pair(u8, u8),
        Named { text: String },
    }
    impl Message for Several {}

    #[test]
    fn kinds_are_the_variants() {
        assert_eq!(Several::kinds(), ["Ping", "Pong", "Pair", "Named"]);
        let each = [Several::Ping, Several::Pong(1), Several::Pair(1, 2), Several::Named { text: String::new() }];
        for (index, message) in each.iter().enumerate() {
            let kind = message.kind();
            assert_eq!((usize::from(kind.index), kind.name), (index, Several::kinds()[index]));
        }
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Single(u64);
    impl Message for Single {}

    #[test]
    fn a_struct_is_of_one_kind() {
        assert_eq!(Single::kinds(), ["message"]);
        assert_eq!(Single(7).kind(), Kind { index: 0, name: "message" });
    }
}
