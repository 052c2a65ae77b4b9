//! Whether somebody wants it to stop: what is in flight is finished then, and nothing more is begun.
//!
//! Who wants it, and what is said about it, is not known here.

use std::cell::Cell;

/// Asked for once, and for good.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    requested: Cell<bool>,
    ignored: Cell<bool>,
}

impl Stop {
    /// Whether it was asked for before: then it is to end at once.
    pub(crate) fn request(&self) -> bool {
        !self.ignored.get() && self.requested.replace(true)
    }

    /// For as long as another program has the terminal: the keys are for that one.
    pub(crate) fn ignore(&self, ignored: bool) {
        self.ignored.set(ignored);
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.get()
    }
}
