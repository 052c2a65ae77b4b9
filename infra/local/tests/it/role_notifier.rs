//! The notifier's role may do what it and its mappings need, and nothing else.
//!
//! The role's statements are tried, not read; the function itself is not run here. `role.rs` has the thumbnailer's.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use coffeeshop_local::StackInfo;

use crate::role::as_role;
use crate::template_events::feed;

const DENIED: Option<&str> = Some("AccessDeniedException");
const DENIED_BY_SQS: Option<&str> = Some("AccessDenied");

async fn as_notifier(stack: &StackInfo) -> SdkConfig {
    as_role(stack, "NotifierRoleArn").await
}

fn id() -> AttributeValue {
    AttributeValue::S("role".to_owned())
}

#[tokio::test]
async fn it_reads_subscribers_and_disables_a_channel_but_neither_makes_nor_deletes_one() {
    let stack = feed().await;
    let dynamodb = Client::new(&as_notifier(&stack).await);
    let table = stack.output("SubscribersTable").unwrap();
    let query = dynamodb.query().table_name(table).key_condition_expression("subscriber = :subscriber");
    query.expression_attribute_values(":subscriber", id()).send().await.unwrap();
    let (hash, range) = ("subscriber", "channel_id");
    dynamodb.get_item().table_name(table).key(hash, id()).key(range, id()).send().await.unwrap();
    let update = dynamodb.update_item().table_name(table).key(hash, id()).key(range, id());
    let update = update.update_expression("SET enabled = :no");
    update.expression_attribute_values(":no", AttributeValue::Bool(false)).send().await.unwrap();

    let put = dynamodb.put_item().table_name(table).item(hash, id()).item(range, id()).send().await;
    assert_eq!(put.unwrap_err().code(), DENIED);
    let delete = dynamodb.delete_item().table_name(table).key(hash, id()).key(range, id()).send().await;
    assert_eq!(delete.unwrap_err().code(), DENIED);
    let scan = dynamodb.scan().table_name(table).send().await;
    assert_eq!(scan.unwrap_err().code(), DENIED);
}

#[tokio::test]
async fn it_leases_deliveries_and_is_told_of_the_lease_that_is_in_the_way_but_reads_none() {
    let stack = feed().await;
    let dynamodb = Client::new(&as_notifier(&stack).await);
    let table = stack.output("DeliveriesTable").unwrap();
    let (hash, range) = ("channel", "event_id");
    let lease = || {
        let update = dynamodb.update_item().table_name(table).key(hash, id()).key(range, id());
        let update = update.update_expression("SET lease = :lease").condition_expression("attribute_not_exists(lease)");
        update
            .expression_attribute_values(":lease", id())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    lease().await.unwrap();
    let refused = lease().await.unwrap_err().into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "{refused}");

    let get = dynamodb.get_item().table_name(table).key(hash, id()).key(range, id()).send().await;
    assert_eq!(get.unwrap_err().code(), DENIED);
    let put = dynamodb.put_item().table_name(table).item(hash, id()).item(range, id()).send().await;
    assert_eq!(put.unwrap_err().code(), DENIED);
    let delete = dynamodb.delete_item().table_name(table).key(hash, id()).key(range, id()).send().await;
    assert_eq!(delete.unwrap_err().code(), DENIED);
    let scan = dynamodb.scan().table_name(table).send().await;
    assert_eq!(scan.unwrap_err().code(), DENIED);
}

#[tokio::test]
async fn it_puts_into_inboxes_and_looks_into_none() {
    let stack = feed().await;
    let dynamodb = Client::new(&as_notifier(&stack).await);
    let table = stack.output("InboxTable").unwrap();
    let (hash, range) = ("user_id", "event_id");
    let put = || {
        let put = dynamodb.put_item().table_name(table).item(hash, id()).item(range, id());
        put.item("created_at", id()).condition_expression("attribute_not_exists(user_id)").send()
    };
    put().await.unwrap();
    let again = put().await.unwrap_err().into_service_error();
    assert!(again.is_conditional_check_failed_exception(), "{again}");

    let get = dynamodb.get_item().table_name(table).key(hash, id()).key(range, id()).send().await;
    assert_eq!(get.unwrap_err().code(), DENIED);
    let query = dynamodb.query().table_name(table).index_name("by-time").key_condition_expression("user_id = :user");
    let query = query.expression_attribute_values(":user", id()).send().await;
    assert_eq!(query.unwrap_err().code(), DENIED);
    let update = dynamodb.update_item().table_name(table).key(hash, id()).key(range, id()).send().await;
    assert_eq!(update.unwrap_err().code(), DENIED);
    let delete = dynamodb.delete_item().table_name(table).key(hash, id()).key(range, id()).send().await;
    assert_eq!(delete.unwrap_err().code(), DENIED);
}

#[tokio::test]
async fn it_touches_no_table_of_others() {
    let stack = feed().await;
    let dynamodb = Client::new(&as_notifier(&stack).await);
    for (output, hash, range) in [
        ("PhotosTable", "shop_id", "photo_id"),
        ("ScoresTable", "shop_id", "period"),
        ("BoardsTable", "board", "period"),
    ] {
        let table = stack.output(output).unwrap();
        let get = dynamodb.get_item().table_name(table).key(hash, id()).key(range, id()).send().await;
        assert_eq!(get.unwrap_err().code(), DENIED, "{output}");
        let update = dynamodb.update_item().table_name(table).key(hash, id()).key(range, id()).send().await;
        assert_eq!(update.unwrap_err().code(), DENIED, "{output}");
    }
}

/// That the call is allowed is seen from what it is refused for.
#[tokio::test]
async fn it_consumes_notifications_and_deliveries() {
    let stack = feed().await;
    let sqs = aws_sdk_sqs::Client::new(&as_notifier(&stack).await);
    for queue in ["NotificationsQueueUrl", "DeliveriesQueueUrl"] {
        let url = stack.output(queue).unwrap();
        // Hidden for no time, so that other tests find everything.
        sqs.receive_message().queue_url(url).visibility_timeout(0).send().await.unwrap();
        let get = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
        get.send().await.unwrap();
        let change = sqs.change_message_visibility().queue_url(url).receipt_handle("role").visibility_timeout(1);
        assert_ne!(change.send().await.err().and_then(|error| error.code().map(str::to_owned)), denied(), "{queue}");
        let delete = sqs.delete_message().queue_url(url).receipt_handle("role").send().await;
        assert_ne!(delete.err().and_then(|error| error.code().map(str::to_owned)), denied(), "{queue}");
    }
}

fn denied() -> Option<String> {
    DENIED_BY_SQS.map(str::to_owned)
}

#[tokio::test]
async fn it_sends_deliveries_and_parks_but_empties_no_dlq_and_notifies_nobody() {
    let stack = feed().await;
    let sdk = as_notifier(&stack).await;
    let sqs = aws_sdk_sqs::Client::new(&sdk);
    let entry = || SendMessageBatchRequestEntry::builder().id("0").message_body("role").build().unwrap();
    let batch = |queue: &str| sqs.send_message_batch().queue_url(stack.output(queue).unwrap()).entries(entry()).send();
    let send = |queue: &str| sqs.send_message().queue_url(stack.output(queue).unwrap()).message_body("role").send();
    for queue in ["DeliveriesQueueUrl", "NotificationsDlqUrl", "DeliveriesDlqUrl"] {
        batch(queue).await.unwrap();
        send(queue).await.unwrap();
    }
    for queue in ["NotificationsQueueUrl", "ScoreFeedQueueUrl", "NotificationsSubscriptionDlqUrl", "UploadsQueueUrl"] {
        assert_eq!(batch(queue).await.unwrap_err().code(), DENIED_BY_SQS, "{queue}");
        assert_eq!(send(queue).await.unwrap_err().code(), DENIED_BY_SQS, "{queue}");
    }
    for dlq in ["NotificationsDlqUrl", "DeliveriesDlqUrl", "NotificationsSubscriptionDlqUrl"] {
        let receive = sqs.receive_message().queue_url(stack.output(dlq).unwrap()).send().await;
        assert_eq!(receive.unwrap_err().code(), DENIED_BY_SQS, "{dlq}");
    }
    let sns = aws_sdk_sns::Client::new(&sdk);
    let publish = sns.publish().topic_arn(stack.output("EventsTopicArn").unwrap()).message("role").send().await;
    assert_eq!(publish.unwrap_err().code(), Some("AuthorizationError"));
}
