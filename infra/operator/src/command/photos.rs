//! The commands about photos, and what they share.
//!
//! How photos are found and sent is in `crate::photos`.

mod list;
mod reprocess;
mod show;
mod summary;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::Clock as _;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::photos::{Invocation, Selection, Status, Verb};
use crate::dlq::run::in_words;
use crate::dlq::stop::Stop;
use crate::failure::{Failure, Why};
use crate::output::Output;
use crate::photos::walk::{Listed, Met, Walk};
use crate::progress::Teller;
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::{PhotoPorts, Wiring};

/// One run of a command.
pub(crate) struct Desk<'a, W, P: Wiring> {
    pub(crate) invocation: &'a Invocation,
    pub(crate) ports: PhotoPorts<'a, P>,
    pub(crate) output: Output<W>,
    pub(crate) teller: Teller,
    pub(crate) stop: Stop,
}

/// What a walk through photos found.
#[derive(Debug, Default)]
struct Walked {
    statuses: BTreeMap<Status, u64>,
    /// Outcomes that cannot be understood.
    unreadable: u64,
    /// Objects that are no originals.
    not_photos: u64,
}

impl Walked {
    fn photos(&self) -> u64 {
        self.statuses.values().sum()
    }

    fn of(&self, status: Status) -> u64 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// `2 ready, 1 rejected`; empty when there are none.
    fn words(&self) -> String {
        let words = self.statuses.iter().map(|(status, count)| match status {
            Status::None => format!("{count} without an outcome"),
            status => format!("{count} {status}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// How many photos are meant, as programs read it.
#[derive(Serialize)]
struct WalkedLine {
    kind: &'static str,
    photos: u64,
    ready: u64,
    rejected: u64,
    removed: u64,
    none: u64,
    unreadable: u64,
    not_photos: u64,
}

/// A photo as programs read it: its item, or its original.
#[derive(Serialize)]
struct PhotoLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    photo: OneOf<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOf<'a> {
    Answered(&'a Outcome),
    Unanswered {
        #[serde(flatten)]
        photo: &'a PhotoKey,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        uploaded_at: Option<Timestamp>,
    },
}

impl<'a> PhotoLine<'a> {
    fn of(listed: &'a Listed) -> Self {
        let photo = match listed {
            Listed::Answered(outcome) => OneOf::Answered(outcome),
            Listed::Unanswered(photo, object) => {
                let (bytes, uploaded_at) = (Some(object.bytes), Some(object.written_at));
                OneOf::Unanswered { photo, status: "none", bytes, uploaded_at }
            }
        };
        Self { kind: "photo", photo, would: None }
    }
}

/// What cannot be understood, as programs read it.
#[derive(Serialize)]
struct UnreadableLine {
    kind: &'static str,
    error: String,
}

impl<W: Write, P: Wiring> Desk<'_, W, P> {
    pub(crate) async fn work(&self) -> Result<Verdict, Failure> {
        match &self.invocation.verb {
            Verb::Show { shop, photo } => {
                let photo = PhotoKey { shop_id: shop.clone(), photo_id: photo.clone() };
                show::run(self, &photo).await
            }
            Verb::List { selection } => list::run(self, selection).await,
            Verb::Reprocess(arguments) => reprocess::run(self, arguments).await,
            Verb::Resume { run } => reprocess::resume(self, run).await,
        }
    }

    /// Shows each page of the photos that are meant to `visit`, up to `limit` photos, and says what is no photo.
    async fn walk(
        &self,
        selection: &Selection,
        limit: u64,
        mut visit: impl FnMut(Vec<Listed>) -> Result<(), Why>,
    ) -> Result<Walked, Why> {
        let (walked, first_stray) = (RefCell::new(Walked::default()), RefCell::new(None));
        self.teller.begin_uncounted("looking through photos", "photo");
        let meet = |met: Met<'_>| {
            match met {
                Met::Page { meant, seen } => {
                    self.teller.at(seen, self.ports.clock.now());
                    for listed in &meant {
                        *walked.borrow_mut().statuses.entry(listed.status()).or_default() += 1;
                    }
                    return visit(meant);
                }
                Met::Unreadable(error) => {
                    walked.borrow_mut().unreadable += 1;
                    self.unreadable(in_words(error));
                }
                Met::UnknownPipeline(Outcome { photo, pipeline, .. }) => {
                    self.warn(format!("{photo} is taken for older: `{pipeline}` is no version of the code"));
                }
                Met::Stray(key) => {
                    walked.borrow_mut().not_photos += 1;
                    first_stray.borrow_mut().get_or_insert_with(|| key.to_owned());
                }
            }
            Ok(())
        };
        let (ports, stop) = (&self.ports, &self.stop);
        let through = Walk { ports, selection, stop, wanted: limit, seen: 0, meet }.through().await;
        self.teller.end();
        let walked = walked.into_inner();
        if let Some(key) = first_stray.into_inner() {
            let strays = counted(walked.not_photos, "object");
            let bucket = &self.ports.places.originals_bucket;
            self.warn(format!("{strays} of {bucket} left out, not named uploads/SHOP/PHOTO: the first is {key:?}"));
        }
        through.map(|()| walked)
    }

    /// Says that something cannot be understood.
    fn unreadable(&self, error: String) {
        if self.invocation.json {
            self.output.object(&UnreadableLine { kind: "unreadable", error });
        } else {
            self.warn(error);
        }
    }

    /// Says a line to people; programs do not get it.
    fn say(&self, line: impl Display) {
        if !self.invocation.json {
            self.output.line(line);
        }
    }

    /// Says what a person should know of, whatever is printed.
    fn warn(&self, line: impl Display) {
        self.teller.warn(line);
    }

    /// Says how many photos are meant, to a program.
    fn walked(&self, kind: &'static str, walked: &Walked) {
        let [ready, rejected, removed, none] =
            [Status::Ready, Status::Rejected, Status::Removed, Status::None].map(|status| walked.of(status));
        let Walked { unreadable, not_photos, .. } = *walked;
        let photos = walked.photos();
        self.output.object(&WalkedLine { kind, photos, ready, rejected, removed, none, unreadable, not_photos });
    }
}

/// What cannot be understood may have been meant.
fn verdict(unreadable: u64) -> Verdict {
    if unreadable == 0 { Verdict::Well } else { Verdict::Amiss }
}
