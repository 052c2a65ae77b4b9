//! `coffeeshop scores rebuild`: each repair as it is done, or would be, and a sentence about all.
//!
//! What is repaired, and how, is decided in [`rebuild`](crate::rebuild).

use std::io::Write;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::{Clock, ScoreStore, ShopRecords};
use serde::Serialize;
use serde_json::json;

use super::{Progress, Session};
use crate::cli::Which;
use crate::difference::Difference;
use crate::failure::Failure;
use crate::rebuild::{Mode, Rebuilt, rebuild_shop};
use crate::run::{Ports, Verdict};
use crate::table::counted;
use crate::wording::{Done, Finding};

/// The last line for programs.
#[derive(Serialize)]
struct Last<'a> {
    kind: &'static str,
    dry_run: bool,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// What became of all shops together.
#[derive(Debug, Default, Serialize)]
struct Summary {
    shops: u64,
    ratings: u64,
    scores: u64,
    scores_repaired: u64,
    contributions_repaired: u64,
    /// How many items cannot be understood.
    unreadable: u64,
    /// How many items others wrote to all the time.
    busy: u64,
}

pub(crate) async fn run<S, L, C>(
    ports: &Ports<'_, S, L, C>,
    session: &Session<'_, impl Write>,
    which: &Which,
    mode: Mode,
) -> Result<Verdict, Failure>
where
    S: ScoreStore + ShopRecords,
    C: Clock,
{
    let mut summary = Summary::default();
    let done = match mode {
        Mode::Write => Done::Repaired,
        Mode::DryRun => Done::WouldBe,
    };
    let found = |difference: Difference| {
        let finding = Finding::of(&difference, done);
        session.difference();
        if session.invocation.json {
            session.output.object(&finding);
        } else if matches!(difference, Difference::Unreadable { .. }) {
            session.output.line(format!("{}\n  likely: {}", finding.words, finding.cause));
        } else {
            session.output.line(finding.words);
        }
    };
    let rebuild = async |shop_id: &ShopId| rebuild_shop(ports.store, ports.clock, shop_id, mode, &found).await;
    let done = |shop_id: &ShopId, rebuilt: Rebuilt| {
        summary.add(rebuilt);
        if rebuilt.busy > 0 && session.invocation.json {
            session.output.object(&json!({ "kind": "busy", "shop_id": shop_id, "items": rebuilt.busy }));
        } else if rebuilt.busy > 0 {
            let (items, again) = (counted(rebuilt.busy, "item"), session.invocation.repair(shop_id));
            session.output.line(format!("{shop_id}: {items} busy, others wrote all the time; later: {again}"));
        }
        Progress { shops: summary.shops, ratings: summary.ratings }
    };
    session.on_shops(ports.store, which, rebuild, done).await?;
    if let (Which::One(shop_id), true) = (which, summary.is_of_nothing()) {
        return Err(session.unknown(shop_id));
    }
    if session.invocation.json {
        let dry_run = mode == Mode::DryRun;
        session.output.object(&Last { kind: "summary", dry_run, summary: &summary });
    } else {
        session.output.line(summary.sentence(which, mode));
    }
    Ok(if summary.is_whole() { Verdict::Well } else { Verdict::Amiss })
}

impl Summary {
    fn add(&mut self, rebuilt: Rebuilt) {
        self.shops += 1;
        self.ratings += rebuilt.ratings;
        self.scores += rebuilt.scores;
        self.scores_repaired += rebuilt.scores_repaired;
        self.contributions_repaired += rebuilt.contributions_repaired;
        self.unreadable += rebuilt.unreadable;
        self.busy += rebuilt.busy;
    }

    /// A shop of which there is nothing is none.
    fn is_of_nothing(&self) -> bool {
        self.ratings == 0
            && self.scores == 0
            && self.contributions_repaired == 0
            && self.scores_repaired == 0
            && self.is_whole()
    }

    /// Whether nothing was left as it was.
    fn is_whole(&self) -> bool {
        self.unreadable == 0 && self.busy == 0
    }

    fn sentence(&self, which: &Which, mode: Mode) -> String {
        if self.shops == 0 {
            return super::no_shop(which);
        }
        let (shops, ratings) = (counted(self.shops, "shop"), counted(self.ratings, "rating"));
        let of = format!("{shops}, {ratings}, {}", counted(self.scores, "score"));
        let scores = counted(self.scores_repaired, "score");
        let contributions = counted(self.contributions_repaired, "contribution");
        let repaired = self.scores_repaired + self.contributions_repaired > 0;
        let mut parts = vec![match (repaired, mode, self.is_whole()) {
            (true, Mode::Write, _) => format!("{scores} and {contributions} set right"),
            (true, Mode::DryRun, _) => {
                format!("{scores} and {contributions} would be set right, nothing was written")
            }
            (false, Mode::Write, true) => "nothing had to be changed".to_owned(),
            (false, Mode::DryRun, true) => "nothing has to be changed".to_owned(),
            (false, _, false) => "nothing was changed".to_owned(),
        }];
        if self.unreadable > 0 {
            let unreadable = counted(self.unreadable, "item");
            parts.push(format!("{unreadable} left alone that cannot be understood"));
        }
        if self.busy > 0 {
            parts.push(format!("{} busy, rebuild later", counted(self.busy, "item")));
        }
        format!("{of}: {}", parts.join("; "))
    }
}
