//! Photos as an operator works on them: found by what became of them, and sent to be made anew, with a journal of that.
//!
//! What is printed is in `command::photos`. Whether a photo is really made anew is for the thumbnailer.

pub(crate) mod entry;
pub(crate) mod plan;
pub(crate) mod send;
pub(crate) mod walk;
