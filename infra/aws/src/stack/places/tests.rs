//! Places are found in plain descriptions; how those are got is tried on the emulator.

use std::time::Duration;

use coffeeshop_core::ports::QueueUrl;

use super::*;

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:1:{name}")
}

fn url(name: &str) -> QueueUrl {
    QueueUrl(format!("https://sqs/1/{name}"))
}

/// One of the stack's own.
fn queue(name: &str, gives_up: Option<(&str, u32)>) -> Queue {
    Queue {
        url: url(name),
        arn: arn("sqs", name),
        own: true,
        fifo: name.contains(".fifo"),
        retention: Duration::from_hours(14 * 24),
        visibility: Duration::from_secs(30),
        gives_up: gives_up.map(|(dlq, receives_max)| (arn("sqs", dlq), receives_max)),
    }
}

fn subscription(protocol: &str, endpoint: &str, dlq: Option<&str>) -> Subscription {
    Subscription {
        topic_arn: arn("sns", "stack-events"),
        protocol: protocol.to_owned(),
        endpoint: endpoint.to_owned(),
        gives_up: dlq.map(|dlq| arn("sqs", dlq)),
    }
}

fn found(queues: Vec<Queue>, subscriptions: Vec<Subscription>) -> Vec<Place> {
    places(&Described { queues, subscriptions, ..Described::default() }, "stack", &outputs())
}

/// What a stack had before there were places of records.
fn outputs() -> BTreeMap<String, String> {
    let outputs = [
        ("UploadsQueueUrl", "https://sqs/1/stack-uploads"),
        ("OriginalsBucket", "stack-originals-1"),
        ("ThumbnailerFunction", "stack-thumbnailer"),
        ("NotificationsQueueUrl", "https://sqs/1/stack-notifications"),
        ("DeliveriesQueueUrl", "https://sqs/1/stack-deliveries"),
        ("NotifierFunction", "stack-notifier"),
    ];
    outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn target(name: &str, gives_up: Option<(&str, u32)>, reader: Option<(&str, Reads)>) -> Target {
    Target::Queue(TargetQueue {
        name: name.to_owned(),
        queue: url(&format!("stack-{name}")),
        visibility: Duration::from_secs(30),
        gives_up: gives_up.map(|(dlq, receives_max)| (url(dlq), receives_max)),
        reader: reader.map(|(function, reads)| Reader { function: function.to_owned(), reads }),
    })
}

fn names(places: &[Place]) -> Vec<&str> {
    places.iter().map(|place| place.name.as_str()).collect()
}

#[test]
fn a_place_has_the_queue_that_it_is_for_and_who_reads_that() {
    let uploads = Reads::Uploads { originals_bucket: "stack-originals-1".to_owned() };
    for (name, reader) in [
        ("uploads", Some(("thumbnailer", uploads))),
        ("notifications", Some(("notifier", Reads::Notifications))),
        ("deliveries", Some(("notifier", Reads::Deliveries))),
        ("orders", None),
    ] {
        let (source, dlq) = (format!("stack-{name}"), format!("stack-{name}-dlq"));
        let places = found(vec![queue(&source, Some((&dlq, 5))), queue(&dlq, None)], Vec::new());
        let expected = Place {
            name: format!("{name}-dlq"),
            source: Source::Queue { receives_max: 5 },
            resting: Resting::Queue { queue: url(&dlq), retention: Duration::from_hours(14 * 24) },
            target: Ok(target(name, Some((&dlq, 5)), reader)),
        };
        assert_eq!(places, [expected]);
    }
}

#[test]
fn what_a_subscription_gave_up_is_for_its_own_queue() {
    let queues = vec![
        queue("stack-undelivered", None),
        queue("stack-notifications", Some(("stack-dead", 3))),
        queue("stack-dead", None),
        queue("stack-feed", None),
        queue("stack-feed-undelivered", None),
    ];
    let notifications = subscription("sqs", &arn("sqs", "stack-notifications"), Some("stack-undelivered"));
    let feed = subscription("sqs", &arn("sqs", "stack-feed"), Some("stack-feed-undelivered"));
    let places = found(queues, vec![notifications, feed]);
    assert_eq!(names(&places), ["dead", "feed-undelivered", "undelivered"], "by name");
    assert_eq!(places[2].source, Source::Subscription { topic: "events".to_owned() });
    let reader = Some(("notifier", Reads::Notifications));
    assert_eq!(places[2].target, Ok(target("notifications", Some(("stack-dead", 3)), reader)));
    assert_eq!(places[1].target, Ok(target("feed", None, None)), "it gives nothing up, and nobody reads it");
}

#[test]
fn there_may_be_nowhere_to_go() {
    let queues = || vec![queue("stack-a", Some(("stack-dlq", 5))), queue("stack-dlq", None), queue("stack-b", None)];
    let no_target = |queues, subscriptions| {
        let places: Vec<Place> = found(queues, subscriptions);
        assert_eq!(places.len(), 1, "{places:?}");
        places[0].target.clone().unwrap_err()
    };
    let several = |names: &[&str]| NoTarget::Several(names.iter().map(|name| (*name).to_owned()).collect());

    let two = [vec![queue("stack-0", Some(("stack-dlq", 2)))], queues()].concat();
    assert_eq!(no_target(two, Vec::new()), several(&["0", "a"]));
    let to_b = subscription("sqs", &arn("sqs", "stack-b"), Some("stack-dlq"));
    assert_eq!(no_target(queues(), vec![to_b.clone()]), several(&["a", "the subscription of b to events"]));
    let hook = subscription("https", "https://example.com/secret", Some("stack-dlq"));
    let dlq = || vec![queue("stack-dlq", None)];
    let two = several(&["the https subscription to events", "the subscription of b to events"]);
    assert_eq!(no_target(dlq(), vec![to_b.clone(), hook.clone()]), two);

    let nowhere = |what: &str| NoTarget::NoQueue(what.to_owned());
    assert_eq!(no_target(dlq(), vec![hook]), nowhere("the https subscription to events"));
    assert_eq!(no_target(dlq(), vec![to_b]), nowhere("the subscription of b to events"), "that cannot be read");

    let fifo = vec![queue("stack-a.fifo", Some(("stack-dlq.fifo", 5))), queue("stack-dlq.fifo", None)];
    assert_eq!(no_target(fifo, Vec::new()), NoTarget::Fifo);
    let ordered = subscription("sqs", &arn("sqs", "stack-a.fifo"), Some("stack-dlq"));
    assert_eq!(no_target(vec![queue("stack-a.fifo", None), queue("stack-dlq", None)], vec![ordered]), NoTarget::Fifo);
}

#[test]
fn queues_outside_the_stack_are_places_only_of_what_is_in_it() {
    let outside = |name, gives_up| Queue { own: false, ..queue(name, gives_up) };
    let queues = vec![
        queue("stack-a", Some(("shared-dlq", 5))),
        queue("stack-lost", Some(("unreadable-dlq", 5))),
        outside("shared-dlq", None),
        // Whatever the endpoint of a subscription gives up is its owner's business.
        outside("theirs", Some(("their-dlq", 4))),
        outside("their-dlq", None),
        queue("stack-undelivered", None),
        // Only its beginning is the stack's name.
        outside("stacked", None),
    ];
    let theirs = subscription("sqs", &arn("sqs", "theirs"), Some("stack-undelivered"));
    let stacked = subscription("sqs", &arn("sqs", "stacked"), Some("their-dlq"));
    let places = found(queues, vec![theirs, stacked]);
    assert_eq!(names(&places), ["shared-dlq", "their-dlq", "undelivered"]);
    let targets: Vec<_> = places.iter().map(|place| place.target.as_ref().unwrap()).collect();
    let name_and_gives_up = |target: &&Target| match *target {
        Target::Queue(queue) => (queue.name.clone(), queue.gives_up.clone()),
        Target::Function(function) => panic!("{function:?}"),
    };
    let targets: Vec<_> = targets.iter().map(name_and_gives_up).collect();
    let (shared, theirs) = ((url("shared-dlq"), 5), (url("their-dlq"), 4));
    let expected = [("a", Some(shared)), ("stacked", None), ("theirs", Some(theirs))];
    assert_eq!(targets, expected.map(|(name, gives_up)| (name.to_owned(), gives_up)));
}
