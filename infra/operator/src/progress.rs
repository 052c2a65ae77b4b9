//! What a person sees while it goes on: a bar on a terminal, and now and then a line elsewhere.
//!
//! Nothing of it reaches standard output.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use jiff::{SignedDuration, Timestamp};

use crate::cli::{Command, Invocation, Which};

/// How often it shows that the program is alive: a shop may take a while.
const TICK: Duration = Duration::from_millis(200);

/// The bar on standard error; a hidden one where there is no terminal, or nothing that takes long.
pub fn bar(invocation: &Invocation) -> ProgressBar {
    let template = match &invocation.command {
        Command::Verify(Which::All { .. }) | Command::Rebuild(Which::All { .. }, _) => {
            "{spinner} {bar:20} {pos} of {len} shops{wide_msg}"
        }
        Command::Verify(Which::One(_)) | Command::Rebuild(Which::One(_), _) => "{spinner} {elapsed} {wide_msg}",
        Command::Top(_) | Command::Show(_) => return ProgressBar::hidden(),
    };
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}

/// How often a line is said where there is no terminal.
const LINES_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Says how far messages are: with a bar on a terminal, else in lines.
pub struct Teller {
    bar: ProgressBar,
    /// Where lines go; `None`: nowhere.
    lines: Option<RefCell<Box<dyn Write>>>,
    what: RefCell<String>,
    position: Cell<u64>,
    said_at: Cell<Timestamp>,
}

impl Teller {
    /// On standard error.
    pub fn on_stderr() -> Self {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        Self::new(bar, Some(Box::new(io::stderr())))
    }

    /// On this bar, which may be hidden, and with these lines.
    pub fn new(bar: ProgressBar, lines: Option<Box<dyn Write>>) -> Self {
        let (what, position) = (RefCell::default(), Cell::default());
        Self { bar, lines: lines.map(RefCell::new), what, position, said_at: Cell::new(Timestamp::UNIX_EPOCH) }
    }

    /// For results that are written beside it.
    pub(crate) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Something begins, with so many of these, about.
    pub(crate) fn begin(&self, what: &str, count: u64, unit: &str) {
        self.what.replace(what.to_owned());
        self.position.set(0);
        let template = format!("{{spinner}} {{prefix}} {{bar:20}} {{pos}} of {{len}} {unit}s{{wide_msg}}");
        self.bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.reset();
        self.bar.set_prefix(what.to_owned());
        self.bar.set_message("");
        self.bar.set_length(count);
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(TICK);
        }
    }

    /// Something begins, with nobody knows how many of these.
    pub(crate) fn begin_uncounted(&self, what: &str, unit: &str) {
        self.begin(what, 0, unit);
        self.bar.unset_length();
        let template = format!("{{spinner}} {{prefix}} {{pos}} {unit}s{{wide_msg}}");
        self.bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    }

    /// So many are done.
    pub(crate) fn at(&self, position: u64, now: Timestamp) {
        self.position.set(position);
        self.bar.set_position(position);
        self.bar.set_message("");
        self.line_if_due(now, |what| match self.bar.length() {
            Some(length) => format!("{what}: {position} of {length}"),
            None => format!("{what}: {position}"),
        });
    }

    /// One more is done.
    pub(crate) fn one_more(&self, now: Timestamp) {
        self.at(self.position.get() + 1, now);
    }

    /// So many are still in the queue.
    pub(crate) fn waiting(&self, messages: u64, queue: &str, now: Timestamp) {
        self.bar.set_message(format!(", {messages} in {queue}"));
        self.line_if_due(now, |what| format!("{what}: {messages} in {queue}"));
    }

    /// What began is over.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Says something that matters.
    pub(crate) fn warn(&self, line: impl Display) {
        self.bar.suspend(|| self.line(&line));
    }

    fn line_if_due(&self, now: Timestamp, line: impl FnOnce(&str) -> String) {
        if self.bar.is_hidden() && now.duration_since(self.said_at.get()) >= LINES_EVERY {
            // The first is not due at once: what is over soon needs none.
            if self.said_at.replace(now) != Timestamp::UNIX_EPOCH {
                self.line(&line(&self.what.borrow()));
            }
        }
    }

    fn line(&self, line: &impl Display) {
        if let Some(lines) = &self.lines {
            // Nobody is left to hear that standard error is closed.
            drop(writeln!(lines.borrow_mut(), "{line}"));
        }
    }
}
