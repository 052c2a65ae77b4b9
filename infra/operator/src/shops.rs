//! The same work on one shop after the other, or on all of them, some side by side.
//!
//! What the work is, is not known here.

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::{PortError, ShopRecords};
use futures::stream::{self, StreamExt as _};

/// How many shops are listed at once: a few megabytes. Each list costs a scan of three tables.
const LISTED_MAX: usize = 50_000;

/// How many shops are worked on side by side.
pub const SHOPS_AT_ONCE: usize = 8;

/// Works on every shop above `after`, in order of their ids. `done` hears of each in this order, of how many were listed by
/// then, and what became of it; who stops in the middle can go on above the last of them.
pub async fn all<S: ShopRecords, T>(
    store: &S,
    after: Option<ShopId>,
    work: impl AsyncFn(&ShopId) -> Result<T, PortError>,
    mut done: impl FnMut(&ShopId, T, usize),
) -> Result<(), PortError> {
    let (mut last, mut listed) = (after, 0);
    loop {
        let shops = store.shops(last.as_ref(), LISTED_MAX).await?;
        listed += shops.len();
        let more = shops.len() == LISTED_MAX;
        let one = async |shop: ShopId| {
            let result = work(&shop).await;
            (shop, result)
        };
        let mut results = std::pin::pin!(stream::iter(shops).map(one).buffered(SHOPS_AT_ONCE));
        while let Some((shop, result)) = results.next().await {
            done(&shop, result?, listed);
            last = Some(shop);
        }
        if !more {
            return Ok(());
        }
    }
}
