//! Text that reaches a terminal or a page, without anything in it that these would obey.

use std::borrow::Cow;

/// The text in one line, with all that a terminal or a page would obey, or that would show something else than what is there, written as in
/// Rust: control characters, line breaks, marks that change the direction of text, and marks without a width.
///
/// What comes out is as it is once more, so that it does no harm to do this twice.
///
/// ```
/// use stormglass_process::base::printable;
///
/// assert_eq!(printable("h\n0: holds.edn"), r"h\n0: holds.edn");
/// assert_eq!(printable("\u{1b}[2J\u{202e}größe"), r"\u{1b}[2J\u{202e}größe");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// The same, where line breaks are meant as such.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter != '\n' && is_obeyed(letter))
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return text.into();
    }
    let mut shown = String::new();
    for letter in text.chars() {
        if is_escaped(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown.into()
}

/// Whether a terminal or a page does something with it other than to show it.
fn is_obeyed(letter: char) -> bool {
    let changes_direction = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let has_no_width =
        matches!(letter, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    letter.is_control() || changes_direction || has_no_width || matches!(letter, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_obeyed_is_written_out() {
        for (text, line, lines) in [
            ("plain, größe, 日本", "plain, größe, 日本", "plain, größe, 日本"),
            ("a\nb\r\n", r"a\nb\r\n", "a\nb\\r\n"),
            ("a\tb\0\u{7f}\u{85}", r"a\tb\u{0}\u{7f}\u{85}", r"a\tb\u{0}\u{7f}\u{85}"),
            ("\u{202e}\u{2066}\u{200f}\u{61c}", r"\u{202e}\u{2066}\u{200f}\u{61c}", r"\u{202e}\u{2066}\u{200f}\u{61c}"),
            ("\u{2028}\u{feff}\u{200b}", r"\u{2028}\u{feff}\u{200b}", r"\u{2028}\u{feff}\u{200b}"),
        ] {
            assert_eq!(printable(text), line);
            assert_eq!(printable_lines(text), lines);
            assert_eq!(printable(&printable(text)), line);
        }
    }
}
