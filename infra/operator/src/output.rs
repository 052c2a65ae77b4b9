//! Where results go, a line at a time, beside a bar that goes elsewhere.
//!
//! A line that cannot be written is no error of who says it: the work is stopped instead. What lines say is not known here.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, Write};

use indicatif::ProgressBar;
use serde::Serialize;
use tokio::sync::Notify;

/// Standard output, and the bar on standard error.
pub(crate) struct Output<W> {
    lines: RefCell<W>,
    bar: ProgressBar,
    broken: RefCell<Option<io::Error>>,
    stop: Notify,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(lines: W, bar: ProgressBar) -> Self {
        Self { lines: RefCell::new(lines), bar, broken: RefCell::new(None), stop: Notify::new() }
    }

    pub(crate) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Writes a line, or several.
    pub(crate) fn line(&self, text: impl Display) {
        if self.broken.borrow().is_some() {
            return;
        }
        // The bar makes room: both may be on one terminal.
        let written = self.bar.suspend(|| writeln!(self.lines.borrow_mut(), "{text}"));
        if let Err(error) = written {
            self.broken.replace(Some(error));
            self.stop.notify_one();
        }
    }

    /// Writes an object as a line of JSON.
    pub(crate) fn object(&self, object: &impl Serialize) {
        match serde_json::to_string(object) {
            Ok(text) => self.line(text),
            Err(error) => {
                self.broken.replace(Some(error.into()));
                self.stop.notify_one();
            }
        }
    }

    /// Waits until a line cannot be written, if ever.
    pub(crate) async fn broken(&self) {
        self.stop.notified().await;
    }

    /// Whether all lines are written.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.bar.finish_and_clear();
        match self.broken.take() {
            Some(error) => Err(error),
            None => self.lines.borrow_mut().flush(),
        }
    }
}
