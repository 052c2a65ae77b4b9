//! What `verify` and `rebuild` say.

use std::future::{pending, poll_fn};
use std::task::Poll;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::testing::{Fault, ScoreWorld};
use coffeeshop_operator::cli::{Command, Invocation};
use coffeeshop_operator::rebuild::Mode;
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::hot::Hot;
use crate::spoilt::Spoilt;
use crate::transcript::{self, Closed};
use crate::world::{DAMAGES, edit_score, item, key, rating, world};

/// Every command on a world, one after the other.
fn each(world: &ScoreWorld, commands: &[&str]) -> String {
    commands.iter().map(|arguments| transcript::of(world, arguments)).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_is_well() {
    let commands = [
        "scores verify --all",
        "scores verify --shop shop",
        "scores verify --all --json",
        "scores verify --all --after another",
        "scores verify --all --after z",
        "scores rebuild --all",
        "scores rebuild --all --dry-run",
        "scores rebuild --all --json",
    ];
    assert_snapshot!(each(&world(), &commands));
}

/// Found, and what would become of it.
#[test]
fn every_kind_of_difference() {
    let said = DAMAGES.map(|(name, damage, _)| {
        let world = world();
        damage(&world);
        format!("### {name}\n{}", each(&world, &["scores verify --all", "scores rebuild --all --dry-run"]))
    });
    assert_snapshot!(said.join("\n"));
}

#[test]
fn every_kind_of_difference_for_programs() {
    let said = DAMAGES.map(|(name, damage, _)| {
        let world = world();
        damage(&world);
        format!("### {name}\n{}", each(&world, &["scores verify --all --json"]))
    });
    assert_snapshot!(said.join("\n"));
}

/// Several at once; the second run has nothing to do.
#[test]
fn a_rebuild_and_its_proof() {
    let world = world();
    world.remove_score(&key("2026-11"));
    edit_score(&world, "all", |score| score.score_micros += 1);
    world.remove_rating(&rating("user-4"));
    let commands = [
        "scores verify --shop shop",
        "scores rebuild --shop shop --dry-run --json",
        "scores rebuild --shop shop",
        "scores rebuild --shop shop",
        "scores verify --all",
    ];
    assert_snapshot!(each(&world, &commands));
}

#[test]
fn what_cannot_be_understood() {
    let world = world();
    world.spoil(Some(key("2026-11")));
    let commands = [
        "scores verify --all",
        "scores verify --all --json",
        "scores rebuild --all",
        "scores rebuild --all --json",
        "scores rebuild --all --dry-run",
    ];
    assert_snapshot!(each(&world, &commands));
}

/// All that there is of a shop is a contribution that cannot be understood: so it is not unknown.
#[test]
fn nothing_but_what_cannot_be_understood() {
    let empty = ScoreWorld::default();
    let commands = ["scores verify --shop shop", "scores rebuild --shop shop", "scores rebuild --shop shop --dry-run"];
    let said = commands.map(|arguments| transcript::during(&Spoilt(&empty), &empty, arguments, pending()));
    assert_snapshot!(said.join("\n"));
}

#[test]
fn a_shop_that_nobody_knows() {
    let commands = ["scores verify --shop Shop", "scores rebuild --shop Shop", "scores rebuild --shop Shop --json"];
    let empty = ScoreWorld::default();
    assert_snapshot!(
        each(&world(), &commands) + "\n" + &each(&empty, &["scores verify --all", "scores rebuild --all"])
    );
}

/// The calls of `shops::all` run side by side: the fourth of `--all --after another` is the second of the only shop.
#[test]
fn a_call_that_goes_wrong_in_the_middle() {
    let world = world();
    let commands = ["scores verify --all --after another", "scores rebuild --all --dry-run --json --after another"];
    let mut said = Vec::new();
    for arguments in commands {
        world.fail(3, Fault::Before);
        said.push(transcript::of(&world, arguments));
    }
    world.fail(2, Fault::Before);
    said.push(transcript::of(&world, "scores rebuild --shop shop"));
    world.fail_always(Some(Fault::Busy));
    said.push(transcript::of(&world, "scores verify --all"));
    world.fail_always(None);
    assert_snapshot!(said.join("\n"));
}

#[test]
fn ctrl_c_ends_it_and_says_how_to_go_on() {
    let world = world();
    edit_score(&world, "all", |score| score.score_micros += 1);
    let third: ShopId = "zebra".parse().unwrap();
    world.put_rating(RatingKey { shop_id: third, ..rating("user-1") }, item("5", "2026-11-01"));
    // `another` and `shop` are done by then, and what differs of `zebra` is looked at again.
    let then = world.now() + SignedDuration::from_secs(8);
    let after_a_while = poll_fn(|_| if world.now() < then { Poll::Pending } else { Poll::Ready(()) });
    assert_snapshot!(transcript::during(&world, &world, "scores verify --all", after_a_while));
}

/// What a stopped `rebuild` leaves behind is said of no other command.
#[test]
fn ctrl_c_during_repairs() {
    for (arguments, half_repaired) in [
        ("scores rebuild --all", true),
        ("scores rebuild --shop shop --json", true),
        ("scores rebuild --all --dry-run", false),
        ("scores verify --all", false),
        ("scores top", false),
        ("scores show shop", false),
    ] {
        let world = world();
        let said = transcript::during(&world, &world, arguments, std::future::ready(()));
        assert!(said.contains("stderr| error: stopped"), "{said}");
        assert_eq!(said.contains("half repaired until this is run again"), half_repaired, "{said}");
        assert!(said.ends_with("[exit status 130]\n"), "{said}");
    }
}

fn parse(arguments: &str) -> Invocation {
    let typed = ["coffeeshop", "--stack", "prod"].into_iter().chain(arguments.split_whitespace());
    transcript::scores(typed)
}

/// The only command that a text tells a person to type.
fn told(text: &str) -> Invocation {
    let mut told = text.lines().skip(1).filter_map(|line| Some(line.split_once(": coffeeshop ")?.1));
    let command = told.next().unwrap();
    assert_eq!(told.next(), None, "{text}");
    transcript::scores(["coffeeshop"].into_iter().chain(command.split_whitespace()))
}

/// One of 64 ids that are made at random begins with `-`, and a person types what they are told to.
#[test]
fn what_is_told_to_be_typed_is_understood() {
    let id: ShopId = "-abc".parse().unwrap();
    for shop in ["shop", "-abc", "--all"] {
        let of_shop = format!("scores verify --shop={shop}");
        // There is a rating, no score, and nothing that counts it.
        let world = world();
        let shop_id: ShopId = shop.parse().unwrap();
        world.put_rating(RatingKey { shop_id, ..rating("user-9") }, item("5", "2026-11-01"));
        let repair = told(&transcript::of(&world, &of_shop));
        assert_eq!(repair, parse(&format!("scores rebuild --shop={shop}")));
        assert!(matches!(repair.command, Command::Rebuild(_, Mode::Write)));

        let show = format!("scores show -- {shop}");
        assert_eq!(told(&transcript::of(&ScoreWorld::default(), &show)), parse(&of_shop));

        world.fail_always(Some(Fault::Before));
        for again in [
            of_shop,
            format!("scores rebuild --shop={shop} --dry-run --json"),
            format!("scores verify --all --after={shop} --json"),
            format!("scores rebuild --all --after={shop}"),
        ] {
            assert_eq!(told(&transcript::of(&world, &again)), parse(&again));
        }
    }
    let after = transcript::of(&world(), &format!("scores verify --all --after={id}"));
    assert!(after.contains("2 shops"), "{after}");
}

#[test]
fn nobody_reads_any_more() {
    let world = world();
    edit_score(&world, "all", |score| score.score_micros += 1);
    let (errors, status) = transcript::into(&world, &world, "scores rebuild --all", Closed(0), pending());
    assert_eq!(status, 1);
    assert_snapshot!(errors);
}

/// Others write whenever something was read.
#[test]
fn a_shop_that_never_rests() {
    let commands = [
        "scores verify --shop shop",
        "scores verify --shop shop --json",
        "scores rebuild --shop shop",
        "scores rebuild --shop shop --json",
    ];
    let said = commands.map(|arguments| {
        let world = world();
        world.put_rating(rating("user-0"), item("1", "2026-11-01"));
        transcript::during(&Hot::new(&world, usize::MAX), &world, arguments, pending())
    });
    assert_snapshot!(said.join("\n"));
}

/// A shop that is only busy: nothing is known to differ, and nothing is proved.
#[test]
fn busy_is_no_agreement() {
    let world = world();
    let said = transcript::during(&Hot::new(&world, usize::MAX), &world, "scores verify --shop shop --json", pending());
    let summary: Value = serde_json::from_str(said.lines().rev().nth(1).unwrap()).unwrap();
    assert_eq!((&summary["differences"], &summary["busy_shops"]), (&json!(0), &json!(1)), "{said}");
    assert_eq!(summary["agreement"], json!(false), "{said}");
    assert!(said.ends_with("[exit status 3]\n"), "{said}");
}

/// A rating that is written again and again, and whose records are late.
#[test]
fn a_rating_under_way() {
    let world = world();
    let mut stars = 0;
    let edits = poll_fn(|_| {
        stars = stars % 4 + 1;
        world.put_rating(rating("user-0"), item(&stars.to_string(), "2026-11-20"));
        Poll::Pending
    });
    assert_snapshot!(transcript::during(&world, &world, "scores verify --shop shop", edits));
}

/// The same of two ratings; and beside a difference.
#[test]
fn ratings_under_way() {
    for (damaged, expected) in [
        (false, "every score is as its ratings say, but for 2 ratings that are still under way"),
        (true, "1 difference in 1 shop; 2 ratings still under way, which is no difference"),
    ] {
        let world = world();
        if damaged {
            edit_score(&world, "2026-09", |score| score.score_micros += 1);
        }
        let mut stars = 0;
        let edits = poll_fn(|_| {
            stars = stars % 4 + 1;
            for user in ["user-0", "user-2"] {
                world.put_rating(rating(user), item(&stars.to_string(), "2026-11-20"));
            }
            Poll::Pending
        });
        let said = transcript::during(&world, &world, "scores verify --shop shop", edits);
        let sentence = said.lines().rev().nth(1).unwrap();
        assert_eq!(sentence, format!("1 shop, 8 ratings, 4 scores: {expected}"));
    }
}
