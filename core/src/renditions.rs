//! Which renditions are made of a photo, as written in the configuration.
//!
//! Sizes only: how a picture gets that size is the thumbnailer's business.

use std::fmt;
use std::str::FromStr;

use crate::ids::{IdError, RenditionName};

/// The longest side that a rendition may be asked for, in pixels.
pub const RENDITION_SIDE_MAX: u32 = 4096;

/// The most renditions of one photo.
pub const RENDITIONS_MAX: usize = 16;

/// The box that a picture is brought to. Never enlarged: a small original gives a smaller rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The whole picture, its longer side at most this many pixels.
    Fit {
        /// The bound of the longer side, in pixels.
        side: u32,
    },
    /// The centre of the picture in this shape.
    Cover {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// One rendition: `card=480:fit` or `thumb=160x160:cover`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionSpec {
    /// What it is called.
    pub name: RenditionName,
    /// How large it is.
    pub size: Size,
}

/// All renditions of a photo, at least one, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionSpecs(Vec<RenditionSpec>);

/// A rendition list that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenditionSpecError {
    /// There is no rendition, or there are too many.
    #[error("{0} renditions; 1 to {RENDITIONS_MAX} can be made")]
    Count(usize),
    /// An entry that is neither `name=WxH:cover` nor `name=N:fit`.
    #[error("{0:?} is neither name=WIDTHxHEIGHT:cover nor name=SIDE:fit")]
    Shape(String),
    /// A name that cannot stand in a key.
    #[error("{entry:?} has a name that cannot stand in a key")]
    Name {
        /// The whole entry.
        entry: String,
        /// What is wrong with its name.
        #[source]
        cause: IdError,
    },
    /// A side of 0 pixels, or larger than is made.
    #[error("{0:?} has a side outside 1 to {RENDITION_SIDE_MAX} pixels")]
    Side(String),
    /// Two renditions of one name, which would be stored under one key.
    #[error("two renditions are called {0}")]
    Twice(RenditionName),
}

impl RenditionSpecs {
    /// The renditions, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &RenditionSpec> {
        self.0.iter()
    }
}

impl FromStr for RenditionSpecs {
    type Err = RenditionSpecError;

    fn from_str(text: &str) -> Result<Self, RenditionSpecError> {
        let specs = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(spec)
            .collect::<Result<Vec<_>, _>>()?;
        if specs.is_empty() || specs.len() > RENDITIONS_MAX {
            return Err(RenditionSpecError::Count(specs.len()));
        }
        for (i, one) in specs.iter().enumerate() {
            if specs.iter().skip(i + 1).any(|other| other.name == one.name) {
                return Err(RenditionSpecError::Twice(one.name.clone()));
            }
        }
        Ok(Self(specs))
    }
}

fn spec(entry: &str) -> Result<RenditionSpec, RenditionSpecError> {
    let shape = || RenditionSpecError::Shape(entry.to_owned());
    let (name, rest) = entry.split_once('=').ok_or_else(shape)?;
    let (size, mode) = rest.split_once(':').ok_or_else(shape)?;
    let name = name.parse().map_err(|cause| RenditionSpecError::Name { entry: entry.to_owned(), cause })?;
    let length = |text: &str| {
        if !text.chars().all(|c| c.is_ascii_digit()) || text.is_empty() {
            return Err(shape());
        }
        match text.parse() {
            Ok(n) if (1..=RENDITION_SIDE_MAX).contains(&n) => Ok(n),
            _ => Err(RenditionSpecError::Side(entry.to_owned())),
        }
    };
    let size = match mode {
        "fit" => Size::Fit { side: length(size)? },
        "cover" => {
            let (width, height) = size.split_once('x').ok_or_else(shape)?;
            Size::Cover { width: length(width)?, height: length(height)? }
        }
        _ => return Err(shape()),
    };
    Ok(RenditionSpec { name, size })
}

impl fmt::Display for RenditionSpecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, RenditionSpec { name, size }) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match size {
                Size::Fit { side } => write!(f, "{comma}{name}={side}:fit")?,
                Size::Cover { width, height } => write!(f, "{comma}{name}={width}x{height}:cover")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back() {
        for text in ["thumb=160x160:cover,card=480:fit,full=1080:fit", "a=1:fit", "b=4096x1:cover"] {
            assert_eq!(text.parse::<RenditionSpecs>().unwrap().to_string(), text);
        }
        let spaced: RenditionSpecs = " a=1:fit , b=2:fit ,".parse().unwrap();
        assert_eq!(spaced.to_string(), "a=1:fit,b=2:fit");
    }

    #[test]
    fn each_mistake_has_its_error() {
        use RenditionSpecError as E;
        #[track_caller]
        fn check(text: &str, expected: &E) {
            assert_eq!(text.parse::<RenditionSpecs>().as_ref(), Err(expected), "{text:?}");
        }
        check("", &E::Count(0));
        check(",", &E::Count(0));
        for shape in ["thumb", "thumb=160", "t=160:cover", "t=160x160:stretch", "t=:fit", "t=-1:fit", "t=axb:cover"] {
            check(shape, &E::Shape(shape.to_owned()));
        }
        for side in ["t=0:fit", "t=4097:fit", "t=0x9:cover", "t=99999999999:fit"] {
            check(side, &E::Side(side.to_owned()));
        }
        check("t=1:fit,t=2:fit", &E::Twice("t".parse().unwrap()));
        assert!(matches!("a/b=1:fit".parse::<RenditionSpecs>(), Err(E::Name { .. })));
        let many = (0..17).map(|i| format!("r{i}=1:fit")).collect::<Vec<_>>().join(",");
        check(&many, &E::Count(17));
    }
}
