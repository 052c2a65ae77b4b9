//! `coffeeshop dlq edit`: one message corrected by hand, and replayed.
//!
//! What a body must be is the function's own parser's business.

use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use coffeeshop_core::place::{Place, Records, Target, TargetQueue};
use coffeeshop_core::ports::{Message, is_sendable};
use serde_json::Value;
use similar::TextDiff;

use super::run::Started;
use super::{Desk, target_of};
use crate::cli::dlq::{Edit, Pace, SLICE_MESSAGES_MAX, Selection};
use crate::dlq::entry::Action;
use crate::dlq::reader;
use crate::dlq::record::Record;
use crate::dlq::spool::Spool;
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::wiring::Wiring;

/// A body as a person edits it.
struct Draft {
    text: String,
    /// Whether the text is the body's JSON, indented.
    is_indented: bool,
}

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, edit: &Edit) -> Result<Verdict, Failure> {
    let place = desk.place(&edit.place)?;
    let goes_to = target_of(place)?;
    let target = editable(place, goes_to)?;
    let message = find(desk, place, &edit.id).await?;
    let draft = Draft::of(&message.content.body);
    let (edited, file) = match &edit.body {
        Some(file) => (read(file)?, file.clone()),
        None => in_editor(desk, place, &draft.text).await?,
    };
    // What somebody typed stays until it is sent.
    let forget = || {
        if edit.body.is_none() {
            drop(fs::remove_file(&file));
        }
    };
    let body = draft.body(&edited);
    if body == message.content.body {
        forget();
        desk.say("nothing changed, so nothing is sent");
        return Ok(Verdict::Well);
    }
    let difference = TextDiff::from_lines(&draft.text, &Draft::of(&body).text).unified_diff().to_string();
    desk.say(difference.trim_end());
    check(&body, target, &file)?;
    if target.reader.is_none() {
        desk.say(format!("nobody of this stack reads {}: the body is not checked", target.name));
    }
    if !edit.execute {
        let command = desk.invocation.edit(&place.name, &message.id, &file, &edit.audit);
        if desk.invocation.json {
            let line = serde_json::json!({
                "kind": "would_edit",
                "place": &place.name,
                "id": &*message.id.0,
                "difference": difference,
                "body_file": file.display().to_string(),
            });
            desk.output.object(&line);
        }
        desk.say(format!("This was a dry run: nothing was sent. To do it: {command}"));
        return Ok(Verdict::Well);
    }
    let action = Action::Edit { to: target.queue.0.clone(), original: Record::from(&message), body };
    let started = Started::begin(desk, place, &desk.new_run(place), action, &Selection::default(), &edit.audit)?;
    let verdict = started.plan_one(desk, &message)?.execute(desk, place, Some(goes_to), Pace::default()).await?;
    if verdict == Verdict::Well {
        forget();
    }
    Ok(verdict)
}

/// The queue that a message of this place goes to; a record of a stream is what a table said, and is corrected there.
fn editable<'a>(place: &Place, target: &'a Target) -> Result<&'a TargetQueue, Why> {
    match target {
        Target::Queue(queue) => Ok(queue),
        Target::Function(function) => {
            let ratings = match &function.records {
                Records::Ratings { table } => Some(table.clone()),
                Records::States => None,
            };
            Err(Why::NotEditable { place: place.name.clone(), ratings })
        }
    }
}

/// The message of this id.
async fn find<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, place: &Place, id: &str) -> Result<Message, Why> {
    let (spool, mut found) = (Spool::anonymous().map_err(Why::Spool)?, None);
    let swept = desk.sweep(place, SLICE_MESSAGES_MAX, &spool, |message| {
        if &*message.id.0 != id {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some(message.clone());
        Ok(ControlFlow::Break(()))
    });
    swept.await?;
    found.ok_or_else(|| Why::NoMessage { id: id.to_owned(), place: place.name.clone() })
}

fn read(file: &Path) -> Result<String, Why> {
    fs::read_to_string(file).map_err(|cause| Why::File { path: file.to_owned(), cause })
}

/// Opens the text in the editor; what it says then, and the file that it is in, which stays, and which nobody else can read.
async fn in_editor<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    place: &Place,
    text: &str,
) -> Result<(String, PathBuf), Why> {
    let folder = desk.ports.journals;
    let failed = |cause| Why::File { path: folder.to_owned(), cause };
    fs::create_dir_all(folder).map_err(failed)?;
    let draft = tempfile::Builder::new().prefix(&format!("{}-", place.name)).suffix(".body").tempfile_in(folder);
    let (_, file) = draft.map_err(failed)?.keep().map_err(|error| failed(error.error))?;
    fs::write(&file, text).map_err(failed)?;
    // As git does it: the editor may have arguments of its own.
    let mut editor = Command::new("sh");
    editor.arg("-c").arg(format!("{} \"$1\"", desk.ports.editor)).arg("sh").arg(&file);
    desk.stop.ignore(true);
    let status = tokio::task::spawn_blocking(move || editor.status()).await;
    desk.stop.ignore(false);
    let status = status.map_err(io::Error::other).and_then(|status| status).map_err(Why::Editor)?;
    if !status.success() {
        return Err(Why::Editor(io::Error::other(format!("`{}` ended with {status}", desk.ports.editor))));
    }
    Ok((read(&file)?, file))
}

fn check(body: &str, target: &TargetQueue, file: &Path) -> Result<(), Why> {
    let refused = |why: String| Why::Refused { file: file.to_owned(), target: target.name.clone(), why };
    if body.is_empty() {
        return Err(refused("a message needs a body".to_owned()));
    }
    if let Some(c) = body.chars().find(|c| !is_sendable(*c)) {
        return Err(refused(format!("a queue does not take the character {}", c.escape_unicode())));
    }
    target.reader.as_ref().map_or(Ok(()), |reader| reader::check(body, reader)).map_err(refused)
}

impl Draft {
    /// JSON is indented, when it can be put together again byte by byte.
    fn of(body: &str) -> Self {
        let value = serde_json::from_str::<Value>(body);
        let texts = value.and_then(|value| Ok((serde_json::to_string(&value)?, serde_json::to_string_pretty(&value)?)));
        match texts.ok().filter(|(again, _)| again == body) {
            Some((_, text)) => Self { text: text + "\n", is_indented: true },
            None => Self { text: body.to_owned(), is_indented: false },
        }
    }

    /// The body that an edited text stands for.
    fn body(&self, text: &str) -> String {
        if self.is_indented
            && let Ok(value) = serde_json::from_str::<Value>(text)
        {
            return value.to_string();
        }
        // Editors end a file with a line's end, whoever wrote it.
        match text.strip_suffix('\n') {
            Some(body) if !self.text.ends_with('\n') => body.to_owned(),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_edited_with_indents_and_sent_without() {
        let body = r#"{"b":1,"a":[2.5,"x"]}"#;
        let draft = Draft::of(body);
        assert_eq!(draft.text, "{\n  \"b\": 1,\n  \"a\": [\n    2.5,\n    \"x\"\n  ]\n}\n");
        assert_eq!(draft.body(&draft.text), body);
        assert_eq!(draft.body(&draft.text.replace("2.5", "3")), r#"{"b":1,"a":[3,"x"]}"#);
    }

    #[test]
    fn what_is_no_json_or_spelled_otherwise_is_edited_as_it_is() {
        for body in ["{ \"a\": 1 }", "no JSON", "{\"a\":1.0e5}", "line\n", ""] {
            let draft = Draft::of(body);
            assert_eq!((draft.text.as_str(), draft.body(&draft.text).as_str()), (body, body));
        }
        assert_eq!(Draft::of("no JSON").body("still none\n"), "still none");
        assert_eq!(Draft::of("{\"a\":1}").body("{\"a\":\n"), "{\"a\":\n", "for the parser to refuse");
    }
}
