//! `coffeeshop photos show`: a photo's outcome, and whether what is there is what it says.
//!
//! Nothing is decided of what is not: an event may be under way.

use std::io::Write;

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Outcome, Rendition, Source};
use coffeeshop_core::ports::{Clock as _, Object, Objects as _, OriginalVersion, PhotoRecords as _, PortError};
use jiff::Timestamp;
use serde::Serialize;

use super::{Desk, OneOf, PhotoLine};
use crate::dlq::run::in_words;
use crate::dlq::wording::{age, printable};
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::table::{Side, table};
use crate::wiring::Wiring;

/// How often it is read again because it was answered meanwhile.
const READS_MAX: u32 = 5;

/// All that is known of a photo.
struct Known<'a> {
    photo: &'a PhotoKey,
    outcome: Option<Result<Outcome, PortError>>,
    /// What there is below the photo's prefix.
    renditions: Vec<Object>,
    /// The latest first.
    versions: Vec<OriginalVersion>,
}

/// A rendition that the outcome names, as programs read it.
#[derive(Serialize)]
struct RenditionLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    rendition: &'a Rendition,
    is_there: bool,
}

/// An object that it does not name, as programs read it.
#[derive(Serialize)]
struct LeftoverLine<'a> {
    kind: &'static str,
    key: &'a str,
    bytes: u64,
    written_at: Timestamp,
}

/// A version of the original, as programs read it.
#[derive(Serialize)]
struct VersionLine<'a> {
    kind: &'static str,
    version_id: &'a str,
    written_at: Timestamp,
    bytes: Option<u64>,
    is_latest: bool,
    is_delete_marker: bool,
    is_answered: bool,
}

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, photo: &PhotoKey) -> Result<Verdict, Failure> {
    let known = read(desk, photo).await?;
    if known.outcome.is_none() && known.versions.is_empty() && known.renditions.is_empty() {
        let target = desk.invocation.target.to_string();
        return Err(Why::NoPhoto { photo: photo.clone(), target }.into());
    }
    if desk.invocation.json {
        objects(desk, &known);
    } else {
        desk.output.line(printable(&known.words(desk.ports.clock.now())));
        if known.named().iter().any(|rendition| !known.is_there(rendition)) {
            let copied = "they are made again when the original is copied onto itself, as the runbook has it";
            desk.output.line(format!("\nRenditions are missing: {copied}"));
        }
        if matches!(known.outcome, None | Some(Ok(_))) && !known.is_answered() {
            let answer = desk.invocation.answer(photo);
            let again = if known.outcome.is_none() { answer } else { desk.invocation.look_again(photo) };
            desk.output.line(format!("\nIts event may be under way, or in uploads-dlq. If it was lost: {again}"));
        }
    }
    Ok(if known.is_as_it_should_be() { Verdict::Well } else { Verdict::Amiss })
}

/// Reads all of it, as of one outcome.
async fn read<'p, W: Write, P: Wiring>(desk: &Desk<'_, W, P>, photo: &'p PhotoKey) -> Result<Known<'p>, Why> {
    let ports = &desk.ports;
    let outcome =
        async || ports.photos.outcomes_of(std::slice::from_ref(photo)).await.map(|mut found| found.remove(photo));
    let revision = |outcome: &Option<Result<Outcome, PortError>>| {
        outcome.as_ref().and_then(|outcome| Some(outcome.as_ref().ok()?.revision))
    };
    let mut before = outcome().await?;
    for _ in 1..READS_MAX {
        let known = Known {
            photo,
            renditions: renditions(desk, photo).await?,
            versions: ports.photos.versions(photo).await?,
            outcome: outcome().await?,
        };
        if revision(&known.outcome) == revision(&before) {
            return Ok(known);
        }
        before = known.outcome;
    }
    Err(PortError::busy("photos.get", "the photo was answered again and again while it was read").into())
}

async fn renditions<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, photo: &PhotoKey) -> Result<Vec<Object>, Why> {
    let (bucket, prefix) = (&desk.ports.places.renditions_bucket, photo.renditions_prefix());
    let (mut renditions, mut after) = (Vec::new(), None);
    loop {
        let page = desk.ports.objects.list(bucket, &prefix, after.as_deref()).await?;
        renditions.extend(page.objects);
        after = page.next;
        if after.is_none() {
            return Ok(renditions);
        }
    }
}

impl Known<'_> {
    fn readable(&self) -> Option<&Outcome> {
        self.outcome.as_ref()?.as_ref().ok()
    }

    fn named(&self) -> &[Rendition] {
        match self.readable().map(|outcome| &outcome.answer) {
            Some(Answer::Ready { renditions, .. }) => renditions,
            _ => &[],
        }
    }

    fn is_there(&self, rendition: &Rendition) -> bool {
        let key = rendition.key.to_string();
        self.renditions.iter().any(|object| object.key == key)
    }

    fn leftovers(&self) -> impl Iterator<Item = &Object> {
        let is_named = |object: &&Object| self.named().iter().any(|named| named.key.to_string() == object.key);
        self.renditions.iter().filter(move |object| !is_named(object))
    }

    /// Whether the outcome was made from this version.
    fn is_of(&self, version: &OriginalVersion) -> bool {
        let source = self.readable().and_then(|outcome| outcome.source.as_ref());
        version.bytes.is_some() && source.is_some_and(|source| source.version_id == version.version_id)
    }

    /// Whether the outcome is that of what is there now.
    fn is_answered(&self) -> bool {
        let latest = self.versions.iter().find(|version| version.is_latest && version.bytes.is_some());
        match (self.readable(), latest) {
            (Some(outcome), None) => outcome.source.is_none(),
            (Some(_), Some(latest)) => self.is_of(latest),
            (None, _) => false,
        }
    }

    fn is_as_it_should_be(&self) -> bool {
        self.is_answered() && self.named().iter().all(|rendition| self.is_there(rendition))
    }

    fn words(&self, now: Timestamp) -> String {
        let mut lines = vec![("photo", self.photo.to_string())];
        match &self.outcome {
            None => lines.push(("status", "none: there is no outcome".to_owned())),
            Some(Err(error)) => lines.push(("status", format!("unknown: {}", in_words(error)))),
            Some(Ok(outcome)) => lines.extend(about(outcome, now)),
        }
        if self.readable().is_some() && !self.is_answered() {
            lines.push(("but", "it was not made from what is there now".to_owned()));
        }
        let lines: Vec<String> = lines.iter().map(|(name, text)| format!("{name:<10} {text}")).collect();
        let mut parts = vec![lines.join("\n")];
        if !self.named().is_empty() || !self.renditions.is_empty() {
            parts.push(self.renditions_table());
        }
        parts.push(self.versions_table());
        parts.join("\n\n")
    }

    fn renditions_table(&self) -> String {
        let named = self.named().iter().map(|rendition| {
            let Rendition { name, key, width, height, bytes } = rendition;
            let there = if self.is_there(rendition) { "there" } else { "MISSING" };
            [name.to_string(), format!("{width} x {height}"), bytes.to_string(), there.to_owned(), key.to_string()]
        });
        let left = self.leftovers().map(|Object { key, bytes, .. }| {
            ["-".to_owned(), "-".to_owned(), bytes.to_string(), "left over".to_owned(), key.clone()]
        });
        let heads = [
            ("rendition", Side::Left),
            ("pixels", Side::Right),
            ("bytes", Side::Right),
            ("", Side::Left),
            ("key", Side::Left),
        ];
        table(heads, &named.chain(left).collect::<Vec<_>>())
    }

    fn versions_table(&self) -> String {
        if self.versions.is_empty() {
            return "no version of the original is there".to_owned();
        }
        let rows: Vec<_> = self.versions.iter().map(|version| self.version_row(version)).collect();
        let heads = [("version", Side::Left), ("written", Side::Left), ("bytes", Side::Right), ("", Side::Left)];
        table(heads, &rows)
    }

    fn version_row(&self, version: &OriginalVersion) -> [String; 4] {
        let OriginalVersion { version_id, written_at, bytes, is_latest } = version;
        let says = [
            (*is_latest, "current"),
            (bytes.is_none(), "delete marker"),
            (self.is_of(version), "the outcome was made from it"),
        ];
        let says: Vec<&str> = says.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect();
        let bytes = bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        [version_id.clone(), format!("{written_at:.0}"), bytes, says.join(", ")]
    }
}

/// An outcome, a line for each thing.
fn about(outcome: &Outcome, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut lines = vec![("status", outcome.answer.status().to_owned())];
    if let Answer::Rejected { reason, detected } = &outcome.answer {
        lines.push(("reason", reason.to_string()));
        lines.extend(detected.as_ref().map(|detected| ("detected", detected.clone())));
    }
    let sequencer = match outcome.sequencer.to_string() {
        none if none.is_empty() => "none: answered on an operator's request, before any event".to_owned(),
        sequencer => sequencer,
    };
    let ago = age(now.duration_since(outcome.processed_at));
    lines.extend([
        ("revision", outcome.revision.to_string()),
        ("edition", outcome.edition.to_string()),
        ("pipeline", outcome.pipeline.clone()),
        ("cause", outcome.cause.as_str().to_owned()),
        ("sequencer", sequencer),
        ("processed", format!("{:.0}, {ago} ago", outcome.processed_at)),
        ("uploader", outcome.user_id.as_ref().map_or("nobody was named".to_owned(), ToString::to_string)),
    ]);
    lines.push(("source", outcome.source.as_ref().map_or("none: the original is gone".to_owned(), of_source)));
    lines
}

fn of_source(Source { version_id, bytes, format, width, height, .. }: &Source) -> String {
    let format = format.and_then(|format| serde_json::to_value(format).ok()?.as_str().map(str::to_owned));
    let pixels = width.zip(*height).map(|(width, height)| format!("{width} x {height}"));
    let words = [Some(format!("version {version_id}")), Some(format!("{bytes} bytes")), format, pixels];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// For programs.
fn objects<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, known: &Known<'_>) {
    let output = &desk.output;
    match &known.outcome {
        Some(Ok(outcome)) => output.object(&PhotoLine { kind: "photo", photo: OneOf::Answered(outcome), would: None }),
        Some(Err(error)) => desk.unreadable(in_words(error)),
        None => {
            let latest = known.versions.first().filter(|version| version.bytes.is_some());
            let (bytes, uploaded_at) = (latest.and_then(|it| it.bytes), latest.map(|it| it.written_at));
            let photo = OneOf::Unanswered { photo: known.photo, status: "none", bytes, uploaded_at };
            output.object(&PhotoLine { kind: "photo", photo, would: None });
        }
    }
    for rendition in known.named() {
        output.object(&RenditionLine { kind: "rendition", rendition, is_there: known.is_there(rendition) });
    }
    for Object { key, bytes, written_at } in known.leftovers() {
        output.object(&LeftoverLine { kind: "leftover", key, bytes: *bytes, written_at: *written_at });
    }
    for version in &known.versions {
        let OriginalVersion { version_id, written_at, bytes, is_latest } = version;
        output.object(&VersionLine {
            kind: "version",
            version_id,
            written_at: *written_at,
            bytes: *bytes,
            is_latest: *is_latest,
            is_delete_marker: bytes.is_none(),
            is_answered: known.is_of(version),
        });
    }
}
