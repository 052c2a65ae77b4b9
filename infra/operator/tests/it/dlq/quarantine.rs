//! The quarantine: records handed to the aggregator again.

use coffeeshop_core::ports::{Attribute, Content};
use coffeeshop_core::rating::{Attribute as Value, RatingItem};
use serde_json::json;

use super::bench::{Bench, url};
use super::stream::{rating, record, write};

/// A record as the aggregator sets it aside.
fn set_aside(bench: &Bench, record: &serde_json::Value, reason: &str) {
    let attributes = [("reason", reason), ("error", "why")];
    let attributes = attributes.map(|(name, text)| (name.to_owned(), Attribute::text(text)));
    let body = json!({ "Records": [record] }).to_string();
    bench.rest("ratings-quarantine", Content { body, attributes: attributes.into(), trace_header: None });
}

/// One that makes sense by now, one that still makes none, and one that says what was before.
fn three() -> Bench {
    let bench = Bench::new().with_aggregator(&[]);
    let sensible = write(&bench, 1, &rating("shop-1", "user-1"), Some(("4", "2026-11-20")));
    set_aside(&bench, &sensible, "unreadable_record");
    let nonsense = write(&bench, 2, &rating("shop-2", "user-2"), Some(("9", "2026-11-20")));
    set_aside(&bench, &nonsense, "wrong_stars");
    let corrected = record(3, &rating("shop-3", "user-3"), Some(("9", "2026-11-20")), "");
    write(&bench, 4, &rating("shop-3", "user-3"), Some(("5", "2026-11-21")));
    set_aside(&bench, &corrected, "wrong_stars");
    bench
}

#[test]
fn records_are_shown() {
    let bench = three();
    let shown = ["peek ratings-quarantine", "groups ratings-quarantine", "replay ratings-quarantine"];
    let shown = shown.map(|arguments| bench.types(arguments).transcript(arguments, &bench));
    insta::assert_snapshot!(shown.join("\n"));
    assert!(bench.lambda.invocations.lock().unwrap().is_empty());
    let of_shop = bench.types("replay ratings-quarantine --shop shop-2 --json");
    assert_eq!(of_shop.objects().len(), 1, "{of_shop:?}");
}

#[test]
fn records_are_handed_over_again_and_scores_are_as_ratings_say() {
    let bench = three();
    let said = bench.types("replay ratings-quarantine --execute");
    assert_eq!(said.status, 0, "{said:?}");
    insta::assert_snapshot!(said.transcript("replay ratings-quarantine --execute", &bench));
    bench.check_scores();
    // What still makes no sense is there again, and counted.
    let rest = bench.world.visible(&url("ratings-quarantine"));
    assert_eq!(rest.len(), 2);
    let run = bench.runs().pop().unwrap();
    for content in &rest {
        assert_eq!(content.attribute("reason"), Some("wrong_stars"));
        assert_eq!(content.attribute("replayed"), Some(&*format!("1/{run}")));
        assert!(!content.body.contains("replayed"), "{}", content.body);
    }
    for _ in 0..2 {
        assert_eq!(bench.types("replay ratings-quarantine --execute").status, 0);
    }
    let said = bench.types("replay ratings-quarantine --execute");
    assert!(said.status == 3 && said.lines.contains("2 were left alone"), "{said:?}");
}

#[test]
fn a_canary_that_comes_back_lets_none_go() {
    let bench = Bench::new().with_aggregator(&[]);
    for i in 0..30 {
        let nonsense = write(&bench, i, &rating("shop-2", &format!("user-{i}")), Some(("9", "2026-11-20")));
        set_aside(&bench, &nonsense, "wrong_stars");
    }
    let said = bench.types("replay ratings-quarantine --execute --canary 2 --json");
    assert_eq!((said.status, said.summary()["canary"].as_str()), (3, Some("came_back")), "{said:?}");
    assert_eq!(bench.lambda.invocations.lock().unwrap().len(), 2);
    assert_eq!(bench.world.visible(&url("ratings-quarantine")).len(), 30);
}

#[test]
fn after_a_correction_of_the_code_what_the_contribution_knows_already_is_set_right_too() {
    let bench = Bench::new().with_aggregator(&[]);
    let key = rating("shop-1", "user-1");
    let said = write(&bench, 1, &key, Some(("9", "2026-11-20")));
    // The contribution has its fence already, and holds nothing.
    bench.archive("1", &super::stream::archived(&[said]));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 0);
    bench.check_scores();
    // As if nine stars had come to mean five.
    let (stars, rated_at) = (Value::Number("5".to_owned()), Value::Text("2026-11-20T12:00:00Z".to_owned()));
    bench.scores.put_rating(key, RatingItem { stars: Some(stars), rated_at: Some(rated_at) });
    let said = bench.types("replay ratings-quarantine --execute --json");
    let summary = said.summary();
    assert_eq!([&summary["ratings_held"], &summary["ratings_repaired"]], [&json!(1), &json!(1)], "{said:?}");
    bench.check_scores();
}

#[test]
fn a_record_of_a_rating_is_not_edited() {
    let bench = three();
    for place in ["ratings-quarantine", "aggregator-failures"] {
        let said = bench.types(&format!("edit {place} any"));
        assert_eq!(said.status, 1);
        insta::assert_snapshot!(format!("edit_{place}"), said.transcript(&format!("edit {place} any"), &bench));
    }
}

#[test]
fn where_scores_contradict_contributions_it_stays_until_they_are_rebuilt() {
    use coffeeshop_core::ports::Clock as _;
    use coffeeshop_operator::rebuild::{Mode, rebuild_shop};
    let bench = Bench::new().with_aggregator(&[]);
    let key = rating("shop-1", "user-1");
    let written = write(&bench, 1, &key, Some(("4", "2026-11-20")));
    bench.archive("1", &super::stream::archived(&[written]));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 0);
    // Somebody empties the scores by hand, and the rating changes: that is drift.
    for mut score in bench.scores.stored_scores().into_values() {
        score.histogram = coffeeshop_core::histogram::Histogram::default();
        score.revision += 1;
        bench.scores.put_score(score);
    }
    let changed = write(&bench, 2, &key, Some(("5", "2026-11-20")));
    bench.archive("2", &super::stream::archived(&[changed]));
    let said = bench.types("replay aggregator-failures --execute");
    assert!(said.status == 1 || said.status == 3, "{said:?}");
    assert!(said.lines.contains("`coffeeshop scores rebuild` repairs") && bench.archives().len() == 1, "{said:?}");
    assert_eq!(bench.world.visible(&url("ratings-quarantine"))[0].attribute("reason"), Some("drift"));
    let shop_id = key.shop_id;
    let rebuilt = rebuild_shop(&*bench.scores, &*bench.scores, &shop_id, Mode::Write, &|_| ());
    assert!(futures::executor::block_on(rebuilt).unwrap().scores_repaired > 0, "at {}", bench.scores.now());
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 0);
    assert_eq!(bench.types("replay ratings-quarantine --execute").status, 0);
    bench.check_scores();
}

/// The scores of a shop are emptied by hand after a rating of it was counted; the record of its next change.
fn drifted(bench: &Bench, shop: &str, number: usize) -> serde_json::Value {
    let key = rating(shop, "user");
    let written = write(bench, number, &key, Some(("4", "2026-11-20")));
    bench.archive(shop, &super::stream::archived(&[written]));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 0);
    for mut score in bench.scores.stored_scores().into_values().filter(|score| score.key.shop_id == key.shop_id) {
        score.histogram = coffeeshop_core::histogram::Histogram::default();
        score.revision += 1;
        bench.scores.put_score(score);
    }
    write(bench, number + 1, &key, Some(("5", "2026-11-20")))
}

#[test]
fn a_shop_that_cannot_be_set_right_keeps_no_other_from_it() {
    let bench = Bench::new().with_aggregator(&[]);
    let drifts: Vec<_> = (0..3).map(|i| drifted(&bench, &format!("a-shop-{i}"), 10 * i)).collect();
    // In one archive with the first of them: a record that is older than its rating, and newer than what is known of it.
    let key = rating("shop", "user");
    let old = record(40, &key, Some(("1", "2026-11-20")), "");
    write(&bench, 41, &key, Some(("5", "2026-11-20")));
    bench.archive("0", &super::stream::archived(&[drifts[0].clone(), old]));
    for (i, drift) in drifts.iter().enumerate().skip(1) {
        bench.archive(&i.to_string(), &super::stream::archived(std::slice::from_ref(drift)));
    }
    let fine = write(&bench, 50, &rating("fine", "user"), Some(("3", "2026-11-20")));
    bench.archive("9", &super::stream::archived(&[fine]));
    let said = bench.types("replay aggregator-failures --execute --json");
    assert_eq!((said.status, bench.archives().len()), (3, 3), "the last has nothing to do with them: {said:?}");
    let scores = bench.scores.stored_scores().into_values();
    let of_shop: Vec<_> = scores.filter(|score| score.key.shop_id.as_str() == "shop").collect();
    assert!(
        !of_shop.is_empty() && of_shop.iter().all(|score| score.histogram.counts() == [0, 0, 0, 0, 1]),
        "{of_shop:?}"
    );
}

#[test]
fn what_cannot_be_held_against_its_rating_stays() {
    let bench = Bench::new().with_aggregator(&[]);
    let drift = drifted(&bench, "shop", 1);
    set_aside(&bench, &drift, "drift");
    let said = bench.types("replay ratings-quarantine --execute");
    assert!(said.status != 0 && said.lines.contains("`coffeeshop scores rebuild` repairs"), "{said:?}");
    let rest = bench.world.visible(&url("ratings-quarantine"));
    assert!(rest.iter().any(|content| content.attribute("replayed").is_none()), "the message itself: {rest:?}");
}

#[test]
fn after_a_failure_or_a_lost_answer_the_scores_follow_the_ratings_too() {
    for is_lost in [false, true] {
        let mut bench = three();
        let aggregator = bench.lambda.handler.take().unwrap();
        bench.lambda.handler = Some(Box::new(move |event| {
            let handled = aggregator(event);
            Box::pin(async move {
                handled.await?;
                if is_lost {
                    return Err(coffeeshop_core::ports::PortError::new("functions.invoke", "reset"));
                }
                Ok(coffeeshop_core::ports::Answer::Failed { error: "timed out".to_owned() })
            })
        }));
        let said = bench.types("replay ratings-quarantine --execute --json");
        assert_ne!(said.status, 0);
        bench.check_scores();
        let summary = said.summary();
        let counts = ["failed", "in_doubt"].map(|name| summary[name].as_u64().unwrap());
        assert_eq!(counts, if is_lost { [0, 3] } else { [3, 0] }, "{said:?}");
    }
}

#[test]
fn what_is_held_of_a_rating_and_cannot_be_understood_keeps_its_record() {
    let bench = three();
    bench.scores.spoil_contribution(Some(rating("shop-1", "user-1")));
    let said = bench.types("replay ratings-quarantine --execute --shop shop-1");
    assert_ne!(said.status, 0, "{said:?}");
    let rest = bench.world.visible(&url("ratings-quarantine"));
    assert!(rest.iter().any(|content| content.body.contains("event-1\"")), "{rest:?}");
}

#[test]
fn a_record_that_is_given_back_stays() {
    let mut bench = three();
    bench.lambda.handler = Some(Box::new(|event| {
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        let number = event["Records"][0]["dynamodb"]["SequenceNumber"].clone();
        let response = json!({ "batchItemFailures": [{ "itemIdentifier": number }] }).to_string();
        Box::pin(async { Ok(coffeeshop_core::ports::Answer::Returned(response.into())) })
    }));
    let said = bench.types("replay ratings-quarantine --execute");
    assert!(said.status == 3 && said.lines.contains("the function gave it back"), "{said:?}");
    assert_eq!(bench.world.visible(&url("ratings-quarantine")).len(), 3);
    // All the same the scores follow the ratings.
    bench.check_scores();
}

#[test]
fn what_is_no_event_stays_and_is_said() {
    let bench = Bench::new().with_aggregator(&[]);
    bench.rest("ratings-quarantine", Content { body: "{no JSON".to_owned(), ..Content::default() });
    let said = bench.types("replay ratings-quarantine --execute");
    assert!(said.status == 3 && said.lines.contains("not an event of a stream"), "{said:?}");
    bench.rest("ratings-quarantine", Content { body: r#"{"Records":[]}"#.to_owned(), ..Content::default() });
    let said = bench.types("replay ratings-quarantine --execute");
    assert!(said.status == 3 && said.lines.contains("it has no records"), "{said:?}");
    assert_eq!(bench.world.visible(&url("ratings-quarantine")).len(), 2);
    assert!(bench.lambda.invocations.lock().unwrap().is_empty());
}

#[test]
fn a_function_that_fails_keeps_it_there() {
    let mut bench = three();
    bench.mend_aggregator(&[1, 2, 3]);
    let said = bench.types("replay ratings-quarantine --execute");
    assert_eq!((said.status, bench.world.visible(&url("ratings-quarantine")).len()), (3, 3), "{said:?}");
    bench.mend_aggregator(&[]);
    let run = bench.runs().pop().unwrap();
    assert_eq!(bench.types(&format!("resume {run}")).status, 0);
    bench.check_scores();
}
