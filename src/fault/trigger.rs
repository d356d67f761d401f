//! What sets a fault off.

use std::fmt::{self, Display, Formatter};

use super::reader::{Cause, Reader};
use super::{Entry, Field};
use crate::base::NodeId;
use crate::notation::{Fields, Form};

/// What sets a fault off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What must happen.
    pub on: Happening,
    /// On which node (for messages: at the receiver of a delivery, the sender of a sending); any if not given.
    pub node: Option<NodeId>,
    /// The n-th time, counted from 1.
    pub nth: u32,
}

macro_rules! happenings {
    ($(
        $(#[doc = $about:literal])+
        $Name:ident $(($field:ident: $what:literal, $read:expr))? by $cause:ident => $example:literal
    ),+ $(,)?) => {
        /// What a trigger waits for.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Happening {
            $( $(#[doc = $about])+ $Name $((#[doc = $what] String))? ),+
        }

        impl Happening {
            /// All that there are, as they are declared.
            pub const ENTRIES: &'static [Entry] = &[$(
                Entry {
                    name: stringify!($Name),
                    about: concat!($($about),+),
                    fields: &[
                        $( Field { name: stringify!($field), about: concat!("Which ", stringify!($field), "."), what: $what, default: None }, )?
                        NODE,
                        NTH,
                    ],
                    bare: false,
                    example: $example,
                }
            ),+];

            /// Its name, and what it is given.
            fn parts(&self) -> (&'static str, Option<(&'static str, &str)>) {
                match self {
                    $( Self::$Name $(($field))? => (stringify!($Name), super::notation::optional!($((stringify!($field), $field.as_str()))?)) ),+
                }
            }

            pub(crate) fn cause(&self) -> Cause {
                match self { $( Self::$Name { .. } => Cause::$cause ),+ }
            }

            fn read(name: &str, fields: &mut Fields<'_>, reader: &Reader<'_>) -> Option<Self> {
                let _ = reader;
                match name {
                    $( stringify!($Name) => Some(Self::$Name $((fields.required(stringify!($field), |form| $read(reader, form))?))?), )+
                    _ => None,
                }
            }
        }
    };
}

happenings! {
    /// A message of a kind was sent.
    Sent(kind: "a text", kind) by Message => r#"When(Sent(kind: "AppendEntries", nth: 3), Heal)"#,
    /// A message of a kind was delivered.
    Delivered(kind: "a text", kind) by Message => r#"When(Delivered(kind: "AppendEntries", nth: 3), Heal)"#,
    /// A file was written.
    Wrote(file: "a text", file) by Node => r#"When(Wrote(file: "wal", node: n1, nth: 3), Crash(node: Subject, down: "1s"))"#,
    /// A sync of a disk completed.
    Synced by Node => r#"When(Synced(node: n1, nth: 3), Crash(node: Subject, down: "1s"))"#,
    /// A sometimes mark was set.
    Marked(mark: "a text", mark) by Node => r#"When(Marked(mark: "leader lost", nth: 2), Heal)"#,
    /// A node crashed.
    Crashed by Node => r#"When(Crashed(nth: 2), Partition(Halves))"#,
    /// A node started again.
    Restarted by Node => r#"When(Restarted(nth: 2), Partition(Halves))"#,
}

const NODE: Field = Field {
    name: "node",
    about: "Only what happens on this node counts: the sender of what is sent, the receiver of what arrives.",
    what: "a node",
    default: Some("any"),
};
const NTH: Field =
    Field { name: "nth", about: "The n-th time sets the fault off.", what: "a whole number, at least 1", default: Some("1") };

fn kind(reader: &Reader<'_>, form: Form<'_>) -> Option<String> {
    reader.scope.kind(form).map(str::to_owned)
}

fn mark(reader: &Reader<'_>, form: Form<'_>) -> Option<String> {
    reader.scope.mark(form).map(str::to_owned)
}

fn file(_: &Reader<'_>, form: Form<'_>) -> Option<String> {
    form.text()
}

impl Happening {
    /// Whether it can only happen where nodes crash.
    pub(crate) fn needs_crash(&self) -> bool {
        matches!(self, Self::Crashed | Self::Restarted)
    }
}

impl Trigger {
    pub(crate) fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        let names: Vec<&str> = Happening::ENTRIES.iter().map(|entry| entry.name).collect();
        let name = form.variant("what sets the fault off", &names)?;
        let mut fields = form.fields()?;
        let on = Happening::read(name, &mut fields, reader);
        let node = fields.optional("node", |node| reader.scope.node(node));
        let nth = fields.read_or("nth", 1, |nth| nth.count(1..));
        fields.finish();
        let on = on?;
        reader.places.borrow_mut().triggers.push((on.clone(), form.name_span()));
        Some(Self { on, node, nth })
    }
}

impl Display for Trigger {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, field) = self.on.parts();
        let mut parts = Vec::new();
        parts.extend(field.map(|(field, value)| format!("{field}: {value:?}")));
        parts.extend(self.node.map(|node| format!("node: {node}")));
        parts.push(format!("nth: {}", self.nth));
        write!(f, "{name}({})", parts.join(", "))
    }
}
