//! Every photo that is meant, a page at a time: those with an outcome, then originals without one.
//!
//! Nothing is collected: there may be millions.

use coffeeshop_core::keys::{ORIGINALS_PREFIX, PhotoKey};
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::pipeline::Pipeline;
use coffeeshop_core::ports::{Object, ObjectPage, Objects as _, OutcomePage, PhotoRecords as _, PortError};

use crate::attempts::Attempts;
use crate::cli::photos::{Selection, Status};
use crate::dlq::stop::Stop;
use crate::failure::Why;
use crate::wiring::{PhotoPorts, Wiring};

/// A photo that is meant.
#[derive(Debug)]
pub(crate) enum Listed {
    /// With its outcome.
    Answered(Box<Outcome>),
    /// An original without one.
    Unanswered(PhotoKey, Object),
}

impl Listed {
    pub(crate) fn photo(&self) -> &PhotoKey {
        match self {
            Self::Answered(outcome) => &outcome.photo,
            Self::Unanswered(photo, _) => photo,
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Answered(outcome) => Status::of(&outcome.answer),
            Self::Unanswered(..) => Status::None,
        }
    }
}

/// What a walk comes by.
#[derive(Debug)]
pub(crate) enum Met<'a> {
    /// A page is over: those of it that are meant, and how much was looked at so far.
    Page { meant: Vec<Listed>, seen: u64 },
    /// An outcome that cannot be understood; nobody knows whether it is meant.
    Unreadable(&'a PortError),
    /// An outcome that is taken for older than it should be, because its version of the code is none.
    UnknownPipeline(&'a Outcome),
    /// A key below that of originals which is none of a photo.
    Stray(&'a str),
}

/// Who is meant, and who wants to know.
pub(crate) struct Walk<'a, P: Wiring, F> {
    pub(crate) ports: &'a PhotoPorts<'a, P>,
    pub(crate) selection: &'a Selection,
    pub(crate) stop: &'a Stop,
    /// How many more are wanted.
    pub(crate) wanted: u64,
    pub(crate) seen: u64,
    pub(crate) meet: F,
}

impl<P: Wiring, F: FnMut(Met<'_>) -> Result<(), Why>> Walk<'_, P, F> {
    /// Meets all of them, or as many as are wanted, unless somebody wants it to stop.
    pub(crate) async fn through(mut self) -> Result<(), Why> {
        if self.selection.takes_outcomes() {
            self.outcomes().await?;
        }
        if self.selection.takes_unanswered() {
            self.originals().await?;
        }
        if self.stop.is_requested() { Err(Why::Interrupted { repairs: false }) } else { Ok(()) }
    }

    fn is_over(&self) -> bool {
        self.wanted == 0 || self.stop.is_requested()
    }

    fn page(&mut self, mut meant: Vec<Listed>, seen: usize) -> Result<(), Why> {
        meant.truncate(usize::try_from(self.wanted).unwrap_or(usize::MAX));
        self.wanted -= meant.len() as u64;
        self.seen += seen as u64;
        (self.meet)(Met::Page { meant, seen: self.seen })
    }

    async fn outcomes(&mut self) -> Result<(), Why> {
        let (ports, selection) = (self.ports, self.selection);
        let (mut after, mut attempts) = (None, Attempts::new(ports.clock));
        while !self.is_over() {
            let page = attempts.again(async || ports.photos.outcomes(selection.shop.as_ref(), after.as_ref()).await);
            let OutcomePage { outcomes, next } = page.await?;
            let (seen, mut meant) = (outcomes.len(), Vec::new());
            for outcome in outcomes {
                match outcome {
                    Err(error) => (self.meet)(Met::Unreadable(&error))?,
                    Ok(outcome) if selection.takes(&outcome) => {
                        if selection.pipeline_before.is_some() && outcome.pipeline.parse::<Pipeline>().is_err() {
                            (self.meet)(Met::UnknownPipeline(&outcome))?;
                        }
                        meant.push(Listed::Answered(Box::new(outcome)));
                    }
                    Ok(_) => (),
                }
            }
            self.page(meant, seen)?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn originals(&mut self) -> Result<(), Why> {
        let (ports, bucket) = (self.ports, &self.ports.places.originals_bucket);
        let prefix = self
            .selection
            .shop
            .as_ref()
            .map_or(ORIGINALS_PREFIX.to_owned(), |shop| format!("{ORIGINALS_PREFIX}{shop}/"));
        let (mut after, mut attempts): (Option<String>, _) = (None, Attempts::new(ports.clock));
        while !self.is_over() {
            let page = attempts.again(async || ports.objects.list(bucket, &prefix, after.as_deref()).await);
            let ObjectPage { objects, next } = page.await?;
            let mut originals = Vec::new();
            for object in objects {
                match PhotoKey::from_original(&object.key) {
                    Ok(photo) => originals.push((photo, object)),
                    Err(_) => (self.meet)(Met::Stray(&object.key))?,
                }
            }
            let photos: Vec<PhotoKey> = originals.iter().map(|(photo, _)| photo.clone()).collect();
            // After the list: what has been answered meanwhile has an outcome now.
            let answered = attempts.again(async || ports.photos.outcomes_of(&photos).await).await?;
            let unanswered = originals.into_iter().filter(|(photo, _)| !answered.contains_key(photo));
            self.page(unanswered.map(|(photo, object)| Listed::Unanswered(photo, object)).collect(), photos.len())?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }
}
