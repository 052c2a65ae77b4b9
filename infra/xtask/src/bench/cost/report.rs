//! The report, in Markdown that can be read as it is.
//!
//! What things cost is reckoned elsewhere; here is only what is said of it.

use anyhow::{Context as _, Result};

use super::bill::{Line, Photos, Traffic, idle_usd_a_month, rating_lines, total};
use super::inputs::Inputs;
use super::lambda::cheapest;

/// Whose milliseconds are looked at, as `photos.json` calls them.
const OURS: &str = "ours";
const ENGINES: [&str; 3] = [OURS, "sharp, usual", "sharp, best"];

/// Sizes that Lambda can have, around those that matter.
const SIZES_MB: [f64; 9] = [128.0, 256.0, 512.0, 1024.0, 1536.0, 1769.0, 2048.0, 3008.0, 4096.0];

/// Queues that Lambda polls: uploads, notifications, deliveries.
const QUEUES: f64 = 3.0;

/// All of it.
pub(super) fn report(inputs: &Inputs) -> Result<String> {
    let cpu_ms = inputs.photos.cpu_ms(OURS).context("infra/bench/photos.json has no milliseconds of `ours`")?;
    let memory_mb = inputs.functions.get("ThumbnailerFunction").context("there is no thumbnailer")?.memory_mb;
    let lists = inputs.calls.photo.s3_list;
    let photos = |traffic| Photos { traffic, cpu_ms, lists, memory_mb };
    let ratings = |traffic| rating_lines(inputs, traffic);
    Ok([
        "# What it costs\n\nWritten by `cargo xtask bench cost`; change the files beside it, not this one.\n"
            .to_owned(),
        about(inputs),
        format!(
            "## A million photos\n\nFirst uploads that become three renditions, are announced, and told to one inbox; \
             {cpu_ms:.1} ms of CPU each on average, in a function of {memory_mb} MB.\n"
        ),
        bill_table(&photos(Traffic::Alone).lines(inputs), &photos(Traffic::Full).lines(inputs)),
        list_paragraph(inputs, photos),
        "## The same with another engine\n\nOnly the GB-seconds of `made` differ.\n".to_owned(),
        engine_table(inputs, memory_mb),
        format!("## Memory\n\n{}", memory(inputs, cpu_ms, memory_mb)?),
        "## A million ratings\n\nNew ratings, until both scores of the shop are announced.\n".to_owned(),
        bill_table(&ratings(Traffic::Alone), &ratings(Traffic::Full)),
    ]
    .join("\n"))
}

fn about(inputs: &Inputs) -> String {
    let prices = &inputs.prices;
    let waiting = match inputs.beyond_pixels_ms {
        Some(waiting) => {
            format!("{waiting:.1} ms for what is not pixels, measured on the emulator: on AWS it will be more")
        }
        None => "no time for what is not pixels, because `infra/bench/outcome.json` is not there".to_owned(),
    };
    let uncertain = prices.usd_a_million.uncertain();
    let idle = idle_usd_a_month(inputs, QUEUES);
    format!(
        "- Prices: list prices on demand of {}, read on {}, in `prices.json`, with their sources. Not checked against AWS's \
         own word: {}.\n\
         - Milliseconds: means of `photos.json` ({}, {}), as if a vCPU of Lambda were a core of that machine; and {waiting}. The \
         other functions' milliseconds are assumed, and cost little.\n\
         - Counts: of `calls.json`, which tests hold against the code.\n\
         - *Alone*: each photo or rating comes by itself. *Full*: so many that every batch is full.\n\
         - Left out: free tiers, cold starts, storage, logs and metrics, what leaves AWS, leaderboards and snapshots, the \
         app's own writes, and whatever goes wrong. Lambda's waiting at three empty queues is ${idle:.2} a month.\n",
        prices.region,
        prices.read_on,
        if uncertain.is_empty() { "none".to_owned() } else { uncertain.join(", ") },
        inputs.photos.machine,
        inputs.photos.date,
    )
}

fn bill_table(alone: &[Line], full: &[Line]) -> String {
    let lines = alone.iter().zip(full).map(|(alone, full)| {
        let count = |line: &Line| format!("{:.4}", line.count).trim_end_matches('0').trim_end_matches('.').to_owned();
        [alone.step.to_owned(), alone.what.to_owned(), count(alone), usd(alone.usd), count(full), usd(full.usd)]
    });
    let totals = ["all".to_owned(), String::new(), String::new(), usd(total(alone)), String::new(), usd(total(full))];
    table(["step", "what", "each, alone", "$ alone", "each, full", "$ full"], lines.chain([totals]))
}

fn list_paragraph(inputs: &Inputs, photos: impl Fn(Traffic) -> Photos) -> String {
    let with = |lists: f64| {
        let of = |traffic| usd(total(&Photos { lists, ..photos(traffic) }.lines(inputs)));
        format!("${} alone, ${} in full batches", of(Traffic::Alone), of(Traffic::Full))
    };
    let now = if inputs.calls.photo.s3_list > 0.0 { "makes it" } else { "leaves it out" };
    format!(
        "A LIST costs as much as a PUT. With one for each photo: {}; without: {}. The code {now} for a first upload.\n",
        with(1.0),
        with(0.0)
    )
}

fn engine_table(inputs: &Inputs, memory_mb: f64) -> String {
    let rows = ENGINES.into_iter().map(|engine| {
        let Some(cpu_ms) = inputs.photos.cpu_ms(engine) else {
            let missing = "not measured".to_owned();
            return [engine.to_owned(), missing, String::new(), String::new(), String::new(), String::new()];
        };
        let lines = |traffic| Photos { traffic, cpu_ms, lists: inputs.calls.photo.s3_list, memory_mb }.lines(inputs);
        let compute = |lines: &[Line]| {
            usd(lines.iter().filter(|line| (line.step, line.what) == ("made", "GB-seconds")).map(|line| line.usd).sum())
        };
        let (alone, full) = (lines(Traffic::Alone), lines(Traffic::Full));
        let all = [usd(total(&alone)), usd(total(&full))];
        let [all_alone, all_full] = all;
        [engine.to_owned(), format!("{cpu_ms:.1}"), compute(&alone), all_alone, compute(&full), all_full]
    });
    table(["engine", "CPU ms", "$ GB-s, alone", "$ all, alone", "$ GB-s, full", "$ all, full"], rows)
}

fn memory(inputs: &Inputs, cpu_ms: f64, kept_mb: f64) -> Result<String> {
    let price = inputs.prices.usd_a_million.lambda_gb_seconds.usd;
    let work = |traffic| Photos { traffic, cpu_ms, lists: 0.0, memory_mb: kept_mb }.work(inputs);
    let (alone, full) = (work(Traffic::Alone), work(Traffic::Full));
    let rows = SIZES_MB.map(|size| {
        let cells =
            [alone, full].map(|work| (format!("{:.0}", work.billed_ms(size)), usd(work.gb_seconds(size) * price)));
        let [(alone_ms, alone_usd), (full_ms, full_usd)] = cells;
        [format!("{size}"), alone_ms, alone_usd, full_ms, full_usd]
    });
    let smallest = cheapest(&[alone, full], &SIZES_MB).context("there are no sizes")?;
    Ok(format!(
        "GB-seconds of the thumbnailer for a million photos; $ without requests.\n\n{}\n\
         Cheapest by arithmetic, both together: {smallest} MB. Up to 1,769 MB twice the memory is half the time, so that \
         CPU costs the same in each size but for begun milliseconds, and only waiting costs less in a small one; above, a \
         photo alone has no use for more. The template gives {kept_mb} MB all the same: the largest photos within the \
         limits need most of it (ARCHITECTURE.md, \"Limits\"), beside four others, and a smaller function would end in the \
         middle of one.\n",
        table(["MB", "ms, alone", "$ alone", "ms, 5 at once", "$ full"], rows)
    ))
}

fn usd(usd: f64) -> String {
    format!("{usd:.3}")
}

/// In columns that line up: texts to the left, all else to the right.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let is_text = |column: usize| {
        rows.iter().skip(1).filter_map(|row| row.get(column)).any(|cell| cell.starts_with(char::is_alphabetic))
    };
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default().max(3)
    });
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
                if is_text(column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        })
        .collect();
    let rule = widths
        .into_iter()
        .enumerate()
        .map(|(column, width)| if is_text(column) { "-".repeat(width) } else { format!("{}:", "-".repeat(width - 1)) });
    lines.insert(1, format!("| {} |", rule.collect::<Vec<_>>().join(" | ")));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["made".to_owned(), "1.5".to_owned()], ["all".to_owned(), String::new()]];
        assert_eq!(table(["step", "$"], rows), "| step |   $ |\n| ---- | --: |\n| made | 1.5 |\n| all  |     |\n");
    }
}
