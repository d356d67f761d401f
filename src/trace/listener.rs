//! What the code of nodes says through the `tracing` crate, with the virtual time and the node.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Sink, UntypedRecord};
use crate::base::{NodeId, Time};

/// Hears what the code of nodes says through the crate `tracing` while a run goes on in this thread, if the feature `tracing` is on.
/// Without it nothing is heard.
///
/// It listens as a *sink*, which tells it when and where the run is, and as the thread's default subscriber while [`listen`](Self::listen)
/// lasts. It changes nothing: the run has the same digest. Nothing is left behind in the thread, and other threads do not notice.
///
/// ```
/// # #[cfg(feature = "tracing")] {
/// use stormglass::base::{Duration, NodeId};
/// use stormglass::process::{Context, Files, NoNote, Process};
/// use stormglass::trace::Listener;
/// # use serde::{Deserialize, Serialize};
/// # use stormglass::workload::NoClient;
/// # use stormglass::world::{Cluster, Conditions, Setup, World};
/// # #[derive(Clone, Debug, Serialize, Deserialize)]
/// # enum Tick {}
/// # impl stormglass::process::Message for Tick {}
///
/// struct Clock;
///
/// impl Process for Clock {
///     // …
/// #   type Config = ();
/// #   type Message = Tick;
/// #   type Timer = u32;
/// #   type Note = NoNote;
/// #   fn boot((): &(), _: &Files, context: &mut Context<'_, Self>) -> Self {
/// #       context.set_timer(1, Duration::from_millis(5));
/// #       Self
/// #   }
/// #   fn on_message(&mut self, _: NodeId, _: Tick, _: &mut Context<'_, Self>) {}
///     fn on_timer(&mut self, count: u32, context: &mut Context<'_, Self>) {
///         tracing::info!(count, "ticks");
///         context.set_timer(count + 1, Duration::from_millis(5));
///     }
/// }
/// # struct Clocks;
/// # impl Cluster for Clocks {
/// #     type Message = Tick;
/// #     type Operation = NoNote;
/// #     type Response = NoNote;
/// #     type Server = Clock;
/// #     type Client = NoClient<Tick>;
/// # }
///
/// let mut listener = Listener::default();
/// let mut sink = listener.sink();
/// let conditions = Conditions { duration: Duration::from_millis(8), settle: Duration::ZERO, ..Conditions::default() };
/// let setup = Setup::<Clocks> { servers: vec![()], clients: vec![], conditions, script: None };
/// listener.listen(|| World::run(setup, 1, vec![], vec![&mut sink]));
/// let said = listener.said();
/// assert_eq!((said.len(), said[0].message.as_str(), said[0].node), (1, "ticks", Some(NodeId::server(0))));
/// assert_eq!(said[0].at.to_string(), "5ms");
/// assert_eq!(said[0].fields, [("count", "1".to_owned())]);
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Listener {
    heard: Arc<Mutex<Heard>>,
}

/// Something that the code of a node has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The number of the last record before.
    pub after: u64,
    /// The number of the record in whose wake the node took its step; nothing if no record begins it.
    pub step: Option<u64>,
    /// When.
    pub at: Time,
    /// On which node; nothing if that is not known.
    pub node: Option<NodeId>,
    /// How important it is: `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: &'static str,
    /// Where in the code it is said: a path of modules, mostly.
    pub target: &'static str,
    /// What; of a span that is over, its name.
    pub message: String,
    /// What goes with it.
    pub fields: Vec<(&'static str, String)>,
    /// The spans of the code that it is said in, each with what goes with it, the outermost first.
    pub spans: Vec<String>,
    /// If it says that a span of the code is over: when that began.
    pub began: Option<Time>,
}

/// What was heard, and when and where the run is.
#[derive(Default)]
struct Heard {
    said: Vec<Said>,
    after: u64,
    step: Option<u64>,
    at: Time,
    node: Option<NodeId>,
}

impl Listener {
    /// The sink that tells it when and where the run is. The run must be watched by it.
    pub fn sink(&self) -> impl Sink + use<> {
        Whereabouts(Arc::clone(&self.heard))
    }

    /// Takes out all that was heard, in order.
    pub fn said(&mut self) -> Vec<Said> {
        std::mem::take(&mut lock(&self.heard).said)
    }

    /// Runs this, and hears what is said meanwhile in this thread.
    #[cfg(not(feature = "tracing"))]
    pub fn listen<T>(&self, run: impl FnOnce() -> T) -> T {
        run()
    }

    /// Runs this, and hears what is said meanwhile in this thread.
    #[cfg(feature = "tracing")]
    pub fn listen<T>(&self, run: impl FnOnce() -> T) -> T {
        let subscriber = subscriber::Hearing::new(Arc::clone(&self.heard));
        tracing_core::dispatcher::with_default(&tracing_core::Dispatch::new(subscriber), run)
    }
}

/// Only one thread has it at a time, and a panic in between leaves it whole.
fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Whereabouts(Arc<Mutex<Heard>>);

impl Sink for Whereabouts {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let mut heard = lock(&self.0);
        (heard.after, heard.at) = (entry.number, entry.at);
        if matches!(entry.sort, "boot" | "deliver" | "timer" | "synced" | "resume") {
            (heard.step, heard.node) = (Some(entry.number), entry.node);
        }
    }

    fn unrecorded_step(&mut self, node: NodeId, at: Time) {
        let mut heard = lock(&self.0);
        (heard.step, heard.node, heard.at) = (None, Some(node), at);
    }
}

#[cfg(feature = "tracing")]
mod subscriber {
    use std::collections::BTreeMap;
    use std::fmt::{self, Debug};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use tracing_core::field::{Field, Visit};
    use tracing_core::span::{Attributes, Current, Id, Record};
    use tracing_core::{Event, Level, Metadata, Subscriber};

    use super::{Heard, Said, lock};
    use crate::base::Time;

    /// The subscriber of a run. It is asked from one thread alone; the locks are there since it need not be.
    pub(super) struct Hearing {
        heard: Arc<Mutex<Heard>>,
        spans: Mutex<Spans>,
    }

    /// The spans of the code that are there.
    #[derive(Default)]
    struct Spans {
        known: BTreeMap<u64, Open>,
        /// How many there were.
        count: u64,
        /// Those in which the code is, the innermost last.
        entered: Vec<u64>,
    }

    struct Open {
        metadata: &'static Metadata<'static>,
        parent: Option<u64>,
        fields: Vec<(&'static str, String)>,
        began: Time,
        handles: usize,
    }

    /// What goes with an event or a span, and its message apart.
    #[derive(Default)]
    struct Fields {
        message: String,
        others: Vec<(&'static str, String)>,
    }

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.take(field, format!("{value:?}"));
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            self.take(field, value.to_owned());
        }

        fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
            self.take(field, value.to_string());
        }
    }

    impl Fields {
        fn take(&mut self, field: &Field, text: String) {
            match field.name() {
                "message" => self.message = text,
                name => self.others.push((name, text)),
            }
        }
    }

    impl Hearing {
        pub(super) fn new(heard: Arc<Mutex<Heard>>) -> Self {
            Self { heard, spans: Mutex::default() }
        }

        fn spans(&self) -> MutexGuard<'_, Spans> {
            self.spans.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn say(&self, metadata: &'static Metadata<'static>, fields: Fields, spans: Vec<String>, began: Option<Time>) {
            let mut heard = lock(&self.heard);
            let said = Said {
                after: heard.after,
                step: heard.step,
                at: heard.at,
                node: heard.node,
                level: level(*metadata.level()),
                target: metadata.target(),
                message: fields.message,
                fields: fields.others,
                spans,
                began,
            };
            heard.said.push(said);
        }
    }

    impl Spans {
        /// This span and those around it, the outermost first, in words.
        fn around(&self, innermost: Option<u64>) -> Vec<String> {
            let mut around = Vec::new();
            let mut at = innermost;
            while let Some(open) = at.and_then(|id| self.known.get(&id)) {
                around.push(open.to_string());
                at = open.parent;
            }
            around.reverse();
            around
        }
    }

    impl fmt::Display for Open {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.metadata.name())?;
            for (place, (name, value)) in self.fields.iter().enumerate() {
                write!(f, "{} {name}: {value}", if place == 0 { " {" } else { "," })?;
            }
            f.write_str(if self.fields.is_empty() { "" } else { " }" })
        }
    }

    impl Subscriber for Hearing {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, attributes: &Attributes<'_>) -> Id {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let began = lock(&self.heard).at;
            let mut spans = self.spans();
            let parent = match attributes.parent() {
                Some(parent) => Some(parent.into_u64()),
                None if attributes.is_root() => None,
                None => spans.entered.last().copied(),
            };
            spans.count += 1;
            let id = spans.count;
            spans.known.insert(id, Open { metadata: attributes.metadata(), parent, fields: fields.others, began, handles: 1 });
            Id::from_u64(id)
        }

        fn record(&self, span: &Id, values: &Record<'_>) {
            let mut fields = Fields::default();
            values.record(&mut fields);
            if let Some(open) = self.spans().known.get_mut(&span.into_u64()) {
                open.fields.retain(|(name, _)| fields.others.iter().all(|(other, _)| other != name));
                open.fields.extend(fields.others);
            }
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let around = {
                let spans = self.spans();
                let innermost = match event.parent() {
                    Some(parent) => Some(parent.into_u64()),
                    None if event.is_root() => None,
                    None => spans.entered.last().copied(),
                };
                spans.around(innermost)
            };
            self.say(event.metadata(), fields, around, None);
        }

        fn enter(&self, span: &Id) {
            self.spans().entered.push(span.into_u64());
        }

        fn exit(&self, span: &Id) {
            let mut spans = self.spans();
            if let Some(place) = spans.entered.iter().rposition(|entered| *entered == span.into_u64()) {
                spans.entered.remove(place);
            }
        }

        fn clone_span(&self, span: &Id) -> Id {
            if let Some(open) = self.spans().known.get_mut(&span.into_u64()) {
                open.handles += 1;
            }
            span.clone()
        }

        fn try_close(&self, span: Id) -> bool {
            let id = span.into_u64();
            let (open, around) = {
                let mut spans = self.spans();
                let Some(open) = spans.known.get_mut(&id) else { return false };
                open.handles -= 1;
                if open.handles > 0 {
                    return false;
                }
                let parent = open.parent;
                let around = spans.around(parent);
                let Some(open) = spans.known.remove(&id) else { return false };
                (open, around)
            };
            let fields = Fields { message: open.metadata.name().to_owned(), others: open.fields };
            self.say(open.metadata, fields, around, Some(open.began));
            true
        }

        fn current_span(&self) -> Current {
            let spans = self.spans();
            let innermost = spans.entered.last().and_then(|id| Some((Id::from_u64(*id), spans.known.get(id)?.metadata)));
            innermost.map_or_else(Current::none, |(id, metadata)| Current::new(id, metadata))
        }
    }

    fn level(level: Level) -> &'static str {
        match level {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        }
    }
}
