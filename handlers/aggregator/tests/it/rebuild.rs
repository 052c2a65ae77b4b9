//! Histories in which contributions and scores are damaged, and rebuilt while ratings keep flowing: whatever comes
//! between two calls of a rebuild, the scores equal a recount of the ratings afterwards.
//!
//! `SEEDS=100000 cargo test -p coffeeshop-aggregator rebuild` tries more, `SEED=7` one alone.

mod damage;
mod operator;
mod store;
mod story;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::ShopRecords as _;
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_operator::rebuild::{Mode, Rebuilt, rebuild_shop};
use coffeeshop_operator::shops;
use coffeeshop_operator::verify::verify_shop;
use futures::executor::block_on;

use crate::simulation::tried;
use damage::Harm;
use operator::Seen;
use store::Sabotage;
use story::Story;

/// How many histories are tried if nothing else is said.
const SEEDS: u64 = 500;

/// What is to be counted of a history.
#[derive(Debug, Default)]
struct Told {
    rebuilds: Seen,
    /// Whether something was wrong before anybody repaired it.
    wrong: bool,
    /// Whether every shop was rebuilt while ratings flowed.
    in_time: bool,
    /// Whether records were set aside as drift.
    drift: bool,
}

/// Rebuilds every shop in calm.
fn rebuild(world: &ScoreWorld, mode: Mode) -> Rebuilt {
    let mut sum = Rebuilt::default();
    let one = async |shop: &ShopId| rebuild_shop(world, world, shop, mode, &|_| ()).await;
    let add = |_: &ShopId, rebuilt: Rebuilt, _| {
        sum.scores_repaired += rebuilt.scores_repaired;
        sum.contributions_repaired += rebuilt.contributions_repaired;
        assert_eq!((rebuilt.unreadable, rebuilt.busy), (0, 0), "in calm");
    };
    block_on(shops::all(world, None, one, add)).unwrap();
    sum
}

/// How many differences there are.
fn verify(world: &ScoreWorld) -> u64 {
    let shops = block_on(world.shops(None, usize::MAX)).unwrap();
    let one = |shop: &ShopId| block_on(verify_shop(world, world, shop, &|_| ())).unwrap();
    let verified: Vec<_> = shops.iter().map(one).collect();
    assert!(verified.iter().all(|one| !one.busy && one.under_way == 0), "in calm");
    verified.iter().map(|one| one.differences).sum()
}

/// Whether what is said about the stores is what the oracle says, and nothing is written.
fn says_what_is(story: &Story) -> Result<(), String> {
    let world = &story.world;
    let before = (world.stored_scores(), world.stored_contributions());
    let (oracle, verified, dry) = (story.numbers(), verify(world), rebuild(world, Mode::DryRun));
    if before != (world.stored_scores(), world.stored_contributions()) {
        return Err("who only looks writes".to_owned());
    }
    for (who, said) in [("verify", verified), ("a dry run", dry.scores_repaired + dry.contributions_repaired)] {
        if oracle.is_err() != (said > 0) {
            return Err(format!("{who} says {said} differences, the oracle {oracle:?}"));
        }
    }
    Ok(())
}

/// Whether a rebuild of what is right changes nothing.
fn changes_nothing(story: &Story) -> Result<(), String> {
    let world = &story.world;
    let before = (world.stored_scores(), world.stored_contributions());
    let Rebuilt { scores_repaired, contributions_repaired, .. } = rebuild(world, Mode::Write);
    if scores_repaired + contributions_repaired > 0 {
        return Err(format!(
            "a second rebuild repairs {scores_repaired} scores, {contributions_repaired} contributions"
        ));
    }
    let same = before == (world.stored_scores(), world.stored_contributions());
    if same { Ok(()) } else { Err("a second rebuild changes something".to_owned()) }
}

/// One history; what is wrong at its end.
fn run(seed: u64, harm: Harm, sabotage: Sabotage) -> Result<Told, String> {
    let mut story = Story::new(seed, harm);
    says_what_is(&story)?;
    let wrong = story.numbers().is_err();
    let (rebuilds, in_time) = story.live(sabotage);
    if harm == Harm::None && rebuilds.scores_said > 0 {
        return Err(format!("{} scores are said to differ that do not", rebuilds.scores_said));
    }
    let told = Told { rebuilds, wrong, in_time, drift: !story.drift().is_empty() };
    says_what_is(&story)?;
    if harm != Harm::None && !in_time {
        rebuild(&story.world, Mode::Write);
        story.numbers().map_err(|wrong| format!("rebuilt in calm: {wrong}"))?;
    }
    story.numbers().map_err(|wrong| format!("rebuilt while ratings flowed ({in_time}): {wrong}"))?;
    says_what_is(&story)?;
    changes_nothing(&story)?;
    story.deliver_again();
    story.numbers().map_err(|wrong| format!("after old batches: {wrong}"))?;
    let mut quarantined = story.world.quarantined();
    quarantined.retain(|sent| sent.reason.code != "drift");
    story.history.quarantine(&quarantined)?;
    Ok(told)
}

/// Nothing is damaged in one of eight.
fn harm(seed: u64) -> Harm {
    if seed.is_multiple_of(8) { Harm::None } else { Harm::Any }
}

#[test]
fn a_rebuilt_score_equals_the_recount() {
    let seeds = tried(SEEDS);
    let one = |seed| match run(seed, harm(seed), Sabotage::None) {
        Ok(told) => told,
        Err(wrong) => panic!("{wrong}\nIt happens again with SEED={seed}"),
    };
    let told: Vec<Told> = seeds.map(one).collect();
    covers(&told);
}

/// A simulation in which nothing happens would prove nothing.
fn covers(told: &[Told]) {
    type Has = fn(&Told) -> bool;
    // Of a thousand histories, with some to spare.
    let least: [(&str, usize, Has); 10] = [
        ("a write of a rebuild came too late", 200, |told| told.rebuilds.lost_races > 0),
        ("scores changed while contributions were counted", 200, |told| told.rebuilds.moved > 0),
        ("scores were repaired while workers were active", 150, |told| told.rebuilds.scores_repaired > 0),
        ("contributions were repaired while workers were active", 200, |told| told.rebuilds.contributions_repaired > 0),
        ("a rebuild was killed", 80, |told| told.rebuilds.killed > 0),
        ("a rebuild failed", 40, |told| told.rebuilds.failed > 0),
        ("two rebuilds were at work", 100, |told| told.rebuilds.side_by_side > 0),
        ("something was wrong", 500, |told| told.wrong),
        ("something was wrong, and every shop was rebuilt in time", 500, |told| told.wrong && told.in_time),
        ("records were set aside as drift", 100, |told| told.drift),
    ];
    for (what, least, has) in least {
        let count = told.iter().filter(|told| has(told)).count();
        assert!(count * 1000 >= least * told.len() || told.len() < 500, "in {count} of {} {what}", told.len());
    }
}

/// If a rebuild that reads or writes in a wrong way went unnoticed, the simulation would prove nothing.
#[track_caller]
fn is_noticed(sabotage: Sabotage, harm: Harm, words: &str, least: usize, histories: u64) {
    let noticed = |seed: &u64| run(*seed, harm, sabotage).is_err_and(|wrong| wrong.contains(words));
    let enough = (0..histories).filter(noticed).nth(least - 1);
    assert!(enough.is_some(), "{sabotage:?} is noticed in fewer than {least} of {histories} histories");
}

#[test]
fn reading_ratings_before_contributions_is_noticed() {
    is_noticed(Sabotage::RatingsFirst, Harm::Any, "recounted", 6, 2000);
}

#[test]
fn believing_the_first_look_is_noticed() {
    is_noticed(Sabotage::OneLook, Harm::None, "are said to differ", 6, 400);
    is_noticed(Sabotage::OneLook, Harm::LostContribution, "recounted", 6, 800);
}

/// Each of the next two alone is made good by the second look; together with it they are noticed many times as often as
/// without that look.
#[test]
fn reading_contributions_before_scores_is_noticed() {
    is_noticed(Sabotage::ContributionsFirst, Harm::LostContribution, "recounted", 20, 200);
}

/// It writes nothing wrong that the missing look alone would not, because each write is on condition of the revision that
/// was read first; but it says what is not so.
#[test]
fn reading_scores_once_is_noticed() {
    is_noticed(Sabotage::ScoresOnce, Harm::None, "are said to differ", 50, 200);
}

#[test]
fn writing_on_no_condition_is_noticed() {
    is_noticed(Sabotage::Unconditional, Harm::Any, "recounted", 6, 400);
}
