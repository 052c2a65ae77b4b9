//! One photo is answered: "S3 says what is", and "late and double events never win".
//!
//! Read the outcome, list the renditions, get the original; if there is news, put renditions, then the outcome, on
//! condition that nobody else did; at the end, always, delete what can never be named again. A photo's first event lists
//! nothing: what could lie there is another message's. Who loses a race begins again. An operator's request to reprocess
//! takes the same way; whether it is news depends on what the original is now, and the stored sequencer stays. Why this
//! order is right under crashes and races: `ARCHITECTURE.md`, and the simulation that holds it. What is news is decided in
//! [`coffeeshop_core::photo`], not here.

use std::time::Instant;

use coffeeshop_core::edition::Edition;
use coffeeshop_core::ids::UserId;
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::{Answer, Outcome, Reason, Rendition, Source};
use coffeeshop_core::photo::{Decision, Delivery, Draft, Request, decide, never_again, sweep_is_anothers};
use coffeeshop_core::ports::{Clock, Original, PhotoStore, PortError, Put};
use coffeeshop_core::renditions::RenditionSpecs;
use futures::future::join_all;

use crate::render::{Header, PIPELINE, Profile, Rejection, Rendered, RenderedFile, Stages};

/// How often a lost race is begun again before the message is given back.
pub const RACES_MAX: u32 = 8;

/// Works on pixels off the async threads.
pub trait Renderer {
    /// What it makes.
    fn specs(&self) -> &RenditionSpecs;

    /// Makes the renditions, and adds how long each stage took. The outer error is the world's fault, the inner one the
    /// photo's.
    fn render(
        &self,
        bytes: bytes::Bytes,
        stages: &mut Stages,
    ) -> impl Future<Output = Result<Result<(Header, Rendered), Rejection>, PortError>> + Send;
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The outcome that answers it.
    pub outcome: Outcome,
    /// Whether this request wrote it; otherwise it was there already.
    pub news: bool,
    /// What became of an embedded profile.
    pub profile: Profile,
    /// Why a photo was rejected, in words.
    pub detail: Option<String>,
    /// How long each stage took.
    pub stages: Stages,
}

impl Answered {
    /// By an outcome that is stored already.
    fn before(outcome: Outcome, stages: Stages) -> Self {
        Self { outcome, news: false, profile: Profile::None, detail: None, stages }
    }
}

/// Answers a request. Doing it twice, late or beside others changes nothing.
///
/// `None`: the photo was to be reprocessed, and there is neither an outcome nor anything that one could be about.
pub async fn answer(
    store: &impl PhotoStore,
    renderer: &impl Renderer,
    clock: &impl Clock,
    request: &Request,
    delivery: Delivery,
) -> Result<Option<Answered>, PortError> {
    for race in 0..RACES_MAX {
        let mut stages = Stages::default();
        let stored = timed(&mut stages, "read", store.outcome(request.photo())).await?;
        let listed = if race == 0 && sweep_is_anothers(request, delivery, stored.as_ref()) {
            Vec::new()
        } else {
            timed(&mut stages, "list", store.renditions(request.photo())).await?
        };
        let (answered, files) = match decide(request, stored) {
            Decision::Answered(outcome) => (Some(Answered::before(outcome, stages)), Files::new()),
            Decision::Answer(draft) => make(store, renderer, clock, draft, request.photo(), &listed, stages).await?,
        };
        let Some(mut answered) = answered else { return Ok(None) };
        if answered.news {
            timed(&mut answered.stages, "put", put_renditions(store, files)).await?;
            let stored = timed(&mut answered.stages, "commit", store.put_outcome(&answered.outcome)).await?;
            if stored == Put::LostRace {
                continue;
            }
        }
        let gone = never_again(listed, &answered.outcome);
        if !gone.is_empty() {
            timed(&mut answered.stages, "sweep", store.delete_renditions(&gone)).await?;
        }
        return Ok(Some(answered));
    }
    Err(PortError::new("photos.put", format!("lost {RACES_MAX} races")))
}

type Files = Vec<(RenditionKey, RenderedFile)>;

/// Does `work`, and notes for how long.
async fn timed<T>(stages: &mut Stages, stage: &'static str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    stages.add(stage, started.elapsed());
    done
}

/// Puts all renditions at once, there are few. Each is waited for also when another fails: when the message is given
/// back, nothing is under way that could still arrive.
async fn put_renditions(store: &impl PhotoStore, files: Files) -> Result<(), PortError> {
    let puts = files.iter().map(|(key, file)| store.put_rendition(key, file.jpeg.clone()));
    join_all(puts).await.into_iter().collect()
}

/// The outcome of the original as it is now, and the renditions that it will name; or the stored outcome, if there is
/// one, when it is no news.
async fn make(
    store: &impl PhotoStore,
    renderer: &impl Renderer,
    clock: &impl Clock,
    draft: Draft,
    photo: &PhotoKey,
    listed: &[RenditionKey],
    mut stages: Stages,
) -> Result<(Option<Answered>, Files), PortError> {
    let original = timed(&mut stages, "fetch", store.original(photo)).await?;
    let version_id = original.as_ref().map_or("", |original| original.version_id.as_str());
    let edition = Edition::new(draft.revision, version_id, PIPELINE, renderer.specs());
    if !draft.is_news(&edition, original.is_some(), listed) {
        return Ok((draft.stored.map(|outcome| Answered::before(outcome, stages)), Files::new()));
    }
    let Draft { revision, sequencer, cause, stored } = draft;
    let outcome = Outcome {
        photo: photo.clone(),
        answer: Answer::Removed,
        sequencer,
        revision,
        edition,
        user_id: None,
        cause,
        pipeline: PIPELINE.to_owned(),
        source: None,
        processed_at: clock.now(),
    };
    let mut answered = Answered { outcome, news: true, profile: Profile::None, detail: None, stages };
    let files = if let Some(original) = original {
        answer_original(&mut answered, renderer, original).await?
    } else {
        // Who uploaded what is gone is still known from the outcome before.
        answered.outcome.user_id = stored.and_then(|stored| stored.user_id);
        Files::new()
    };
    answered.outcome.processed_at = clock.now();
    Ok((Some(answered), files))
}

/// Fills in what became of an original that is there.
async fn answer_original(
    answered: &mut Answered,
    renderer: &impl Renderer,
    original: Original,
) -> Result<Files, PortError> {
    let Original { version_id, etag, bytes, body, user_id } = original;
    let outcome = &mut answered.outcome;
    outcome.user_id = user_id.and_then(|id| UserId::try_from(id).ok());
    let pixels = match body {
        Some(body) => renderer.render(body, &mut answered.stages).await?,
        None => Err(Rejection::of(Reason::TooManyBytes, format!("{bytes} bytes"))),
    };
    let (format, size, files) = match pixels {
        Ok((header, Rendered { renditions, thumbhash, profile })) => {
            answered.profile = profile;
            let files: Files = renditions.into_iter().map(|file| (key(outcome, &file), file)).collect();
            let renditions = files.iter().map(|(key, file)| named(key, file)).collect();
            outcome.answer = Answer::Ready { renditions, thumbhash };
            (Some(header.format), Some(header.upright()), files)
        }
        Err(rejection) => {
            answered.detail = Some(rejection.detail);
            outcome.answer = Answer::Rejected { reason: rejection.reason, detected: rejection.detected };
            (rejection.format, rejection.size, Files::new())
        }
    };
    let (width, height) = size.unzip();
    outcome.source = Some(Source { version_id, etag, bytes, format, width, height });
    Ok(files)
}

fn key(outcome: &Outcome, file: &RenderedFile) -> RenditionKey {
    RenditionKey { photo: outcome.photo.clone(), edition: outcome.edition.clone(), name: file.name.clone() }
}

fn named(key: &RenditionKey, file: &RenderedFile) -> Rendition {
    let RenderedFile { name, width, height, jpeg } = file;
    Rendition { name: name.clone(), key: key.clone(), width: *width, height: *height, bytes: jpeg.len() as u64 }
}
