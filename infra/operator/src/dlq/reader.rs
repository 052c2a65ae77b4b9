//! Whether a function could read a message: by that function's own parser.
//!
//! Whether it could do anything with it is not known here.

use coffeeshop_core::place::{Reader, Reads};

/// What is wrong with a body, for who reads it.
pub(crate) fn check(body: &str, reader: &Reader) -> Result<(), String> {
    match &reader.reads {
        Reads::Uploads { originals_bucket } => coffeeshop_thumbnailer::envelope::check(body, originals_bucket),
        Reads::Notifications => coffeeshop_notifier::envelope::event(body).map(drop),
        Reads::Deliveries => coffeeshop_notifier::envelope::delivery(body).map(drop),
    }
    .map_err(|reason| format!("{}: {}", reason.code, reason.error))
}
