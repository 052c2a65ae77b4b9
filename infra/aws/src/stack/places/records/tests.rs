//! Places of records are found by what a template says of itself.

use std::collections::BTreeMap;

use coffeeshop_core::ports::QueueUrl;

use super::super::super::describe::{Described, Mapping};
use super::super::places;
use super::*;

const OUTPUTS: [(&str, &str); 8] = [
    ("AggregatorFunction", "stack-aggregator"),
    ("AggregatorMapping", "mapping-r"),
    ("BoardsMapping", "mapping-b"),
    ("FailuresBucket", "stack-failures-1"),
    ("PhotosMapping", "mapping-p"),
    ("PublisherFunction", "stack-publisher"),
    ("RatingsTable", "stack-ratings"),
    ("ScoresMapping", "mapping-s"),
];

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

fn queue(name: &str, gives_up: Option<(&str, u32)>) -> Queue {
    Queue {
        url: QueueUrl(format!("https://sqs/1/{name}")),
        arn: format!("arn:aws:sqs:eu-west-1:1:{name}"),
        own: true,
        fifo: false,
        retention: days(14),
        visibility: Duration::from_secs(30),
        gives_up: gives_up.map(|(dlq, receives_max)| (format!("arn:aws:sqs:eu-west-1:1:{dlq}"), receives_max)),
    }
}

fn found_without(left_out: &str, expiries: &[(&str, u64)], queues: Vec<Queue>) -> Vec<Place> {
    let quarantine = ("QuarantineQueueUrl", "https://sqs/1/stack-ratings-quarantine");
    let outputs = OUTPUTS.into_iter().chain([quarantine]).filter(|(name, _)| *name != left_out);
    let outputs: BTreeMap<_, _> = outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let expiry = |(prefix, after): &(&str, u64)| Expiry { prefix: (*prefix).to_owned(), after: days(*after) };
    let described = Described { queues, expiries: expiries.iter().map(expiry).collect(), ..Described::default() };
    places(&described, "stack", &outputs)
}

fn aggregator() -> Target {
    Target::Function(TargetFunction {
        name: "aggregator".to_owned(),
        function: "stack-aggregator".to_owned(),
        records: Records::Ratings { table: "stack-ratings".to_owned() },
    })
}

fn archives(mappings: &[&str], retention: Option<Duration>) -> Resting {
    let prefixes = mappings.iter().map(|mapping| format!("aws/lambda/{mapping}/")).collect();
    Resting::Archives(Archives { bucket: "stack-failures-1".to_owned(), prefixes, retention })
}

#[test]
fn records_rest_in_the_quarantine_and_in_archives() {
    let queues = ["stack-ratings", "stack-ratings-quarantine"].map(|name| queue(name, None)).to_vec();
    let url = queues[1].url.clone();
    let publisher = Target::Function(TargetFunction {
        name: "publisher".to_owned(),
        function: "stack-publisher".to_owned(),
        records: Records::States,
    });
    let tables = |names: &[&str]| Source::Streams { tables: names.iter().map(|name| (*name).to_owned()).collect() };
    let expected = [
        Place {
            name: "aggregator-failures".to_owned(),
            source: tables(&["ratings"]),
            resting: archives(&["mapping-r"], None),
            target: Ok(aggregator()),
        },
        Place {
            name: "publisher-failures".to_owned(),
            source: tables(&["photos", "scores", "boards"]),
            resting: archives(&["mapping-p", "mapping-s", "mapping-b"], None),
            target: Ok(publisher),
        },
        Place {
            name: "ratings-quarantine".to_owned(),
            source: Source::Function { name: "aggregator".to_owned() },
            resting: Resting::Queue { queue: url, retention: days(14) },
            target: Ok(aggregator()),
        },
    ];
    assert_eq!(found_without("", &[], queues), expected);
}

#[test]
fn what_expires_first_counts_of_what_applies() {
    for (expiries, expected) in [
        (&[("", 90), ("aws/", 30), ("aws/lambda/mapping-r/", 60)][..], Some(30)),
        (&[("aws/lambda/mapping-s/", 7), ("", 90)], Some(90)),
        (&[("aws/lambda/mapping-r/shard", 7), ("other/", 3)], None),
        (&[], None),
    ] {
        let places = found_without("", expiries, Vec::new());
        assert_eq!(places[0].resting, archives(&["mapping-r"], expected.map(days)), "{expiries:?}");
    }
    let publisher = &found_without("", &[("aws/lambda/mapping-s/", 7), ("", 90)], Vec::new())[1];
    assert_eq!(publisher.resting, archives(&["mapping-p", "mapping-s", "mapping-b"], Some(days(7))), "of some of it");
}

#[test]
fn an_older_stack_lacks_them() {
    let quarantined = ["aggregator-failures", "publisher-failures", "ratings-quarantine"];
    let without = |left_out: &str| -> Vec<String> {
        let places = found_without(left_out, &[], vec![queue("stack-ratings-quarantine", None)]);
        places.into_iter().map(|place| place.name).collect()
    };
    assert_eq!(without(""), quarantined);
    assert_eq!(without("QuarantineQueueUrl"), quarantined[..2]);
    assert_eq!(without("FailuresBucket"), quarantined[2..]);
    assert_eq!(without("AggregatorMapping"), quarantined[1..]);
    for output in ["AggregatorFunction", "RatingsTable"] {
        assert_eq!(without(output), ["publisher-failures"], "{output}");
    }
    for output in ["BoardsMapping", "PhotosMapping", "PublisherFunction", "ScoresMapping"] {
        assert_eq!(without(output), ["aggregator-failures", "ratings-quarantine"], "{output}");
    }
}

#[test]
fn the_quarantine_is_a_queue_of_the_stack_and_nothing_else_besides() {
    let outside = Queue { own: false, ..queue("stack-ratings-quarantine", None) };
    let names = |queues| -> Vec<String> {
        let places: Vec<Place> = found_without("FailuresBucket", &[], queues);
        places.into_iter().map(|place| place.name).collect()
    };
    assert_eq!(names(vec![outside]), [""; 0]);
    let feeding = queue("stack-a", Some(("stack-ratings-quarantine", 3)));
    assert_eq!(names(vec![feeding, queue("stack-ratings-quarantine", None)]), ["ratings-quarantine"]);
}

#[test]
fn what_an_earlier_mapping_archived_is_found_by_its_function() {
    let mapping = |prefix: &str, function: &str| Mapping {
        prefix: format!("aws/lambda/{prefix}/"),
        function: function.to_owned(),
    };
    let mappings = vec![
        mapping("earlier", "stack-aggregator"),
        mapping("mapping-r", "stack-aggregator"),
        mapping("mapping-s", "stack-publisher"),
        mapping("nobodys", "other-aggregator"),
    ];
    let described = Described { mappings, ..Described::default() };
    let outputs = OUTPUTS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let resting: Vec<_> = places(&described, "stack", &outputs).into_iter().map(|place| place.resting).collect();
    let expected =
        [archives(&["mapping-r", "earlier"], None), archives(&["mapping-p", "mapping-s", "mapping-b"], None)];
    assert_eq!(resting, expected);
}
