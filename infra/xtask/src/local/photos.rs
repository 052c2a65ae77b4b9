//! Photos of a folder, uploaded as the app would, and watched until they have their outcome.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use coffeeshop_core::ids::ID_CHARS_MAX;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_local::StackInfo;
use coffeeshop_local::app::App;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::notifications::USER;

/// How many are uploaded and watched at once.
const AT_ONCE: usize = 16;

/// How long to wait for an outcome.
const OUTCOME_MAX: Duration = Duration::from_mins(2);

/// A file to upload.
pub(crate) struct Photo {
    /// Below its folder.
    pub(crate) name: String,
    key: PhotoKey,
    bytes: Vec<u8>,
}

/// What became of it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) took: Duration,
}

/// Every file below `folder` that is not a description of the others.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<Photo>> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files).with_context(|| format!("{} cannot be read", folder.display()))?;
    ensure!(!files.is_empty(), "there are no photos in {}", folder.display());
    files.into_iter().enumerate().map(|(i, (name, bytes))| Ok(Photo { key: key(i, &name)?, name, bytes })).collect()
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else if ![".md", ".json"].iter().any(|ending| name.ends_with(ending)) && !name.starts_with('.') {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// An id from a file's name, and its number, so that no two are the same.
fn key(number: usize, name: &str) -> Result<PhotoKey> {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let id: String = format!("{number}-").chars().chain(plain).take(ID_CHARS_MAX).collect();
    Ok(PhotoKey { shop_id: "local".parse()?, photo_id: id.parse()? })
}

/// Uploads all of them and waits for every outcome.
pub(crate) async fn through_the_pipeline(info: &StackInfo, photos: Vec<Photo>) -> Result<Vec<Row>> {
    let app = App::new(info)?;
    let one = async |photo: Photo| {
        let Photo { name, key, bytes } = photo;
        app.upload(&key, bytes, Some(USER)).await?;
        let uploaded = Instant::now();
        let outcome = outcome(&app, &key).await?;
        anyhow::Ok(Row { name, outcome, took: uploaded.elapsed() })
    };
    let rows = stream::iter(photos).map(one).buffered(AT_ONCE).collect::<Vec<_>>().await;
    rows.into_iter().collect()
}

/// Uploads all of them, for whoever cannot expect an outcome.
pub(crate) async fn upload(app: &App, photos: Vec<Photo>) -> Result<()> {
    let one = async |Photo { key, bytes, .. }: Photo| app.upload(&key, bytes, Some(USER)).await;
    stream::iter(photos).map(one).buffered(AT_ONCE).try_for_each(async |_| Ok(())).await
}

async fn outcome(app: &App, photo: &PhotoKey) -> Result<Option<Outcome>> {
    let asked = Instant::now();
    loop {
        let outcome = app.outcome(photo).await?;
        if outcome.is_some() || asked.elapsed() > OUTCOME_MAX {
            return Ok(outcome);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
