//! What sets a fault off.

use std::fmt::{self, Display, Formatter};

#[cfg(any(test, feature = "proptest"))]
use super::draw::Context;
use super::planned::{Name, Named, OccasionKind, Planned};
use crate::base::NodeId;
use crate::notation::{Count, Form, Maybe, Settings as _, Text, Variants as _, settings, variants};

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

variants! {
    |planned: Planned<'c>, Context|
    /// What a trigger waits for.
    pub enum Happening: "what sets the fault off" with Occurrence {
        /// A message of a kind was sent.
        Sent {
            /// The kind of the message.
            kind: &'static str, Name(planned, Named::Kind);
        } => r#"When(Sent(kind: "AppendEntries", nth: 3), Heal)"#,
        /// A message of a kind was delivered.
        Delivered {
            /// The kind of the message.
            kind: &'static str, Name(planned, Named::Kind);
        } => r#"When(Delivered(kind: "AppendEntries", nth: 3), Heal)"#,
        /// A file was written.
        Wrote {
            /// The name of the file.
            file: Option<String> = "any", Maybe(Text);
        } => r#"When(Wrote(file: "wal", node: n1, nth: 3), Crash(node: Subject, down: "1s"))"#,
        /// A sync of a disk completed.
        Synced => r#"When(Synced(node: n1, nth: 3), Crash(node: Subject, down: "1s"))"#,
        /// A sometimes mark was set.
        Marked {
            /// The mark that is set.
            mark: &'static str, Name(planned, Named::Mark);
        } => r#"When(Marked(mark: "leader lost", nth: 2), Heal)"#,
        /// A node crashed.
        Crashed => r#"When(Crashed(nth: 2), Partition(Halves))"#,
        /// A node started again.
        Restarted => r#"When(Restarted(nth: 2), Partition(Halves))"#,
    }
}

settings! {
    |planned: Planned<'c>|
    /// Which of its happenings sets the fault off.
    pub(super) struct Occurrence {
        /// Only what happens on this node counts (the sender of what is sent, the receiver of what arrives); without one, on any.
        node: Option<NodeId> = None, Maybe(planned);
        /// The n-th time sets the fault off, counted from 1.
        nth: u32 = 1, Count(1..);
    }
}

impl Happening {
    /// What of it a fault may refer to.
    pub(crate) fn occasion(&self) -> OccasionKind {
        Self::occasion_of(self.name())
    }

    /// The same of all of this name.
    pub(super) fn occasion_of(name: &str) -> OccasionKind {
        if matches!(name, "Sent" | "Delivered") { OccasionKind::Message } else { OccasionKind::Node }
    }
}

impl Trigger {
    pub(super) fn read(planned: &Planned<'_>, form: Form<'_>) -> Option<Self> {
        let (variant, mut fields) = Happening::open(form)?;
        let on = Happening::take(variant.name, &mut fields, *planned);
        let (Occurrence { node, nth }, _) = Occurrence::read_within(&mut fields, None, *planned);
        fields.finish();
        let on = on?;
        planned.note(|places| places.triggers.push((on.clone(), form.name_span())));
        Some(Self { on, node, nth })
    }
}

impl Display for Trigger {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { on, node, nth } = self;
        let rest = Occurrence { node: *node, nth: *nth }.texts(None).into_iter().map(|(name, value, _)| (name, value));
        f.write_str(&on.variant().written(&on.texts().into_iter().chain(rest).collect::<Vec<_>>()))
    }
}
