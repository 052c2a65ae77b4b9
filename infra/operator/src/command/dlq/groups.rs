//! `coffeeshop dlq groups`: what went wrong, and how often.
//!
//! What is one failure is decided in `dlq::group`.

use std::collections::HashMap;
use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::{Place, Resting};
use jiff::Timestamp;
use serde::Serialize;

use super::Desk;
use crate::cli::dlq::SLICE_MESSAGES_MAX;
use crate::dlq::group::Fingerprint;
use crate::dlq::select::Seen;
use crate::dlq::spool::Spool;
use crate::dlq::wording::{self, unit};
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

/// Messages with which the same went wrong.
struct Group {
    messages: u64,
    first_sent_at: Timestamp,
    last_sent_at: Timestamp,
    /// The first of them that was seen: its id, and its error as it is.
    example: (String, Option<String>),
}

/// A group as programs read it.
#[derive(Serialize)]
struct GroupLine<'a> {
    kind: &'static str,
    place: &'a str,
    group: String,
    messages: u64,
    reason: Option<&'a str>,
    pattern: &'a str,
    function: Option<&'a str>,
    first_sent_at: Timestamp,
    last_sent_at: Timestamp,
    example_id: &'a str,
    example_error: Option<&'a str>,
}

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, name: &str) -> Result<Verdict, Failure> {
    let place = desk.place(name)?;
    let mut groups: HashMap<Fingerprint, Group> = HashMap::new();
    let spool = Spool::anonymous().map_err(Why::Spool)?;
    let swept = desk.sweep(place, SLICE_MESSAGES_MAX, &spool, |message| {
        let Seen { fingerprint, .. } = Seen::of(message, place);
        let at = message.sent_at;
        let group = groups.entry(fingerprint).or_insert_with(|| {
            let error = message.content.attribute("error").map(str::to_owned);
            Group { messages: 0, first_sent_at: at, last_sent_at: at, example: (message.id.0.to_string(), error) }
        });
        group.messages += 1;
        (group.first_sent_at, group.last_sent_at) = (group.first_sent_at.min(at), group.last_sent_at.max(at));
        Ok(ControlFlow::Continue(()))
    });
    let swept = swept.await?;
    let mut groups: Vec<_> =
        groups.into_iter().map(|(fingerprint, group)| (fingerprint.id(), fingerprint, group)).collect();
    groups.sort_unstable_by(|(a, _, one), (b, _, other)| other.messages.cmp(&one.messages).then_with(|| a.cmp(b)));
    for (id, fingerprint, group) in &groups {
        if desk.invocation.json {
            desk.output.object(&line(place, id, fingerprint, group));
        } else {
            desk.output.line(format!("{}\n", wording::printable(&words(place, id, fingerprint, group))));
        }
    }
    let (messages, kinds) = (counted(swept.seen, unit(place)), counted(groups.len() as u64, "group"));
    desk.say(format!("{messages} of {} in {kinds}", place.name));
    Ok(if swept.is_whole() { Verdict::Well } else { Verdict::Amiss })
}

fn line<'a>(place: &'a Place, id: &str, fingerprint: &'a Fingerprint, group: &'a Group) -> GroupLine<'a> {
    GroupLine {
        kind: "group",
        place: &place.name,
        group: id.to_owned(),
        messages: group.messages,
        reason: fingerprint.reason.as_deref(),
        pattern: &fingerprint.pattern,
        function: fingerprint.function.as_deref(),
        first_sent_at: group.first_sent_at,
        last_sent_at: group.last_sent_at,
        example_id: &group.example.0,
        example_error: group.example.1.as_deref(),
    }
}

fn words(place: &Place, id: &str, Fingerprint { reason, pattern, function }: &Fingerprint, group: &Group) -> String {
    let sent = match place.resting {
        Resting::Queue { .. } => "sent",
        Resting::Archives(_) => "archived",
    };
    let Group { messages, first_sent_at, last_sent_at, example: (example, error) } = group;
    let mut lines = vec![
        format!("{id}  {}, first {sent} {first_sent_at:.0}, last {last_sent_at:.0}", counted(*messages, unit(place))),
        format!("  reason    {}", wording::reason(reason.as_deref())),
        format!("  {}  {pattern}", if error.is_some() { "error   " } else { "kind    " }),
    ];
    lines.extend(function.as_ref().map(|function| format!("  function  {function}")));
    lines.push(format!("  example   {example}"));
    lines.extend(error.as_ref().filter(|error| *error != pattern).map(|error| format!("            {error}")));
    lines.join("\n")
}
