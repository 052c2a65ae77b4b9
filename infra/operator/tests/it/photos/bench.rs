//! Photos and a queue in memory, journals in a folder of their own, and the command as a person types it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::future::{Future, pending};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use coffeeshop_core::edition::Revision;
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::{Answer, Outcome, Reason, Source};
use coffeeshop_core::ports::{PhotoStore as _, Put, QueueUrl};
use coffeeshop_core::reprocess::ReprocessRequest;
use coffeeshop_core::testing::{QueueWorld, World, contract, suspend_once};
use coffeeshop_operator::cli::Typed;
use coffeeshop_operator::failure::Failure;
use coffeeshop_operator::progress::Teller;
use coffeeshop_operator::run::run_photos;
use coffeeshop_operator::wiring::{PhotoPlaces, PhotoPorts};
use coffeeshop_thumbnailer::envelope;
use futures::executor::block_on;
use futures::task::noop_waker_ref;
use indicatif::ProgressBar;
use jiff::SignedDuration;
use serde_json::Value;
use tempfile::TempDir;

use crate::fakes::{Buckets, InMemory};

/// A stack, as far as photos go.
pub(super) struct Bench {
    pub(super) world: Arc<QueueWorld>,
    pub(super) photos: World,
    pub(super) buckets: Buckets,
    pub(super) places: PhotoPlaces,
    pub(super) folder: TempDir,
}

/// What a command said, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) lines: String,
    pub(super) errors: String,
    pub(super) status: u8,
}

pub(super) fn photo(key: &str) -> PhotoKey {
    PhotoKey::from_original(&format!("uploads/{key}")).unwrap()
}

pub(super) fn rejected(reason: Reason) -> Answer {
    let detected = (reason == Reason::UnsupportedFormat).then(|| "image/heic".to_owned());
    Answer::Rejected { reason, detected }
}

impl Bench {
    pub(super) fn new() -> Self {
        let world = Arc::new(QueueWorld::default());
        world.advance(Duration::from_hours(1));
        let places = PhotoPlaces {
            originals_bucket: "originals".to_owned(),
            renditions_bucket: "renditions".to_owned(),
            uploads: world.create("https://sqs/prod-uploads"),
        };
        let photos = World::default();
        photos.advance(SignedDuration::from_hours(1));
        let (buckets, folder) = (Buckets::new(world.clone()), tempfile::tempdir().unwrap());
        Self { world, photos, buckets, places, folder }
    }

    /// One with photos of every kind, some of which are none.
    pub(super) fn with_every_kind() -> Self {
        let bench = Self::new();
        bench.answered("kaffee/p-1");
        bench.answered_as("kaffee/p-2", rejected(Reason::Corrupt), "photo/1");
        bench.answered_as("kaffee/p-3", rejected(Reason::UnsupportedFormat), "photo/2");
        bench.answered_as("kaffee/p-4", Answer::Removed, "photo/1");
        bench.answered_as("tee/p-1", rejected(Reason::Corrupt), "photo/10");
        bench.answered("tee/p-2");
        for unanswered in ["kaffee/p-5", "tee/p-9"] {
            bench.upload(unanswered, 9);
        }
        bench
    }

    /// Uploads so many bytes.
    pub(super) fn upload(&self, key: &str, bytes: usize) -> String {
        self.buckets.put(&self.places.originals_bucket, &format!("uploads/{key}"), vec![0; bytes]);
        self.photos.upload(&photo(key), vec![0; bytes], Some("ada"))
    }

    /// Uploads a photo that is ready, with its one rendition.
    pub(super) fn answered(&self, key: &str) -> Outcome {
        let answer = contract::ready(&photo(key), 1).answer;
        self.answered_as(key, answer, "photo/1")
    }

    /// Uploads a photo that is answered so, as far as it is there.
    pub(super) fn answered_as(&self, key: &str, answer: Answer, pipeline: &str) -> Outcome {
        let version_id = self.upload(key, 5);
        let ready = contract::ready(&photo(key), 1);
        let mut source = ready.source.clone().map(|source| Source { version_id, ..source });
        if answer == Answer::Removed {
            self.photos.remove(&photo(key));
            self.buckets.remove(&self.places.originals_bucket, &format!("uploads/{key}"));
            source = None;
        }
        let outcome = Outcome { answer, source, pipeline: pipeline.to_owned(), ..ready };
        self.put(&outcome);
        outcome
    }

    /// Stores an outcome, and renditions that it names.
    pub(super) fn put(&self, outcome: &Outcome) {
        if let Answer::Ready { renditions, .. } = &outcome.answer {
            for rendition in renditions {
                self.put_rendition(&rendition.key);
            }
        }
        assert_eq!(block_on(self.photos.put_outcome(outcome)).unwrap(), Put::Stored);
    }

    pub(super) fn put_rendition(&self, key: &RenditionKey) {
        self.buckets.put(&self.places.renditions_bucket, &key.to_string(), vec![0; 4321]);
    }

    /// The photo's outcome is replaced, as the thumbnailer does.
    pub(super) fn answers_again(&self, key: &str) {
        let stored = self.photos.stored(&photo(key)).map_or(Revision(0), |stored| stored.revision);
        let outcome = contract::ready(&photo(key), stored.next().0);
        self.put(&Outcome { pipeline: "photo/3".to_owned(), ..outcome });
    }

    /// The lines of the one journal there is.
    pub(super) fn journal(&self) -> Vec<Value> {
        let [run] = self.runs().try_into().unwrap();
        let text = fs::read_to_string(self.folder.path().join(format!("{run}.jsonl"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Whether a run has a plan to go on with.
    pub(super) fn is_planned(&self) -> bool {
        self.runs().len() == 1 && self.journal().iter().any(|line| line["event"] == "ready")
    }

    /// The runs that have a journal.
    pub(super) fn runs(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut runs: Vec<String> = names.map(|name| name.strip_suffix(".jsonl").unwrap().to_owned()).collect();
        runs.sort();
        runs
    }

    /// Types a command, and waits for it.
    pub(super) fn types(&self, arguments: &str) -> Said {
        self.types_until(arguments, pending)
    }

    /// The same; each time that it resolves, Ctrl-C is pressed.
    pub(super) fn types_until<F: Future<Output = ()>>(&self, arguments: &str, interrupt: impl Fn() -> F) -> Said {
        block_on(self.command("prod", arguments, interrupt))
    }

    /// The same on another stack.
    pub(super) fn types_on(&self, stack: &str, arguments: &str) -> Said {
        block_on(self.command(stack, arguments, pending::<()>))
    }

    /// The same, killed when it was suspended so often; `None`: it was killed.
    pub(super) fn types_and_is_killed(&self, arguments: &str, after: usize) -> Option<Said> {
        let mut command = pin!(self.command("prod", arguments, pending::<()>));
        let mut context = Context::from_waker(noop_waker_ref());
        (0..after).find_map(|_| match command.as_mut().poll(&mut context) {
            Poll::Ready(said) => Some(said),
            Poll::Pending => None,
        })
    }

    /// The same, while something happens each time that it is suspended: how often it was.
    pub(super) fn types_while(&self, arguments: &str, mut happens: impl FnMut(usize)) -> (Said, usize) {
        let mut command = pin!(self.command("prod", arguments, pending::<()>));
        let mut context = Context::from_waker(noop_waker_ref());
        for times in 0.. {
            if let Poll::Ready(said) = command.as_mut().poll(&mut context) {
                return (said, times);
            }
            happens(times);
        }
        unreachable!("it ends")
    }

    async fn command<F: Future<Output = ()>>(&self, stack: &str, arguments: &str, interrupt: impl Fn() -> F) -> Said {
        let typed = ["coffeeshop", "--stack", stack, "photos"].into_iter().chain(arguments.split_whitespace());
        let Typed::Photos(invocation) = Typed::parse(typed).unwrap() else { panic!("not about photos") };
        let errors = Shared::default();
        let teller = Teller::new(ProgressBar::hidden(), Some(Box::new(errors.clone())));
        let mut lines = Vec::new();
        let ports = PhotoPorts::<InMemory> {
            photos: &self.photos,
            objects: &self.buckets,
            queues: &self.world,
            clock: &self.world,
            places: &self.places,
            journals: self.folder.path(),
        };
        let done = run_photos(&invocation, ports, &mut lines, teller, async || interrupt().await).await;
        let status = done.as_ref().map_or_else(Failure::status, |verdict| verdict.status());
        let mut errors = String::from_utf8(errors.0.borrow().clone()).unwrap();
        errors.push_str(&done.err().map(|failure| failure.text()).unwrap_or_default());
        Said { lines: String::from_utf8(lines).unwrap(), errors, status }
    }

    /// The photos that were asked for, with how often. Each message is one that the thumbnailer understands.
    pub(super) fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for content in self.world.messages(&QueueUrl(self.places.uploads.0.clone())) {
            envelope::check(&content.body, &self.places.originals_bucket).unwrap();
            let ReprocessRequest { reprocess } = serde_json::from_str(&content.body).unwrap();
            *asked.entry(reprocess.to_string()).or_default() += 1;
        }
        asked
    }
}

impl Said {
    /// As it was on a terminal, without what differs from run to run.
    pub(super) fn transcript(&self, arguments: &str, bench: &Bench) -> String {
        let Self { lines, errors, status } = self;
        let mut text = format!("$ coffeeshop photos {arguments} --stack prod\n{lines}");
        for line in errors.lines() {
            writeln!(text, "stderr| {line}").unwrap();
        }
        writeln!(text, "[exit status {status}]").unwrap();
        for (i, run) in bench.runs().into_iter().enumerate() {
            text = text.replace(&run, &format!("RUN-{i}"));
        }
        text.replace(&bench.folder.path().display().to_string(), "FOLDER")
    }

    pub(super) fn objects(&self) -> Vec<Value> {
        self.lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The photos of a kind.
    pub(super) fn photos(&self, kind: &str) -> Vec<String> {
        let of_kind = self.objects().into_iter().filter(|object| object["kind"] == kind);
        let text = |object: &Value, name: &str| object[name].as_str().unwrap().to_owned();
        of_kind.map(|object| format!("{}/{}", text(&object, "shop_id"), text(&object, "photo_id"))).collect()
    }

    /// The object that a command ends with.
    pub(super) fn summary(&self) -> Value {
        self.objects().pop().unwrap()
    }
}

#[derive(Debug, Default, Clone)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Presses Ctrl-C once, when it was suspended so often.
pub(super) fn pressed_after(times: usize) -> impl Fn() -> Pin<Box<dyn Future<Output = ()>>> {
    let pressed = Rc::new(Cell::new(false));
    move || {
        let pressed = pressed.clone();
        Box::pin(async move {
            if pressed.replace(true) {
                return pending().await;
            }
            for _ in 0..times {
                suspend_once().await;
            }
        })
    }
}
