//! A person's inbox and a receiver of webhooks on this machine, subscribed as the app would; and what each of them got.
//!
//! Leaderboards are announced by the snapshotter, which is asked for it here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use coffeeshop_core::board::{BOARD_PLACES, Board, BoardEntry, BoardKey};
use coffeeshop_core::ids::UserId;
use coffeeshop_core::inbox::InboxItem;
use coffeeshop_core::outcome::{Answer, Outcome};
use coffeeshop_core::score::Score;
use coffeeshop_core::subscription::{Channel, Secret, Subscriber, Subscription};
use coffeeshop_local::app::App;
use coffeeshop_local::receiver::{Hook, Receiver};
use coffeeshop_notifier::webhook::signature::{SigningKey, signature};

use super::photos::Row;
use crate::say;

/// Who uploads the photos, and follows the leaderboard of all shops.
pub(crate) const USER: &str = "somebody";

const SECRET: &str = "whsec_Zm9yIHRoZSBsb2NhbCBzdGFjayBhbG9uZQ==";

/// The path of the receiver.
const PATH: &str = "hook";

/// How long to wait until everybody has been told.
const TOLD_MAX: Duration = Duration::from_mins(2);

/// Who is told.
pub(crate) struct Told {
    receiver: Receiver,
    user_id: UserId,
}

impl Told {
    pub(crate) async fn start() -> Result<Self> {
        Ok(Self { receiver: Receiver::start().await?, user_id: USER.parse()? })
    }

    /// What the template's parameter `WebhookAllow` must say.
    pub(crate) fn webhook_allow(&self) -> String {
        self.receiver.allow()
    }

    /// Subscribes both, to the person's photos and to the leaderboard of all shops.
    pub(crate) async fn subscribe(&self, app: &App) -> Result<()> {
        for subscriber in [Subscriber::User(self.user_id.clone()), Subscriber::Board(Board::Global)] {
            let inbox = Channel::Inbox { user_id: self.user_id.clone() };
            let webhook =
                Channel::Webhook { url: Secret::new(self.receiver.url(PATH)), secrets: vec![Secret::new(SECRET)] };
            for (channel_id, channel) in [("app", inbox), ("hook", webhook)] {
                let subscriber = subscriber.clone();
                let subscription = Subscription { subscriber, channel_id: channel_id.parse()?, enabled: true, channel };
                app.subscribe(&subscription).await?;
            }
        }
        Ok(())
    }

    /// Has leaderboards announced, waits until everybody has been told of those of all shops and of all photos, and shows it.
    pub(crate) async fn show(&self, app: &App, rows: &[Row]) -> Result<()> {
        let expected = announced(app, rows).await?.told;
        let began = Instant::now();
        let (inbox, hooks) = loop {
            let (inbox, hooks) = (app.inbox(&self.user_id).await?, self.receiver.hooks());
            let missing = missing(&expected, &inbox, &hooks);
            let Some(first) = missing.first() else { break (inbox, hooks) };
            if began.elapsed() > TOLD_MAX {
                bail!("{} of {} events were not told; one is {first}", missing.len(), expected.len());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        say(&table(&inbox, &hooks));
        let key: SigningKey = SECRET.parse()?;
        let is_right = |hook: &&Hook| {
            let timestamp = hook.timestamp.parse().unwrap_or_default();
            hook.signature == signature(std::slice::from_ref(&key), &hook.id, timestamp, &hook.body)
        };
        let right = hooks.iter().filter(is_right).count();
        let unread = inbox.iter().filter(|item| item.unread).count();
        say(&format!(
            "{} events: an inbox of {} items, {unread} unread; a webhook called {} times, {right} signatures right\n",
            expected.len(),
            inbox.len(),
            hooks.len(),
        ));
        ensure!(right == hooks.len(), "{} signatures are wrong", hooks.len() - right);
        Ok(())
    }
}

/// What is announced.
pub(crate) struct Announced {
    /// The ids of what the person is told: of the photos, and of the leaderboards of all shops.
    told: BTreeSet<String>,
    /// How many leaderboards there are beside those, which nobody follows.
    others: usize,
}

impl Announced {
    /// How many events there are.
    pub(crate) fn count(&self) -> usize {
        self.told.len() + self.others
    }
}

/// Has every leaderboard announced, as the schedule does once an hour. An error if one is not as the scores are.
pub(crate) async fn announced(app: &App, rows: &[Row]) -> Result<Announced> {
    let answer = app.snapshot("every_board").await?;
    let boards = app.boards().await?;
    // One that was announced before, and has no shop any more, is there too.
    let full = boards.iter().filter(|board| !board.entries.is_empty());
    let announced: BTreeMap<_, _> = full.map(|board| (board.key.clone(), board.entries.clone())).collect();
    ensure!(announced == ranked(app.scores().await?), "the leaderboards are not as the scores are: {answer}");
    say(&format!("{} leaderboards announced\n", boards.len()));

    let outcomes = rows.iter().filter_map(|row| row.outcome.as_ref());
    let mut told: BTreeSet<String> = outcomes.filter_map(photo_event).collect();
    let (global, others): (Vec<_>, Vec<_>) = boards.iter().partition(|board| board.key.board == Board::Global);
    told.extend(global.iter().map(|board| format!("board/{}/{}", board.key, board.version)));
    Ok(Announced { told, others: others.len() })
}

/// The id of the event that says so, if the uploader is told.
fn photo_event(outcome: &Outcome) -> Option<String> {
    let told = !matches!(outcome.answer, Answer::Removed);
    told.then(|| format!("photo/{}/{}/{}", outcome.photo.shop_id, outcome.photo.photo_id, outcome.revision))
}

/// Every leaderboard that has a shop, by the keys that rank the scores.
fn ranked(mut scores: Vec<Score>) -> BTreeMap<BoardKey, Vec<BoardEntry>> {
    scores.sort_by_key(|score| score.rank.as_ref().map(|rank| rank.rank_key.clone()));
    let mut boards = BTreeMap::<BoardKey, Vec<BoardEntry>>::new();
    for Score { key, count, score_micros, city, rank, .. } in scores {
        if rank.is_none() {
            continue;
        }
        for board in [Some(Board::Global), city.map(Board::City)].into_iter().flatten() {
            let entries = boards.entry(BoardKey { board, period: key.period }).or_default();
            if entries.len() < BOARD_PLACES {
                entries.push(BoardEntry { shop_id: key.shop_id.clone(), score_micros, count });
            }
        }
    }
    boards
}

/// What has not been told in both ways.
fn missing<'a>(expected: &'a BTreeSet<String>, inbox: &[InboxItem], hooks: &[Hook]) -> Vec<&'a str> {
    let read: BTreeSet<&str> = inbox.iter().map(|item| item.event_id.as_str()).collect();
    let called: BTreeSet<&str> = hooks.iter().map(|hook| hook.id.as_str()).collect();
    let told = |id: &&str| read.contains(id) && called.contains(id);
    expected.iter().map(String::as_str).filter(|id| !told(id)).collect()
}

/// A line an event: its id, how often the webhook was called, what stands in the inbox.
fn table(inbox: &[InboxItem], hooks: &[Hook]) -> String {
    let mut lines: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for item in inbox {
        lines.entry(item.event_id.as_str()).or_default().0 = &item.text;
    }
    for hook in hooks {
        lines.entry(&hook.id).or_default().1 += 1;
    }
    let width = lines.keys().map(|id| id.len()).max().unwrap_or_default();
    let line = |(id, (text, calls)): (&&str, &(&str, usize))| format!("{id:width$}  {calls:>7}  {text}\n");
    let head = format!("{:width$}  {:>7}  inbox of {USER}\n", "event", "webhook");
    lines.iter().map(line).fold(head, |table, line| table + &line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_of_both_lacks_is_missing() {
        let hook = |id: &str| Hook {
            path: PATH.to_owned(),
            id: id.to_owned(),
            timestamp: String::new(),
            signature: String::new(),
            body: String::new(),
        };
        let expected: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        assert_eq!(missing(&expected, &[], &[hook("a")]), ["a", "b"]);
        assert_eq!(
            table(&[], &[hook("b"), hook("a"), hook("a")]),
            "event  webhook  inbox of somebody\na        2  \nb        1  \n"
        );
    }
}
