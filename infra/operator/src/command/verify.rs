//! `coffeeshop scores verify`: each difference as it is found, and a sentence about all.
//!
//! What differs is found in [`verify`](crate::verify); nothing is written.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::Write;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::{Clock, ScoreStore, ShopRecords};
use serde::Serialize;
use serde_json::json;

use super::{Progress, Session};
use crate::cli::Which;
use crate::difference::Difference;
use crate::failure::Failure;
use crate::run::{Ports, Verdict};
use crate::table::counted;
use crate::verify::{Verified, verify_shop};
use crate::wording::{Done, Finding};

/// The last line for programs.
#[derive(Serialize)]
struct Last<'a> {
    kind: &'static str,
    agreement: bool,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// What all shops together have.
#[derive(Debug, Default, Serialize)]
struct Summary {
    shops: u64,
    ratings: u64,
    scores: u64,
    differences: u64,
    /// In how many shops these are.
    shops_with_differences: u64,
    /// How many ratings are under way.
    under_way: u64,
    /// How many shops are busy.
    busy_shops: u64,
}

pub(crate) async fn run<S, L, C>(
    ports: &Ports<'_, S, L, C>,
    session: &Session<'_, impl Write>,
    which: &Which,
) -> Result<Verdict, Failure>
where
    S: ScoreStore + ShopRecords,
    C: Clock,
{
    let mut summary = Summary::default();
    // Shops that `rebuild` can do something about, until they are done.
    let repairable: RefCell<HashSet<ShopId>> = RefCell::default();
    let found = |difference: Difference| {
        let mut finding = Finding::of(&difference, Done::Found);
        if let Some(shop_id) = repairable_shop(&difference) {
            finding.repair = Some(session.invocation.repair(shop_id));
            repairable.borrow_mut().insert(shop_id.clone());
        }
        session.difference();
        if session.invocation.json {
            session.output.object(&finding);
        } else {
            session.output.line(format!("{}\n  likely: {}", finding.words, finding.cause));
        }
    };
    let verify = async |shop_id: &ShopId| verify_shop(ports.store, ports.clock, shop_id, &found).await;
    let done = |shop_id: &ShopId, verified: Verified| {
        summary.add(verified);
        let repairable = repairable.borrow_mut().remove(shop_id);
        if session.invocation.json {
            if verified.busy {
                session.output.object(&json!({ "kind": "busy", "shop_id": shop_id }));
            }
        } else {
            if repairable {
                session.output.line(format!("{shop_id}: to repair it: {}", session.invocation.repair(shop_id)));
            }
            if verified.busy {
                let again = session.invocation.examine(shop_id);
                session
                    .output
                    .line(format!("{shop_id}: busy, its scores changed whenever they were read; later: {again}"));
            }
        }
        summary.progress()
    };
    session.on_shops(ports.store, which, verify, done).await?;
    if let (Which::One(shop_id), true) = (which, summary.is_of_nothing()) {
        return Err(session.unknown(shop_id));
    }
    if session.invocation.json {
        session.output.object(&Last { kind: "summary", agreement: summary.agrees(), summary: &summary });
    } else {
        session.output.line(summary.sentence(which));
    }
    Ok(if summary.agrees() { Verdict::Well } else { Verdict::Amiss })
}

/// The shop, unless nothing but a person can repair it.
fn repairable_shop(difference: &Difference) -> Option<&ShopId> {
    match difference {
        Difference::Score { difference, .. } => Some(&difference.counted.key.shop_id),
        Difference::Contribution(difference) => Some(&difference.rating.shop_id),
        Difference::Unreadable { .. } => None,
    }
}

impl Summary {
    fn add(&mut self, verified: Verified) {
        self.shops += 1;
        self.ratings += verified.ratings;
        self.scores += verified.scores;
        self.differences += verified.differences;
        self.shops_with_differences += u64::from(verified.differences > 0);
        self.under_way += verified.under_way;
        self.busy_shops += u64::from(verified.busy);
    }

    fn progress(&self) -> Progress {
        Progress { shops: self.shops, ratings: self.ratings }
    }

    /// A shop of which there is nothing is none; what cannot be understood is a difference.
    fn is_of_nothing(&self) -> bool {
        self.ratings == 0 && self.scores == 0 && self.under_way == 0 && self.agrees()
    }

    fn agrees(&self) -> bool {
        self.differences == 0 && self.busy_shops == 0
    }

    fn sentence(&self, which: &Which) -> String {
        if self.shops == 0 {
            return super::no_shop(which);
        }
        let (shops, ratings) = (counted(self.shops, "shop"), counted(self.ratings, "rating"));
        let of = format!("{shops}, {ratings}, {}", counted(self.scores, "score"));
        let mut parts = Vec::new();
        if self.differences > 0 {
            let differing = counted(self.shops_with_differences, "shop");
            parts.push(format!("{} in {differing}", counted(self.differences, "difference")));
        }
        if self.busy_shops > 0 {
            parts.push(format!("{} busy, verify later", counted(self.busy_shops, "shop")));
        }
        let under_way = counted(self.under_way, "rating");
        match (self.agrees(), self.under_way) {
            (true, 0) => parts.push("every score is as its ratings say".to_owned()),
            (true, ratings) => {
                let verb = if ratings == 1 { "is" } else { "are" };
                parts.push(format!(
                    "every score is as its ratings say, but for {under_way} that {verb} still under way"
                ));
            }
            (false, 0) => {}
            (false, _) => parts.push(format!("{under_way} still under way, which is no difference")),
        }
        format!("{of}: {}", parts.join("; "))
    }
}
