//! Messages under way: sent, held back, or waiting for a node that stands still.

/// Messages stay put here while the numbers that name them are queued, sorted and copied in their stead: moving a fat message from hand to
/// hand costs more than all that is done with it.
pub(super) struct MessageSlab<M> {
    messages: Vec<Option<M>>,
    vacant: Vec<MessageHandle>,
}

/// Names a message under way, until it is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageHandle(u32);

impl<M> MessageSlab<M> {
    pub(super) const fn new() -> Self {
        Self { messages: Vec::new(), vacant: Vec::new() }
    }

    /// Takes a message in.
    #[inline]
    pub(super) fn put(&mut self, message: M) -> MessageHandle {
        match self.vacant.pop() {
            Some(handle) => {
                let before = self.messages[handle.0 as usize].replace(message);
                debug_assert!(before.is_none(), "a vacant place holds nothing");
                // It holds nothing, so that there is nothing to drop; the compiler cannot know.
                std::mem::forget(before);
                handle
            }
            None => {
                self.messages.push(Some(message));
                MessageHandle(self.messages.len() as u32 - 1)
            }
        }
    }

    /// How many messages are under way.
    pub(super) fn len(&self) -> usize {
        self.messages.len() - self.vacant.len()
    }

    /// The message with this name.
    #[inline]
    pub(super) fn read(&self, handle: MessageHandle) -> &M {
        self.messages[handle.0 as usize].as_ref().expect("a message is read before it is taken out")
    }

    /// Takes the message with this name out.
    #[inline]
    pub(super) fn take(&mut self, handle: MessageHandle) -> M {
        self.vacant.push(handle);
        self.messages[handle.0 as usize].take().expect("a message is taken out once")
    }
}

impl<M: Clone> MessageSlab<M> {
    /// Takes in another copy of a message.
    pub(super) fn copy(&mut self, handle: MessageHandle) -> MessageHandle {
        let message = self.read(handle).clone();
        self.put(message)
    }
}
