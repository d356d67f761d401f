//! Whom a fault strikes.

use std::fmt::{self, Display, Formatter};

use super::planned::Planned;
use crate::base::NodeId;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::notation::{Form, Variant, Within, list};

macro_rules! targets {
    ($( $(#[doc = $about:literal])+ $Name:ident => $example:literal ),+ $(,)?) => {
        /// Whom a fault strikes: resolved at the moment it does.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Target {
            /// This node.
            Node(NodeId),
            /// These nodes.
            Nodes(Vec<NodeId>),
            /// The node that believes itself in this role; of several, the one with the best claim, and then the first. No node if
            /// there is none.
            Role(&'static str),
            $( $(#[doc = $about])+ $Name ),+
        }

        impl Target {
            /// Those that every system knows, as they are declared.
            pub const VARIANTS: &'static [Variant] = &[$(
                Variant::new(stringify!($Name), concat!($($about),+).trim_ascii(), $example)
            ),+];
            pub(super) const OPEN: &'static [Self] = &[$( Self::$Name ),+];
        }

        impl Display for Target {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Node(node) => write!(f, "{node}"),
                    Self::Nodes(nodes) => f.write_str(&list(nodes)),
                    Self::Role(role) => f.write_str(role),
                    $( Self::$Name => f.write_str(stringify!($Name)) ),+
                }
            }
        }
    };
}

targets! {
    /// A server, any.
    Any => r#"At("2s", Crash(node: Any, down: "1s"))"#,
    /// All servers.
    All => r#"At("2s", Crash(node: All, down: "1s"))"#,
    /// Fewer than half of the servers, at least one if there are three or more.
    Minority => r#"At("2s", Partition(Isolate(Minority)))"#,
    /// More than half of the servers.
    Majority => r#"At("2s", Crash(node: Majority, down: "1s"))"#,
    /// The sender of the message that set the trigger off.
    Sender => r#"When(Sent(kind: "AppendEntries"), Crash(node: Sender, down: "1s"))"#,
    /// The receiver of the message that set the trigger off.
    Receiver => r#"When(Delivered(kind: "AppendEntries"), Pause(node: Receiver, lasting: "1s"))"#,
    /// The node that set the trigger off.
    Subject => r#"When(Wrote(file: "wal"), Crash(node: Subject, down: "1s"))"#,
}

impl Target {
    /// What has a name within: those that every system knows. To them come nodes, and the system's roles.
    pub(super) fn within() -> Within {
        Within::OneOf("a target", Self::VARIANTS.to_vec())
    }

    pub(super) fn read(planned: &Planned<'_>, form: Form<'_>) -> Option<Self> {
        if form.raw().starts_with('[') {
            return some_nodes(form, planned);
        }
        if let Ok(node) = form.raw().parse() {
            return planned.scope().exists(node, form).then_some(Self::Node(node));
        }
        let target = named(form, planned)?;
        if !planned.refers(&target, form) {
            return None;
        }
        if target == Self::Minority && planned.scope().servers().is_some_and(|servers| servers < 3) {
            form.report(Diagnostic::warning(form.span(), "this strikes no node").label("there is no minority of fewer than three servers"));
        }
        Some(target)
    }
}

impl Target {
    /// Whether it means every one of so many servers, as far as that can be known beforehand.
    pub(crate) fn is_everybody(&self, servers: u32) -> bool {
        match self {
            Self::All => true,
            Self::Nodes(nodes) => (0..servers).map(NodeId::server).all(|server| nodes.contains(&server)),
            target => servers == 1 && target.one_node(servers) == Some(Self::Node(NodeId::server(0))),
        }
    }

    /// The one node that it means, as far as that can be known beforehand: two targets of which this is the same mean the same node.
    pub(super) fn one_node(&self, servers: u32) -> Option<Self> {
        match self {
            Self::Nodes(nodes) if nodes.len() == 1 => Some(Self::Node(nodes[0])),
            Self::Any | Self::All | Self::Majority if servers == 1 => Some(Self::Node(NodeId::server(0))),
            Self::Node(_) | Self::Role(_) | Self::Sender | Self::Receiver | Self::Subject => Some(self.clone()),
            Self::Nodes(_) | Self::Any | Self::All | Self::Minority | Self::Majority => None,
        }
    }
}

fn some_nodes(form: Form<'_>, planned: &Planned<'_>) -> Option<Target> {
    let nodes = planned.nodes(form)?;
    if nodes.is_empty() {
        form.report(form.problem("this strikes no node").label("expected at least one node"));
        return None;
    }
    Some(Target::Nodes(nodes))
}

/// `Any`, `Leader` and their like.
fn named(form: Form<'_>, planned: &Planned<'_>) -> Option<Target> {
    let roles = planned.scope().roles();
    let are_known = roles.is_some();
    let name = form.name().filter(|name| *name == form.raw());
    let known: Vec<Target> = roles.unwrap_or_default().into_iter().map(Target::Role).chain(Target::OPEN.iter().cloned()).collect();
    let found = name.and_then(|name| known.iter().find(|target| target.to_string() == name).cloned());
    // A name that may be a role of a system that is not known is left alone.
    if found.is_none() && (are_known || name.is_none()) {
        let known: Vec<String> = known.iter().map(Target::to_string).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        form.report(form.mismatch("a target").help(advice(form, name, &known)));
    }
    found
}

fn advice(form: Form<'_>, name: Option<&str>, known: &[&str]) -> String {
    let unquoted = form.raw().trim_matches('"');
    let is_quoted = unquoted != form.raw() && (known.contains(&unquoted) || unquoted.parse::<NodeId>().is_ok());
    match is_quoted {
        true => format!("write {unquoted}, without quotes"),
        false => format!("{}, n1, [n1, n2]", suggestion(name.unwrap_or(form.word()), known)),
    }
}
