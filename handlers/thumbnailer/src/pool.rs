//! Pixels are worked on off the async threads, and only so many at a time.
//!
//! What is made of them is decided in [`render`](crate::render).

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use coffeeshop_core::SOURCE_PIXELS_MAX;
use coffeeshop_core::ports::PortError;
use coffeeshop_core::renditions::RenditionSpecs;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use crate::photo::Renderer;
use crate::render::{Buffers, Header, Rejection, Rendered, Stages, inspect, render};

/// The most pixels that are worked on at once, in megapixels: one photo of the largest size, or several smaller ones.
///
/// The worst 100 megapixels are 16-bit RGBA: 800 MB decoded and 400 MB at 8 bits. With five originals of 50 MiB that
/// fits into the function's 2 GB.
const MEGAPIXELS_AT_ONCE: u64 = SOURCE_PIXELS_MAX / 1_000_000;

/// Renders on tokio's blocking threads.
#[derive(Debug)]
pub struct Pool {
    specs: Arc<RenditionSpecs>,
    megapixels: Semaphore,
    /// Of photos that are done, for the next.
    buffers: Arc<Mutex<Vec<Buffers>>>,
}

impl Pool {
    /// A pool that makes `specs`.
    pub fn new(specs: RenditionSpecs) -> Self {
        let permits = usize::try_from(MEGAPIXELS_AT_ONCE).unwrap_or(usize::MAX);
        Self { specs: Arc::new(specs), megapixels: Semaphore::new(permits), buffers: Arc::default() }
    }
}

impl Renderer for Pool {
    fn specs(&self) -> &RenditionSpecs {
        &self.specs
    }

    async fn render(
        &self,
        bytes: Bytes,
        stages: &mut Stages,
    ) -> Result<Result<(Header, Rendered), Rejection>, PortError> {
        let failed = |error| PortError::new("render", error);
        let source = bytes.clone();
        let mut timed = std::mem::take(stages);
        let inspecting = self.permits(of_bytes(&bytes)).await?;
        let inspected = spawn_blocking(move || (timed.time("inspect", || inspect(&source)), timed)).await;
        let (header, mut timed) = inspected.map_err(failed)?;
        drop(inspecting);
        let header = match header {
            Ok(header) => header,
            Err(rejection) => {
                *stages = timed;
                return Ok(Err(rejection));
            }
        };
        let _permits = self.permits(megapixels(&header).max(of_bytes(&bytes))).await?;
        let (specs, all) = (Arc::clone(&self.specs), Arc::clone(&self.buffers));
        let rendered = spawn_blocking(move || {
            let mut buffers = all.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let rendered = render(&bytes, &header, &specs, &mut buffers, &mut timed);
            all.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
            (rendered.map(|rendered| (header, rendered)), timed)
        });
        // A panic here is not a decoder's, which is caught: it is a bug, and the message comes again.
        let (rendered, timed) = rendered.await.map_err(failed)?;
        *stages = timed;
        Ok(rendered)
    }
}

impl Pool {
    async fn permits(&self, megapixels: u32) -> Result<SemaphorePermit<'_>, PortError> {
        self.megapixels.acquire_many(megapixels).await.map_err(|closed| PortError::new("render", closed))
    }
}

/// What the bytes alone count for, two a MiB, never more than there are permits: a file of nothing but small chunks of
/// metadata can take several times its size.
fn of_bytes(bytes: &Bytes) -> u32 {
    let half_mebibytes = (bytes.len() as u64).div_ceil(512 << 10);
    u32::try_from(half_mebibytes.clamp(1, MEGAPIXELS_AT_ONCE)).unwrap_or(u32::MAX)
}

/// Rounded up, and never more than there are permits.
fn megapixels(header: &Header) -> u32 {
    let (width, height) = header.stored;
    let pixels = u64::from(width) * u64::from(height);
    u32::try_from(pixels.div_ceil(1_000_000).min(MEGAPIXELS_AT_ONCE)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::outcome::Reason;

    use super::*;
    use crate::config::RENDITIONS_DEFAULT;

    fn pool() -> Pool {
        Pool::new(RENDITIONS_DEFAULT.parse().unwrap())
    }

    fn fixture(name: &str) -> Bytes {
        let path = format!("{}/../../fixtures/images/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap().into()
    }

    fn header(width: u32, height: u32) -> Header {
        let header = inspect(&fixture("jpeg/yuv-420.jpg")).unwrap();
        Header { stored: (width, height), ..header }
    }

    #[test]
    fn a_photo_counts_for_its_megapixels() {
        for (width, height, expected) in
            [(1, 1, 1), (1000, 1000, 1), (1000, 1001, 2), (10_000, 10_000, 100), (65_535, 65_535, 100)]
        {
            assert_eq!(megapixels(&header(width, height)), expected, "{width}x{height}");
        }
    }

    #[test]
    fn bytes_count_two_a_mebibyte() {
        for (bytes, expected) in [(0, 1), (512 << 10, 1), ((512 << 10) + 1, 2), (10 << 20, 20), (80 << 20, 100)] {
            assert_eq!(of_bytes(&vec![0; bytes].into()), expected, "{bytes}");
        }
    }

    #[tokio::test]
    async fn photos_give_back_what_they_took() {
        let pool = pool();
        for (name, reason) in
            [("jpeg/yuv-420.jpg", None), ("hostile/cut-50.jpg", Some(Reason::Corrupt)), ("png/rgb8.png", None)]
        {
            let mut stages = Stages::default();
            let rendered = pool.render(fixture(name), &mut stages).await.unwrap();
            assert_eq!(rendered.as_ref().err().map(|rejection| rejection.reason), reason, "{name}");
            assert_eq!(pool.megapixels.available_permits() as u64, MEGAPIXELS_AT_ONCE, "{name}");
            assert_eq!(pool.buffers.lock().unwrap().len(), 1, "the same are used again: {name}");
            let stages: Vec<_> = stages.iter().map(|(stage, _)| stage).collect();
            assert!(stages.starts_with(&["inspect", "decode"]), "also of what is rejected: {stages:?}");
            assert_eq!(stages.contains(&"encode"), rendered.is_ok(), "{stages:?}");
        }
    }

    #[tokio::test]
    async fn a_photo_waits_until_there_is_room_for_it() {
        let pool = pool();
        let room = pool.permits(100).await.unwrap();
        let mut stages = Stages::default();
        let mut rendering = Box::pin(pool.render(fixture("jpeg/yuv-420.jpg"), &mut stages));
        assert!(futures::poll!(&mut rendering).is_pending());
        tokio::task::yield_now().await;
        assert!(futures::poll!(&mut rendering).is_pending() && pool.buffers.lock().unwrap().is_empty());
        drop(room);
        rendering.await.unwrap().unwrap();
    }
}
