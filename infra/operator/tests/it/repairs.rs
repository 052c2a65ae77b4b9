//! What `verify` and `rebuild` say.

use std::future::{pending, poll_fn};
use std::task::Poll;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::testing::{Fault, ScoreWorld};
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::hot::Hot;
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
