//! `coffeeshop dlq peek`: some messages, as they are.
//!
//! Which ones come first is the queue's choice.

use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::Resting;
use coffeeshop_core::ports::Clock as _;

use super::{Desk, MessageLine};
use crate::cli::dlq::Peek;
use crate::dlq::select::Seen;
use crate::dlq::spool::Spool;
use crate::dlq::wording;
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, peek: &Peek) -> Result<Verdict, Failure> {
    let place = desk.place(&peek.place)?;
    let (spool, now) = (Spool::anonymous().map_err(Why::Spool)?, desk.ports.clock.now());
    let swept = desk.sweep(place, peek.limit, &spool, |message| {
        let seen = Seen::of(message, place);
        if desk.invocation.json {
            desk.output.object(&MessageLine::of(place, &seen));
        } else {
            desk.output.line(format!("{}\n", wording::seen(&seen, place, now, &desk.if_trimmed(place))));
        }
        Ok(ControlFlow::Continue(()))
    });
    let swept = swept.await?;
    let name = &place.name;
    desk.say(match (&place.resting, swept.seen) {
        (Resting::Queue { .. }, 0) => format!("no message could be received from {name}"),
        (Resting::Queue { .. }, seen) => {
            let given_back = "given back: they stay, and their receive counts rose by one";
            format!("{} of {name}, {given_back}", counted(seen, "message"))
        }
        (Resting::Archives(_), seen) => format!("{} of {name}", counted(seen, "archive")),
    });
    Ok(if swept.hidden == 0 { Verdict::Well } else { Verdict::Amiss })
}
