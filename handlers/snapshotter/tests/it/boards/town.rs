//! Shops and their scores, a bucket, and what must be true of leaderboards at any time.
//!
//! What a board should be is told from the scores alone, without an index, a page, or a rank.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use coffeeshop_core::announce::{Item, announce};
use coffeeshop_core::board::{Board, BoardDocument, BoardEntry, BoardKey, BoardSnapshot};
use coffeeshop_core::event::{Data, Event};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::{ScoreWorld, UploadWorld, World};
use coffeeshop_snapshotter::boards::{SERVED, Summary};
use coffeeshop_snapshotter::job::{Deps, Ended, Job, Request, handle};
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};

/// How long a run may take, in seconds, as in the template.
pub(crate) const TIMEOUT_SECONDS: i64 = 240;

/// How long it is from one run to the next, as in the template.
pub(crate) const TICK: SignedDuration = SignedDuration::from_mins(5);

pub(crate) type TownDeps<'a> = Deps<'a, ScoreWorld, ScoreWorld, ScoreWorld, World, UploadWorld, ScoreWorld>;

#[derive(Default)]
pub(crate) struct Town {
    /// Scores, shops, leaderboards, leases and the clock.
    pub(crate) world: ScoreWorld,
    pub(crate) uploads: UploadWorld,
    photos: World,
}

pub(crate) fn key(text: &str) -> BoardKey {
    let (board, period) = text.rsplit_once('/').unwrap();
    BoardKey { board: board.parse().unwrap(), period: period.parse().unwrap() }
}

impl Town {
    /// On 2026-11-22, at 9:20.
    pub(crate) fn new() -> Self {
        Self::on(ScoreWorld::default())
    }

    pub(crate) fn on(world: ScoreWorld) -> Self {
        world.advance(SignedDuration::from_secs(1_795_339_200));
        Self { world, ..Self::default() }
    }

    pub(crate) fn deps(&self) -> TownDeps<'_> {
        let Self { world, uploads, photos } = self;
        Deps { boards: world, leaderboard: world, scores: world, photos, uploads, clock: world }
    }

    /// Makes a shop's score of a period that of so many ratings with five stars: the more, the better.
    pub(crate) fn rank(&self, shop: &str, city: Option<&str>, period: &str, ratings: u64) {
        let key = ScoreKey { shop_id: shop.parse().unwrap(), period: period.parse().unwrap() };
        let revision = self.world.stored_scores().get(&key).map_or(1, |score| score.revision + 1);
        let histogram = Histogram::try_from([0, 0, 0, 0, ratings]).unwrap();
        let city = city.map(|city| city.parse().unwrap());
        self.world.put_score(Score::new(key, histogram, revision, city, self.world.now()));
    }

    /// Shops of all time, the first the best; others that there are have no ratings.
    pub(crate) fn order(&self, city: Option<&str>, shops: &str) {
        let shops: Vec<&str> = shops.split_whitespace().collect();
        for key in self.world.stored_scores().into_keys() {
            if !shops.contains(&key.shop_id.as_str()) {
                self.rank(key.shop_id.as_str(), city, "all", 0);
            }
        }
        for (shop, ratings) in shops.iter().rev().zip(1..) {
            self.rank(shop, city, "all", ratings);
        }
    }

    /// Makes a city one that a shop is in.
    pub(crate) fn open_shop(&self, shop: &str, city: &str) {
        self.world.open_shop(&shop.parse().unwrap(), &city.parse().unwrap());
    }

    pub(crate) fn context(&self, request_id: &str) -> Context {
        let mut context = Context::default();
        let deadline = self.world.now() + SignedDuration::from_secs(TIMEOUT_SECONDS);
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
        request_id.clone_into(&mut context.request_id);
        context
    }

    pub(crate) fn run(&self, job: Job) -> Result<Ended, Error> {
        block_on(handle(&self.deps(), Request { job }, &self.context("run")))
    }

    /// A run that must end well, and what it made of the leaderboards; then comes the next tick.
    #[track_caller]
    pub(crate) fn compare(&self, job: Job) -> Summary {
        let Ended::Boards(summary) = self.run(job).unwrap() else { panic!("{job:?} was not run") };
        self.world.advance(TICK);
        summary
    }

    /// The entries of every board that a shop is on, as the scores have it.
    fn right(&self) -> BTreeMap<BoardKey, Vec<BoardEntry>> {
        let mut boards: BTreeMap<BoardKey, Vec<BoardEntry>> = BTreeMap::new();
        for Score { key, score_micros, count, city, .. } in self.world.stored_scores().into_values() {
            let entry = BoardEntry { shop_id: key.shop_id, score_micros, count };
            for board in [Some(Board::Global), city.map(Board::City)].into_iter().flatten() {
                let entries = boards.entry(BoardKey { board, period: key.period }).or_default();
                entries.extend((count > 0).then(|| entry.clone()));
            }
        }
        for entries in boards.values_mut() {
            entries.sort_by_key(|entry| {
                (Reverse(entry.score_micros), Reverse(entry.count), entry.shop_id.as_str().to_owned())
            });
            entries.truncate(100);
        }
        boards.retain(|_, entries| !entries.is_empty());
        boards
    }

    /// The boards that are not announced as the scores have them, or whose object is not as their item.
    pub(crate) fn wrong(&self) -> BTreeSet<BoardKey> {
        let (right, stored) = (self.right(), self.world.stored_boards());
        let nothing = Vec::new();
        let is_wrong = |key: &&BoardKey| {
            let announced = stored.get(*key).map_or(&nothing, |board| &board.entries);
            announced != right.get(*key).unwrap_or(&nothing)
        };
        let wrong = right.keys().chain(stored.keys()).filter(is_wrong).cloned();
        wrong.chain(self.not_exported()).collect()
    }

    /// Those of them that the job compares: it may be that only each hour somebody looks at the others.
    pub(crate) fn wrong_of(&self, job: Job) -> BTreeSet<BoardKey> {
        let current = |key: &BoardKey| {
            let months = ["all", "2026-11", "2026-10"].map(|period| period.parse().unwrap());
            months.contains(&key.period) && key.board.to_string() != "Lyon"
        };
        self.wrong().into_iter().filter(|key| job == Job::EveryBoard || current(key)).collect()
    }

    /// The boards whose object is not as their item, or is not said to be.
    pub(crate) fn not_exported(&self) -> BTreeSet<BoardKey> {
        let objects = self.uploads.objects();
        let is_exported = |board: &BoardSnapshot| {
            let object = objects.get(&board.key.object()).filter(|object| object.served == SERVED);
            let document = object.and_then(|object| serde_json::from_slice::<BoardDocument>(&object.body).ok());
            board.exported == Some(board.version) && document == Some(BoardDocument::from(board))
        };
        self.world.stored_boards().into_values().filter(|board| !is_exported(board)).map(|board| board.key).collect()
    }

    /// What the stream says, in order.
    pub(crate) fn said(&self) -> Vec<Event> {
        let said = |(old, new): (Option<BoardSnapshot>, BoardSnapshot)| {
            announce(old.map(Item::Board).as_ref(), Some(&Item::Board(new)))
        };
        self.world.board_writes().into_iter().filter_map(said).collect()
    }

    /// Every change is said, once, under an id of its own; who follows what is said has the boards; and there are no
    /// objects but those of boards.
    #[track_caller]
    pub(crate) fn assert_said(&self) {
        assert_eq!(self.not_said(), Vec::<String>::new());
    }

    /// What of that is not so.
    pub(crate) fn not_said(&self) -> Vec<String> {
        let (said, writes, stored) = (self.said(), self.world.board_writes(), self.world.stored_boards());
        let ids: BTreeSet<&str> = said.iter().map(|event| event.id.as_str()).collect();
        let entries = |board: &Option<BoardSnapshot>| board.as_ref().map_or(Vec::new(), |board| board.entries.clone());
        let changes = writes.iter().filter(|(old, new)| entries(old) != new.entries).count();
        let grows = |(old, new): &(Option<BoardSnapshot>, BoardSnapshot)| {
            old.as_ref().is_none_or(|old| (old.version < new.version) == (old.entries != new.entries))
        };
        let known: BTreeSet<String> = stored.keys().map(BoardKey::object).collect();
        let mut objects = self.uploads.objects().into_keys().filter(|object| object.starts_with("leaderboards/"));
        let mut rules = vec![
            (ids.len() == said.len(), "a change has an id of its own".to_owned()),
            (said.len() == changes, format!("{changes} changes are said, and nothing else: {ids:?}")),
            (writes.iter().all(grows), "a version is greater when something changed, and only then".to_owned()),
            (objects.all(|object| known.contains(&object)), "an object is one of a board".to_owned()),
        ];
        let followed = follow(&said);
        let shops = |board: &BoardSnapshot| board.entries.iter().map(|entry| entry.shop_id.clone()).collect::<Vec<_>>();
        for (key, board) in &stored {
            let (shops, by_place) = (shops(board), followed.get(key).cloned().unwrap_or_default());
            let is_followed = by_place.keys().copied().eq(1..=shops.len()) && by_place.values().eq(&shops);
            rules.push((is_followed, format!("who follows {key} has it: {by_place:?}")));
            let once = shops.iter().collect::<BTreeSet<_>>().len() == shops.len();
            rules.push((once, format!("no shop is on {key} twice: {shops:?}")));
        }
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, rule)| rule).collect()
    }

    /// All is announced, said and exported.
    #[track_caller]
    pub(crate) fn assert_right(&self) {
        assert_eq!(self.wrong(), BTreeSet::new());
        self.assert_said();
    }

    /// The shops of a board as announced.
    pub(crate) fn announced(&self, board: &str) -> Option<String> {
        let board = self.world.stored_boards().remove(&key(board))?;
        Some(board.entries.iter().map(|entry| entry.shop_id.to_string()).collect::<Vec<_>>().join(" "))
    }
}

/// The shops of each board by their places, for who knows nothing but the differences, from nothing on.
fn follow(said: &[Event]) -> BTreeMap<BoardKey, BTreeMap<usize, ShopId>> {
    let mut boards: BTreeMap<BoardKey, BTreeMap<usize, ShopId>> = BTreeMap::new();
    for event in said {
        let Data::LeaderboardChanged(changed) = &event.data else { panic!("{event:?}") };
        let board = boards.entry(BoardKey { board: changed.board.clone(), period: changed.period }).or_default();
        let gone = changed.left.iter().map(|it| (it.place, &it.shop_id));
        let gone = gone.chain(changed.moved.iter().map(|it| (it.from, &it.shop_id)));
        // Whoever is not where it is said to have been stays, and is there twice.
        for (place, shop) in gone {
            board.extract_if(place..=place, |_, found| found == shop).for_each(drop);
        }
        let come = changed.entered.iter().map(|it| (it.place, &it.shop_id));
        for (place, shop) in come.chain(changed.moved.iter().map(|it| (it.to, &it.shop_id))) {
            board.insert(place, shop.clone());
        }
    }
    boards
}

/// The time of the first run.
pub(crate) fn begin() -> Timestamp {
    "2026-11-22T09:20:00Z".parse().unwrap()
}
