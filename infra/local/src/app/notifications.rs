//! What the app does with subscriptions and inboxes; and leaderboards as the pipeline announces them.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::board::{BoardSnapshot, LEASE};
use coffeeshop_core::ids::UserId;
use coffeeshop_core::inbox::InboxItem;
use coffeeshop_core::subscription::Subscription;
use serde::Serialize;

use super::App;

/// Tables.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) subscribers: String,
    pub(super) inbox: String,
    pub(super) boards: String,
}

impl App {
    /// Writes a subscription; one that was there is replaced.
    pub async fn subscribe(&self, subscription: &Subscription) -> Result<()> {
        self.put(&self.notifications.subscribers, subscription).await
    }

    /// Writes a leaderboard as it is to be announced.
    pub async fn put_board(&self, board: &BoardSnapshot) -> Result<()> {
        self.put(&self.notifications.boards, board).await
    }

    /// All leaderboards as they were last announced.
    pub async fn boards(&self) -> Result<Vec<BoardSnapshot>> {
        let is_lease = |item: &super::Item| item.get("period").is_some_and(|period| *period == super::text(LEASE));
        let items = self.scan(&self.notifications.boards).await?.into_iter().filter(|item| !is_lease(item));
        items.map(|item| Ok(serde_dynamo::from_item(item)?)).collect()
    }

    async fn put(&self, table: &str, item: &impl Serialize) -> Result<()> {
        let item = serde_dynamo::to_item(item)?;
        let put = self.dynamodb.put_item().table_name(table).set_item(Some(item));
        put.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
        Ok(())
    }

    /// What is in a person's inbox, the oldest first.
    pub async fn inbox(&self, user_id: &UserId) -> Result<Vec<InboxItem>> {
        let query = self.dynamodb.query().table_name(&self.notifications.inbox).index_name("by-time");
        let query = query
            .key_condition_expression("user_id = :user")
            .expression_attribute_values(":user", AttributeValue::S(user_id.to_string()));
        let pages = query.consistent_read(true).into_paginator().items().send();
        let items = pages.collect::<Result<Vec<_>, _>>().await.map_err(aws_sdk_dynamodb::Error::from)?;
        items.into_iter().map(|item| Ok(serde_dynamo::from_item(item)?)).collect()
    }
}
