//! Counts and texts as people read them.

use crate::base::printable_lines;

/// `1 seed`, `1,000 seeds`, `2 processes`, `2 keys`, `2 dependencies`.
pub(super) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let noun = match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        _ if count == 1 => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with('s') => format!("{noun}es"),
        None => format!("{noun}s"),
    };
    format!("{} {noun}", grouped(count))
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Without anything that a terminal or a page would obey; line breaks stay.
pub(super) fn clean(text: &str) -> String {
    printable_lines(text).into_owned()
}

/// The text, if need be without its middle: at most `longest` characters, and an ellipsis. No word is cut that is not too long by itself.
pub(super) fn shorten(text: &str, longest: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= longest {
        return text.to_owned();
    }
    let room = longest / 2;
    let is_within =
        |place: &usize| *place > 0 && *place < letters.len() && letters[place - 1..=*place].iter().all(|letter| is_of_a_word(*letter));
    let begins = |place: usize| (0..=place).rev().find(|place| !is_within(place)).unwrap_or(0);
    let ends = |place: usize| (place..=letters.len()).find(|place| !is_within(place)).unwrap_or(letters.len());
    // Between words, but within one that is too long.
    let cut = |place: usize, to: usize| if ends(place) - begins(place) > room { place } else { to };
    let (head, tail) = (room, letters.len() - room);
    let (head, tail) = (cut(head, begins(head)), cut(tail, ends(tail)));
    let part = |letters: &[char]| letters.iter().collect::<String>();
    format!("{}…{}", part(&letters[..head]).trim_end(), part(&letters[tail..]).trim_start())
}

/// The text in lines of so many characters, broken between words.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        let row = rows.last_mut().expect("there is one");
        let length = row.chars().count() + 1 + word.chars().count();
        if row.is_empty() {
            row.push_str(word);
        } else if length <= room {
            row.push(' ');
            row.push_str(word);
        } else {
            rows.push(word.to_owned());
        }
    }
    rows
}

/// Whether it stands within a word, a name or a number.
fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

/// A number of bytes, to one place after the point.
pub(super) fn size(bytes: u64) -> String {
    let (scale, unit) = match bytes {
        0..0x10_0000 => (1 << 10, "KiB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    let tenths = bytes.saturating_mul(10) / scale;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// A part of a whole in percent, to three digits, however small it is.
pub(super) fn percent(part: f64) -> String {
    let percents = part * 100.0;
    let (mut places, mut scaled) = (0, percents);
    while scaled < 100.0 && places < 15 {
        scaled *= 10.0;
        places += 1;
    }
    let text = format!("{percents:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!([counted(1, "process"), counted(2_000, "process")], ["1 process", "2,000 processes"]);
        assert_eq!([counted(1, "key"), counted(2, "key")], ["1 key", "2 keys"]);
        assert_eq!([counted(1, "dependency"), counted(0, "dependency")], ["1 dependency", "0 dependencies"]);
    }

    #[test]
    fn parts_have_three_digits() {
        for (part, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.123_456, "12.3 %"),
            (0.5, "50 %"),
            (0.002_991, "0.299 %"),
            (2.995_7e-9, "0.0000003 %"),
            (0.999_96, "100 %"),
        ] {
            assert_eq!(percent(part), text);
        }
    }

    #[test]
    fn no_word_is_cut() {
        for (text, longest, expected) in [
            ("read 5 → 7", 10, "read 5 → 7"),
            ("append 12345 to the list of c1", 20, "append…list of c1"),
            ("append 12345 to the list of c1", 14, "append…of c1"),
            ("(x: 12345, y: 67890, z: 12345)", 20, "(x: 12345,…z: 12345)"),
            ("abcdefghijklmnop", 8, "abcd…mnop"),
            ("read → \"aabbaabbaabbaabb\"", 16, "read → \"…abbaabb\""),
            ("read x → 12345678901234567890", 20, "read x → 1…1234567890"),
            ("ab", 0, "…"),
        ] {
            assert_eq!(shorten(text, longest), expected);
        }
    }
}
