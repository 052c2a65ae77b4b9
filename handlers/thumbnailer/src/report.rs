//! What the outside hears of the work: one log line a photo, and metrics in CloudWatch's embedded format.
//!
//! Ids and numbers only: no bytes of a photo, nothing about a person.

use std::time::Duration;

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Cause};
use coffeeshop_core::photo::Request;
use coffeeshop_core::ports::{ParkReason, PortError};
use metrics::{Unit, counter, describe_histogram, histogram};
use tracing::{error, info, warn};

use crate::envelope::Message;
use crate::photo::Answered;
use crate::render::Profile;

/// Says which metrics there are, and in which unit.
pub fn describe() {
    describe_histogram!("stage_ms", Unit::Milliseconds, "");
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// One more photo of this outcome. What an operator asked for is counted apart, so that it looks like no uploads.
fn count(cause: Cause, outcome: &'static str) {
    let name = match cause {
        Cause::Event => "photos",
        Cause::Reprocess => "photos_reprocessed",
    };
    counter!(name, "outcome" => outcome).increment(1);
}

/// A photo has its outcome, or had it before; `total`: all that the request took.
pub(crate) fn answered(cause: Cause, answered: &Answered, total: Duration) {
    let Answered { outcome, news, profile, detail, stages } = answered;
    let status = outcome.answer.status();
    let before = match cause {
        Cause::Event => "answered_before",
        Cause::Reprocess => "unchanged",
    };
    count(cause, if *news { status } else { before });
    for (stage, time) in stages.iter() {
        histogram!("stage_ms", "stage" => stage).record(milliseconds(time));
    }
    let (reason, bytes_out) = match &outcome.answer {
        Answer::Ready { renditions, .. } => (None, renditions.iter().map(|rendition| rendition.bytes).sum()),
        Answer::Rejected { reason, .. } => (Some(reason.as_str()), 0),
        Answer::Removed => (None, 0),
    };
    let profile = match profile {
        Profile::None => None,
        Profile::Srgb => Some("srgb"),
        Profile::Converted => Some("converted"),
        Profile::Ignored(why) => Some(why.as_str()),
    };
    let stage = |name| stages.iter().find(|(stage, _)| *stage == name).map(|(_, time)| milliseconds(time));
    info!(
        photo.shop_id = outcome.photo.shop_id.as_str(),
        photo.id = outcome.photo.photo_id.as_str(),
        photo.revision = outcome.revision.0,
        photo.cause = cause.as_str(),
        photo.outcome = status,
        photo.news = news,
        photo.reason = reason,
        photo.detail = detail.as_deref(),
        photo.icc = profile,
        bytes_in = outcome.source.as_ref().map(|source| source.bytes),
        bytes_out,
        read_ms = stage("read"),
        list_ms = stage("list"),
        fetch_ms = stage("fetch"),
        inspect_ms = stage("inspect"),
        decode_ms = stage("decode"),
        resize_ms = stage("resize"),
        colour_ms = stage("colour"),
        orient_ms = stage("orient"),
        encode_ms = stage("encode"),
        thumbhash_ms = stage("thumbhash"),
        put_ms = stage("put"),
        commit_ms = stage("commit"),
        sweep_ms = stage("sweep"),
        total_ms = milliseconds(total),
        "photo answered"
    );
}

/// A photo was to be reprocessed, and there is nothing of it.
pub(crate) fn nothing_there(photo: &PhotoKey) {
    count(Cause::Reprocess, "nothing_there");
    info!(
        photo.shop_id = photo.shop_id.as_str(),
        photo.id = photo.photo_id.as_str(),
        photo.cause = Cause::Reprocess.as_str(),
        "nothing there to reprocess"
    );
}

/// A photo could not be answered now.
pub(crate) fn failed(request: &Request, error: &PortError) {
    count(request.cause(), "given_back");
    let photo = request.photo();
    warn!(
        photo.shop_id = photo.shop_id.as_str(),
        photo.id = photo.photo_id.as_str(),
        photo.cause = request.cause().as_str(),
        error = with_cause(error),
        "photo given back"
    );
}

/// A message comes again because of something that is not a photo.
pub(crate) fn given_back(message: &Message, error: &PortError) {
    let receives = message.receive_count;
    warn!(
        message.id = message.id.as_str(),
        message.receives = receives,
        error = with_cause(error),
        "message given back"
    );
}

/// A message comes again because there is no time left for it.
pub(crate) fn no_time(message: &Message) {
    let receives = message.receive_count;
    warn!(message.id = message.id.as_str(), message.receives = receives, "no time left, message given back");
}

/// A record is in the dead-letter queue.
pub(crate) fn parked(reason: &ParkReason) {
    counter!("records_parked", "reason" => reason.code).increment(1);
    error!(reason = reason.code, error = reason.error, "record parked in the dead-letter queue");
}

/// A record asks for nothing.
pub(crate) fn ignored(why: &str) {
    info!(why, "record ignored");
}
