//! A replay that is killed twenty times where its journal is in the midst of a message: nothing is lost, and the functions
//! end where they end without a kill.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coffeeshop_local::Options;
use serde_json::Value;

use super::photos::Photos;
use super::pipeline::{Pipeline, Resting, Said, ended};
use super::process::{End, Kill, journal, lines, run_until};
use crate::emulator::alone;

const PHOTOS: usize = 300;

/// In the same place, and not meant.
const OTHERS: usize = 20;

const KILLS: usize = 20;

const KILLS_MAX: usize = 26;

/// What a kill leaves hidden comes back soon; longer than a sweep takes.
const HIDDEN_SECONDS_MAX: u32 = 10;

/// So slow that a process does a batch or two before it is killed.
const REPLAY: &str = "replay uploads-dlq --rate 40/s --execute --json";

/// The events in turns, early and late in a batch of ten; the last of them leaves a doubt to whoever ends the run.
fn kill(number: usize) -> Kill {
    Kill { event: ["sending", "sent", "deleted"][(number + 2) % 3], nth: [1, 4, 10, 11][number % 4] }
}

/// What was seen of the run that was killed.
struct Seen {
    /// How often, and what the journal ended with then.
    killed: BTreeMap<String, usize>,
    /// What may have been sent, and may not, when it was killed last.
    in_doubt: BTreeSet<String>,
    /// What the processes said that were not killed.
    said: Vec<Said>,
    journal: Vec<Value>,
}

impl Seen {
    /// The messages that have a line of this event, and how often.
    fn lines(&self, event: &str) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for line in self.journal.iter().filter(|line| line["event"] == event) {
            *counts.entry(line["id"].as_str().unwrap()).or_default() += 1;
        }
        counts
    }

    /// What was sent again because it was not known whether it had been sent.
    fn possibly_double(&self) -> BTreeSet<String> {
        let objects = self.said.iter().flat_map(Said::objects);
        let double = objects.filter(|object| object["kind"] == "possibly_double");
        double.map(|object| object["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Replays the group, killed so often and resumed each time.
async fn killed_and_resumed(on: &Pipeline, group: &str) -> Seen {
    let folder = on.journals("killed");
    let mut command = format!("{REPLAY} --group {group}");
    let (mut killed, mut said): (BTreeMap<String, usize>, Vec<Said>) = (BTreeMap::new(), Vec::new());
    let mut doubtful = BTreeSet::new();
    loop {
        let kills = killed.values().sum();
        // Those after the last are left alone; but a kill may come too late to leave a doubt, and then there is one more.
        let kill = match kills {
            kills if kills < KILLS => kill(kills),
            kills if kills < KILLS_MAX && doubtful.is_empty() => Kill { event: "sending", nth: 1 },
            _ => Kill { event: "none", nth: 1 },
        };
        match run_until(on.command(&command, "killed"), folder.clone(), kill).await {
            End::Killed(last) => {
                *killed.entry(last).or_default() += 1;
                doubtful = in_doubt(&lines(&journal(&folder).unwrap()));
            }
            End::Through(through) => {
                let status = through.status;
                assert!(matches!(status, Some(0 | 3)) && said.len() < 60, "after {kills} kills: {through:?}");
                said.push(through);
                if status == Some(0) {
                    break;
                }
                // What was handed out just when the one before was killed is hidden.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        let journal = journal(&folder).unwrap();
        command = format!("resume {} --json", journal.file_stem().unwrap().to_str().unwrap());
    }
    Seen { killed, in_doubt: doubtful, said, journal: lines(&journal(&folder).unwrap()) }
}

/// The messages that were begun with last, and of which nothing is said since.
fn in_doubt(journal: &[Value]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for line in journal {
        let id = || line["id"].as_str().unwrap().to_owned();
        match line["event"].as_str().unwrap() {
            "sending" => drop(ids.insert(id())),
            "sent" | "not_sent" => drop(ids.remove(&id())),
            _ => (),
        }
    }
    ids
}

/// How often the thumbnailer was given each photo, by what it logged.
fn handled(log: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains("photo answered")) {
        let line: Value = serde_json::from_str(line).unwrap();
        *counts.entry(line["photo.id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

async fn group_of_uploads(on: &Pipeline) -> String {
    let groups = on.objects("groups uploads-dlq").await;
    let counts: Vec<_> = groups.iter().map(|group| (group["pattern"].clone(), group["messages"].clone())).collect();
    assert_eq!(counts, [("ObjectCreated:Put".into(), PHOTOS.into()), ("not JSON".into(), OTHERS.into())]);
    groups[0]["group"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn killed_twenty_times_and_resumed_it_ends_as_a_clean_run_does() {
    let _alone = alone().await;
    let options = Options { stack_name: "replay-killed".to_owned(), ..Options::new() };
    let on = Pipeline::start(options.hidden_at_most(HIDDEN_SECONDS_MAX)).await;
    let dlq = on.output("UploadsDlqUrl");
    let photos = Photos::upload(&on, PHOTOS).await;
    let other = |i: usize| Resting { body: format!("{i} is no notification"), attributes: Vec::new() };
    on.rest(&dlq, &(0..OTHERS).map(other).collect::<Vec<_>>()).await;

    photos.rest(&dlq).await;
    let group = group_of_uploads(&on).await;
    let clean = ended(on.command(&format!("{REPLAY} --group {group}"), "clean")).await;
    assert_eq!(clean.status, Some(0), "{clean:?}");
    assert_eq!(on.depth(&dlq).await, [OTHERS, 0]);
    let expected = photos.end_state().await;
    let counts = ["PhotosTable", "InboxTable", "rendition"].map(|of| expected.count(of));
    assert_eq!(counts, [PHOTOS, PHOTOS, 3 * PHOTOS]);

    photos.undo().await;
    photos.rest(&dlq).await;
    let logged = on.log().len();
    assert_eq!(group_of_uploads(&on).await, group);
    let seen = killed_and_resumed(&on, &group).await;
    assert_eq!(on.depth(&dlq).await, [OTHERS, 0], "{:?}", seen.said);
    let found = photos.end_state().await;
    assert_eq!(found.differences(&expected), <[&String; 0]>::default());

    assert!((KILLS..=KILLS_MAX).contains(&seen.killed.values().sum::<usize>()), "{:?}", seen.killed);
    let between: Vec<_> = ["sending", "sent", "deleted"].map(|event| seen.killed.get(event)).into();
    assert!(between.iter().all(|kills| kills.is_some_and(|kills| *kills >= 2)), "{:?}", seen.killed);
    assert_eq!(seen.lines("planned").len(), PHOTOS);
    assert_eq!(seen.lines("sent").len(), PHOTOS);
    assert_eq!(seen.lines("deleted").len() + seen.lines("gone").len(), PHOTOS);
    // What was in doubt is sent again, and the last process names it, whichever did it; nothing is handled more often than
    // it was begun with.
    let (sending, named) = (seen.lines("sending"), seen.possibly_double());
    let twice: BTreeSet<String> =
        sending.iter().filter(|(_, times)| **times > 1).map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(named, twice);
    assert!(seen.in_doubt.is_subset(&named) && !seen.in_doubt.is_empty(), "{:?}", seen.in_doubt);
    let handled = handled(&on.log()[logged..]);
    let (handled_twice, sent_again): (usize, usize) =
        (handled.values().map(|times| times - 1).sum(), sending.values().map(|times| times - 1).sum());
    assert_eq!(handled.len(), PHOTOS);
    assert!(handled_twice <= sent_again, "{handled_twice} and {sent_again}");
    on.stop().await;
}
