//! A stack of these tests, the command on it, and the `aws` command line beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use coffeeshop_core::subscription::{Channel, Subscriber, Subscription};
use coffeeshop_local::app::App;
use coffeeshop_local::{Options, Stack, StackInfo, python, repo_root};
use futures::stream::{self, StreamExt as _};
use serde_json::Value;

/// How often it is looked, every half second, whether the functions are through.
const LOOKS_MAX: usize = 240;

/// How many messages a call takes.
const BATCH_MESSAGES: usize = 10;

/// A message that is to rest somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) body: String,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

/// A stack, and a folder in which `--local` finds it.
pub(crate) struct Pipeline {
    stack: Stack,
    pub(crate) app: App,
    pub(crate) sqs: Client,
    pub(crate) folder: PathBuf,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<i32>,
}

impl Pipeline {
    pub(crate) async fn start(options: Options) -> Self {
        // What a function gives back, because a busy machine was too slow for it, is tried again while a test waits.
        let soon = [("NotifierTimeout", "15"), ("NotifierVisibilityTimeout", "15"), ("UploadsVisibilityTimeout", "60")];
        let options = soon.iter().fold(options, |options, (name, seconds)| options.parameter(name, seconds));
        let stack = Stack::start(&options).await.unwrap();
        let name = format!("{}-{}", options.stack_name, std::process::id());
        let folder = repo_root().join("target/emulator").join(name);
        let file = folder.join("target/local/stack.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, serde_json::to_string(stack.info()).unwrap()).unwrap();
        let (app, sqs) = (App::new(stack.info()).unwrap(), Client::new(&stack.info().sdk_config()));
        Self { stack, app, sqs, folder }
    }

    pub(crate) fn info(&self) -> &StackInfo {
        self.stack.info()
    }

    pub(crate) fn output(&self, name: &str) -> String {
        self.info().output(name).unwrap().to_owned()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.stack.log_path()).unwrap()
    }

    pub(crate) async fn stop(self) {
        drop(fs::remove_dir_all(&self.folder));
        self.stack.stop().await.unwrap();
    }

    /// `coffeeshop dlq` with journals of its own.
    pub(crate) fn command(&self, arguments: &str, state: &str) -> Command {
        self.coffeeshop(&format!("dlq {arguments}"), state)
    }

    /// `coffeeshop` with journals of its own.
    pub(crate) fn coffeeshop(&self, arguments: &str, state: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coffeeshop"));
        command.args(arguments.split(' ')).arg("--local").current_dir(&self.folder).env_clear();
        command.envs([("PATH", "/usr/bin:/bin"), ("EDITOR", "sed -i s/uplaods/uploads/")]);
        command.env("HOME", &self.folder).env("XDG_STATE_HOME", self.folder.join(state));
        command
    }

    /// Where journals are.
    pub(crate) fn journals(&self, state: &str) -> PathBuf {
        self.folder.join(state).join("coffeeshop")
    }

    /// The objects that the command prints when all is well.
    pub(crate) async fn objects(&self, arguments: &str) -> Vec<Value> {
        let said = ended(self.command(&format!("{arguments} --json"), "state")).await;
        assert_eq!(said.status, Some(0), "{arguments}: {said:?}");
        said.objects()
    }

    /// What `aws` answers.
    pub(crate) async fn aws(&self, arguments: &[&str]) -> String {
        let StackInfo { endpoint, region, access_key_id, secret_access_key, .. } = self.info();
        let mut command = Command::new(python::venv(&repo_root(), |_| ()).unwrap().tool("aws"));
        command.args(["--endpoint-url", endpoint, "--output", "json"]).args(arguments).env_clear();
        command.envs([("AWS_ACCESS_KEY_ID", access_key_id), ("AWS_SECRET_ACCESS_KEY", secret_access_key)]);
        command.env("AWS_REGION", region).env("AWS_DEFAULT_REGION", region).env("HOME", &self.folder);
        let said = ended(command).await;
        assert_eq!(said.status, Some(0), "aws {arguments:?}: {said:?}");
        said.stdout
    }

    /// How many messages a queue has, visible and not, as `aws` says.
    pub(crate) async fn depth(&self, queue: &str) -> [usize; 2] {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let get = ["sqs", "get-queue-attributes", "--queue-url", queue, "--attribute-names", names[0], names[1]];
        let answer: Value = serde_json::from_str(&self.aws(&get).await).unwrap();
        names.map(|name| answer["Attributes"][name].as_str().unwrap().parse().unwrap())
    }

    /// The keys of all renditions, with their `ETag`s.
    pub(crate) async fn renditions(&self) -> BTreeMap<String, String> {
        let bucket = self.output("RenditionsBucket");
        let answer = self.aws(&["s3api", "list-objects-v2", "--bucket", &bucket]).await;
        // An empty bucket is said with an empty answer.
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let objects = answer["Contents"].as_array().cloned().unwrap_or_default();
        let text = |object: &Value, name: &str| object[name].as_str().unwrap().to_owned();
        objects.iter().map(|object| (text(object, "Key"), text(object, "ETag"))).collect()
    }

    /// Waits until the functions have handled all that these queues had.
    pub(crate) async fn drained(&self, queues: &[&str]) {
        for queue in queues {
            eventually(queue, async || self.app.messages_in(queue).await.unwrap() == 0).await;
            assert_eq!(self.depth(queue).await, [0, 0], "{queue}");
        }
    }

    /// Puts messages into a queue; their ids, in their order.
    pub(crate) async fn rest(&self, queue: &str, messages: &[Resting]) -> Vec<String> {
        let sending = messages.chunks(BATCH_MESSAGES).map(|some| self.rest_some(queue, some));
        stream::iter(sending).buffered(8).concat().await
    }

    async fn rest_some(&self, queue: &str, messages: &[Resting]) -> Vec<String> {
        let text = |text: &String| {
            MessageAttributeValue::builder().data_type("String").string_value(text.as_str()).build().unwrap()
        };
        let entries = messages.iter().enumerate().map(|(i, Resting { body, attributes })| {
            let entry = SendMessageBatchRequestEntry::builder().id(i.to_string()).message_body(body);
            let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
            entry.set_message_attributes(Some(attributes.collect())).build().unwrap()
        });
        let request = self.sqs.send_message_batch().queue_url(queue).set_entries(Some(entries.collect()));
        let mut sent = request.send().await.unwrap().successful;
        assert_eq!(sent.len(), messages.len());
        sent.sort_by_key(|sent| sent.id.parse::<usize>().unwrap());
        sent.into_iter().map(|sent| sent.message_id).collect()
    }

    /// Has somebody's inbox told of what they do.
    pub(crate) async fn subscribe(&self, user_id: &str) {
        let (user_id, channel_id) = (user_id.parse().unwrap(), "app".parse().unwrap());
        let (subscriber, channel) = (Subscriber::User(Clone::clone(&user_id)), Channel::Inbox { user_id });
        self.app.subscribe(&Subscription { subscriber, channel_id, enabled: true, channel }).await.unwrap();
    }
}

impl Said {
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs a program to its end.
pub(crate) async fn ended(mut command: Command) -> Said {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { stdout, stderr, status } = output.await.unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    Said { stdout, stderr, status: status.code() }
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..LOOKS_MAX {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("not within {} seconds: {what}", LOOKS_MAX / 2);
}
