//! The bar on a terminal, while every shop is looked at.
//!
//! Nothing of it reaches standard output.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
