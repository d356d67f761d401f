//! What reading a plan takes besides its text.

use std::cell::RefCell;

use super::{Fault, Happening, Kind, Target};
use crate::base::{DurationRange, NodeId};
use crate::diagnostic::{Diagnostic, Span};
use crate::notation::Form;

/// What the names in a plan may mean. What is wrong with one is reported.
pub(crate) trait Scope {
    /// A node that there is.
    fn node(&self, form: Form<'_>) -> Option<NodeId>;
    /// Reports a node that there is not.
    fn exists(&self, node: NodeId, form: Form<'_>) -> bool;
    /// A kind of message.
    fn kind(&self, form: Form<'_>) -> Option<&'static str>;
    /// A *sometimes* mark.
    fn mark(&self, form: Form<'_>) -> Option<&'static str>;
    /// The roles that faults can be aimed at, if they are known.
    fn roles(&self) -> Option<Vec<&'static str>>;
    /// How many servers there are, if that is known.
    fn servers(&self) -> Option<u32>;
    /// A range of lengths, none of them longer than a scenario may have.
    fn range(&self, form: Form<'_>) -> Option<DurationRange>;
}

/// What may refer to what set a fault off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nothing set it off.
    Nothing,
    /// A message did, on its way from a sender to a receiver.
    Message,
    /// A node did.
    Node,
    /// Something did, but it is not known what, since it is written wrong.
    Unclear,
}

/// Where the parts of a plan are in its file: what advice rests on.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) faults: Vec<(&'static Kind, Span)>,
    pub(crate) triggers: Vec<(Happening, Span)>,
}

/// A reader of the faults of one step.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'r> {
    pub(crate) scope: &'r dyn Scope,
    pub(crate) cause: Cause,
    pub(crate) places: &'r RefCell<Places>,
}

impl Reader<'_> {
    /// A list of nodes that there are, none of them twice.
    pub(super) fn nodes(&self, form: Form<'_>) -> Option<Vec<NodeId>> {
        let nodes = form.list(|node| self.placed(node))?;
        only_once(&nodes, form).then(|| nodes.into_iter().map(|(node, _)| node).collect())
    }

    /// Lists of nodes, none of them twice in all.
    pub(super) fn groups(&self, form: Form<'_>) -> Option<Vec<Vec<NodeId>>> {
        let groups = form.list(|group| group.list(|node| self.placed(node)))?;
        if groups.len() > GROUPS_MOST {
            form.report(form.problem(format!("{} groups are too many", groups.len())).label(format!("at most {GROUPS_MOST}")));
            return None;
        }
        let once = only_once(&groups.concat(), form);
        once.then(|| groups.into_iter().map(|group| group.into_iter().map(|(node, _)| node).collect()).collect())
    }

    fn placed(&self, form: Form<'_>) -> Option<(NodeId, Span)> {
        Some((self.scope.node(form)?, form.span()))
    }

    /// Reports a reference to what set the fault off where there is none.
    pub(super) fn refers(&self, target: &Target, form: Form<'_>) -> bool {
        let of_message = matches!(target, Target::Sender | Target::Receiver);
        let problem = match self.cause {
            Cause::Nothing if of_message || *target == Target::Subject => form
                .problem(format!("nothing sets this fault off, so it has no `{target}`"))
                .help(format!("`{target}` means something within When(…, …) only")),
            Cause::Node if of_message => form
                .problem(format!("no message sets this fault off, so it has no `{target}`"))
                .help("the node that sets it off is the `Subject`"),
            _ => return true,
        };
        form.report(problem);
        false
    }
}

/// More groups than this are refused: nobody means so many, and the limit catches a file that was made by mistake.
const GROUPS_MOST: usize = 254;

/// Reports nodes that are named twice.
fn only_once(nodes: &[(NodeId, Span)], form: Form<'_>) -> bool {
    let mut sorted = nodes.to_vec();
    sorted.sort_unstable();
    let twice: Vec<_> = sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
    for pair in &twice {
        let ((node, first), (_, again)) = (pair[0], pair[1]);
        let problem = Diagnostic::error(again, format!("`{node}` is named twice"));
        form.report(problem.label("named again here").context(first, "named first here"));
    }
    twice.is_empty()
}

impl Fault {
    pub(super) fn checked(self, form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        reader.places.borrow_mut().faults.extend(self.kind().map(|kind| (kind, form.name_span())));
        Some(self)
    }
}
