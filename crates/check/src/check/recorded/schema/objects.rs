//! Objects of one kind, each with a key of its own, and started in a given state.

use super::store::name;
use super::{Call, ObjectSchema, Schema};
use crate::check::consistency::{Observable, ObservedEffect};
use crate::check::model::{Key, Model, Next, Role};
use crate::check::monitor::{KeyHistory, Opinion, Span};
use crate::history::formats::{Entries, Entry, EntryKind, Process, Value};

/// An operation on one of several objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keyed<O> {
    /// The object, or the part of it, that is judged apart; nothing if there is only one object.
    part: Option<Box<str>>,
    /// What is asked of it.
    op: O,
}

/// Objects that are all of one model, and hold the same at first.
#[derive(Clone, Debug)]
pub struct Objects<M: Model> {
    model: M,
    initial: M::State,
}

impl<M: Model> Objects<M> {
    /// Whether they start as the model says.
    fn start_as_ever(&self) -> bool {
        self.initial == self.model.initial()
    }
}

impl<M: Model> Model for Objects<M> {
    type State = M::State;
    type Op = Keyed<M::Op>;
    type Ret = M::Ret;

    fn initial(&self) -> M::State {
        self.initial.clone()
    }

    fn step(&self, state: &M::State, op: &Self::Op, ret: Option<&M::Ret>) -> Next<M::State> {
        self.model.step(state, &op.op, ret)
    }

    fn key<'a>(&self, op: &'a Self::Op) -> Key<'a> {
        op.part.as_ref().map_or_else(|| self.model.key(&op.op), |part| Key::Text(part))
    }

    fn role(&self, op: &Self::Op, ret: Option<&M::Ret>) -> Role<M::State> {
        self.model.role(&op.op, ret)
    }

    fn leads(&self, state: &M::State, op: &Self::Op, ret: &M::Ret) -> bool {
        self.model.leads(state, &op.op, ret)
    }

    fn state_bytes(&self, state: &M::State) -> usize {
        self.model.state_bytes(state)
    }

    fn monitor(&self, history: &KeyHistory<'_, Self::Op, M::Ret>) -> Opinion {
        if !self.start_as_ever() {
            return Opinion::Unfit;
        }
        let bare = || history.spans().into_iter().map(|Span { op, ret, from, until }| Span { op: &op.op, ret, from, until }).collect();
        self.model.monitor(&KeyHistory::new(&bare, history.end()))
    }

    fn item(&self, op: &Self::Op, ret: Option<&M::Ret>) -> Option<Self::Op> {
        // What is there at first no operation has put in, and none can be left out with it.
        let item = if self.start_as_ever() { self.model.item(&op.op, ret) } else { None };
        item.map(|item| Keyed { part: op.part.clone(), op: item })
    }

    fn excess(&self, op: &Self::Op, ret: &M::Ret, others: &[(&Self::Op, bool)]) -> Option<String> {
        // What is there at first may be what there is too much of.
        let others: Vec<(&M::Op, bool)> = others.iter().map(|(other, before)| (&other.op, *before)).collect();
        if self.start_as_ever() { self.model.excess(&op.op, ret, &others) } else { None }
    }

    fn describe(&self, op: &Self::Op, ret: Option<&M::Ret>) -> String {
        self.model.describe(&op.op, ret)
    }

    fn kind(&self, op: &Self::Op) -> String {
        self.model.kind(&op.op)
    }

    fn describe_state(&self, state: &M::State) -> String {
        self.model.describe_state(state)
    }

    fn expected(&self, state: &M::State, op: &Self::Op) -> String {
        self.model.expected(state, &op.op)
    }
}

impl<M: Observable> Observable for Objects<M> {
    type Value = M::Value;

    fn observed_effect(&self, op: &Self::Op, ret: Option<&M::Ret>) -> ObservedEffect<M::Value> {
        // The weaker guarantees know one object that starts empty.
        if op.part.is_none() && self.start_as_ever() { self.model.observed_effect(&op.op, ret) } else { ObservedEffect::Unclear }
    }
}

/// Objects as files have them: one, or with a key in `:key` or in front of the value, `[key value]`.
#[derive(Clone, Debug)]
pub struct ObjectsSchema<S: Schema> {
    schema: S,
    initial: <S::Model as Model>::State,
    keyed: bool,
}

impl<S: ObjectSchema + Clone> ObjectsSchema<S> {
    /// Objects that hold this at first.
    ///
    /// # Errors
    /// If they cannot; what was expected instead.
    pub fn new(mut schema: S, initial: Option<&Value>) -> Result<Self, String> {
        let state = match initial {
            Some(value) => schema.start(value)?,
            None => schema.clone().finish().initial(),
        };
        Ok(Self { schema, initial: state, keyed: false })
    }
}

fn has_key<S: ObjectSchema>(entry: &Entry) -> bool {
    let f = entry.f.as_ref().map_or("", |f| f.as_str());
    entry.key.is_some() || entry.value.pair().is_some_and(|(_, value)| S::behind_key(f, value))
}

/// Key and value of a call.
fn parts<'e>(call: Call<'e>) -> Result<(&'e Value, Call<'e>), String> {
    let (key, value) = match (call.key, call.value.pair()) {
        (Some(key), Some((same, value))) if key == same => (key, value),
        (Some(key), _) => (key, call.value),
        (None, Some(pair)) => pair,
        (None, None) => {
            return Err(format!(
                "the lines above are about objects with keys, [key value] or :key, and this is about none: {}",
                call.value
            ));
        }
    };
    Ok((key, Call { key: None, value, ..call }))
}

impl<S: ObjectSchema> Schema for ObjectsSchema<S> {
    type Model = Objects<S::Model>;

    /// Finds out whether there are several objects: every value is key and value, and could be, or every key is apart.
    fn look_ahead(&mut self, entries: &mut Entries<'_>, most: u64) {
        let mut ours = 0_u64;
        let mut keyed = true;
        entries.look_ahead(most, |entry| {
            if matches!(entry.process, Process::Client(_)) && matches!(entry.kind, EntryKind::Invoke | EntryKind::Ok) {
                ours += 1;
                keyed = has_key::<S>(entry);
            }
            keyed
        });
        self.keyed = keyed && ours > 0;
    }

    fn names(&self) -> &'static [&'static str] {
        self.schema.names()
    }

    fn asked(&mut self, call: Call<'_>) -> Result<Keyed<<S::Model as Model>::Op>, String> {
        if !self.keyed {
            return self.schema.asked(call).map(|op| Keyed { part: None, op });
        }
        let (key, call) = parts(call)?;
        let (key, op) = (name(key), self.schema.asked(call)?);
        // Parts of an object are judged apart, as ever.
        let part = match self.schema.part(&op) {
            Some(part) => format!("{key} {part}"),
            None => key,
        };
        Ok(Keyed { part: Some(part.into()), op })
    }

    fn answered(&mut self, op: &Keyed<<S::Model as Model>::Op>, call: Call<'_>) -> Result<<S::Model as Model>::Ret, String> {
        let Some(part) = &op.part else { return self.schema.answered(&op.op, call) };
        let begun = |key: &Value| part.strip_prefix(&name(key)).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        match parts(call) {
            Ok((key, call)) if begun(key) => self.schema.answered(&op.op, call),
            Ok((key, _)) if call.key.is_some() => Err(format!("it began with {part}, and ends with key {key}")),
            // The key need not stand there again.
            _ => self.schema.answered(&op.op, call),
        }
    }

    fn refused(&self, op: &Keyed<<S::Model as Model>::Op>) -> Option<<S::Model as Model>::Ret> {
        self.schema.refused(&op.op)
    }

    fn saw_nothing(&self, op: &Keyed<<S::Model as Model>::Op>, answer: &<S::Model as Model>::Ret) -> bool {
        self.schema.saw_nothing(&op.op, answer)
    }

    fn finish(self) -> Objects<S::Model> {
        Objects { model: self.schema.finish(), initial: self.initial }
    }
}
