//! [`Leaderboard`] over the two indexes of `scores`.
//!
//! Indexes cannot be read consistently. Nothing is ranked here: the order is the keys', and a page is [`Page::merge`]'s.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use coffeeshop_core::board::{Board, Page};
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Leaderboard, PortError};
use coffeeshop_core::score::{BOARD_PARTS, RankKey, Score, city_period, period_part};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::tables::{Item, unable, understood};

/// The table of scores.
#[derive(Debug, Clone)]
pub struct AwsLeaderboard {
    client: Client,
    scores_table: String,
}

/// A partition of an index.
#[derive(Debug)]
struct Partition {
    index: &'static str,
    key: &'static str,
    value: String,
}

/// All partitions of a board.
fn partitions(board: &Board, period: Period) -> Vec<Partition> {
    match board {
        Board::City(city) => vec![Partition { index: "by-city", key: "city_period", value: city_period(city, period) }],
        Board::Global => {
            let part = |part| Partition { index: "by-period", key: "period_part", value: period_part(period, part) };
            (0..BOARD_PARTS).map(part).collect()
        }
    }
}

/// An item of an index has a rank, or it would not be there; a board that silently lacks a shop cannot be trusted.
fn entry(call: &'static str, item: Item) -> Result<(RankKey, Score), PortError> {
    let part = |name| item.get(name).and_then(|part| part.as_s().ok()).map_or("?", String::as_str);
    let key = format!("{}/{}", part("shop_id"), part("period"));
    let score: Score = understood(call, &key, item)?;
    let rank_key = score.rank.as_ref().map(|rank| rank.rank_key.clone());
    let rank_key = rank_key.ok_or_else(|| PortError::new(call, format!("{key} has no rank that is understood")))?;
    Ok((rank_key, score))
}

impl AwsLeaderboard {
    /// The boards of this table. Nothing is called yet.
    pub fn new(client: Client, scores_table: String) -> Self {
        Self { client, scores_table }
    }

    /// A query of one partition: of the keys beyond `rank_key`, as `beyond` says, or of all.
    fn query(&self, partition: Partition, beyond: &str, rank_key: Option<&RankKey>) -> QueryFluentBuilder {
        let Partition { index, key, value } = partition;
        let query = self.client.query().table_name(&self.scores_table).index_name(index);
        let query = query.expression_attribute_values(":board", AttributeValue::S(value));
        let board = format!("{key} = :board");
        match rank_key {
            None => query.key_condition_expression(board),
            Some(rank_key) => query
                .key_condition_expression(format!("{board} AND rank_key {beyond} :rank_key"))
                .expression_attribute_values(":rank_key", AttributeValue::S(rank_key.as_str().to_owned())),
        }
    }

    /// The first `limit` entries of a partition, or some more; and the last key, if there are entries beyond it.
    async fn first(&self, query: QueryFluentBuilder, limit: usize) -> Result<(Vec<Score>, Option<RankKey>), PortError> {
        const CALL: &str = "leaderboard.top";
        let mut pages = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).into_paginator().send();
        let (mut scores, mut last, mut more) = (Vec::new(), None, false);
        // A page that is not full was as much as DynamoDB reads in one call.
        while scores.len() < limit {
            let Some(page) = pages.next().await else { break };
            let page = page.map_err(|error| unable(CALL, error))?;
            more = page.last_evaluated_key.is_some_and(|key| !key.is_empty());
            for item in page.items.unwrap_or_default() {
                let (rank_key, score) = entry(CALL, item)?;
                scores.push(score);
                last = Some(rank_key);
            }
        }
        Ok((scores, last.filter(|_| more)))
    }

    async fn count(&self, query: QueryFluentBuilder) -> Result<u64, PortError> {
        const CALL: &str = "leaderboard.better_than";
        let mut pages = query.select(Select::Count).into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unable(CALL, error))?;
            count += u64::try_from(page.count).unwrap_or_default();
        }
        Ok(count)
    }
}

impl Leaderboard for AwsLeaderboard {
    async fn top(
        &self,
        board: &Board,
        period: Period,
        limit: usize,
        after: Option<&RankKey>,
    ) -> Result<Page, PortError> {
        let queries = partitions(board, period).into_iter().map(|partition| self.query(partition, ">", after));
        let first = stream::iter(queries).map(|query| self.first(query, limit.max(1)));
        let found: Vec<_> = first.buffer_unordered(usize::from(BOARD_PARTS)).try_collect().await?;
        let cut = found.iter().filter_map(|(_, last)| last.clone()).min();
        Ok(Page::merge(found.into_iter().flat_map(|(scores, _)| scores), cut, limit))
    }

    async fn better_than(&self, board: &Board, period: Period, rank_key: &RankKey) -> Result<u64, PortError> {
        let queries = partitions(board, period).into_iter().map(|partition| self.query(partition, "<", Some(rank_key)));
        let counts = stream::iter(queries).map(|query| self.count(query));
        counts.buffer_unordered(usize::from(BOARD_PARTS)).try_fold(0, async |sum, count| Ok(sum + count)).await
    }
}
