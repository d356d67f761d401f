//! Numbers of 64 bits in JSON.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Sixteen hexadecimal digits: a JSON number would lose some in many readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hex(pub(super) u64);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let is_digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let word = u64::from_str_radix(&text, 16).ok().filter(|_| is_digits);
        word.map(Self).ok_or_else(|| serde::de::Error::custom("expected sixteen hexadecimal digits"))
    }
}
