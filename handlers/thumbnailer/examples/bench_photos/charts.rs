//! CPU and memory by megapixels, as SVG.
//!
//! Baseline pictures alone; the progressive ones are in the report's tables.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::engine::OURS;
use crate::results::{Measured, OfSize, Results};

/// File and title of each chart.
pub(crate) const NAMES: [(&str, &str); 2] = [
    ("photos-cpu.svg", "CPU of a photo by its size: 1080, 480 and 160 pixels from one JPEG"),
    ("photos-memory.svg", "Peak memory by the photo's size: a process that does one"),
];

const SIZE_PIXELS: (u32, u32) = (960, 540);
/// To the right of the lines, for the engines' names.
const NAMES_PIXELS: u32 = 150;
/// Names nearer to each other than this are moved apart.
const NAME_HEIGHT_PIXELS: i32 = 19;
/// A line that ends so many times above the next is not shown to its end.
const FAR: f64 = 1.5;
const FONT: &str = "Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);
const MEGAPIXELS_MAX: f64 = 50.0;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Writes both charts into a folder.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<()> {
    let [(cpu, cpu_title), (memory, memory_title)] = NAMES;
    let cpu_ms = |size: &OfSize| size.cpu_ms_median;
    chart(&folder.join(cpu), cpu_title, "user + system CPU, ms", &results.engines, cpu_ms)
        .and_then(|()| {
            let peak = |size: &OfSize| size.rss_peak_mib;
            chart(&folder.join(memory), memory_title, "peak RSS, MiB", &results.engines, peak)
        })
        .map_err(|error| anyhow!("a chart cannot be drawn: {error}"))
}

type Drawn<T> = Result<T, Box<dyn std::error::Error>>;

fn chart(file: &Path, title: &str, unit: &str, engines: &[Measured], value: fn(&OfSize) -> f64) -> Drawn<()> {
    let lines: Vec<(&str, Vec<(f64, f64)>)> =
        engines.iter().map(|engine| (engine.name, points(engine, value))).collect();
    let top = ceiling(lines.iter().filter_map(|(_, points)| points.last()).map(|(_, value)| *value));
    let lines: Vec<_> =
        lines.into_iter().map(|(name, points)| (name, cut(&points, top), label(name, &points, top))).collect();
    let area = SVGBackend::new(file, SIZE_PIXELS).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 20).into_font().color(&INK))
        .margin(16)
        .margin_right(NAMES_PIXELS)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..MEGAPIXELS_MAX, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_desc("megapixels")
        .y_desc(unit)
        .x_labels(11)
        .label_style((FONT, 14).into_font().color(&INK))
        .axis_desc_style((FONT, 15).into_font().color(&INK))
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .draw()?;
    for (name, points, _) in &lines {
        line(&mut chart, name, points, top)?;
    }
    let ends: Vec<(f64, f64)> = lines.iter().filter_map(|(_, points, _)| points.last().copied()).collect();
    let at: Vec<(i32, i32)> = ends.iter().map(|end| chart.backend_coord(end)).collect();
    // Not so high that a name touches the title.
    let highest = chart.plotting_area().get_pixel_range().1.start + NAME_HEIGHT_PIXELS;
    let heights = apart(&at.iter().map(|(_, y)| *y.max(&highest)).collect::<Vec<_>>());
    for (((name, _, label), (x, _)), y) in lines.iter().zip(at).zip(heights) {
        let weight = if *name == OURS { FontStyle::Bold } else { FontStyle::Normal };
        let style = (FONT, 15, weight).into_font().color(&colour(name)).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(label.as_str(), (x + 12, y), style))?;
    }
    area.present()?;
    Ok(())
}

fn points(engine: &Measured, value: fn(&OfSize) -> f64) -> Vec<(f64, f64)> {
    let baseline = engine.sizes.iter().filter(|size| !size.progressive);
    baseline.map(|size| (size.megapixels, value(size))).collect()
}

/// How high the chart is: if one line ends far above all others, it runs out of it, so that they can be told apart.
fn ceiling(ends: impl Iterator<Item = f64>) -> f64 {
    let mut ends: Vec<f64> = ends.collect();
    ends.sort_by(|a, b| b.total_cmp(a));
    let (highest, next) = (ends.first().copied().unwrap_or(1.0), ends.get(1).copied());
    let shown = next.filter(|next| *next > 0.0 && highest > FAR * next).unwrap_or(highest);
    shown * 1.1
}

/// A line as far as it is below the top.
fn cut(points: &[(f64, f64)], top: f64) -> Vec<(f64, f64)> {
    let mut below: Vec<(f64, f64)> = points.iter().copied().take_while(|(_, value)| *value <= top).collect();
    if let (Some((from_x, from_y)), Some((to_x, to_y))) = (below.last(), points.get(below.len())) {
        below.push((from_x + (to_x - from_x) * (top - from_y) / (to_y - from_y), top));
    }
    below
}

/// The engine's name; with where its line leads, if it runs out of the chart.
fn label(name: &str, points: &[(f64, f64)], top: f64) -> String {
    match points.last() {
        Some((megapixels, value)) if *value > top => format!("{name}: {value:.0} at {megapixels:.0} megapixels"),
        _ => name.to_owned(),
    }
}

/// Dashed for a form that is usual, whole for the best.
fn line(chart: &mut Chart<'_, '_>, name: &str, points: &[(f64, f64)], top: f64) -> Drawn<()> {
    let colour = colour(name);
    let style = colour.stroke_width(if name == OURS { 4 } else { 2 });
    let all = points.iter().copied();
    if name.ends_with("usual") {
        chart.draw_series(DashedLineSeries::new(all.clone(), 6, 4, style))?;
    } else {
        chart.draw_series(LineSeries::new(all.clone(), style))?;
    }
    let measured = all.filter(|(_, value)| *value < top);
    chart.draw_series(measured.map(|point| Circle::new(point, 3, colour.filled())))?;
    Ok(())
}

/// A hue for each library.
fn colour(name: &str) -> RGBColor {
    match name.split(',').next() {
        Some("sharp") => RGBColor(0x1F, 0x77, 0xB4),
        Some("pyvips") => RGBColor(0x2C, 0x8C, 0x4A),
        Some("Pillow") => RGBColor(0xB0, 0x6A, 0x00),
        _ => RGBColor(0xC6, 0x28, 0x28),
    }
}

/// Heights for names that should stand at these, none nearer than a line to the next. Upwards is less.
fn apart(wanted: &[i32]) -> Vec<i32> {
    let mut order: Vec<(usize, i32)> = wanted.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, y)| std::cmp::Reverse(*y));
    let mut free = i32::MAX;
    for (_, y) in &mut order {
        *y = (*y).min(free);
        free = *y - NAME_HEIGHT_PIXELS;
    }
    order.sort_by_key(|(at, _)| *at);
    order.into_iter().map(|(_, y)| y).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_far_above_the_others_runs_out_of_the_chart() {
        let tops = [&[100.0, 300.0, 40.0][..], &[100.0, 140.0], &[100.0]].map(|ends| ceiling(ends.iter().copied()));
        assert_eq!(tops.map(|top| format!("{top:.1}")), ["110.0", "154.0", "110.0"]);
        let points = [(3.0, 50.0), (6.0, 100.0), (12.0, 200.0), (24.0, 400.0)];
        assert_eq!(cut(&points, 150.0), [(3.0, 50.0), (6.0, 100.0), (9.0, 150.0)]);
        assert_eq!(cut(&points, 400.0), points);
        assert_eq!(label("Pillow, usual", &points, 150.0), "Pillow, usual: 400 at 24 megapixels");
        assert_eq!(label("Pillow, usual", &points, 400.0), "Pillow, usual");
    }

    #[test]
    fn names_are_moved_apart_and_keep_their_order() {
        assert_eq!(apart(&[400, 100]), [400, 100]);
        assert_eq!(apart(&[395, 400, 100]), [381, 400, 100]);
        assert_eq!(apart(&[300, 299, 298]), [300, 281, 262]);
    }
}
