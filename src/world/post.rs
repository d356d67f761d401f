//! Messages under way: sent, held back, or waiting for a node that stands still.

/// Messages stay put here while the numbers that name them are queued, sorted and copied in their stead: moving a fat message from hand to
/// hand costs more than all that is done with it.
pub(super) struct Post<M> {
    messages: Vec<Option<M>>,
    vacant: Vec<Letter>,
}

/// Names a message under way, until it is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter(u32);

impl<M> Post<M> {
    pub(super) const fn new() -> Self {
        Self { messages: Vec::new(), vacant: Vec::new() }
    }

    /// Takes a message in.
    #[inline]
    pub(super) fn put(&mut self, message: M) -> Letter {
        match self.vacant.pop() {
            Some(letter) => {
                let before = self.messages[letter.0 as usize].replace(message);
                debug_assert!(before.is_none(), "a vacant place holds nothing");
                // It holds nothing, so that there is nothing to drop; the compiler cannot know.
                std::mem::forget(before);
                letter
            }
            None => {
                self.messages.push(Some(message));
                Letter(self.messages.len() as u32 - 1)
            }
        }
    }

    /// The message with this name.
    #[inline]
    pub(super) fn read(&self, letter: Letter) -> &M {
        self.messages[letter.0 as usize].as_ref().expect("a letter is read before it is taken out")
    }

    /// Takes the message with this name out.
    #[inline]
    pub(super) fn take(&mut self, letter: Letter) -> M {
        self.vacant.push(letter);
        self.messages[letter.0 as usize].take().expect("a letter is taken out once")
    }
}

impl<M: Clone> Post<M> {
    /// Takes in another copy of a message.
    pub(super) fn copy(&mut self, letter: Letter) -> Letter {
        let message = self.read(letter).clone();
        self.put(message)
    }
}
