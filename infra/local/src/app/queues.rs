//! What an operator sees of queues: how many messages are in them. Whose they are, and moving them, is the command's.

use anyhow::Result;
use aws_sdk_sqs::types::QueueAttributeName;

use super::App;

/// Together all messages of a queue.
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

impl App {
    /// How many messages are in a queue: visible, in flight or delayed.
    pub async fn messages_in(&self, queue_url: &str) -> Result<usize> {
        let get = self.sqs.get_queue_attributes().queue_url(queue_url).set_attribute_names(Some(COUNTS.to_vec()));
        let attributes = get.send().await.map_err(aws_sdk_sqs::Error::from)?.attributes.unwrap_or_default();
        let mut sum = 0;
        for name in &COUNTS {
            sum += attributes.get(name).map_or(Ok(0), |count| count.parse::<usize>())?;
        }
        Ok(sum)
    }
}
