//! What is replayed, and what of it is sent.

use std::fs;

use coffeeshop_core::place::{Resting, Target};
use coffeeshop_core::ports::{Attribute, Content};
use insta::assert_snapshot;
use serde_json::json;

use super::bench::{Bench, parked_upload, upload, url};

/// The id of the group of messages that were given up.
fn given_up(bench: &Bench) -> String {
    let groups = bench.types("groups uploads-dlq --json").objects();
    let group = groups.iter().find(|group| group["reason"].is_null()).unwrap();
    group["group"].as_str().unwrap().to_owned()
}

#[test]
fn a_dry_run_only_says_what_would_be_done() {
    let bench = Bench::with_uploads(3, 7);
    let before = bench.world.messages(&url("uploads-dlq"));
    let arguments = "replay uploads-dlq --shop shop-1 --rate 50/s --canary 2";
    assert_snapshot!(bench.types(arguments).transcript(arguments, &bench));
    assert_eq!(bench.world.visible(&url("uploads-dlq")), before, "all is there, and nothing is hidden");
    assert_eq!((bench.bodies("uploads").len(), bench.runs().len()), (0, 0));
}

#[test]
fn everything_is_sent_back_and_counted() {
    let bench = Bench::with_uploads(3, 37);
    let before = bench.bodies("uploads-dlq");
    let arguments = "replay uploads-dlq --execute";
    assert_snapshot!(bench.types(arguments).transcript(arguments, &bench));
    assert_eq!(bench.bodies("uploads"), before);
    assert!(bench.bodies("uploads-dlq").is_empty());
    let run = bench.runs().pop().unwrap();
    for content in bench.world.messages(&url("uploads")) {
        assert_eq!(content.attributes, [("replayed".to_owned(), Attribute::text(format!("1/{run}")))].into());
    }
}

#[test]
fn the_journal_is_always_ahead() {
    let bench = Bench::with_uploads(0, 2);
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 0);
    let lines = bench.journal().into_iter().map(|mut line| {
        let line = line.as_object_mut().unwrap();
        for name in ["at", "run", "sha256", "new_id"] {
            line.get_mut(name).into_iter().for_each(|value| *value = json!(format!("[{name}]")));
        }
        serde_json::to_string(line).unwrap()
    });
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn one_group_is_replayed_and_nothing_else() {
    let bench = Bench::with_uploads(30, 70);
    let group = given_up(&bench);
    let said = bench.types(&format!("replay uploads-dlq --group {group} --execute --json"));
    assert_eq!((said.status, said.summary()["done"].as_u64()), (0, Some(70)));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (70, 30));
    assert!(bench.bodies("uploads-dlq").keys().all(|body| body.contains("stray")));
}

#[track_caller]
fn check_selection(bench: &Bench, selection: &str, bodies: &[&str]) {
    let dry = bench.types(&format!("replay uploads-dlq --json {selection}"));
    assert_eq!(dry.status, 0, "{dry:?}");
    let mut found: Vec<_> = dry.objects().iter().map(|object| object["body"].as_str().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(found, bodies, "{selection}");
}

#[test]
fn messages_are_selected_by_time_shop_and_id() {
    let bench = Bench::new();
    let at = |age: i64, key: &str| bench.world.send_as(&url("uploads-dlq"), None, upload(key), bench.ago(age));
    let keys = ["uploads/a/1", "uploads/a/2", "uploads/b/1"];
    let ids = [at(300, keys[0]), at(200, keys[1]), at(100, keys[2])];
    let bodies = keys.map(|key| upload(key).body);
    let [first, second, third] = bodies.each_ref().map(String::as_str);
    let ago = |age: i64| bench.ago(age).to_string();
    check_selection(&bench, "", &[first, second, third]);
    check_selection(&bench, &format!("--since {}", ago(200)), &[second, third]);
    check_selection(&bench, &format!("--until {}", ago(200)), &[first]);
    check_selection(&bench, &format!("--since {} --until {}", ago(250), ago(150)), &[second]);
    check_selection(&bench, "--shop a", &[first, second]);
    check_selection(&bench, "--shop a --max 1", &[first]);
    let none = bench.types("replay uploads-dlq --json --group 000000000000");
    assert!(none.status == 1 && none.errors.starts_with("error: no message of uploads-dlq is meant"), "{none:?}");
    let file = bench.folder.path().join("ids");
    fs::write(&file, format!("\u{feff}\"{}\"\n\n{}\r\n", ids[0].0, ids[2].0)).unwrap();
    check_selection(&bench, &format!("--ids {}", file.display()), &[first, third]);
    // Those that are too many are there all the same.
    check_selection(&bench, &format!("--ids {} --max 1", file.display()), &[first]);
}

#[test]
fn ids_that_are_not_there_are_named() {
    let bench = Bench::with_uploads(0, 1);
    let file = bench.folder.path().join("ids");
    fs::write(&file, "elsewhere\nmessage-1\n").unwrap();
    let arguments = format!("replay uploads-dlq --ids {} --execute", file.display());
    assert_snapshot!(bench.types(&arguments).transcript(&arguments, &bench).replace(file.to_str().unwrap(), "IDS"));
    assert_eq!(bench.bodies("uploads").len(), 1);
}

#[test]
fn what_was_replayed_often_is_left_alone_and_reported() {
    let bench = Bench::new();
    for (i, times) in [0, 2, 3, 7].into_iter().enumerate() {
        let mut content = parked_upload(i);
        if times > 0 {
            content.attributes.insert("replayed".to_owned(), Attribute::text(format!("{times}/earlier")));
        }
        bench.world.send_as(&url("uploads-dlq"), Some(&format!("m-{times}")), content, bench.now());
    }
    let dry = "replay uploads-dlq";
    let done = "replay uploads-dlq --execute";
    let texts = [dry, done].map(|arguments| bench.types(arguments).transcript(arguments, &bench));
    assert_snapshot!(texts.join("\n"));
    let marks: Vec<_> =
        bench.world.messages(&url("uploads")).iter().map(|content| content.attributes.clone()).collect();
    let run = bench.runs().pop().unwrap();
    let expected = [1, 3].map(|times| [("replayed".to_owned(), Attribute::text(format!("{times}/{run}")))].into());
    assert_eq!(marks, expected);
    let more = bench.types("replay uploads-dlq --execute --max-replays 8 --json");
    assert_eq!((more.status, more.summary()["done"].as_u64()), (0, Some(2)));
}

#[test]
fn what_comes_later_is_not_in_the_plan() {
    let bench = Bench::with_uploads(0, 5);
    // Just when it begins to send.
    let later = std::cell::Cell::new(false);
    let come = || async {
        loop {
            coffeeshop_core::testing::suspend_once().await;
            if !bench.bodies("uploads").is_empty() && !later.replace(true) {
                bench.rest("uploads-dlq", upload("uploads/late/1"));
            }
        }
    };
    let said = bench.types_until("replay uploads-dlq --execute --rate 1/s --json", come);
    assert!(later.get());
    assert_eq!((said.status, said.summary()["done"].as_u64()), (0, Some(5)));
    assert_eq!(bench.bodies("uploads-dlq"), [(upload("uploads/late/1").body, 1)].into());
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 1);
}

#[test]
fn messages_of_a_subscription_go_to_its_own_queue() {
    let bench = Bench::new();
    let event = Content {
        body: "an event".to_owned(),
        attributes: [("city".to_owned(), Attribute::text("Zürich"))].into(),
        trace_header: Some("Root=1".to_owned()),
    };
    bench.rest("notifications-subscription-dlq", event.clone());
    assert_eq!(bench.types("replay prod-notifications-subscription-dlq --execute").status, 0);
    let [mut sent] = bench.world.messages(&url("notifications")).try_into().unwrap();
    assert!(sent.attributes.remove("replayed").is_some());
    assert_eq!(sent, event, "body, attributes and trace header survive");
}

#[test]
fn a_rate_is_kept() {
    let bench = Bench::with_uploads(0, 40);
    let begun = bench.now();
    assert_eq!(bench.types("replay uploads-dlq --execute --rate 4/s").status, 0);
    let took = bench.now().duration_since(begun).as_secs();
    assert!((9..=11).contains(&took), "40 messages, 4 a second, in {took} s");
}

#[test]
fn nothing_is_replayed_from_where_it_cannot_be() {
    let bench = Bench::new();
    let texts = [
        "replay orders-dlq.fifo",
        "edit orders-dlq.fifo x",
        "groups orders-dlq.fifo",
        "replay nowhere",
        "groups nowhere",
        "resume run-1",
    ]
    .map(|arguments| bench.types(arguments).transcript(arguments, &bench));
    assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_journal_goes_to_the_bucket_too() {
    let bench = Bench::with_uploads(0, 300);
    let said = bench.types("replay uploads-dlq --execute --rate 1/s --audit-bucket audit");
    assert_eq!(said.status, 0, "{said:?}");
    let run = bench.runs().pop().unwrap();
    let object = bench.buckets.read("audit", &format!("coffeeshop-dlq/{run}.jsonl")).unwrap();
    let journal = fs::read_to_string(bench.journals().join(format!("{run}.jsonl"))).unwrap();
    assert_eq!(object, journal);
}

/// Before anything is sent.
#[test]
fn a_bucket_that_cannot_be_written_stops_it() {
    let bench = Bench::with_uploads(0, 3);
    let arguments = "replay uploads-dlq --execute --audit-bucket gone";
    assert_snapshot!(bench.types(arguments).transcript(arguments, &bench));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (0, 3));
}

#[test]
fn what_is_kept_on_disk_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    // Killed in the midst of it, when the receipts are there.
    let midst = (0..200).find_map(|after| {
        let bench = Bench::with_uploads(0, 30);
        assert!(bench.types_and_is_killed("replay uploads-dlq --execute --rate 1/s", after).is_none());
        (!bench.bodies("uploads").is_empty()).then_some(bench)
    });
    let bench = midst.unwrap();
    let files = fs::read_dir(bench.journals()).unwrap().map(|file| file.unwrap());
    let modes: Vec<_> = files.map(|file| file.metadata().unwrap().permissions().mode() & 0o777).collect();
    assert!(modes.len() > 1 && modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
}

#[test]
fn no_more_are_planned_than_wanted() {
    let bench = Bench::with_uploads(0, 25);
    let said = bench.types("replay uploads-dlq --execute --max 12 --json");
    assert_eq!(
        (said.status, said.summary()["planned"].as_u64(), said.summary()["done"].as_u64()),
        (0, Some(12), Some(12))
    );
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (12, 13));
}

#[test]
fn nothing_but_the_journal_is_left() {
    let bench = Bench::with_uploads(0, 3);
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 0);
    assert_eq!(fs::read_dir(bench.journals()).unwrap().count(), 1);
}

#[test]
fn the_journal_is_put_into_the_bucket_while_it_goes_on() {
    let bench = Bench::with_uploads(0, 300);
    let lines = std::cell::Cell::new(0);
    let look = || async {
        loop {
            coffeeshop_core::testing::suspend_once().await;
            let journal = bench.buckets.keys("audit").pop().and_then(|key| bench.buckets.read("audit", &key));
            let now = journal.map_or(0, |journal| journal.lines().count());
            lines.set(if bench.bodies("uploads").len() < 300 { now } else { lines.get() });
        }
    };
    assert_eq!(bench.types_until("replay uploads-dlq --execute --rate 1/s --audit-bucket audit", look).status, 0);
    // The plan alone is 301.
    assert!(lines.get() > 600, "{}", lines.get());
}

#[test]
fn a_stack_that_was_made_anew_is_not_gone_on_with() {
    for moved in ["uploads", "uploads-dlq"] {
        let mut bench = Bench::with_uploads(0, 3);
        bench.world.remove_queue(&url("uploads"));
        assert_eq!(bench.types("replay uploads-dlq --execute").status, 3);
        let run = bench.runs().pop().unwrap();
        for place in &mut bench.places {
            if let Resting::Queue { queue, .. } = &mut place.resting
                && *queue == url(moved)
            {
                *queue = url("elsewhere");
            }
            if let Ok(Target::Queue(target)) = &mut place.target
                && target.queue == url(moved)
            {
                target.queue = url("elsewhere");
            }
        }
        let said = bench.types(&format!("resume {run}"));
        assert!(said.status == 1 && said.errors.contains("the stack was made anew"), "{moved}: {said:?}");
    }
}

/// Ids are the queue's, and a body never changes: what is not as planned is none of the run's.
#[test]
fn a_message_with_another_body_is_not_touched() {
    let bench = Bench::with_uploads(0, 3);
    bench.world.fail_entries("queues.send", &[0, 1, 2], coffeeshop_core::testing::Fault::Before);
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 3);
    let run = bench.runs().pop().unwrap();
    let file = bench.journals().join(format!("{run}.jsonl"));
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let planned = lines.iter_mut().find(|line| line.contains(r#""event":"planned""#)).unwrap();
    let from = planned.find(r#""sha256":""#).unwrap() + 10;
    planned.replace_range(from..from + 4, "beef");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let said = bench.types(&format!("resume {run} --json"));
    assert_eq!((said.status, said.summary()["done"].as_u64()), (3, Some(2)), "{said:?}");
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 1);
}
