//! Where failures rest is found from a stack itself; with that, the gap `subscription_attributes`.

use std::time::Duration;

use aws_sdk_cloudformation::client::Waiters as _;
use coffeeshop_aws::stack::{Stack, StackError};
use coffeeshop_core::place::{
    Archives, NoTarget, Place, Reader, Reads, Records, Resting, Source, Target, TargetFunction, TargetQueue,
};
use coffeeshop_core::ports::{Depth, QueueUrl, Queues as _};
use coffeeshop_local::StackInfo;
use serde_json::{Value, json};

use crate::template_events::feed;
use crate::{VISIBILITY_SECONDS, stack};

fn queue(stack: &StackInfo, output: &str) -> QueueUrl {
    QueueUrl(stack.output(output).unwrap().to_owned())
}

/// A place in a line: what feeds it, where a replay would go, and who reads that.
fn line(place: &Place) -> String {
    let from = match &place.source {
        Source::Queue { receives_max, .. } => format!("after {receives_max} receives"),
        Source::Subscription { topic, .. } => format!("of {topic}"),
        Source::Function { name } => format!("by {name}"),
        Source::Streams { tables } => format!("of the streams of {}", tables.join(", ")),
    };
    let to = match &place.target {
        Ok(Target::Queue(TargetQueue { name, reader, gives_up, .. })) => {
            let reader = reader.as_ref().map(|Reader { function, .. }| format!(", read by {function}"));
            let gives_up = gives_up.as_ref().map(|(_, receives_max)| format!(", which gives up after {receives_max}"));
            format!("{name}{}{}", gives_up.unwrap_or_default(), reader.unwrap_or_default())
        }
        Ok(Target::Function(TargetFunction { name, .. })) => format!("invocations of {name}"),
        Err(no_target) => format!("nowhere: {no_target}"),
    };
    format!("{} {from} -> {to}", place.name)
}

fn by_name<'a>(places: &'a [Place], name: &str) -> &'a Place {
    places.iter().find(|place| place.name == name).unwrap()
}

fn resting_queue(place: &Place) -> (&QueueUrl, Duration) {
    match &place.resting {
        Resting::Queue { queue, retention } => (queue, *retention),
        Resting::Archives(archives) => panic!("{archives:?}"),
    }
}

fn target_queue(place: &Place) -> &TargetQueue {
    match &place.target {
        Ok(Target::Queue(queue)) => queue,
        other => panic!("{other:?}"),
    }
}

async fn lines(stack: &StackInfo) -> Vec<String> {
    Stack::of(stack).places().await.unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn places_of_the_template() {
    let stack = stack().await;
    let expected = [
        "aggregator-failures of the streams of ratings -> invocations of aggregator",
        "deliveries-dlq after 24 receives -> deliveries, which gives up after 24, read by notifier",
        "notifications-dlq after 5 receives -> notifications, which gives up after 5, read by notifier",
        "notifications-subscription-dlq of events -> notifications, which gives up after 5, read by notifier",
        "publisher-failures of the streams of photos, scores, boards -> invocations of publisher",
        "ratings-quarantine by aggregator -> invocations of aggregator",
        "uploads-dlq after 5 receives -> uploads, which gives up after 5, read by thumbnailer",
    ];
    assert_eq!(lines(&stack).await, expected);

    let places = Stack::of(&stack).places().await.unwrap();
    let uploads = by_name(&places, "uploads-dlq");
    assert_eq!(resting_queue(uploads), (&queue(&stack, "UploadsDlqUrl"), Duration::from_hours(14 * 24)));
    let target = target_queue(uploads);
    assert_eq!(target.queue, queue(&stack, "UploadsQueueUrl"));
    assert_eq!(target.visibility.as_secs().to_string(), VISIBILITY_SECONDS);
    assert_eq!(target.gives_up.as_ref().map(|(dlq, _)| dlq), Some(&queue(&stack, "UploadsDlqUrl")));
    let reads = |name: &str| target_queue(by_name(&places, name)).reader.as_ref().unwrap().reads.clone();
    let originals_bucket = stack.output("OriginalsBucket").unwrap().to_owned();
    assert_eq!(reads("uploads-dlq"), Reads::Uploads { originals_bucket });
    assert_eq!(reads("notifications-subscription-dlq"), Reads::Notifications);
    assert_eq!(reads("deliveries-dlq"), Reads::Deliveries);
}

#[tokio::test]
async fn places_of_records() {
    let stack = stack().await;
    let output = |name: &str| stack.output(name).unwrap().to_owned();
    let target = |name: &str, function: &str, records| {
        Ok(Target::Function(TargetFunction { name: name.to_owned(), function: output(function), records }))
    };
    let places = Stack::of(&stack).places().await.unwrap();
    let ratings = || Records::Ratings { table: output("RatingsTable") };
    let quarantine = by_name(&places, "ratings-quarantine");
    assert_eq!(resting_queue(quarantine), (&queue(&stack, "QuarantineQueueUrl"), Duration::from_hours(14 * 24)));
    assert_eq!(quarantine.target, target("aggregator", "AggregatorFunction", ratings()));
    let archives = |mappings: &[&str]| {
        let prefixes = mappings.iter().map(|mapping| format!("aws/lambda/{}/", output(mapping))).collect();
        let retention = Some(Duration::from_hours(90 * 24));
        Resting::Archives(Archives { bucket: output("FailuresBucket"), prefixes, retention })
    };
    let aggregator = by_name(&places, "aggregator-failures");
    assert_eq!(aggregator.resting, archives(&["AggregatorMapping"]));
    assert_eq!(aggregator.target, target("aggregator", "AggregatorFunction", ratings()));
    let publisher = by_name(&places, "publisher-failures");
    assert_eq!(publisher.resting, archives(&["PhotosMapping", "ScoresMapping", "BoardsMapping"]));
    assert_eq!(publisher.target, target("publisher", "PublisherFunction", Records::States));

    // What mappings archived that were made anew since.
    let s3 = aws_sdk_s3::Client::new(&stack.sdk_config());
    let put = async |mapping: &str, body: String| {
        let key = format!("aws/lambda/{mapping}/shard/2026/11/22/2026-11-22T00.13.49-x");
        let put = s3.put_object().bucket(output("FailuresBucket")).key(&key).body(body.into_bytes().into());
        put.send().await.unwrap();
        key
    };
    let of = |function: &str| {
        let arn = format!("arn:aws:lambda:{}:000000000000:function:{}", stack.region, output(function));
        json!({ "requestContext": { "functionArn": arn, "condition": "RetryAttemptsExhausted" } }).to_string()
    };
    let keys = [
        put("earlier", of("PublisherFunction")).await,
        put("strange", "no archive".to_owned()).await,
        put("theirs", of("ThumbnailerFunction")).await,
    ];
    let places = Stack::of(&stack).places().await.unwrap();
    let Resting::Archives(Archives { prefixes, .. }) = &by_name(&places, "publisher-failures").resting else {
        panic!()
    };
    assert_eq!(prefixes.last().map(String::as_str), Some("aws/lambda/earlier/"));
    assert_eq!(prefixes.len(), 4);
    assert_eq!(by_name(&places, "aggregator-failures").resting, archives(&["AggregatorMapping"]));
    for key in keys {
        s3.delete_object().bucket(output("FailuresBucket")).key(key).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_score_feed_has_a_place_too_and_its_queue_is_read_by_others() {
    let stack = feed().await;
    let expected = "score-feed-subscription-dlq of events -> score-feed";
    assert!(lines(&stack).await.iter().any(|line| line == expected), "{:?}", lines(&stack).await);
    let places = Stack::of(&stack).places().await.unwrap();
    let place = by_name(&places, "score-feed-subscription-dlq");
    let queues = Stack::of(&stack).queues();
    assert_eq!(queues.depth(resting_queue(place).0).await.unwrap(), Depth::default());
}

/// What the template does not have: FIFO, several sources, no queue at the other end, queues of nobody's stack.
fn corners(outside: &str) -> Value {
    let queue = |name: &str, dlq: Option<Value>| {
        let policy = dlq.map(|arn| json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 4 }));
        let fifo = name.contains(".fifo").then_some(true);
        let mut properties = json!({ "QueueName": format!("corners-{name}") });
        if let Some(policy) = policy {
            properties["RedrivePolicy"] = policy;
        }
        if let Some(fifo) = fifo {
            properties["FifoQueue"] = fifo.into();
        }
        json!({ "Type": "AWS::SQS::Queue", "Properties": properties })
    };
    let arn = |id: &str| json!({ "Fn::GetAtt": [id, "Arn"] });
    let subscription = json!({ "Type": "AWS::SNS::Subscription", "Properties": {
        "TopicArn": { "Ref": "Topic" },
        "Protocol": "sqs",
        "Endpoint": outside,
        "RedrivePolicy": { "deadLetterTargetArn": arn("Undelivered") },
    } });
    json!({ "Resources": {
        "OrderedDlq": queue("ordered-dlq.fifo", None),
        "Ordered": queue("ordered.fifo", Some(arn("OrderedDlq"))),
        "SharedDlq": queue("shared-dlq", None),
        "One": queue("one", Some(arn("SharedDlq"))),
        "Two": queue("two", Some(arn("SharedDlq"))),
        "Third": queue("third", Some(outside.into())),
        "Alone": queue("alone", None),
        "Topic": { "Type": "AWS::SNS::Topic", "Properties": { "TopicName": "corners-topic" } },
        "Undelivered": queue("undelivered", None),
        "Subscription": subscription,
    } })
}

#[tokio::test]
async fn places_that_this_template_has_not() {
    let mut stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    sqs.create_queue().queue_name("not-of-corners").send().await.unwrap();
    let account = stack.output("EventsTopicArn").unwrap().split(':').nth(4).unwrap();
    let outside = format!("arn:aws:sqs:{}:{account}:not-of-corners", stack.region);
    let cloudformation = aws_sdk_cloudformation::Client::new(&stack.sdk_config());
    let create = cloudformation.create_stack().stack_name("corners").template_body(corners(&outside).to_string());
    create.send().await.unwrap();
    let wait = cloudformation.wait_until_stack_create_complete().stack_name("corners");
    wait.wait(Duration::from_mins(1)).await.unwrap();

    stack.stack_name = "corners".to_owned();
    stack.outputs.clear();
    let expected = [
        "not-of-corners after 4 receives -> third, which gives up after 4".to_owned(),
        format!("ordered-dlq.fifo after 4 receives -> nowhere: {}", NoTarget::Fifo),
        "shared-dlq after 4 receives -> nowhere: several queues or subscriptions feed it (one, two): which one a message \
         is for is not known"
            .to_owned(),
        "undelivered of topic -> not-of-corners".to_owned(),
    ];
    assert_eq!(lines(&stack).await, expected);

    stack.stack_name = "nowhere".to_owned();
    let error = Stack::of(&stack).places().await.unwrap_err();
    assert!(matches!(error, StackError::NoStack { .. }), "{error:?}");
}
