//! Events and notifications end to end: a write to a table -> its stream -> the real publisher -> SNS -> SQS -> the real
//! notifier -> an inbox and webhooks, whatever happens to the notifier.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;
use coffeeshop_core::board::{Board, BoardKey, BoardSnapshot};
use coffeeshop_core::ids::UserId;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{PhotoStore as _, Put};
use coffeeshop_core::subscription::{Channel, Secret, Subscriber, Subscription};
use coffeeshop_core::testing::contract;
use coffeeshop_local::app::App;
use coffeeshop_local::receiver::{Hook, Receiver};
use coffeeshop_local::{Options, Stack, python, repo_root};
use futures::stream::StreamExt as _;
use serde_json::{Value, json};

use crate::world::{Emulated, fixture, photo};

const SECRETS: [&str; 2] = ["whsec_b25lIHNlY3JldCBmb3IgdGVzdHMgb25seQ==", "whsec_YW5vdGhlciBzZWNyZXQgZm9yIHRlc3Rz"];

/// How often it is looked, every half second, whether everybody has been told.
const LOOKS_MAX: usize = 360;

/// A stack whose notifier may call a receiver on this machine.
struct Told {
    stack: Stack,
    app: App,
    receiver: Receiver,
    sqs: aws_sdk_sqs::Client,
}

fn user() -> UserId {
    "ada".parse().unwrap()
}

impl Told {
    async fn start(options: Options) -> Self {
        let receiver = Receiver::start().await.unwrap();
        let stack = Stack::start(&options.parameter("WebhookAllow", &receiver.allow())).await.unwrap();
        let app = App::new(stack.info()).unwrap();
        let sqs = aws_sdk_sqs::Client::new(&stack.info().sdk_config());
        Self { stack, app, receiver, sqs }
    }

    async fn subscribe(&self, subscriber: &Subscriber, channel_id: &str, path: Option<&str>) {
        let webhook = |path| Channel::Webhook {
            url: Secret::new(self.receiver.url(path)),
            secrets: SECRETS.map(Secret::new).into(),
        };
        let channel = path.map_or(Channel::Inbox { user_id: user() }, webhook);
        let (subscriber, channel_id) = (subscriber.clone(), channel_id.parse().unwrap());
        self.app.subscribe(&Subscription { subscriber, channel_id, enabled: true, channel }).await.unwrap();
    }

    /// The ids of the events in the inbox; each is there once, because it is the item's key.
    async fn inbox(&self) -> BTreeSet<String> {
        self.app.inbox(&user()).await.unwrap().into_iter().map(|item| item.event_id.to_string()).collect()
    }

    fn called(&self, path: &str) -> BTreeSet<String> {
        self.receiver.hooks().into_iter().filter(|hook| hook.path == path).map(|hook| hook.id).collect()
    }

    /// Waits until the inbox and these webhooks have all of it; now and then what died is sent back, as an operator would.
    async fn all_told(&self, expected: &BTreeSet<String>, paths: &[&str]) {
        for look in 1..=LOOKS_MAX {
            let told = expected.is_subset(&self.inbox().await)
                && paths.iter().all(|path| expected.is_subset(&self.called(path)));
            if told {
                return;
            }
            if look % 60 == 0 {
                for name in ["Notifications", "Deliveries"] {
                    self.redrive(name).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let lacks = |told: &BTreeSet<String>| expected.difference(told).count();
        let called: Vec<_> = paths.iter().map(|path| (path, lacks(&self.called(path)))).collect();
        panic!("the inbox lacks {}, the webhooks {called:?}", lacks(&self.inbox().await));
    }

    async fn redrive(&self, name: &str) {
        let output = |suffix| self.stack.info().output(&format!("{name}{suffix}")).unwrap().to_owned();
        let arn = async |url: String| {
            let get = self.sqs.get_queue_attributes().queue_url(url).attribute_names("QueueArn".into());
            get.send().await.unwrap().attributes.unwrap().remove(&"QueueArn".into()).unwrap()
        };
        let (from, to) = (arn(output("DlqUrl")).await, arn(output("QueueUrl")).await);
        self.sqs.start_message_move_task().source_arn(from).destination_arn(to).send().await.unwrap();
    }

    fn assert_killed(&self, function: &str, at_least: usize) {
        let log = std::fs::read_to_string(self.stack.log_path()).unwrap();
        let kills = log.matches(&format!("{function} inside invocation")).count();
        assert!(kills >= at_least, "{function} was killed {kills} times");
    }

    /// Waits for a message in a dead-letter queue that holds this text.
    async fn parked(&self, dlq: &str, text: &str) -> Message {
        let url = self.stack.info().output(dlq).unwrap();
        for _ in 0..LOOKS_MAX {
            let receive = self.sqs.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(0);
            let received = receive.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default();
            if let Some(message) = received.into_iter().find(|message| message.body().unwrap().contains(text)) {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("no message with {text} in {dlq}");
    }
}

fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
    message.message_attributes().unwrap()[name].string_value().unwrap()
}

/// Each call is verified by the Python package `standardwebhooks` with each secret, and its body against the schema of its
/// type.
async fn assert_verified(hooks: &[Hook]) {
    const VERIFY: &str = r#"
import json, re, sys
from pathlib import Path
import jsonschema
from standardwebhooks import Webhook

given = json.load(sys.stdin)
validators = {}
for path in Path(given["schemas"]).glob("*.json"):
    schema = json.loads(path.read_text())
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validators[path.stem] = validator(schema)
for hook in given["hooks"]:
    headers = {f"webhook-{name}": hook[name] for name in ["id", "timestamp", "signature"]}
    for secret in given["secrets"]:
        Webhook(secret).verify(hook["body"], headers)
    try:
        Webhook("whsec_" + "A" * 32).verify(hook["body"], headers)
        sys.exit("any secret will do")
    except Exception as error:
        assert type(error).__name__ == "WebhookVerificationError", error
    event = json.loads(hook["body"])
    assert event["id"] == hook["id"], event
    # Without one more package, no format is checked.
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event["time"]), event
    validators[event["type"]].validate(event)
print(len(given["hooks"]))
"#;
    let one = |hook: &Hook| json!({ "id": hook.id, "timestamp": hook.timestamp, "signature": hook.signature, "body": hook.body });
    let given = json!({
        "hooks": hooks.iter().map(one).collect::<Vec<_>>(),
        "secrets": SECRETS,
        "schemas": repo_root().join("core/schemas"),
    });
    let python = python::venv(&repo_root(), |_| ()).unwrap().tool("python");
    let ran = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(python)
            .args(["-c", VERIFY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let ran = ran.await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), hooks.len().to_string());
}

/// With one id an event has one content.
fn assert_stable(hooks: &[Hook]) {
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    for hook in hooks {
        assert_eq!(*bodies.entry(&hook.id).or_insert(&hook.body), hook.body, "{}", hook.id);
    }
}

/// Photo -> inbox once, webhook with a stable id, while the notifier is killed.
#[tokio::test]
async fn everybody_is_told_although_the_notifier_is_killed() {
    const PHOTOS: usize = 60;
    const KILLS_MIN: usize = 20;
    let options = Options { stack_name: "told-killed".to_owned(), ..Options::new() };
    let options = options.parameter("NotifierTimeout", "15").parameter("NotifierVisibilityTimeout", "15");
    let told = Told::start(options.kill("notifier", 30, 20_261_121)).await;
    let ada = Subscriber::User(user());
    told.subscribe(&ada, "app", None).await;
    told.subscribe(&ada, "hook", Some("hook")).await;

    let on = Emulated::new(told.stack.info().clone());
    let mut expected = BTreeSet::new();
    for number in 0..PHOTOS {
        let photo = photo(&format!("told-{number}"));
        let file = if number % 5 == 0 { "hostile/text.jpg" } else { "png/rgb8.png" };
        on.upload(&photo, fixture(file), Some("ada")).await;
        expected.insert(format!("photo/{}/{}/1", photo.shop_id, photo.photo_id));
    }
    told.all_told(&expected, &["hook"]).await;

    told.assert_killed("notifier", KILLS_MIN);
    let hooks = told.receiver.hooks();
    assert_stable(&hooks);
    assert_verified(&hooks).await;
    assert!(hooks.len() < 3 * PHOTOS, "at least once is not always: {} calls", hooks.len());
    told.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_thousand_events_to_three_channels_each_all_arrive() {
    const EVENTS: usize = 1000;
    const KILLS_MIN: usize = 4;
    let options = Options { stack_name: "told-many".to_owned(), ..Options::new() };
    let told = Told::start(options.kill("publisher", 8, 20_261_121)).await;
    let ada = Subscriber::User(user());
    told.subscribe(&ada, "app", None).await;
    told.subscribe(&ada, "one", Some("one")).await;
    told.subscribe(&ada, "two", Some("two")).await;

    // As the thumbnailer writes them.
    let outcome =
        |number: usize| Outcome { user_id: Some(user()), ..contract::ready(&photo(&format!("many-{number}")), 1) };
    let outcomes: Vec<Outcome> = (0..EVENTS).map(outcome).collect();
    let write = async |outcome: &Outcome| {
        assert_eq!(told.app.store().put_outcome(outcome).await.unwrap(), Put::Stored);
        format!("photo/{}/{}/1", outcome.photo.shop_id, outcome.photo.photo_id)
    };
    let expected: BTreeSet<String> = futures::stream::iter(&outcomes).map(write).buffer_unordered(16).collect().await;
    assert_eq!(expected.len(), EVENTS);
    told.all_told(&expected, &["one", "two"]).await;
    let hooks = told.receiver.hooks();
    assert_stable(&hooks);
    assert_verified(&hooks[..50]).await;
    told.assert_killed("publisher", KILLS_MIN);
    told.stack.stop().await.unwrap();
}

/// What the publisher cannot read rests in the archive, alone; everything around it is said.
#[tokio::test]
async fn an_item_that_cannot_be_read_is_archived_alone() {
    let told = Told::start(Options { stack_name: "told-unread".to_owned(), ..Options::new() }).await;
    told.subscribe(&Subscriber::User(user()), "app", None).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&told.stack.info().sdk_config());
    let mut expected = BTreeSet::new();
    for number in 0..20 {
        let photo = photo(&format!("unread-{number}"));
        if number == 7 {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let put = dynamodb.put_item().table_name(told.stack.info().output("PhotosTable").unwrap());
            let put = put.item("shop_id", text(photo.shop_id.as_str())).item("photo_id", text(photo.photo_id.as_str()));
            put.item("status", text("from the future")).send().await.unwrap();
            continue;
        }
        let outcome = Outcome { user_id: Some(user()), ..contract::ready(&photo, 1) };
        told.app.store().put_outcome(&outcome).await.unwrap();
        expected.insert(format!("photo/{}/{}/1", photo.shop_id, photo.photo_id));
    }
    told.all_told(&expected, &[]).await;

    let s3 = aws_sdk_s3::Client::new(&told.stack.info().sdk_config());
    let bucket = told.stack.info().output("FailuresBucket").unwrap();
    let prefix = format!("aws/lambda/{}/", told.stack.info().output("PhotosMapping").unwrap());
    for _ in 0..LOOKS_MAX {
        let listed = s3.list_objects_v2().bucket(bucket).prefix(&prefix).send().await.unwrap();
        let [object] = listed.contents() else {
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        };
        let body = s3.get_object().bucket(bucket).key(object.key().unwrap()).send().await.unwrap().body;
        let archive: Value = serde_json::from_slice(&body.collect().await.unwrap().into_bytes()).unwrap();
        let payload: Value = serde_json::from_str(archive["payload"].as_str().unwrap()).unwrap();
        let records = payload["Records"].as_array().unwrap();
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["dynamodb"]["NewImage"]["status"]["S"], "from the future");
        told.stack.stop().await.unwrap();
        return;
    }
    panic!("nothing was archived");
}

/// A leaderboard that changes, and webhooks that do not want it, or cannot take it.
#[tokio::test]
async fn each_refusal_of_a_webhook_ends_where_it_should() {
    let options = Options { stack_name: "told-refused".to_owned(), ..Options::new() };
    let told = Told::start(options.parameter("DeliveryAttempts", "2")).await;
    let board = Board::City("St. Gallen & Umgebung/ß".parse().unwrap());
    let followers = Subscriber::Board(board.clone());
    for (channel_id, path) in [("good", "good"), ("gone", "410"), ("missing", "404"), ("broken", "503")] {
        told.subscribe(&followers, channel_id, Some(path)).await;
    }
    told.subscribe(&followers, "ada", None).await;
    let snapshot = |version| BoardSnapshot {
        key: BoardKey { board: board.clone(), period: Period::All },
        version,
        entries: Vec::new(),
        updated_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        exported: None,
    };
    told.app.put_board(&snapshot(1)).await.unwrap();
    let id = "board/St%2E%20Gallen%20%26%20Umgebung%2F%C3%9F/all/1";
    told.all_told(&[id.to_owned()].into(), &["good", "410", "404"]).await;
    let text = told.app.inbox(&user()).await.unwrap().remove(0).text;
    assert!(text.starts_with("The leaderboard of St. Gallen & Umgebung/ß, all time, has changed"), "{text}");

    let missing = told.parked("DeliveriesDlqUrl", r#""channel_id":"missing""#).await;
    assert_eq!(
        (attribute(&missing, "reason"), attribute(&missing, "error")),
        ("status_4xx", "the webhook answered 404: ")
    );
    let broken = told.parked("DeliveriesDlqUrl", r#""channel_id":"broken""#).await;
    assert_eq!(attribute(&broken, "reason"), "status_5xx");
    assert_eq!(told.receiver.hooks().iter().filter(|hook| hook.path == "503").count(), 2);

    told.app.put_board(&snapshot(2)).await.unwrap();
    told.all_told(&[id.replace("/all/1", "/all/2")].into(), &["good", "404"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told.called("410").len(), 1, "it was disabled");
    assert_verified(&told.receiver.hooks()).await;

    let queue = told.stack.info().output("NotificationsQueueUrl").unwrap();
    let event: Value = serde_json::from_str(&told.receiver.hooks()[0].body).unwrap();
    let unknown = event.to_string().replace("leaderboard.changed.v1", "leaderboard.changed.v2");
    told.sqs.send_message().queue_url(queue).message_body(unknown).send().await.unwrap();
    let parked = told.parked("NotificationsDlqUrl", "leaderboard.changed.v2").await;
    assert_eq!(attribute(&parked, "reason"), "unknown_type");
    told.stack.stop().await.unwrap();
}
