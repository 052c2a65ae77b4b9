//! Planes as pixels, for what is done with colours.

use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, Resizer};
use image::RgbImage;
use libjpeg_turbo_rs::simd;

use crate::render::picture::Planes;
use crate::render::plan::Crop;
use crate::render::resize::resized;

/// Colour is brought to the size of brightness by a triangle filter, as JPEG decoders do it. Brightness is of the picture's
/// own size, as after a resize.
pub(in crate::render) fn rgb(planes: &Planes, resizer: &mut Resizer) -> RgbImage {
    let (width, height) = (planes.width, planes.height);
    let [y, cb, cr] = &planes.components;
    let [cb, cr] = [cb, cr].map(|plane| {
        let [span_width, span_height] =
            [f64::from(width) / f64::from(plane.step.0), f64::from(height) / f64::from(plane.step.1)];
        let span = Crop { left: 0.0, top: 0.0, width: span_width, height: span_height };
        let triangle = ResizeAlg::Convolution(FilterType::Bilinear);
        resized::<U8>(&plane.samples, (plane.width, plane.height), span, (width, height), triangle, resizer)
    });
    let convert = simd::detect();
    let mut rgb = RgbImage::new(width, height);
    let row = width as usize;
    let rows = y.samples.chunks_exact(row).zip(cb.chunks_exact(row)).zip(cr.chunks_exact(row));
    for (rgb, ((y, cb), cr)) in rgb.chunks_exact_mut(row * 3).zip(rows) {
        convert.ycbcr_to_rgb_row(y, cb, cr, rgb, row);
    }
    rgb
}
