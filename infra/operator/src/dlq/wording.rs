//! Places, messages and ages in words, for a person.
//!
//! What programs read is in `command::dlq`.

use std::time::Duration;

use coffeeshop_core::place::{Place, Resting, Source, Target};
use coffeeshop_core::ports::Message;
use jiff::{SignedDuration, Timestamp};

use super::batch::Batch;
use super::outgoing::replayed;
use super::select::Seen;
use crate::table::counted;

/// How many characters of a body are shown.
const BODY_CHARS_MAX: usize = 2000;

/// The two largest units of a time that has passed, or is left.
pub(crate) fn age(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let largest = units.iter().position(|(_, unit)| seconds >= *unit).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut words = Vec::new();
    for (name, unit) in units.iter().skip(largest).take(2) {
        words.push(format!("{}{name}", left / unit));
        left %= unit;
    }
    if words.len() > 1 && words.last().is_some_and(|word| word.starts_with('0')) {
        words.pop();
    }
    words.join(" ")
}

/// How long a message stays that was first sent then.
pub(crate) fn left(sent_at: Timestamp, retention: Duration, now: Timestamp) -> SignedDuration {
    let retention = SignedDuration::try_from(retention).unwrap_or(SignedDuration::MAX);
    retention.saturating_sub(now.duration_since(sent_at)).max(SignedDuration::ZERO)
}

/// What one of the things is called that rest there.
pub(crate) fn unit(place: &Place) -> &'static str {
    unit_of(&place.resting)
}

/// The same.
pub(crate) fn unit_of(resting: &Resting) -> &'static str {
    match resting {
        Resting::Queue { .. } => "message",
        Resting::Archives(_) => "archive",
    }
}

/// What puts messages there.
pub(crate) fn fed_by(place: &Place) -> String {
    match &place.source {
        Source::Queue { receives_max } => {
            let queue = place.target.as_ref().map_or("a queue", Target::name);
            let given_up = format!("{queue} after {}", counted(u64::from(*receives_max), "receive"));
            match place.function() {
                Some(function) => format!("{given_up}, {function} parks here"),
                None => given_up,
            }
        }
        Source::Subscription { topic } => format!("topic {topic}, what it could not deliver"),
        Source::Function { name } => format!("{name}, records that make no sense"),
        Source::Streams { tables } => format!("streams of {}, batches that kept failing", tables.join(", ")),
    }
}

/// Where a replay goes.
pub(crate) fn goes_to(place: &Place) -> String {
    match &place.target {
        Ok(target) => with_reader(target),
        Err(why) => format!("nowhere: {why}"),
    }
}

/// The queue, and who reads it; or the function.
pub(crate) fn with_reader(target: &Target) -> String {
    match target {
        Target::Queue(queue) => match &queue.reader {
            Some(reader) => format!("{}, read by {}", queue.name, reader.function),
            None => queue.name.clone(),
        },
        Target::Function(function) => function.name.clone(),
    }
}

/// What became of what was done again.
pub(crate) fn done_again(target: &Target) -> String {
    match target {
        Target::Queue(queue) => format!("replayed to {}", queue.name),
        Target::Function(function) => format!("replayed by {}", function.name),
    }
}

/// All that is known of what rests there, a line each.
pub(crate) fn seen(seen: &Seen<'_>, place: &Place, now: Timestamp, if_trimmed: &str) -> String {
    let Seen { message: Message { id, content, sent_at, receive_count, .. }, about, fingerprint, batch } = seen;
    let ago = format!("{sent_at:.0}, {} ago", age(now.duration_since(*sent_at)));
    let first = match place.resting {
        Resting::Queue { .. } => ("sent", format!("{ago}, received {}", times(*receive_count))),
        Resting::Archives(_) => ("archived", ago),
    };
    let mut lines = vec![
        ("id", id.0.to_string()),
        first,
        ("group", fingerprint.id()),
        ("reason", reason(fingerprint.reason.as_deref()).to_owned()),
    ];
    lines.extend(content.attribute("error").map(|error| ("error", error.to_owned())));
    lines.extend(batch.as_ref().map(|batch| ("error", format!("{}, after {}", batch.ending(), invocations(batch)))));
    lines.extend(replayed(content).map(|by| ("replayed", format!("{}, last by {}", times(by.times), by.run))));
    lines.push(("kind", about.kind.clone()));
    if !about.shops.is_empty() {
        lines.push(("shops", about.shops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    }
    let body = match batch {
        Some(batch) => {
            lines.push(("records", records(batch, now, if_trimmed)));
            batch.payload.as_ref()
        }
        None => Some(&content.body),
    };
    lines.extend(body.map(|body| ("body", shortened(body))));
    lines.iter().map(|(name, text)| format!("{name:<9} {}", printable(text))).collect::<Vec<_>>().join("\n")
}

fn invocations(batch: &Batch) -> String {
    counted(u64::from(batch.invocations()), "invocation")
}

/// How many records a batch has, and where.
fn records(batch: &Batch, now: Timestamp, if_trimmed: &str) -> String {
    let count = counted(batch.size(), "record");
    if batch.payload.is_some() {
        return count;
    }
    match batch.kept_until() {
        Some(until) if until <= now => {
            format!("{count}, which are not in it, and no longer in the stream: {if_trimmed}")
        }
        Some(until) => {
            let left = age(until.duration_since(now));
            format!("{count}, which are not in it, and in the stream for {left} more")
        }
        None => format!("{count}, which are not in it, and in the stream for a day"),
    }
}

/// Without what a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !['\n', '\t'].contains(&c) {
            printable.extend(c.escape_unicode());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// What a message was set aside for.
pub(crate) fn reason(reason: Option<&str>) -> &str {
    reason.unwrap_or("none: it was given up without a word")
}

/// `once`, `2 times`.
pub(crate) fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn shortened(body: &str) -> String {
    match body.char_indices().nth(BODY_CHARS_MAX) {
        Some((end, _)) => format!("{}.. ({} bytes, all of it with --json)", body.split_at(end).0, body.len()),
        None => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_two_largest_units() {
        let cases =
            [(0, "0s"), (59, "59s"), (60, "1m"), (61, "1m 1s"), (3600, "1h"), (3659, "1h"), (86_399, "23h 59m")];
        for (seconds, expected) in cases {
            assert_eq!(age(SignedDuration::from_secs(seconds)), expected, "{seconds}");
        }
        assert_eq!(age(SignedDuration::from_secs(14 * 86_400 - 3600)), "13d 23h");
        assert_eq!(age(SignedDuration::from_secs(-5)), "0s");
    }

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(printable("a\u{1b}[2Jb\n\tc\u{9b}é"), "a\\u{1b}[2Jb\n\tc\\u{9b}é");
    }

    #[test]
    fn nothing_is_left_of_what_is_too_old() {
        let sent_at = Timestamp::UNIX_EPOCH;
        let left = |now| left(sent_at, Duration::from_mins(2), Timestamp::from_second(now).unwrap()).as_secs();
        assert_eq!([0, 100, 120, 1000].map(left), [120, 20, 0, 0]);
    }
}
