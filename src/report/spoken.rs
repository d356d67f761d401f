//! Values in words: what a message, a note or a timer holds, said without the braces and the names of types that Rust's `Debug` has.

/// The value that this `Debug` text (or JSON) is of, in words: of `Voted { term: t1, candidate: n2 }` `voted (term t1, candidate n2)`. What
/// is no such text, as what a process says in its own words, stays as it is. It may be cut off anywhere.
pub(super) fn spoken(text: &str) -> String {
    let mut reader = Reader { rest: text };
    reader.value("").filter(|_| reader.rest.trim().is_empty()).unwrap_or_else(|| text.to_owned())
}

/// Numbers of so many digits are digests, whose first ones are enough.
const DIGEST: usize = 16;
const SHOWN: usize = 4;

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The value that comes next, which a field of this name (in words) has; nothing where there is none.
    fn value(&mut self, field: &str) -> Option<String> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '"' => self.quoted().map(str::to_owned),
            '[' => self.items(']').map(|items| listed(items, "[", "]")),
            // Of nothing there is nothing to say.
            '(' => self.items(')').map(|items| if items.is_empty() { String::new() } else { listed(items, "(", ")") }),
            '{' => self.items('}').map(|items| listed(items, "(", ")")),
            _ => self.named(field),
        }
    }

    /// A word or a number; and what follows it, if it is the name of a struct or of a variant.
    fn named(&mut self, field: &str) -> Option<String> {
        let end = self.rest.char_indices().find(|(place, letter)| {
            let is_key = *letter == ':' && self.rest[place + 1..].starts_with(' ');
            is_key || matches!(letter, ',' | '(' | ')' | '[' | ']' | '{' | '}' | '"')
        });
        let (word, rest) = self.rest.split_at(end.map_or(self.rest.len(), |(place, _)| place));
        let (name, is_type) = (word.trim_end(), is_camel(word.trim_end()));
        self.rest = rest;
        let words = if is_type { spaced(name) } else { digest(name) };
        let inner = match rest.chars().next() {
            Some('(') if is_type && name == word => self.items(')')?,
            Some('{') if is_type && word.len() == name.len() + 1 => self.items('}')?,
            _ => return (!name.is_empty()).then_some(words),
        };
        // What the field says already need not be said again.
        let said = if name == "Some" || is_said(field, &words) { "" } else { &words };
        let text = match &inner[..] {
            // What it wraps says it all.
            [one] if rest.starts_with('(') => one.clone(),
            _ => listed(inner, "(", ")"),
        };
        Some(format!("{said} {text}").trim().to_owned())
    }

    /// What stands in brackets, up to this one: values, or fields with theirs. Where the text is cut off they end.
    fn items(&mut self, close: char) -> Option<Vec<String>> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', ',']);
            if self.rest.is_empty() {
                return Some(items);
            }
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                return Some(items);
            }
            let item = self.value("")?;
            items.push(match self.rest.strip_prefix(':') {
                Some(rest) => {
                    self.rest = rest;
                    let field = item.trim_matches('"').replace('_', " ");
                    let field = if is_camel(&field) { spaced(&field) } else { field };
                    let value = self.value(&field).unwrap_or_default();
                    match value.as_str() {
                        "true" => field,
                        "false" => format!("not {field}"),
                        _ => format!("{field} {value}").trim_end().to_owned(),
                    }
                }
                None => item,
            });
        }
    }

    /// A text in quotes, with them.
    fn quoted(&mut self) -> Option<&'a str> {
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            match letter {
                '\\' => _ = letters.next(),
                '"' => {
                    let (text, rest) = self.rest.split_at(place + 1);
                    self.rest = rest;
                    return Some(text);
                }
                _ => {}
            }
        }
        Some(std::mem::take(&mut self.rest))
    }
}

fn listed(items: Vec<String>, open: &str, close: &str) -> String {
    if items.is_empty() { "none".to_owned() } else { format!("{open}{}{close}", items.join(", ")) }
}

/// Whether a field's name says what its value is: `worked in` of an `Epoch` does not, `lock` of a `HeldLock` does.
fn is_said(field: &str, words: &str) -> bool {
    let last = |text: &str| text.rsplit(' ').next().unwrap_or_default().trim_end_matches('s').to_owned();
    !field.is_empty() && last(field) == last(words)
}

/// Whether it is the name of a type or of a variant.
fn is_camel(word: &str) -> bool {
    let is_name = word.starts_with(|letter: char| letter.is_ascii_uppercase()) && word.chars().all(char::is_alphanumeric);
    is_name && word.chars().any(|letter| letter.is_ascii_lowercase())
}

/// `BecameLeader` in words: `became leader`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn digest(word: &str) -> String {
    let is_long = word.len() >= DIGEST && word.bytes().all(|digit| digit.is_ascii_digit());
    if is_long { format!("{}…", &word[..SHOWN]) } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_in_words() {
        for (debug, words) in [
            ("Voted { term: t1, candidate: n2 }", "voted (term t1, candidate n2)"),
            ("{ term: t1, granted: true, prior: false }", "(term t1, granted, not prior)"),
            ("Raft(Applied { through: 2, term: t1, state: 14524696218504741600 })", "raft applied (through 2, term t1, state 1452…)"),
            ("Group(1, Began { txn: n1.1#1, participants: [n1, n2] })", "group (1, began (txn n1.1#1, participants [n1, n2]))"),
            (
                "{ txn: n1.1#1, worked_in: Epoch(1), epoch: Epoch(2), writers: [] }",
                "(txn n1.1#1, worked in epoch 1, epoch 2, writers none)",
            ),
            ("Locked { lock: HeldLock { key: 8, mode: Shared } }", "locked (lock (key 8, mode shared))"),
            ("Decided { cause: AllVotedYes, vote: None, after: Some(2s) }", "decided (cause all voted yes, vote none, after 2s)"),
            ("Detector(Suspicion(n1))", "detector suspicion n1"),
            ("{ previous: 0@t0, entries: [t1:no-op, t2:write 4] }", "(previous 0@t0, entries [t1:no-op, t2:write 4])"),
            (r#"Put { key: "a, {b\"", value: Text("x") }"#, r#"put (key "a, {b\"", value text "x")"#),
            (r#"{"End":{"txn":{"coordinator":"n1","epoch":1}}}"#, r#"(end (txn (coordinator "n1", epoch 1)))"#),
            ("Election", "election"),
            ("(7)", "(7)"),
            ("()", ""),
            ("Done(())", "done"),
            ("7", "7"),
            ("", ""),
            // What is cut off.
            ("Applied { through: 2, term: t1, sta…", "applied (through 2, term t1, sta…)"),
            ("Applied { through: 2, text: \"ab…", "applied (through 2, text \"ab…)"),
            // What is said in other words stays.
            ("entry 3 of term 1: decide abort of n1.1#1", "entry 3 of term 1: decide abort of n1.1#1"),
            ("term 1, vote for n2", "term 1, vote for n2"),
            ("a node (the third) } fails", "a node (the third) } fails"),
        ] {
            assert_eq!(spoken(debug), words);
        }
    }
}
