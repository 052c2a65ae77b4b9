//! The Python in `CONTRACT.md` does what it says, against the shared emulator, and its rating is one.

use std::path::Path;
use std::process::Command;

use coffeeshop_core::histogram::FORMULA;
use coffeeshop_core::rating::{Attribute, RatingItem, RatingKey, held};
use coffeeshop_core::score::BOARD_PARTS;
use coffeeshop_local::{python, repo_root};
use serde_json::Value;

use crate::stack;

/// What the app does with the functions of the document, for photos.
const PHOTOS: &str = r#"
import sys

photo = open(sys.argv[1], "rb").read()

url, headers = presign_put("contract", "put", "user-1")
put(url, headers, photo)
item = outcome("contract", "put")
assert item["status"] == "ready" and item["user_id"] == "user-1", item
assert [r["name"] for r in item["renditions"]] == ["thumb", "card", "full"], item
assert item["source"]["format"] == "jpeg" and (item["source"]["width"], item["source"]["height"]) == (240, 180), item
assert rendition("contract", "put", "thumb")[:3] == b"\xff\xd8\xff"
assert rendition("contract", "put", "poster") is None

try:
    put(url, {"x-amz-meta-user-id": "somebody-else"}, photo)
    raise SystemExit("another user's id was taken")
except urllib.error.HTTPError as error:
    assert error.code == 403, error.code

put(url, headers, b"no photo at all")
item = outcome("contract", "put", after=item["revision"])
assert (item["status"], item["reason"], item["detected"]) == ("rejected", "unsupported_format", "text/plain"), item
assert rendition("contract", "put", "thumb") is None

url, fields = presign_post("contract", "post", "user-2")
form = b"".join(
    f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()
)
form += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + photo + b"\r\n--x--\r\n"
request = urllib.request.Request(url, data=form, headers={"Content-Type": "multipart/form-data; boundary=x"})
urllib.request.urlopen(request).read()
item = outcome("contract", "post")
assert item["status"] == "ready" and item["user_id"] == "user-2", item
"#;

/// And for shops and ratings. What a function gives back is asked for again until it is as expected, or for a minute.
const RATINGS: &str = r#"
def wait(expected, get):
    for _ in range(600):
        found = get()
        if expected(found):
            return found
        time.sleep(0.1)
    raise TimeoutError(found)

shop, city = "contract-shop", "Contract City"
assert score(shop) is None
open_shop(shop, "A shop of the contract", city)
rate(shop, "user-1", 5, "2026-10-31T23:59:59Z")
rate(shop, "user-2", 3, "2026-11-01T00:59:59+01:00", "Fine.")
rate(shop, "user-3", 4, "2026-11-20T08:15:30.125Z")
item = wait(lambda item: item and item["count"] == 3, lambda: score(shop))
assert item["sum"] == 12 and item["mean_micros"] == 4_000_000 and item["histogram"] == [0, 0, 1, 1, 1], item
assert item["score_micros"] == round(score_of(item["histogram"]) * 1_000_000) and item["formula"] == "star-lcb/1", item
assert item["city"] == city and item["revision"] >= 1, item
assert score(shop, "2026-10")["count"] == 2 and score(shop, "2026-11")["count"] == 1

assert [entry["shop_id"] for entry in city_board(city)] == [shop]
assert city_board(city)[0] == item and city_board(city, after=item["rank_key"]) == []
assert shop in [entry["shop_id"] for entry in board("2026-10", limit=1000)]
assert [entry["rank_key"] for entry in board()] == sorted(entry["rank_key"] for entry in board(limit=1000))[:10]

rate(shop, "user-1", 2, "2026-11-21T10:00:00Z")
wait(lambda item: item["histogram"] == [0, 1, 1, 1, 0], lambda: score(shop))
rate(shop, "user-2", 6, "2026-11-21T10:00:00Z")
wait(lambda item: item["histogram"] == [0, 1, 0, 1, 0], lambda: score(shop))
assert score(shop, "2026-10")["count"] == 0 and "mean_micros" not in score(shop, "2026-10")
for user in ["user-1", "user-2", "user-3"]:
    withdraw(shop, user)
item = wait(lambda item: item["count"] == 0, lambda: score(shop))
assert item["score_micros"] == round(score_of([0] * 5) * 1_000_000) == 2_047_372, item
assert "rank_key" not in item and city_board(city) == []
"#;

/// And for who is told. A photo and a leaderboard's item are written as the pipeline does it.
const TOLD: &str = r#"
tell_in_app("told-user")
follow("told-user", "Contract Told City")
assert inbox("told-user") == []
url, headers = presign_put("contract", "told", "told-user")
put(url, headers, photo)
item = wait(lambda items: items, lambda: inbox("told-user"))[0]
assert item["event_id"] == "photo/contract/told/1" and item["type"] == "coffeeshop.photo.ready.v1", item
assert item["text"] == "Your photo is ready." and item["unread"] and item["about"] == "photo", item
mark_read("told-user", item["event_id"])
assert not inbox("told-user")[0]["unread"]

boards = boto3.resource("dynamodb").Table(os.environ["BOARDS_TABLE"])
place = {"board": "Contract Told City", "period": "2026-11", "version": 1, "updated_at": "2026-11-21T10:00:00Z"}
boards.put_item(Item=place | {"entries": [{"shop_id": shop, "score_micros": 3_000_000, "count": 3}]})
items = wait(lambda items: len(items) == 2, lambda: inbox("told-user"))
board_item = next(item for item in items if item["about"] == "leaderboard")
assert (board_item["board"], board_item["period"]) == ("Contract Told City", "2026-11"), board_item
assert "1 shop entered it" in board_item["text"], board_item

secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
add_webhook("user#told-user", "hook", "https://example.com/hook", [secret])
from datetime import datetime, timezone
from standardwebhooks import Webhook
now = datetime.now(timezone.utc)
signature = "v1,AAAA " + Webhook(secret).sign("photo/a/b/1", now, "{}")
signed = {"webhook-id": "photo/a/b/1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
assert is_ours(signed, "{}", secret) and not is_ours(signed, "{ }", secret)
subscribers.delete_item(Key={"subscriber": "user#told-user", "channel_id": "hook"})
"#;

/// And for leaderboards as they were announced, of a city whose name is no key as it is.
const ANNOUNCED: &str = r#"
functions = boto3.client("lambda")

def look():
    """A look at the leaderboards; another may be under way."""
    run = lambda: functions.invoke(FunctionName=os.environ["SNAPSHOTTER_FUNCTION"], Payload=json.dumps({"job": "boards"}))
    wait(lambda answer: answer.get("ended") == "boards", lambda: json.load(run()["Payload"]))

city = "St. Contract/Süd ~1"
assert leaderboard(city) is None
for shop, stars in [("contract-first", 5), ("contract-second", 3)]:
    open_shop(shop, "A shop of the contract", city)
    rate(shop, "user-1", stars, "2026-11-20T08:15:30Z")
    wait(lambda item: item and item["count"] == 1, lambda: score(shop))
look()
found = leaderboard(city)
assert (found["board"], found["period"]) == (city, "all"), found
scored = [score(shop) for shop in ["contract-first", "contract-second"]]
assert found["entries"] == [
    {"place": place, "shop_id": item["shop_id"], "score_micros": item["score_micros"], "count": item["count"]}
    for place, item in enumerate(scored, 1)
], found
assert "contract-first" in [entry["shop_id"] for entry in leaderboard()["entries"]]
head = s3.head_object(Bucket=os.environ["ANALYTICS_BUCKET"], Key="leaderboards/all/St%2E%20Contract%2FS%C3%BCd%20%7E1.json")
assert (head["ContentType"], head["CacheControl"]) == ("application/json", "public, max-age=60"), head

withdraw("contract-first", "user-1")
wait(lambda item: item["count"] == 0, lambda: score("contract-first"))
look()
later = leaderboard(city)
assert later["version"] > found["version"] and later["updated_at"] > found["updated_at"], later
assert [(entry["place"], entry["shop_id"]) for entry in later["entries"]] == [(1, "contract-second")], later
"#;

#[test]
fn the_rating_in_the_contract_makes_sense() {
    let contract = std::fs::read_to_string(repo_root().join("CONTRACT.md")).unwrap();
    let examples = contract.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let ratings: Vec<Value> = examples
        .map(|example| serde_json::from_str(example).unwrap())
        .filter(|json: &Value| json.get("stars").is_some())
        .collect();
    let [rating] = ratings.as_slice() else { panic!("there is one example, not {}", ratings.len()) };
    let key: RatingKey = serde_json::from_value(rating.clone()).unwrap();
    let stars = Some(Attribute::Number(rating["stars"].to_string()));
    let rated_at = Some(Attribute::Text(rating["rated_at"].as_str().unwrap().to_owned()));
    let held = held(&RatingItem { stars, rated_at }).unwrap();
    let found = (key.user_id.as_str(), u8::from(held.stars), held.month.to_string());
    assert_eq!(found, ("u-42", 4, "2026-11".to_owned()));
    for reason in ["no_stars", "wrong_stars", "no_date", "not_a_date", "month_out_of_range", "unreadable_keys"] {
        assert!(contract.contains(&format!("| `{reason}` |")), "{reason}");
    }
    assert!(contract.contains(&format!("parts 0 to {}", BOARD_PARTS - 1)) && contract.contains(FORMULA));
}

#[tokio::test]
async fn the_python_in_the_contract_works() {
    let stack = stack().await;
    let contract = std::fs::read_to_string(repo_root().join("CONTRACT.md")).unwrap();
    // Those that read the dataset are run by the snapshotter's own tests, which have Polars.
    let (contract, _) = contract.split_once("\n## The dataset\n").unwrap();
    let examples: Vec<&str> = contract
        .split("```python\n")
        .skip(1)
        .map(|rest| rest.split_once("```").map(|(example, _)| example).unwrap())
        .collect();
    assert!(examples.len() >= 12, "{} examples", examples.len());
    let program = examples.concat() + PHOTOS + RATINGS + TOLD + ANNOUNCED;
    let output = |name: &str| stack.output(name).unwrap().to_owned();
    let mut python = Command::new(python::venv(&repo_root(), |_| ()).unwrap().tool("python"));
    python
        .args(["-c", &program])
        .arg(Path::new(&repo_root()).join("fixtures/images/jpeg/orientation-6.jpg"))
        .env("AWS_ENDPOINT_URL", &stack.endpoint)
        .env("AWS_DEFAULT_REGION", &stack.region)
        .env("AWS_ACCESS_KEY_ID", &stack.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &stack.secret_access_key)
        .env("ORIGINALS_BUCKET", output("OriginalsBucket"))
        .env("RENDITIONS_BUCKET", output("RenditionsBucket"))
        .env("PHOTOS_TABLE", output("PhotosTable"))
        .env("SHOPS_TABLE", output("ShopsTable"))
        .env("RATINGS_TABLE", output("RatingsTable"))
        .env("SCORES_TABLE", output("ScoresTable"))
        .env("SUBSCRIBERS_TABLE", output("SubscribersTable"))
        .env("INBOX_TABLE", output("InboxTable"))
        .env("BOARDS_TABLE", output("BoardsTable"))
        .env("ANALYTICS_BUCKET", output("AnalyticsBucket"))
        .env("SNAPSHOTTER_FUNCTION", output("SnapshotterFunction"));
    let ran = tokio::task::spawn_blocking(move || python.output().unwrap()).await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
