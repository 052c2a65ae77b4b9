//! What may be typed after `coffeeshop dlq`, and what it means.
//!
//! Whether a place or a run of that name exists is not known here.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::MessageId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::values::{Destination, Rate, RunId, option};
use super::{Target, typed_word};

/// How many messages a replay works on at most, and how many are looked at: SQS hides no more than 120,000 at once.
pub const SLICE_MESSAGES_MAX: u64 = 100_000;

/// What is to be done, and on which stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Whose messages.
    pub target: Target,
    /// For programs: an object a line.
    pub json: bool,
    /// What is to be done.
    pub verb: Verb,
}

/// What is to be done with messages that rest somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Show the places where failures rest: how much, how old, where from
    #[command(override_usage = "coffeeshop dlq list <--stack <NAME>|--local> [OPTIONS]")]
    #[command(after_help = "\
The oldest age is from a sample of up to 100 messages a place, which are received and given back; where the sample is
not everything, it is marked: there may be older ones. (The queue's own metric counts from when a message came here,
but a message goes when it is too old since it was first sent.) Archives of streams are all counted.")]
    List,
    /// Show some messages of a place, and leave them there
    #[command(override_usage = "coffeeshop dlq peek <--stack <NAME>|--local> [OPTIONS] <PLACE>")]
    #[command(after_help = "\
They are received and given back at once: nothing happens to them, but that their receive counts rise by one. Archives
of streams are only read.")]
    Peek(Peek),
    /// Count the messages of a place by what went wrong: where to begin
    #[command(override_usage = "coffeeshop dlq groups <--stack <NAME>|--local> [OPTIONS] <PLACE>")]
    #[command(after_help = SWEEP)]
    Groups {
        /// As `list` calls it
        place: String,
    },
    /// Have messages done again: sent back to where they came from, or records handed to their function; only says so, without --execute
    #[command(override_usage = "coffeeshop dlq replay <--stack <NAME>|--local> [OPTIONS] <PLACE>")]
    #[command(after_help = "\
First the place is swept to see what there is, and everything is given back; what comes later is not replayed. Then
message by message: sent, and deleted here only when the queue has it. What is done is in a journal, which is named;
`dlq resume` goes on with it. While it runs, the other messages of the place are hidden; when it is killed, for ten
minutes at most.

An archive of a stream is handed to its function in parts, in order; what fails is halved until single records are left
over, each in an archive of its own. Whatever is replayed of ratings, the scores are then held against the ratings.

With --json and without --execute, each message is a line: choose with jq, and pass the ids on with --ids.
Exit status 0: all done; 3: some were not, they are listed.")]
    Replay(Replay),
    /// Go on with a replay, an edit or a discard that was stopped
    #[command(override_usage = "coffeeshop dlq resume <--stack <NAME>|--local> [OPTIONS] <RUN>")]
    #[command(after_help = "\
What was sent is only deleted. What was being sent is sent again, and named: it may be there twice, which does no harm
to the functions of this stack. Exit status 0: all done; 3: some were not, they are listed.")]
    Resume {
        /// As the run that was stopped calls itself
        run: RunId,
    },
    /// Correct the body of one message in $EDITOR, and replay it; only shows the difference, without --execute
    #[command(override_usage = "coffeeshop dlq edit <--stack <NAME>|--local> [OPTIONS] <PLACE> <ID>")]
    #[command(after_help = "\
The function's own parser checks the new body. The original is in the journal. Records of streams are not edited: they
say what was in a table, which is to be corrected itself.")]
    Edit(Edit),
    /// Copy messages into a file or an object, a line of JSON each, and leave them where they are
    #[command(override_usage = "coffeeshop dlq archive <--stack <NAME>|--local> --to <TO> [OPTIONS] <PLACE>")]
    #[command(after_help = SWEEP)]
    Archive(Archive),
    /// Delete messages, after they were archived; only says so, without --execute
    #[command(override_usage = "coffeeshop dlq discard <--stack <NAME>|--local> [OPTIONS] <PLACE>")]
    #[command(after_help = "\
They are archived first, always: to --to, or beside the journal. Exit status 0: all done; 3: some were not.")]
    Discard(Discard),
}

const SWEEP: &str = "\
Every message is received, held until all were seen, and given back: receive counts rise by one. When this is killed,
messages stay hidden for ten minutes at most. At most 100,000 messages are looked at, for eight minutes at most.
Archives of streams are only read.";

/// Some messages of which place.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Peek {
    /// As `list` calls it
    pub place: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub limit: u64,
}

/// Which messages of a place; all, without any of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct Selection {
    /// Only those of this group, as `groups` calls it
    #[arg(long, value_name = "GROUP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only those first sent, or archived, at this time or later, such as `2026-11-20T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those first sent, or archived, before this time
    #[arg(long, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only those about this shop, also among others; an archive without records says of no shop
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    /// Only those whose ids are in this file, one a line
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<PathBuf>,
    /// At most so many, whichever come first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SLICE_MESSAGES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// How to send messages back.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Replay {
    /// As `list` calls it
    pub place: String,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub pace: Pace,
    /// Leave alone what was replayed so often already
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_replays: u32,
    /// Do it
    #[arg(long)]
    pub execute: bool,
    #[command(flatten)]
    pub audit: Audit,
}

/// How fast, and how carefully.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct Pace {
    /// At most so many messages a second, such as `50/s`
    #[arg(long, value_name = "N/s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// First only so many; go on when they were handled, stop if they fail, come back or stay
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u64>,
}

/// Where else the journal goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Audit {
    /// Also put the journal into this S3 bucket: before the first message is touched, each minute, and at the end
    #[arg(long, value_name = "BUCKET", value_parser = NonEmptyStringValueParser::new())]
    pub audit_bucket: Option<String>,
}

/// Which message to correct.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Edit {
    /// As `list` calls it
    pub place: String,
    /// The message's id
    pub id: String,
    /// Take the new body from this file instead of $EDITOR
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// Replay it so
    #[arg(long)]
    pub execute: bool,
    #[command(flatten)]
    pub audit: Audit,
}

/// What to copy where.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Archive {
    /// As `list` calls it
    pub place: String,
    /// A file, or `s3://BUCKET/KEY`; there must be none yet
    #[arg(long)]
    pub to: Destination,
    #[command(flatten)]
    pub selection: Selection,
}

/// What to delete.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Discard {
    /// As `list` calls it
    pub place: String,
    #[command(flatten)]
    pub selection: Selection,
    /// Archive it there: a file, or `s3://BUCKET/KEY`; there must be none yet [default: beside the journal]
    #[arg(long)]
    pub to: Option<Destination>,
    /// Do it
    #[arg(long)]
    pub execute: bool,
    #[command(flatten)]
    pub audit: Audit,
}

impl Invocation {
    /// What to type to do in earnest what was only said.
    pub(crate) fn in_earnest(&self) -> String {
        format!("coffeeshop dlq {} --execute {}{}", self.verb, self.target, self.json_flag())
    }

    /// What to type to go on with a run.
    pub(crate) fn resume(&self, run: &RunId) -> String {
        format!("coffeeshop dlq resume {run} {}{}", self.target, self.json_flag())
    }

    fn json_flag(&self) -> &'static str {
        if self.json { " --json" } else { "" }
    }

    /// What to type to send this message back with its body from that file.
    pub(crate) fn edit(&self, place: &str, id: &MessageId, file: &Path, Audit { audit_bucket }: &Audit) -> String {
        let file = typed_word(&file.display().to_string());
        let audit = audit_bucket.as_ref().map_or(String::new(), |bucket| format!(" --audit-bucket {bucket}"));
        let json = self.json_flag();
        format!("coffeeshop dlq edit {place} {} --body {file} --execute{audit} {}{json}", id.0, self.target)
    }
}

impl Verb {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Peek(_) => "peek",
            Self::Groups { .. } => "groups",
            Self::Replay(_) => "replay",
            Self::Resume { .. } => "resume",
            Self::Edit(_) => "edit",
            Self::Archive(_) => "archive",
            Self::Discard(_) => "discard",
        }
    }
}

/// As it is typed, without `--execute`: of what is dry by default, and has no file to be named.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Replay(Replay { place, selection, pace, max_replays, audit, .. }) => {
                write!(f, " {place}{selection}")?;
                option(f, "rate", pace.rate)?;
                option(f, "canary", pace.canary)?;
                option(f, "max-replays", Some(*max_replays).filter(|times| *times != 3))?;
                option(f, "audit-bucket", audit.audit_bucket.as_ref())
            }
            Self::Discard(Discard { place, selection, to, audit, .. }) => {
                write!(f, " {place}{selection}")?;
                option(f, "to", to.as_ref())?;
                option(f, "audit-bucket", audit.audit_bucket.as_ref())
            }
            _ => Ok(()),
        }
    }
}

/// As it is typed, each with a space before it.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        option(f, "group", self.group.as_ref())?;
        option(f, "since", self.since)?;
        option(f, "until", self.until)?;
        option(f, "shop", self.shop.as_ref())?;
        option(f, "ids", self.ids.as_ref().map(|path| path.display()))?;
        option(f, "max", self.max)
    }
}
