//! Where the instructions of a photo go, by step.
//!
//! By the names of functions, each with what it executed itself. What the compiler put into its caller counts there, such as
//! turning, which is a part of `render` for it.

use super::callgrind::Profile;

/// A step, and what the names of its functions contain. The first that fits counts.
const STEPS: [(&str, &[&str]); 12] = [
    (
        // With the samples' way into rows, which is in the same loop.
        "entropy decoding",
        &[
            "jpeg::baseline",
            "decode_baseline",
            "decode_progressive",
            "decode::progressive",
            "::bitstream",
            "decode::huffman",
            "decode::entropy",
            "huffman_table",
        ],
    ),
    ("inverse transform", &["idct"]),
    ("means", &["jpeg::means"]),
    ("markers", &["::marker::", "jpeg::segments", "memchr"]),
    ("upsampling, to RGB", &["upsample", "ycbcr_to_rgb", "avx2_merged", "jpeg::rgb"]),
    (
        "encoding",
        &["::encode::", "fdct", "quantize", "rgb_to_ycbcr", "downsample", "avx2_color_encode", "write_coefficients"],
    ),
    ("rest of the JPEG codec", &["libjpeg_turbo_rs"]),
    ("other decoders", &["png::", "fdeflate", "image_webp", "zune", "gif::", "weezl"]),
    // The sines are those of Lanczos's filter.
    ("resizing", &["fast_image_resize", "render::resize", "__sin", "round"]),
    ("thumbhash", &["thumbhash", "imageops::sample", "__cos"]),
    ("colour profile", &["moxcms", "pxfm", "render::colour"]),
    ("memory", &["memset", "memcpy", "memmove", "malloc", "calloc", "realloc", "free"]),
];

/// How many functions are shown by themselves.
const FUNCTIONS: usize = 5;

/// A line for each step that has a thousandth of all, then the functions that cost most.
pub(super) fn table(profile: &Profile) -> String {
    let total = profile.total();
    let line = |name: &str, count: u64| format!("  {:>5}  {count:>13}  {name}", percent(count, total));
    let mut steps = steps(profile);
    steps.retain(|(_, count)| *count * 1000 >= total);
    let mut functions: Vec<(&String, u64)> = profile.0.iter().map(|(name, count)| (name, *count)).collect();
    functions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let steps = steps.into_iter().map(|(name, count)| line(name, count));
    let functions = functions.into_iter().take(FUNCTIONS).map(|(name, count)| line(name, count));
    steps.chain(["  of these, by function:".to_owned()]).chain(functions).collect::<Vec<_>>().join("\n")
}

/// In the order of the steps; what is none of them comes last.
fn steps(profile: &Profile) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<(&str, u64)> = STEPS.iter().map(|(step, _)| (*step, 0)).chain([("all else", 0)]).collect();
    for (function, count) in &profile.0 {
        let fits = |(_, parts): &(&str, &[&str])| parts.iter().any(|part| function.contains(part));
        let step = STEPS.iter().position(fits).unwrap_or(STEPS.len());
        if let Some((_, sum)) = counts.get_mut(step) {
            *sum += count;
        }
    }
    counts
}

/// `12.3`.
fn percent(part: u64, of: u64) -> String {
    let thousandths = (part * 1000 + of / 2).checked_div(of).unwrap_or_default();
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_belongs_to_one_step() {
        let counted = [
            ("coffeeshop_thumbnailer::render::jpeg::baseline::decode", 500),
            ("libjpeg_turbo_rs::simd::x86_64::avx2_idct::avx2_idct_islow_core", 200),
            ("libjpeg_turbo_rs::encode::huffman_encode::HuffmanEncoder::encode_block", 100),
            ("libjpeg_turbo_rs::api::tj3::TjHandle::set", 50),
            ("fast_image_resize::convolution::vertical_u8::avx2::vert_convolution_into_one_row", 99),
            ("__memset_avx2_unaligned_erms", 50),
            ("main", 1),
        ];
        let profile = Profile(counted.map(|(name, count)| (name.to_owned(), count)).into());
        let found: Vec<_> = steps(&profile).into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            found,
            [
                ("entropy decoding", 500),
                ("inverse transform", 200),
                ("encoding", 100),
                ("rest of the JPEG codec", 50),
                ("resizing", 99),
                ("memory", 50),
                ("all else", 1),
            ]
        );
        assert!(table(&profile).starts_with("   50.0            500  entropy decoding\n"), "{}", table(&profile));
    }
}
