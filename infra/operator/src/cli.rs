//! What may be typed after `coffeeshop`, and what it means.
//!
//! Nothing is done here, and nothing is asked of a stack.

pub mod dlq;
pub mod export;
pub mod photos;
pub mod values;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::score::City;

use crate::rebuild::Mode;

/// The most entries of a board that are shown at once: they are held in memory to be aligned.
const LIMIT_MAX: u64 = 100_000;

/// Where `cargo xtask local` leaves how to reach its stack.
const LOCAL_STACK: &str = "target/local/stack.json";

const TARGET: &str = "Target (exactly one; there is no default)";

const EXIT_STATUS: &str = "\
Exit status:
  0    done; of `verify`: every score is as its ratings say
  1    it could not be done, and standard error says why
  2    the command line is wrong
  3    of `verify`: there are differences, or shops were busy;
       of `rebuild`: something was busy, or could not be understood;
       of `export`: something could not be understood, and was left out;
       of `dlq`: some messages were not done, they are listed;
       of `photos`: something is not as the outcome says, or was not sent
  130  stopped by Ctrl-C";

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Something about scores.
    Scores(Invocation),
    /// All scores are to be written somewhere.
    Export(export::Invocation),
    /// Something about messages that rest somewhere.
    Dlq(dlq::Invocation),
    /// Something about photos.
    Photos(photos::Invocation),
}

/// What is to be done with scores, and on which stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Whose scores.
    pub target: Target,
    /// For programs: an object a line.
    pub json: bool,
    /// What is to be done.
    pub command: Command,
}

/// A deployed stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The stack of this name on AWS.
    Stack(String),
    /// The stack on this machine.
    Local,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Show the best of a board.
    Top(Top),
    /// Show all scores of a shop.
    Show(ShopId),
    /// Compare with the ratings.
    Verify(Which),
    /// Set right.
    Rebuild(Which, Mode),
}

/// Which entries of which board.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Top {
    /// The board of this city, spelled as in the table of shops [default: the board of all shops]
    #[arg(long)]
    pub city: Option<City>,
    /// `all`, or a month of UTC such as `2026-11`
    #[arg(long, default_value = "all")]
    pub period: Period,
    /// How many entries
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=LIMIT_MAX))]
    pub limit: u64,
}

/// On which shops something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// On one.
    One(ShopId),
    /// On every one whose id is greater.
    All {
        /// Than this one; `None`: on every one.
        after: Option<ShopId>,
    },
}

/// For operators: scores of coffee shops read, proved and repaired; what failed found, understood and replayed; photos made anew
#[derive(Debug, Parser)]
#[command(name = "coffeeshop", version, after_help = EXIT_STATUS, disable_help_subcommand = true)]
struct Cli {
    /// The stack of this CloudFormation name, with the region and the credentials of the environment
    #[arg(long, global = true, value_name = "NAME", help_heading = TARGET, value_parser = NonEmptyStringValueParser::new())]
    stack: Option<String>,
    /// The stack on this machine: `target/local/stack.json`, here or in a folder above
    #[arg(long, global = true, help_heading = TARGET)]
    local: bool,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// The scores of shops
    #[command(subcommand, disable_help_subcommand = true)]
    Scores(Scores),
    /// What failed, and rests in dead-letter queues
    #[command(subcommand, disable_help_subcommand = true)]
    Dlq(dlq::Verb),
    /// Photos: what became of them, and making them anew
    #[command(subcommand, disable_help_subcommand = true)]
    Photos(photos::Verb),
}

#[derive(Debug, Subcommand)]
enum Scores {
    /// Show the best shops of a leaderboard
    #[command(override_usage = "coffeeshop scores top <--stack <NAME>|--local> [OPTIONS]")]
    Top(Top),
    /// Show all that is known of a shop's scores
    #[command(override_usage = "coffeeshop scores show <--stack <NAME>|--local> [OPTIONS] <SHOP>")]
    Show {
        /// The shop's id
        shop: ShopId,
    },
    /// Count the ratings again, and compare: with what the scores hold of them, and with the scores
    #[command(override_usage = "coffeeshop scores verify <--stack <NAME>|--local> <--shop <SHOP>|--all> [OPTIONS]")]
    #[command(after_help = "\
Nothing is written. What differs is looked at again for 15 seconds, so that a rating that is still under way
is not taken for drift. Exit status 0: every score is as its ratings say; 3: differences, or busy shops.")]
    Verify {
        #[command(flatten)]
        which: WhichArguments,
    },
    /// Set right what `verify` finds, while ratings keep flowing
    #[command(override_usage = "coffeeshop scores rebuild <--stack <NAME>|--local> <--shop <SHOP>|--all> [OPTIONS]")]
    #[command(after_help = "\
Everything is written on condition of what was read, so it harms no rating that comes meanwhile, and a second
run changes nothing. When it is stopped, a shop under way may be half repaired until it is run again.
Exit status 0: done; 3: something was busy, or could not be understood.")]
    Rebuild {
        #[command(flatten)]
        which: WhichArguments,
        /// Only say what would be changed
        #[arg(long)]
        dry_run: bool,
    },
    /// Write all scores as rows of the dataset: the columns of the hourly snapshots
    #[command(override_usage = "coffeeshop scores export <--stack <NAME>|--local> --format <FORMAT> --out <FILE>")]
    #[command(after_help = "\
The whole table is read, a page at a time. A row is as its score was when this began, or later. The file is there when it
is whole; until then, what was there before is. Columns and promises: \"The dataset\" in CONTRACT.md.
Exit status 0: done; 3: items that could not be understood were left out, they are named.")]
    Export(export::Export),
}

#[derive(Debug, Args)]
struct WhichArguments {
    #[command(flatten)]
    shops: Shops,
    /// Go on after this shop, in the order of ids
    #[arg(long, value_name = "SHOP", requires = "all", conflicts_with = "shop")]
    after: Option<ShopId>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Shops {
    /// Only this shop
    #[arg(long)]
    shop: Option<ShopId>,
    /// Every shop, in the order of their ids
    #[arg(long)]
    all: bool,
}

impl From<WhichArguments> for Which {
    fn from(WhichArguments { shops, after }: WhichArguments) -> Self {
        shops.shop.map_or(Self::All { after }, Self::One)
    }
}

impl Typed {
    /// What the arguments mean, the program's name first. The error knows its exit code, and may be a help text.
    pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let Cli { stack, local, json, subject } = Cli::try_parse_from(arguments)?;
        // clap looks at a group of options where they are declared, and not where else they may be typed.
        let target = match (stack, local) {
            (Some(name), false) => Target::Stack(name),
            (None, true) => Target::Local,
            (None, false) => {
                let missing = "name the stack: `--stack NAME`, or `--local` for the one on this machine";
                return Err(usage(&subject, ErrorKind::MissingRequiredArgument, missing));
            }
            (Some(_), true) => {
                let both = "`--stack` and `--local` are two stacks: name one";
                return Err(usage(&subject, ErrorKind::ArgumentConflict, both));
            }
        };
        let scores = match subject {
            Subject::Scores(scores) => scores,
            Subject::Dlq(verb) => return Ok(Self::Dlq(dlq::Invocation { target, json, verb })),
            Subject::Photos(verb) => {
                if let Some(wrong) = verb.selection().and_then(photos::Selection::contradiction) {
                    return Err(usage(&Subject::Photos(verb), ErrorKind::ArgumentConflict, wrong));
                }
                return Ok(Self::Photos(photos::Invocation { target, json, verb }));
            }
        };
        let command = match scores {
            Scores::Export(_) if json => {
                let two = "`--json` is of other commands: this one has `--format jsonl`";
                return Err(usage(&Subject::Scores(scores), ErrorKind::ArgumentConflict, two));
            }
            Scores::Export(arguments) => return Ok(Self::Export(export::Invocation { target, arguments })),
            Scores::Top(top) => Command::Top(top),
            Scores::Show { shop } => Command::Show(shop),
            Scores::Verify { which } => Command::Verify(which.into()),
            Scores::Rebuild { which, dry_run: true } => Command::Rebuild(which.into(), Mode::DryRun),
            Scores::Rebuild { which, dry_run: false } => Command::Rebuild(which.into(), Mode::Write),
        };
        Ok(Self::Scores(Invocation { target, json, command }))
    }

    /// Which stack.
    pub fn target(&self) -> &Target {
        match self {
            Self::Scores(Invocation { target, .. })
            | Self::Export(export::Invocation { target, .. })
            | Self::Dlq(dlq::Invocation { target, .. })
            | Self::Photos(photos::Invocation { target, .. }) => target,
        }
    }
}

impl Invocation {
    /// What to type to repair a shop.
    pub(crate) fn repair(&self, shop_id: &ShopId) -> String {
        format!("coffeeshop scores rebuild {} {}", option("--shop", shop_id), self.target)
    }

    /// What to type to see what is wrong with a shop.
    pub(crate) fn examine(&self, shop_id: &ShopId) -> String {
        format!("coffeeshop scores verify {} {}", option("--shop", shop_id), self.target)
    }

    /// What to type to go on, when this was stopped after `last`; `None`: there is nothing to go on with.
    pub(crate) fn again(&self, last: Option<&ShopId>) -> Option<String> {
        let (name, which, dry_run) = match &self.command {
            Command::Top(_) | Command::Show(_) => return None,
            Command::Verify(which) => ("verify", which, ""),
            Command::Rebuild(which, Mode::Write) => ("rebuild", which, ""),
            Command::Rebuild(which, Mode::DryRun) => ("rebuild", which, " --dry-run"),
        };
        let which = match (which, last) {
            (Which::One(shop_id), _) => option("--shop", shop_id),
            (Which::All { .. }, Some(last)) => format!("--all {}", option("--after", last)),
            (Which::All { .. }, None) => "--all".to_owned(),
        };
        let json = if self.json { " --json" } else { "" };
        Some(format!("coffeeshop scores {name} {which}{dry_run} {}{json}", self.target))
    }
}

/// An option as it is typed: an id may begin with `-`, and then clap would take it for another option.
fn option(name: &str, shop_id: &ShopId) -> String {
    let separator = if shop_id.as_str().starts_with('-') { '=' } else { ' ' };
    format!("{name}{separator}{shop_id}")
}

/// As it is typed.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack(name) => write!(f, "--stack {name}"),
            Self::Local => f.write_str("--local"),
        }
    }
}

/// The file of the stack on this machine, in the folder or one above it.
pub fn local_stack(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(LOCAL_STACK)).find(|file| file.is_file())
}

fn usage(subject: &Subject, kind: ErrorKind, message: &str) -> clap::Error {
    let (subject, name) = match subject {
        Subject::Scores(Scores::Top(_)) => ("scores", "top"),
        Subject::Scores(Scores::Show { .. }) => ("scores", "show"),
        Subject::Scores(Scores::Verify { .. }) => ("scores", "verify"),
        Subject::Scores(Scores::Rebuild { .. }) => ("scores", "rebuild"),
        Subject::Scores(Scores::Export(_)) => ("scores", "export"),
        Subject::Dlq(verb) => ("dlq", verb.name()),
        Subject::Photos(verb) => ("photos", verb.name()),
    };
    let mut cli = Cli::command();
    cli.build();
    let command = cli.find_subcommand_mut(subject).and_then(|subject| subject.find_subcommand_mut(name));
    match command {
        Some(command) => command.error(kind, message),
        None => Cli::command().error(kind, message),
    }
}

/// A word as a shell takes it.
fn typed_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
