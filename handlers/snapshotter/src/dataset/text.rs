//! Short texts without an allocation each.

use std::fmt::{self, Display, Write as _};

/// What something is written as, in at most `BYTES` bytes; what is longer is cut off.
pub(super) struct Short<const BYTES: usize> {
    text: [u8; BYTES],
    length: usize,
}

impl<const BYTES: usize> Short<BYTES> {
    /// What `value` is written as.
    pub(super) fn of(value: &impl Display) -> Self {
        let mut short = Self { text: [0; BYTES], length: 0 };
        // It cannot fail: see below.
        let _infallible = write!(short, "{value}");
        short
    }

    pub(super) fn as_str(&self) -> &str {
        self.text.get(..self.length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl<const BYTES: usize> fmt::Write for Short<BYTES> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (place, byte) in self.text.iter_mut().skip(self.length).zip(text.bytes()) {
            *place = byte;
            self.length += 1;
        }
        Ok(())
    }
}
