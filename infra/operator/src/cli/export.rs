//! What may be typed after `coffeeshop scores export`, and what it means.
//!
//! Nothing is opened or made here.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::Target;

/// All scores are to be written somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Whose scores.
    pub target: Target,
    /// How, and where.
    pub arguments: Export,
}

/// How scores are written, and where.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Export {
    /// As what they are written
    #[arg(long)]
    pub format: Format,
    /// Where: a file, which is replaced if it is there, or `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub out: Out,
}

/// As what scores are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As the files of the hourly snapshots
    Parquet,
    /// A header, and a line each; what has no value is empty
    Csv,
    /// An object a line, each with every column; what has no value is `null`
    Jsonl,
}

/// Where scores are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// To standard output.
    Stdout,
    /// To this file.
    File(PathBuf),
}

impl FromStr for Out {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" { Self::Stdout } else { Self::File(text.into()) })
    }
}

impl fmt::Display for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
