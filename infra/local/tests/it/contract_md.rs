//! The Python in `CONTRACT.md` does what it says, against the shared emulator.

use std::path::Path;
use std::process::Command;

use coffeeshop_local::{python, repo_root};

use crate::stack;

/// What the app does with the functions of the document.
const USE: &str = r#"
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

#[tokio::test]
async fn the_python_in_the_contract_works() {
    let stack = stack().await;
    let contract = std::fs::read_to_string(repo_root().join("CONTRACT.md")).unwrap();
    let examples: Vec<&str> = contract
        .split("```python\n")
        .skip(1)
        .map(|rest| rest.split_once("```").map(|(example, _)| example).unwrap())
        .collect();
    assert!(examples.len() >= 5, "{} examples", examples.len());
    let program = examples.concat() + USE;
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
        .env("PHOTOS_TABLE", output("PhotosTable"));
    let ran = tokio::task::spawn_blocking(move || python.output().unwrap()).await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
