//! A bucket, tables in memory, and what must be true of the bucket at any time.

use std::collections::BTreeSet;

use bytes::Bytes;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::{PhotoStore as _, Put, Served, Uploads as _};
use coffeeshop_core::testing::contract::ready;
use coffeeshop_core::testing::scores_contract::score;
use coffeeshop_core::testing::{ScoreWorld, UploadWorld, World};
use coffeeshop_snapshotter::snapshot::{Latest, Manifest};
use futures::executor::block_on;
use jiff::SignedDuration;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, RowAccessor as _};

pub(crate) struct Bench {
    /// The scores, and the clock.
    pub(crate) scores: ScoreWorld,
    pub(crate) photos: World,
    pub(crate) uploads: UploadWorld,
}

impl Bench {
    /// With so many shops, on 2026-11-22 at 9.
    pub(crate) fn new(shops: u64) -> Self {
        let bench = Self { scores: ScoreWorld::default(), photos: World::default(), uploads: UploadWorld::default() };
        bench.scores.advance(SignedDuration::from_secs(1_795_338_000));
        bench.open_shops(0..shops);
        bench
    }

    /// Each with two scores.
    pub(crate) fn open_shops(&self, shops: std::ops::Range<u64>) {
        for number in shops {
            let shop_id = format!("shop-{number}").parse().unwrap();
            for period in ["all", "2026-11"] {
                self.scores.put_score(score(&shop_id, period, 1, number % 5));
            }
        }
    }

    /// So many photos; one of them.
    pub(crate) fn answer(&self, photos: u64) -> PhotoKey {
        let key = |i| PhotoKey::from_original(&format!("uploads/shop-{}/photo-{i}", i % 4)).unwrap();
        for photo in (0..photos).map(key) {
            assert_eq!(block_on(self.photos.put_outcome(&ready(&photo, 1))).unwrap(), Put::Stored);
        }
        key(0)
    }

    pub(crate) async fn put(&self, key: &str, text: &'static str) {
        let served = Served { content_type: "application/json", cache_control: "no-cache" };
        self.uploads.put(key, Bytes::from_static(text.as_bytes()), served).await.unwrap();
    }

    fn json<T: serde::de::DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.uploads.objects().get(key).map(|object| serde_json::from_slice(&object.body).unwrap())
    }

    /// What `latest.json` says.
    pub(crate) fn latest(&self, dataset: &str) -> Option<Latest> {
        self.json(&format!("{dataset}/latest.json"))
    }

    /// Those of photos, and then those of scores, in the order of their times.
    pub(crate) fn manifests(&self) -> Vec<Manifest> {
        let keys: Vec<String> =
            self.uploads.objects().into_keys().filter(|key| key.ends_with("/_manifest.json")).collect();
        keys.iter().map(|key| self.json(key).unwrap()).collect()
    }

    pub(crate) fn rows(&self, key: &str) -> Vec<parquet::record::Row> {
        let object = self.uploads.objects().remove(key).unwrap();
        let reader = SerializedFileReader::new(object.body).unwrap();
        reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
    }

    /// What anybody may rely on, whatever ended whenever: what a manifest names is there, whole, and of one run; and what is
    /// pointed to is a snapshot.
    pub(crate) fn assert_trusted(&self) {
        let objects = self.uploads.objects();
        for (key, object) in objects.iter().filter(|(key, _)| !key.contains("/part-")) {
            assert!(!object.body.contains(&b'\n'), "{key} is one line, for readers of JSON Lines");
        }
        for manifest in self.manifests() {
            for file in &manifest.files {
                let object = objects.get(&file.key).unwrap_or_else(|| panic!("{} is missing", file.key));
                assert_eq!(object.body.len() as u64, file.bytes, "{}", file.key);
                let rows = self.rows(&file.key);
                assert_eq!(rows.len() as u64, file.rows, "{}", file.key);
                for row in rows {
                    let (_, snapshot_at) = row.get_column_iter().find(|(name, _)| *name == "snapshot_at").unwrap();
                    let Field::TimestampMicros(at) = *snapshot_at else { panic!("{snapshot_at:?}") };
                    assert_eq!(at, manifest.watermark.as_microsecond(), "{}", file.key);
                }
            }
            let sum =
                |of: fn(&coffeeshop_snapshotter::snapshot::ManifestFile) -> u64| manifest.files.iter().map(of).sum();
            assert_eq!((manifest.rows, manifest.bytes), (sum(|file| file.rows), sum(|file| file.bytes)));
        }
        for latest in ["scores", "photos"].into_iter().filter_map(|dataset| self.latest(dataset)) {
            let manifest: Manifest = self.json(&latest.manifest).unwrap_or_else(|| panic!("{latest:?} is gone"));
            assert_eq!(latest.watermark, manifest.watermark);
        }
    }

    /// Also for who reads without a look at a manifest: nothing else is there. And the newest snapshot is pointed to.
    pub(crate) fn assert_clean(&self) {
        let named: BTreeSet<String> =
            self.manifests().into_iter().flat_map(|manifest| manifest.files).map(|file| file.key).collect();
        let files = self.uploads.objects().into_keys().filter(|key| key.contains("/part-"));
        assert_eq!(files.collect::<BTreeSet<_>>(), named);
        for manifest in self.manifests() {
            let latest = self.latest(&manifest.dataset).unwrap();
            assert!(latest.watermark >= manifest.watermark, "{latest:?} is not the newest: {}", manifest.watermark);
        }
    }

    /// The shops in the files of a folder, each as often as it has rows.
    pub(crate) fn shops_of(&self, folder: &str) -> Vec<String> {
        let keys = self.uploads.objects().into_keys().filter(|key| key.starts_with(folder) && key.contains("/part-"));
        let mut shops: Vec<String> =
            keys.flat_map(|key| self.rows(&key)).map(|row| row.get_string(0).unwrap().clone()).collect();
        shops.sort();
        shops
    }

    /// The shops in the table, each as often as it has scores.
    pub(crate) fn stored_shops(&self) -> Vec<String> {
        let mut shops: Vec<String> =
            self.scores.stored_scores().into_keys().map(|key| key.shop_id.to_string()).collect();
        shops.sort();
        shops
    }
}
