//! Rust source, read closely enough for the rules: comments and strings apart from code, tests apart from the rest, paths in full.

use std::ops::Range;

/// A word, a `::`, or any other character of code that is not blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'c> {
    pub(crate) text: &'c str,
    /// From 1.
    pub(crate) line: usize,
}

/// A path with the groups of its imports taken apart: `use crate::{base::Time, check}` is `crate::base::Time` and `crate::check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodePath<'c> {
    pub(crate) segments: Vec<&'c str>,
    pub(crate) line: usize,
    /// The names of the modules within the file that it stands in.
    pub(crate) within: Vec<&'c str>,
}

/// The text with the insides of comments, strings and characters made blank: code stands where it stood.
pub(crate) fn code_of(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut place = 0;
    let blank = |range: Range<usize>, code: &mut String| {
        code.extend(characters[range].iter().map(|character| if *character == '\n' { '\n' } else { ' ' }));
    };
    while place < characters.len() {
        let rest = &characters[place..];
        let is_word_before = place > 0 && is_word_part(characters[place - 1]);
        let is_raw = !is_word_before || matches!(characters[place - 1], 'b' | 'c');
        let (length, quote) = match rest {
            ['/', '/', ..] => (rest.iter().position(|character| *character == '\n').unwrap_or(rest.len()), None),
            ['/', '*', ..] => (block_comment(rest), None),
            ['\'', ..] => (character(rest).unwrap_or(0), None),
            ['"', ..] => (string(rest), Some('"')),
            ['r', ..] if is_raw => (raw_string(rest).unwrap_or(0), Some('"')),
            _ => (0, None),
        };
        match (length, quote) {
            (0, _) => code.push(rest[0]),
            (length, None) => blank(place..place + length, &mut code),
            (length, Some(quote)) => {
                code.push(quote);
                blank(place + 1..place + length - 1, &mut code);
                code.push(quote);
            }
        }
        place += length.max(1);
    }
    code
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut place) = (0, 0);
    while place < rest.len() {
        match rest[place..] {
            ['/', '*', ..] => (depth, place) = (depth + 1, place + 2),
            ['*', '/', ..] => (depth, place) = (depth - 1, place + 2),
            _ => place += 1,
        }
        if depth == 0 {
            break;
        }
    }
    place
}

fn string(rest: &[char]) -> usize {
    let mut place = 1;
    while place < rest.len() && rest[place] != '"' {
        place += if rest[place] == '\\' { 2 } else { 1 };
    }
    assert!(place < rest.len(), "a string ends");
    place + 1
}

/// The length of `r"…"` or `r#"…"#`; nothing for a name like `r#type` or `return`.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|character| **character == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let start = 2 + hashes;
    let inside = rest[start..].windows(end.len()).position(|window| window == end).expect("a raw string ends");
    Some(start + inside + end.len())
}

/// The length of `'a'` or `'\n'`; nothing for a lifetime.
fn character(rest: &[char]) -> Option<usize> {
    match rest {
        [_, '\\', _, tail @ ..] => Some(3 + tail.iter().position(|character| *character == '\'')? + 1),
        [_, _, '\'', ..] => Some(3),
        _ => None,
    }
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The tokens of code without comments: see [`code_of`].
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let word = rest.find(|character| !is_word_part(character)).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => rest.chars().next().map_or(0, char::len_utf8),
                word => word,
            };
            tokens.push(Token { text: &rest[..length], line: number + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

fn is_word(token: &Token<'_>) -> bool {
    token.text.starts_with(is_word_part)
}

/// All paths and lone words of the code.
pub(crate) fn paths<'c>(tokens: &[Token<'c>]) -> Vec<CodePath<'c>> {
    let mut paths = Vec::new();
    let (mut depth, mut modules) = (0, Vec::<(&str, usize)>::new());
    let mut place = 0;
    while place < tokens.len() {
        match tokens[place].text {
            "{" => {
                depth += 1;
                if let [.., keyword, name] = &tokens[..place]
                    && keyword.text == "mod"
                {
                    modules.push((name.text, depth));
                }
            }
            "}" => {
                modules.pop_if(|(_, opened)| *opened == depth);
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        let starts_path = is_word(&tokens[place]) && !(place > 0 && matches!(tokens[place - 1].text, "." | "'"));
        if starts_path {
            let within: Vec<&str> = modules.iter().map(|(name, _)| *name).collect();
            place = path(tokens, place, &[], &within, &mut paths);
        } else {
            place += 1;
        }
    }
    paths
}

/// Reads one path that goes on from `before`; returns the place after it.
fn path<'c>(tokens: &[Token<'c>], mut place: usize, before: &[&'c str], within: &[&'c str], paths: &mut Vec<CodePath<'c>>) -> usize {
    let line = tokens[place].line;
    let mut segments = before.to_vec();
    loop {
        let text = |place: usize| tokens.get(place).map_or("", |token| token.text);
        match text(place) {
            "{" => {
                place += 1;
                while place < tokens.len() && text(place) != "}" {
                    place = match text(place) {
                        "," => place + 1,
                        "as" => place + 2,
                        _ => path(tokens, place, &segments, within, paths),
                    };
                }
                return place + 1;
            }
            segment => segments.push(segment),
        }
        place += 1;
        let goes_on = text(place) == "::" && (text(place + 1).starts_with(is_word_part) || matches!(text(place + 1), "{" | "*"));
        if !goes_on {
            paths.push(CodePath { segments, line, within: within.to_vec() });
            return place;
        }
        place += 1;
    }
}

/// Which lines of the code are tests: items under `#[cfg(test)]`.
pub(crate) fn test_lines(tokens: &[Token<'_>]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        if is_cfg_test(&tokens[place..]) {
            let end = item_end(tokens, place);
            ranges.push(tokens[place].line..tokens[end].line + 1);
            place = end;
        }
        place += 1;
    }
    ranges
}

/// The modules in files of their own that are declared as tests: `#[cfg(test)] mod name;`.
pub(crate) fn test_modules<'c>(tokens: &[Token<'c>]) -> Vec<&'c str> {
    let starts = (0..tokens.len()).filter(|place| is_cfg_test(&tokens[*place..]));
    starts
        .filter_map(|start| {
            let end = item_end(tokens, start);
            match &tokens[start..=end] {
                [.., keyword, name, end] if keyword.text == "mod" && end.text == ";" => Some(name.text),
                _ => None,
            }
        })
        .collect()
}

fn is_cfg_test(tokens: &[Token<'_>]) -> bool {
    let wanted = ["#", "[", "cfg", "(", "test", ")", "]"];
    tokens.len() > wanted.len() && tokens.iter().zip(wanted).all(|(token, wanted)| token.text == wanted)
}

/// The last token of the item whose attributes begin here.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0_i32;
    for (place, token) in tokens.iter().enumerate().skip(start) {
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text, "}" | ";") {
            return place;
        }
    }
    tokens.len() - 1
}

#[test]
fn comments_and_strings_are_not_code() {
    for (text, code) in [
        ("a // b", "a     "),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("a \" b", 'x', '\'', b'\n')"#, r#"f("      ",    ,     , b    )"#),
        ("r\"a\\\" + r#\"b\"c\"#", "\"   \" + \"      \""),
        ("r#type + &'a str + for", "r#type + &'a str + for"),
        ("\"a\nb\"", "\" \n \""),
    ] {
        assert_eq!(code_of(text), code, "{text}");
    }
}

#[test]
fn paths_are_taken_apart() {
    let code = code_of("use a::{b::{c, d as e}, self, super::f, *}; mod m { fn g() { x.h::<i::j>(); ::k::l } } n");
    let paths = paths(&tokens(&code))
        .iter()
        .map(|path| [&path.within[..], &path.segments[..]].map(|part| part.join("::")).join("|"))
        .collect::<Vec<_>>();
    for wanted in ["|a::b::c", "|a::b::d", "|a::self", "|a::super::f", "|a::*", "m|i::j", "m|k::l", "|n"] {
        assert!(paths.iter().any(|path| path == wanted), "{wanted}: {paths:?}");
    }
}

#[test]
fn tests_are_told_from_the_rest() {
    let code = "fn a() {}\n#[cfg(test)]\n#[allow(dead_code)]\nmod tests {\n fn b() { [1; 2]; }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\n";
    let tokens = tokens(code);
    assert_eq!(test_lines(&tokens), [2..7, 8..10]);
    assert_eq!(test_modules(&tokens), ["more"]);
}
