//! The stable digest: the same 64 bits for the same content, on every machine and in every release.
//!
//! A running multiply-fold over 64-bit words. Serialisable values are folded field by field, without an encoded copy in between.

use std::fmt;

use serde::Serialize;
use serde::ser;

use super::random::mix;

/// A running digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// The digest of nothing.
    #[inline]
    pub const fn new() -> Self {
        Self(0x243f_6a88_85a3_08d3)
    }

    /// Folds one word.
    #[inline]
    pub const fn word(&mut self, word: u64) {
        // Adding the old state keeps it alive where `state ^ word` happens to be zero.
        let product = (self.0 ^ word) as u128 * 0x9e37_79b9_7f4a_7c15 + self.0.rotate_left(17) as u128;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }

    /// Folds what another digest has folded. Values that are digested apart and then joined do not wait for each other.
    #[inline]
    pub const fn join(&mut self, other: Self) {
        self.word(other.0);
    }

    /// Folds bytes and their number.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            self.word(rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    /// Folds a value in its serialised form.
    ///
    /// # Panics
    /// If its `Serialize` refuses. What is derived or written by hand only does where the format does, and this one takes everything.
    #[inline]
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        let Ok(()) = value.serialize(Folder::<false>(self));
    }

    /// The digest of all that was folded.
    #[inline]
    pub const fn finish(self) -> u64 {
        mix(self.0)
    }

    /// The digest of one value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> u64 {
        let mut digest = Self::new();
        digest.value(value);
        digest.finish()
    }

    /// The digest of one value by which others find it again: a variant of an enum is folded by its name and not by its place, so that
    /// the digest stays when variants come or go. It costs more than [`of`](Self::of).
    pub fn content<T: Serialize + ?Sized>(value: &T) -> u64 {
        let mut digest = Self::new();
        let Ok(()) = value.serialize(Folder::<true>(&mut digest));
        digest.finish()
    }
}

/// Why folding fails: never, so that no result need be looked at on the way. A `Serialize` that refuses by itself panics at once.
#[derive(Debug)]
enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: fmt::Display>(message: T) -> Self {
        unreachable!("a value that cannot be serialised cannot be folded: {message}")
    }
}

/// Folds variants by their names, or by their places.
struct Folder<'a, const NAMES: bool>(&'a mut Digest);

impl<const NAMES: bool> Folder<'_, NAMES> {
    #[inline]
    fn variant(&mut self, index: u32, name: &str) {
        if NAMES { self.0.bytes(name.as_bytes()) } else { self.0.word(u64::from(index)) }
    }
}

type Folded = Result<(), Never>;

macro_rules! fold_integers {
    ($($method:ident: $type:ty),*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Folded {
            self.0.word(value as u64);
            Ok(())
        }
    )*};
}

impl<const NAMES: bool> ser::Serializer for Folder<'_, NAMES> {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fold_integers!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char
    );

    fn serialize_i128(self, value: i128) -> Folded {
        self.serialize_u128(value as u128)
    }

    fn serialize_u128(self, value: u128) -> Folded {
        self.0.word(value as u64);
        self.0.word((value >> 64) as u64);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Folded {
        self.0.word(u64::from(value.to_bits()));
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Folded {
        self.0.word(value.to_bits());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Folded {
        self.0.bytes(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Folded {
        self.0.bytes(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Folded {
        self.0.word(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Folded {
        self.0.word(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Folded {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Folded {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(mut self, _name: &'static str, index: u32, variant: &'static str) -> Folded {
        self.variant(index, variant);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Folded {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Folded {
        self.variant(index, variant);
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Never> {
        self.0.word(length.map_or(u64::MAX, |length| length as u64));
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, _length: usize) -> Result<Self, Never> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self, Never> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(mut self, _name: &'static str, index: u32, variant: &'static str, _length: usize) -> Result<Self, Never> {
        self.variant(index, variant);
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Never> {
        self.serialize_seq(length)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Self, Never> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(mut self, _name: &'static str, index: u32, variant: &'static str, _length: usize) -> Result<Self, Never> {
        self.variant(index, variant);
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! fold_parts {
    ($($trait:ident: $method:ident($($key:ident: $type:ty)?)),*) => {$(
        impl<const NAMES: bool> ser::$trait for Folder<'_, NAMES> {
            type Ok = ();
            type Error = Never;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($key: $type,)? value: &T) -> Folded {
                $(let _: $type = $key;)?
                value.serialize(Folder::<NAMES>(self.0))
            }

            #[inline]
            fn end(self) -> Folded {
                Ok(())
            }
        }
    )*};
}

fold_parts!(
    SerializeTuple: serialize_element(),
    SerializeTupleStruct: serialize_field(),
    SerializeTupleVariant: serialize_field(),
    SerializeStruct: serialize_field(name: &'static str),
    SerializeStructVariant: serialize_field(name: &'static str)
);

/// A sequence may not know its length beforehand, so its end is folded too.
impl<const NAMES: bool> ser::SerializeSeq for Folder<'_, NAMES> {
    type Ok = ();
    type Error = Never;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Folded {
        value.serialize(Folder::<NAMES>(self.0))
    }

    #[inline]
    fn end(self) -> Folded {
        self.0.word(u64::MAX);
        Ok(())
    }
}

impl<const NAMES: bool> ser::SerializeMap for Folder<'_, NAMES> {
    type Ok = ();
    type Error = Never;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Folded {
        key.serialize(Folder::<NAMES>(self.0))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Folded {
        value.serialize(Folder::<NAMES>(self.0))
    }

    fn end(self) -> Folded {
        self.0.word(u64::MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Empty,
        Pair(u32, u32),
        Named { list: Vec<u8>, text: &'static str, maybe: Option<i64> },
    }

    fn shapes() -> Vec<Shape> {
        vec![
            Shape::Empty,
            Shape::Pair(0, 1),
            Shape::Pair(1, 0),
            Shape::Named { list: vec![], text: "", maybe: None },
            Shape::Named { list: vec![0], text: "", maybe: None },
            Shape::Named { list: vec![], text: "\0", maybe: None },
            Shape::Named { list: vec![], text: "", maybe: Some(0) },
            Shape::Named { list: vec![], text: "", maybe: Some(-1) },
        ]
    }

    #[test]
    fn different_values_differ() {
        let mut digests: Vec<u64> = shapes().iter().map(Digest::of).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), shapes().len());
    }

    #[test]
    fn content_is_told_by_names_of_variants() {
        #[derive(Serialize)]
        enum More {
            #[expect(dead_code, reason = "it is there to move the others")]
            First,
            #[expect(dead_code, reason = "it is there to move the others")]
            Second,
            Pair(u32, u32),
        }
        assert_ne!(Digest::of(&More::Pair(0, 1)), Digest::of(&Shape::Pair(0, 1)));
        assert_eq!(Digest::content(&More::Pair(0, 1)), Digest::content(&Shape::Pair(0, 1)));
        assert_ne!(Digest::content(&Shape::Pair(0, 1)), Digest::content(&Shape::Pair(1, 0)));
    }

    #[test]
    fn every_flipped_bit_changes_it() {
        let words: Vec<u64> = (0..64).map(|n| n * 0x0123_4567_89ab_cdef).collect();
        let whole = Digest::of(&words);
        for place in 0..words.len() {
            for bit in 0..64 {
                let mut flipped = words.clone();
                flipped[place] ^= 1 << bit;
                assert_ne!(Digest::of(&flipped), whole, "word {place}, bit {bit}");
            }
        }
    }

    #[test]
    fn order_and_length_matter() {
        let of_bytes = |bytes: &[u8]| {
            let mut digest = Digest::new();
            digest.bytes(bytes);
            digest.finish()
        };
        assert_ne!(of_bytes(b"ab"), of_bytes(b"ba"));
        assert_ne!(of_bytes(b""), of_bytes(b"\0"));
        assert_ne!(of_bytes(b"12345678"), of_bytes(b"12345678\0"));
    }

    struct Shy;

    impl Serialize for Shy {
        fn serialize<S: ser::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("not today"))
        }
    }

    #[test]
    #[should_panic(expected = "cannot be folded: not today")]
    fn a_value_that_refuses_panics() {
        Digest::of(&[Shy]);
    }

    /// Digests are written into files and compared across releases: this value may change only with a note in the changelog.
    #[test]
    fn the_digest_is_fixed() {
        assert_eq!(format!("{:016x}", Digest::of(&("stormglass", 1_u64, [1_u8, 2, 3]))), "63fe2cb631ce43d9");
    }
}
