//! Queues in memory, journals in a folder of their own, and the command as a person types it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::future::{Future, pending};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use coffeeshop_core::place::{
    Archives, NoTarget, Place, Reader, Reads, Records, Resting, Source, Target, TargetFunction, TargetQueue,
};
use coffeeshop_core::ports::{Attribute, Clock as _, Content, MessageId, QueueUrl};
use coffeeshop_core::testing::{QueueWorld, ScoreWorld};
use coffeeshop_operator::cli::Typed;
use coffeeshop_operator::failure::Failure;
use coffeeshop_operator::progress::Teller;
use coffeeshop_operator::run::run_dlq;
use coffeeshop_operator::wiring::Ports;
use futures::executor::block_on;
use futures::task::noop_waker_ref;
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fakes::{Buckets, InMemory, Lambda, Shard};

/// A stack, as far as queues go.
pub(super) struct Bench {
    pub(super) world: Arc<QueueWorld>,
    pub(super) buckets: Buckets,
    pub(super) lambda: Lambda,
    pub(super) shard: Shard,
    pub(super) scores: Arc<ScoreWorld>,
    pub(super) places: Vec<Place>,
    pub(super) folder: TempDir,
}

/// What a command said, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) lines: String,
    pub(super) errors: String,
    pub(super) status: u8,
}

pub(super) fn url(name: &str) -> QueueUrl {
    QueueUrl(format!("https://sqs/prod-{name}"))
}

fn target(name: &str, gives_up: Option<&str>, function: &str, reads: Reads) -> Target {
    Target::Queue(TargetQueue {
        name: name.to_owned(),
        queue: url(name),
        visibility: Duration::from_mins(6),
        gives_up: gives_up.map(|dlq| (url(dlq), 5)),
        reader: Some(Reader { function: function.to_owned(), reads }),
    })
}

fn place(name: &str, source: Source, target: Result<Target, NoTarget>) -> Place {
    let resting = Resting::Queue { queue: url(name), retention: Duration::from_hours(14 * 24) };
    Place { name: name.to_owned(), source, resting, target }
}

/// Where failures of functions rest that read streams.
fn of_streams() -> Vec<Place> {
    let function = |name: &str, records| {
        Ok(Target::Function(TargetFunction { name: name.to_owned(), function: format!("prod-{name}"), records }))
    };
    let ratings = || Records::Ratings { table: "prod-ratings".to_owned() };
    let archives = |mappings: &[&str], retention| {
        let prefixes = mappings.iter().map(|mapping| format!("aws/lambda/{mapping}/")).collect();
        Resting::Archives(Archives { bucket: "failures".to_owned(), prefixes, retention })
    };
    let streams =
        |tables: &[&str]| Source::Streams { tables: tables.iter().map(|table| (*table).to_owned()).collect() };
    vec![
        Place {
            name: "aggregator-failures".to_owned(),
            source: streams(&["ratings"]),
            resting: archives(&["agg"], Some(Duration::from_hours(90 * 24))),
            target: function("aggregator", ratings()),
        },
        Place {
            name: "publisher-failures".to_owned(),
            source: streams(&["photos", "scores"]),
            resting: archives(&["photos", "scores"], None),
            target: function("publisher", Records::States),
        },
        place(
            "ratings-quarantine",
            Source::Function { name: "aggregator".to_owned() },
            function("aggregator", ratings()),
        ),
    ]
}

impl Bench {
    pub(super) fn new() -> Self {
        let uploads = Reads::Uploads { originals_bucket: "originals".to_owned() };
        let uploads = target("uploads", Some("uploads-dlq"), "thumbnailer", uploads);
        let notifications = target("notifications", Some("notifications-dlq"), "notifier", Reads::Notifications);
        let of_queue = |name: &str, target| place(name, Source::Queue { receives_max: 5 }, target);
        let of_topic = Source::Subscription { topic: "events".to_owned() };
        let places = vec![
            of_queue("notifications-dlq", Ok(notifications.clone())),
            place("notifications-subscription-dlq", of_topic, Ok(notifications)),
            of_queue("orders-dlq.fifo", Err(NoTarget::Fifo)),
            of_queue("uploads-dlq", Ok(uploads)),
        ];
        let places = [places, of_streams()].concat();
        let world = Arc::new(QueueWorld::default());
        world.advance(Duration::from_hours(1));
        for place in &places {
            if let Resting::Queue { queue, .. } = &place.resting {
                world.create(queue.0.clone());
            }
        }
        for queue in ["uploads", "notifications"] {
            world.create(url(queue).0);
        }
        let buckets = Buckets::new(world.clone());
        let (lambda, shard, scores) = (Lambda::default(), Shard::default(), Arc::<ScoreWorld>::default());
        // A day on which ratings could be made.
        scores.advance(SignedDuration::from_secs(1_795_255_200));
        Self { world, buckets, lambda, shard, scores, places, folder: tempfile::tempdir().unwrap() }
    }

    /// One with so many uploads of each of two kinds: parked, and given up.
    pub(super) fn with_uploads(parked: usize, given_up: usize) -> Self {
        let bench = Self::new();
        for i in 0..parked {
            bench.rest("uploads-dlq", parked_upload(i));
        }
        for i in 0..given_up {
            bench.rest("uploads-dlq", upload(&format!("uploads/shop-{}/photo-{i}", i % 3)));
        }
        bench
    }

    pub(super) fn rest(&self, place: &str, content: Content) -> MessageId {
        self.world.put(&url(place), content)
    }

    pub(super) fn journals(&self) -> PathBuf {
        self.folder.path().join("journals")
    }

    /// The lines of the one journal there is.
    pub(super) fn journal(&self) -> Vec<Value> {
        let [journal] = self.runs().try_into().unwrap();
        let text = fs::read_to_string(self.journals().join(format!("{journal}.jsonl"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The runs that have a journal.
    pub(super) fn runs(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.journals()) else { return Vec::new() };
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let runs = names.filter(|name| !name.ends_with(".archive.jsonl"));
        let mut runs: Vec<String> = runs.filter_map(|name| Some(name.strip_suffix(".jsonl")?.to_owned())).collect();
        runs.sort();
        runs
    }

    fn ports(&self) -> Ports<'_, InMemory> {
        Ports {
            queues: &self.world,
            objects: &self.buckets,
            functions: &self.lambda,
            streams: &self.shard,
            records: &self.scores,
            clock: &self.world,
            places: &self.places,
            journals: self.journals().leak(),
            // Whoever types it has no editor.
            editor: "false",
        }
    }

    /// Types a command, and waits for it.
    pub(super) fn types(&self, arguments: &str) -> Said {
        self.types_until(arguments, pending)
    }

    /// The same; each time that it resolves, Ctrl-C is pressed.
    pub(super) fn types_until<F: Future<Output = ()>>(&self, arguments: &str, interrupt: impl Fn() -> F) -> Said {
        block_on(self.command(arguments, interrupt))
    }

    /// The same, killed when it was suspended so often; `None`: it was killed.
    pub(super) fn types_and_is_killed(&self, arguments: &str, after: usize) -> Option<Said> {
        let mut command = pin!(self.command(arguments, pending::<()>));
        let mut context = Context::from_waker(noop_waker_ref());
        (0..after).find_map(|_| match command.as_mut().poll(&mut context) {
            std::task::Poll::Ready(said) => Some(said),
            std::task::Poll::Pending => None,
        })
    }

    async fn command<F: Future<Output = ()>>(&self, arguments: &str, interrupt: impl Fn() -> F) -> Said {
        if arguments.contains("--execute") {
            // Runs of one second are told apart by chance alone.
            self.world.advance(Duration::from_secs(1));
        }
        let typed = ["coffeeshop", "--stack", "prod", "dlq"].into_iter().chain(arguments.split_whitespace());
        let Typed::Dlq(invocation) = Typed::parse(typed).unwrap() else { panic!("not about messages") };
        let errors = Shared::default();
        let teller = Teller::new(ProgressBar::hidden(), Some(Box::new(errors.clone())));
        let mut lines = Vec::new();
        let done = run_dlq(&invocation, self.ports(), &mut lines, teller, async || interrupt().await).await;
        let status = done.as_ref().map_or_else(Failure::status, |verdict| verdict.status());
        let mut errors = errors.text();
        errors.push_str(&done.err().map(|failure| failure.text()).unwrap_or_default());
        Said { lines: String::from_utf8(lines).unwrap(), errors, status }
    }

    /// What a queue has, bodies with how often each is there.
    pub(super) fn bodies(&self, queue: &str) -> BTreeMap<String, usize> {
        let mut bodies = BTreeMap::new();
        for content in self.world.messages(&url(queue)) {
            *bodies.entry(content.body).or_default() += 1;
        }
        bodies
    }

    pub(super) fn now(&self) -> Timestamp {
        self.world.now()
    }

    pub(super) fn ago(&self, seconds: i64) -> Timestamp {
        self.now() - SignedDuration::from_secs(seconds)
    }
}

impl Said {
    /// As it was on a terminal, without what differs from run to run.
    pub(super) fn transcript(&self, arguments: &str, bench: &Bench) -> String {
        let Self { lines, errors, status } = self;
        let mut text = format!("$ coffeeshop dlq {arguments} --stack prod\n{lines}");
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

    /// The object that a command ends with.
    pub(super) fn summary(&self) -> Value {
        self.objects().pop().unwrap()
    }
}

#[derive(Debug, Default, Clone)]
struct Shared(Arc<Mutex<RefCell<Vec<u8>>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().borrow().clone()).unwrap()
    }
}

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// S3's notification of an object, as the queue has it.
pub(super) fn upload(key: &str) -> Content {
    Content { body: notification("originals", key, "0066"), ..Content::default() }
}

/// Its body.
pub(crate) fn notification(bucket: &str, key: &str, sequencer: &str) -> String {
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-20T08:15:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:app"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "x"}, "arn": "x"},
            "object": {"key": key, "sequencer": sequencer},
        },
    });
    json!({"Records": [record]}).to_string()
}

/// The same, of a key that is none of a photo, as the thumbnailer parks it.
pub(super) fn parked_upload(i: usize) -> Content {
    let key = format!("uploads/stray-{i}");
    let error = format!("`{key}` is not `uploads/SHOP/PHOTO`");
    let attributes = [("reason", "unexpected_key"), ("error", &error)];
    let attributes = attributes.map(|(name, text)| (name.to_owned(), Attribute::text(text)));
    Content { attributes: attributes.into(), ..upload(&key) }
}
