//! What may be typed after `coffeeshop photos`, and what it means.
//!
//! Whether there is such a photo, or such a run, is not known here.

use std::fmt;

use clap::{Args, Subcommand, ValueEnum};
use coffeeshop_core::ids::{PhotoId, ShopId};
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Outcome, Reason};
use coffeeshop_core::pipeline::Pipeline;
use serde::{Deserialize, Serialize};

use super::Target;
use super::values::{Rate, RunId, option};

/// What is to be done, and on which stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Whose photos.
    pub target: Target,
    /// For programs: an object a line.
    pub json: bool,
    /// What is to be done.
    pub verb: Verb,
}

/// What is to be done with photos.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Show all that is known of a photo: its outcome, its renditions, and the versions of the original
    #[command(override_usage = "coffeeshop photos show <--stack <NAME>|--local> [OPTIONS] <SHOP> <PHOTO>")]
    #[command(after_help = "\
Nothing is written. Exit status 0: what is there is what the outcome says, and it is of the version that is there now;
3: it is not, or there is no outcome, which may mean that an event is still under way.")]
    Show {
        /// The shop's id
        shop: ShopId,
        /// The photo's id
        photo: PhotoId,
    },
    /// List photos by what became of them
    #[command(override_usage = "coffeeshop photos list <--stack <NAME>|--local> [OPTIONS]")]
    #[command(after_help = "\
All outcomes are read, or all of a shop, a page at a time; then, for those without one, the bucket of originals is listed. A
photo that changes meanwhile is listed as it was or as it is.
Exit status 0: done; 3: some outcomes cannot be understood, they are named.")]
    List {
        #[command(flatten)]
        selection: Selection,
    },
    /// Have photos made anew by the code and the renditions of today, where that makes a difference
    #[command(
        override_usage = "coffeeshop photos reprocess <--stack <NAME>|--local> --rate <N/s> [--dry-run] [OPTIONS]"
    )]
    #[command(after_help = "\
First the photos are listed, in a journal: what comes later is not among them, and so nothing that this itself brings
about. Then a request for each is sent to the queue of uploads. The thumbnailer answers it where there is no outcome, or
where the outcome was made from another version, by other code, or into other renditions; what is as it would be made is
left alone, so that a request may be sent twice. The answer's cause is `reprocess`, and nobody is notified.
`photos resume` goes on with a run that was stopped. Exit status 0: all sent; 3: some were not, they are listed.")]
    Reprocess(Reprocess),
    /// Go on with a reprocess that was stopped
    #[command(override_usage = "coffeeshop photos resume <--stack <NAME>|--local> [OPTIONS] <RUN>")]
    #[command(after_help = "\
What was sent is not sent again. What was just being sent is, and is named: its request may be there twice, which does no
harm. Exit status 0: all sent; 3: some were not, they are listed.")]
    Resume {
        /// As the run that was stopped calls itself
        run: RunId,
    },
}

/// Which photos; all, without any of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct Selection {
    /// Only those of this shop
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    /// Only those that are `ready`, `rejected` or `removed`; `none`: originals without an outcome
    #[arg(long, value_enum, hide_possible_values = true)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Only those that were rejected for this reason, such as `corrupt`
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Only those with an outcome that was decided by an older version of the code, such as `photo/2`
    #[arg(long, value_name = "VERSION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_before: Option<Pipeline>,
}

/// What became of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All renditions can be read.
    Ready,
    /// It cannot be used.
    Rejected,
    /// The original is gone.
    Removed,
    /// There is an original, and no outcome.
    None,
}

/// Which photos to make anew, and how fast.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Reprocess {
    #[command(flatten)]
    pub selection: Selection,
    /// Only say what would be sent
    #[arg(long)]
    pub dry_run: bool,
    /// At most so many photos a second, such as `50/s`
    #[arg(long, value_name = "N/s")]
    pub rate: Rate,
    /// At most so many, whichever come first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max: Option<u64>,
}

impl Selection {
    /// What cannot be meant together.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        match self {
            Self { reason: Some(_), status: Some(Status::Ready | Status::Removed | Status::None), .. } => {
                Some("only what is rejected has a reason: `--reason` goes with `--status rejected`, or without")
            }
            Self { pipeline_before: Some(_), status: Some(Status::None), .. } => {
                Some("what has no outcome was decided by no code: `--pipeline-before` does not go with `--status none`")
            }
            _ => None,
        }
    }

    /// Whether any outcome can be meant.
    pub(crate) fn takes_outcomes(&self) -> bool {
        self.status != Some(Status::None)
    }

    /// Whether originals without an outcome are meant.
    pub(crate) fn takes_unanswered(&self) -> bool {
        let any = self.status.is_none() && self.reason.is_none() && self.pipeline_before.is_none();
        any || self.status == Some(Status::None)
    }

    /// Whether this outcome is meant. One whose version of the code is no version is taken for an older one.
    pub(crate) fn takes(&self, outcome: &Outcome) -> bool {
        let reason = match &outcome.answer {
            Answer::Rejected { reason, .. } => Some(*reason),
            Answer::Ready { .. } | Answer::Removed => None,
        };
        let pipeline = outcome.pipeline.parse::<Pipeline>().ok();
        self.status.is_none_or(|status| status == Status::of(&outcome.answer))
            && (self.reason.is_none() || self.reason == reason)
            && self.pipeline_before.is_none_or(|before| pipeline.is_none_or(|pipeline| pipeline < before))
    }
}

impl Status {
    /// Of an outcome.
    pub(crate) fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Ready { .. } => Self::Ready,
            Answer::Rejected { .. } => Self::Rejected,
            Answer::Removed => Self::Removed,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Rejected => "rejected",
            Self::Removed => "removed",
            Self::None => "none",
        }
    }
}

impl Invocation {
    /// What to type to do in earnest what was only said.
    pub(crate) fn in_earnest(&self, reprocess: &Reprocess) -> String {
        format!("coffeeshop photos reprocess{reprocess} {}{}", self.target, self.json_flag())
    }

    /// What to type to go on with a run.
    pub(crate) fn resume(&self, run: &RunId) -> String {
        format!("coffeeshop photos resume {run} {}{}", self.target, self.json_flag())
    }

    /// What to type to have this photo's shop looked through for originals without an outcome.
    pub(crate) fn answer(&self, PhotoKey { shop_id, .. }: &PhotoKey) -> String {
        let selection = Selection { shop: Some(shop_id.clone()), status: Some(Status::None), ..Selection::default() };
        self.in_earnest(&Reprocess { selection, dry_run: false, rate: Rate(10), max: None })
    }

    /// What to type to have all photos of this one's shop looked at again.
    pub(crate) fn look_again(&self, PhotoKey { shop_id, .. }: &PhotoKey) -> String {
        let selection = Selection { shop: Some(shop_id.clone()), ..Selection::default() };
        self.in_earnest(&Reprocess { selection, dry_run: false, rate: Rate(10), max: None })
    }

    fn json_flag(&self) -> &'static str {
        if self.json { " --json" } else { "" }
    }
}

impl Verb {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Show { .. } => "show",
            Self::List { .. } => "list",
            Self::Reprocess(_) => "reprocess",
            Self::Resume { .. } => "resume",
        }
    }

    /// Which photos are meant, if it is not one.
    pub(super) fn selection(&self) -> Option<&Selection> {
        match self {
            Self::List { selection } | Self::Reprocess(Reprocess { selection, .. }) => Some(selection),
            Self::Show { .. } | Self::Resume { .. } => None,
        }
    }
}

/// As it is typed, without `--dry-run`, each option with a space before it.
impl fmt::Display for Reprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selection.fmt(f)?;
        option(f, "rate", Some(self.rate))?;
        option(f, "max", self.max)
    }
}

/// The same.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        option(f, "shop", self.shop.as_ref())?;
        option(f, "status", self.status)?;
        option(f, "reason", self.reason)?;
        option(f, "pipeline-before", self.pipeline_before)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
