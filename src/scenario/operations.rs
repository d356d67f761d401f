//! Operations that a scenario writes down: who invokes what, and when.

use super::Expected;
use super::conditions::{each_once, lines};
use super::names::Names;
use super::whole::Whole;
use crate::base::{Duration, NodeId, OperationId};
use crate::diagnostic::Diagnostic;
use crate::fault::{Planned, Scope as _};
use crate::notation::{Codec, Form, Given, Length, Required, Settings as _, Within, codec, codecs, in_parentheses, in_quotes, settings};
use crate::process::Misfit;
use crate::systems::{Instance, Population};
use crate::world::Scripted;

/// Operations, each with an identity of its own.
pub(super) struct Script<'n>(pub(super) Names<'n>);

const OPERATION: &str = "(id: 7, at: \"1.2s\", client: c1, op: Write(key: 0, value: 7))";

codec!(Script<'_>: Vec<Scripted> = Self::operations, write_operations, format!("a list of operations: `[{OPERATION}]`"), Some("`[]`");
    within Within::Fields(Listed::declared()).each());

/// Whether the workload generates operations.
pub(super) struct Generates<'n>(pub(super) Names<'n>);

codec!(Generates<'_>: bool = Self::generated, |generated: &bool| if *generated { String::new() } else { generated.to_string() },
    "`true` or `false`", Some("`true`"); like "false");

settings! {
    |names: Names<'c>|
    /// An operation that is written down.
    struct Listed {
        /// Its identity, which no other has: a number, or in quotes the name of a generated one, as traces have it. What is drawn for it
        /// hangs on it, and stays when others are taken away.
        id: Option<Identity> = None, Required(Identities);
        /// When it is due, counted from the beginning of the run.
        at: Option<Duration> = None, Required(Length);
        /// Who invokes it. A client that is down then does not, and one that has as many under way as it may have does not either.
        client: Option<NodeId> = None, Required(Invoker(names));
        /// What it asks for: an operation of the system, in RON.
        op: Option<String> = None, Asked(names);
    }
}

impl Script<'_> {
    fn operations(&self, form: Form<'_>) -> Option<Vec<Scripted>> {
        takes(form, self.0).then(|| {
            let of = |Scripted { id, .. }: &Scripted| id.script_number().map_or(Identity::Drawn(*id), Identity::Number);
            each_once(form, |form| scripted(form, self.0), of, |scripted| format!("the identity `{}`", Identities.write(&of(scripted))))
        })?
    }
}

impl Generates<'_> {
    fn generated(&self, form: Form<'_>) -> Option<bool> {
        let generated = form.boolean()?;
        (generated || takes(form, self.0)).then_some(generated)
    }
}

/// Whether the clients of the system take operations; where they do not, that is reported.
fn takes(form: Form<'_>, names: Names<'_>) -> bool {
    let (Some(system), Some(Population { clients, .. })) = (names.system, names.population) else { return true };
    let has_clients = clients > 0;
    if system.takes_operations() && has_clients {
        return true;
    }
    let problem = form.problem(match has_clients {
        true => format!("`{}` does not read operations that are written down", system.name()),
        false => format!("`{}` has no clients, and nobody to invoke anything", system.name()),
    });
    form.report(match has_clients {
        true => problem.help(
            "implement `System::scripting`: `Some(Scripting::of_clients())`, if its clients are `workload::Client`s and its operations \
             derive `Deserialize`; `Some(Scripting::of_steps())`, if its clients implement `TakesSteps`",
        ),
        false => problem.help("leave it out"),
    });
    false
}

fn scripted(form: Form<'_>, names: Names<'_>) -> Option<Scripted> {
    let mut fields = form.record(OPERATION)?;
    let (Listed { id, at, client, op }, _) = Listed::read_within(&mut fields, None, names);
    fields.finish();
    let (client, id) = (client?, id?);
    let id = match id {
        Identity::Number(number) => OperationId::scripted(client.index() as u32, number),
        Identity::Drawn(id) => id,
    };
    Some(Scripted { id, at: at?, client, op })
}

fn write_operations(operations: &[Scripted]) -> String {
    let written = |Scripted { id, at, client, op }: &Scripted| {
        let id = id.script_number().map_or(Identity::Drawn(*id), Identity::Number);
        let listed = Listed { id: Some(id), at: Some(*at), client: Some(*client), op: op.clone() };
        in_parentheses(&listed.written())
    };
    lines(operations.iter().map(written))
}

/// What an operation is known by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// A number that somebody has given to it.
    Number(u32),
    /// The name of one that was drawn.
    Drawn(OperationId),
}

codecs! {
    /// An operation's identity.
    Identities: Identity = identity, write_identity, "a whole number, or the name of a generated operation, like `\"c1#7\"`", like "7";
}

fn identity(form: Form<'_>) -> Option<Identity> {
    const DRAWN: &str = "the name of a generated operation, like \"c1#7\"";
    if !form.raw().starts_with('"') {
        return form.count(0..=u32::MAX).map(Identity::Number);
    }
    let id: OperationId = form.from_text(DRAWN)?;
    if let Some(number) = id.script_number() {
        form.report(form.mismatch(DRAWN).help(format!("an operation that is written down has its number alone: id: {number}")));
        return None;
    }
    Some(Identity::Drawn(id))
}

fn write_identity(identity: &Identity) -> String {
    match identity {
        Identity::Number(number) => number.to_string(),
        Identity::Drawn(id) => in_quotes(id),
    }
}

/// A client.
struct Invoker<'n>(Names<'n>);

codec!(Invoker<'_>: NodeId = Self::client, NodeId::to_string, "a client, like `c1`";
    within Codec::<NodeId>::within(&Planned::default()));

impl Invoker<'_> {
    fn client(&self, form: Form<'_>) -> Option<NodeId> {
        let node = self.0.node(form)?;
        if !node.is_client() {
            form.report(form.problem(format!("{node} is a server, and invokes nothing")).help("clients are c1, c2, …"));
            return None;
        }
        Some(node)
    }
}

/// What a client asks for, as its type writes it.
struct Asked<'n>(Names<'n>);

codec!(Asked<'_>: Option<String> = Self::operation, |op: &Option<String>| op.clone().unwrap_or_default(),
    "an operation of the system in RON, like `Write(key: 0, value: 7)`", Some("what the workload generates for its identity"));

impl Asked<'_> {
    fn operation(&self, form: Form<'_>) -> Option<Option<String>> {
        match self.0.system {
            Some(system) => system.operation(form).map(Some),
            None => Some(Some(form.raw().to_owned())),
        }
    }
}

/// Reports operations that their clients cannot invoke, and those that are due when the run is over at the latest.
pub(super) fn fit(whole: &Whole, given: &Given<'_>, instance: Option<&dyn Instance>) {
    let Some(operations) = given.form("operations").filter(|_| !given.is_wrong("operations")) else { return };
    let misfits = instance.map(|instance| instance.misfits(&whole.operations)).unwrap_or_default();
    let mut forms: Vec<Form<'_>> = Vec::new();
    if !misfits.is_empty() {
        forms = operations.list(Some).unwrap_or_default();
    }
    for (place, Misfit { problem, help }) in misfits {
        let Some(form) = forms.get(place) else { continue };
        let at = form.fields().and_then(|fields| fields.look_at("op")).unwrap_or(*form);
        at.report(at.problem(problem).help(help));
    }
    if ["duration", "settle"].iter().any(|name| given.is_wrong(name)) {
        return;
    }
    let end = whole.duration + whole.settle;
    for (form, scripted) in operations.list(Some).unwrap_or_default().into_iter().zip(&whole.operations) {
        let Some(fields) = form.fields().filter(|_| scripted.at >= end) else { continue };
        let at = fields.look_at("at").unwrap_or(form);
        let problem = at.problem("this operation is never invoked").label(format!("the run is over after {end} at the latest"));
        form.report(problem.help("give the scenario a longer `duration`, or time to `settle`"));
    }
}

/// Advice on operations that stand beside generated ones, and on clients that have nothing to do.
pub(super) fn advise(whole: &Whole, given: &Given<'_>) {
    // What is meant to fail may need none.
    let is_idle = !whole.generated && whole.operations.is_empty() && whole.outcome == Expected::Holds;
    if let Some(generated) = given.form("generated").filter(|_| is_idle) {
        generated.report(Diagnostic::warning(generated.span(), "clients invoke nothing").help("list some `operations`"));
    }
    let Some(operations) = given.form("operations").filter(|_| whole.generated) else { return };
    if let Some(drawn) = whole.operations.iter().find(|scripted| scripted.id.script_number().is_none()) {
        let problem = Diagnostic::warning(operations.span(), format!("the workload generates an operation \"{}\", too", drawn.id));
        operations.report(problem.help("give operations numbers of their own, or let the workload generate none: generated: false"));
    }
}
