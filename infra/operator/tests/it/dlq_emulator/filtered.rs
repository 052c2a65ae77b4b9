//! A thousand messages in every place: what is counted, and that a replay of one group moves that group and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_local::Options;
use futures::future::join_all;
use serde_json::Value;

use super::failures::{Case, MESSAGES, cases, event_id, photo_key};
use super::pipeline::{Pipeline, Resting, eventually};
use super::process::lines;
use crate::emulator::alone;

/// The groups of a place, by reason and pattern.
type Groups = BTreeMap<(Option<String>, String), usize>;

/// A place with its messages in it.
struct Filled<'a> {
    on: &'a Pipeline,
    case: Case,
    queue: String,
    /// Whom, or what, the messages are about.
    owner: String,
    /// The ids of each failure's messages.
    ids: Vec<BTreeSet<String>>,
}

impl<'a> Filled<'a> {
    async fn new(on: &'a Pipeline, case: Case, queue: &str) -> Self {
        let owner = match case.place {
            "uploads-dlq" => on.output("OriginalsBucket"),
            place => place.to_owned(),
        };
        on.subscribe(case.place).await;
        let mut ids = Vec::new();
        for (failure, count) in case.failures.iter().zip(MESSAGES) {
            let messages: Vec<Resting> = (0..count).map(|i| (failure.message)(i, &owner)).collect();
            let reasons: BTreeSet<_> = messages.iter().map(|message| message.attribute("reason")).collect();
            assert_eq!(reasons, [failure.reason].into(), "{}", failure.pattern);
            ids.push(on.rest(queue, &messages).await.into_iter().collect());
        }
        Self { on, case, queue: queue.to_owned(), owner, ids }
    }

    /// What `groups` says; and the name of the group that is replayed, if it is there.
    async fn groups(&self) -> (Groups, Option<String>) {
        let (mut groups, mut replayed) = (Groups::new(), None);
        for group in self.on.objects(&format!("groups {}", self.case.place)).await {
            assert_eq!((&group["kind"], &group["place"]), (&"group".into(), &self.case.place.into()), "{group}");
            let text = |name: &str| group[name].as_str().map(str::to_owned);
            let key = (text("reason"), text("pattern").unwrap());
            if key == self.key(0) {
                replayed = text("group");
            }
            let count = usize::try_from(group["messages"].as_u64().unwrap()).unwrap();
            assert_eq!(groups.insert(key, count), None, "twice: {group}");
        }
        (groups, replayed)
    }

    fn key(&self, failure: usize) -> (Option<String>, String) {
        let failure = &self.case.failures[failure];
        (failure.reason.map(str::to_owned), failure.pattern.to_owned())
    }

    /// The groups from this failure on.
    fn expected(&self, from: usize) -> Groups {
        (from..MESSAGES.len()).map(|failure| (self.key(failure), MESSAGES[failure])).collect()
    }

    async fn replayed_exactly(&self) {
        let (on, place, total) = (self.on, self.case.place, MESSAGES.iter().sum::<usize>());
        let (groups, replayed) = self.groups().await;
        assert_eq!(groups, self.expected(0), "{place}");
        assert_eq!(on.depth(&self.queue).await, [total, 0], "{place}");

        let replay = format!("replay {place} --group {}", replayed.unwrap());
        let would = on.objects(&replay).await;
        assert!(would.iter().all(|message| message["would"] == "replay"), "{place}: {would:?}");
        assert_eq!((ids(&would, "id"), would.len()), (self.ids[0].clone(), MESSAGES[0]), "{place}");
        assert_eq!(on.depth(&self.queue).await, [total, 0], "a dry run: {place}");

        let said = on.objects(&format!("{replay} --execute")).await;
        let [summary] = said.try_into().unwrap();
        let count = |name: &str| summary[name].as_u64().unwrap();
        assert_eq!([&summary["planned"], &summary["done"]], [MESSAGES[0]; 2], "{summary}");
        let unusual =
            ["not_begun", "failed", "in_doubt", "sent_not_deleted", "possibly_double", "left_alone", "hidden"];
        assert!(unusual.iter().all(|name| count(name) == 0), "{summary}");
        let journal = lines(Path::new(summary["journal"].as_str().unwrap()));
        let of_event = |event: &str| journal.iter().filter(|line| line["event"] == event).cloned().collect::<Vec<_>>();
        for event in ["planned", "sending", "sent", "deleted"] {
            assert_eq!(ids(&of_event(event), "id"), self.ids[0], "{place}: {event}");
            assert_eq!(of_event(event).len(), MESSAGES[0], "{place}: {event}");
        }
        let new_ids = ids(&of_event("sent"), "new_id");
        assert_eq!((new_ids.len(), new_ids.is_disjoint(&self.ids[0])), (MESSAGES[0], true), "{place}");

        assert_eq!(on.depth(&self.queue).await, [total - MESSAGES[0], 0], "{place}");
        let (groups, none) = self.groups().await;
        assert_eq!((groups, none), (self.expected(1), None), "{place}");
        self.handled_exactly().await;
    }

    /// The function did what the replayed messages ask for, and nothing else.
    async fn handled_exactly(&self) {
        let (on, place, source) = (self.on, self.case.place, self.on.output(self.case.source));
        match place {
            // Nobody reads it.
            "score-feed-subscription-dlq" => return assert_eq!(on.depth(&source).await, [MESSAGES[0], 0]),
            "uploads-dlq" => {
                let handled = async || self.outcomes().await == MESSAGES[0];
                eventually("an outcome for each photo", handled).await;
            }
            _ => {
                let user = self.owner.parse().unwrap();
                let inbox = async || on.app.inbox(&user).await.unwrap();
                eventually(place, async || inbox().await.len() >= MESSAGES[0]).await;
                let told: BTreeSet<_> = inbox().await.into_iter().map(|item| item.event_id.to_string()).collect();
                let expected: BTreeSet<_> = (0..MESSAGES[0]).map(|i| event_id(i, &self.owner)).collect();
                assert_eq!(told, expected, "{place}");
            }
        }
        on.drained(&[&source]).await;
    }

    /// How many of the photos have one.
    async fn outcomes(&self) -> usize {
        let photos = (0..MESSAGES[1]).map(|i| PhotoKey::from_original(&photo_key(i)).unwrap());
        let outcomes = join_all(photos.map(async |photo| self.on.app.outcome(&photo).await.unwrap())).await;
        outcomes.into_iter().flatten().filter(|outcome| outcome.answer.status() == "removed").count()
    }
}

impl Resting {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
    }
}

fn ids(objects: &[Value], name: &str) -> BTreeSet<String> {
    objects.iter().map(|object| object[name].as_str().unwrap_or_else(|| panic!("{object}")).to_owned()).collect()
}

/// The dead-letter queues; the other places have nothing.
async fn dead_letters(on: &Pipeline) -> Vec<Value> {
    let is_one = |place: &Value| place["place"].as_str().is_some_and(|name| name.ends_with("-dlq"));
    let (dead_letters, others): (Vec<_>, Vec<_>) = on.objects("list").await.into_iter().partition(is_one);
    let others: Vec<_> =
        others.iter().map(|place| (place["place"].as_str().unwrap(), place["messages"].as_u64().unwrap())).collect();
    let names = ["aggregator-failures", "publisher-failures", "ratings-quarantine"];
    assert_eq!(others, names.map(|name| (name, 0)));
    dead_letters
}

#[tokio::test]
async fn one_group_of_five_is_replayed_from_each_place_and_the_counts_add_up() {
    let _alone = alone().await;
    let options = Options { stack_name: "filtered".to_owned(), ..Options::new() };
    let on = Pipeline::start(options.parameter("ScoreFeed", "on")).await;
    let listed = dead_letters(&on).await;
    let places: Vec<&str> = listed.iter().map(|place| place["place"].as_str().unwrap()).collect();
    assert_eq!(places, cases().map(|case| case.place));

    let queues: Vec<&str> = listed.iter().map(|place| place["queue_url"].as_str().unwrap()).collect();
    let filling = cases().into_iter().zip(queues).map(|(case, queue)| Filled::new(&on, case, queue));
    let filled = join_all(filling).await;
    for place in dead_letters(&on).await {
        assert_eq!((&place["messages"], &place["hidden"]), (&1000.into(), &0.into()), "{place}");
    }
    join_all(filled.iter().map(Filled::replayed_exactly)).await;
    // Nothing came back.
    for place in dead_letters(&on).await {
        assert_eq!((&place["messages"], &place["hidden"]), (&800.into(), &0.into()), "{place}");
    }
    on.stop().await;
}
