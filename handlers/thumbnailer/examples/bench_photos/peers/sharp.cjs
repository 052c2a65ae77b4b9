// sharp, asked in lines of JSON: `node sharp.cjs usual|best`.
//
// usual: a pipeline a size, each from the file, as in sharp's own examples (https://sharp.pixelplumbing.com/api-resize
// and https://sharp.pixelplumbing.com/api-operation#autoorient; `rotate()` without an angle is `autoOrient()`).
// best: one decode; what the largest rendition is made of goes on to the next as raw pixels
// (https://sharp.pixelplumbing.com/api-output#raw, https://sharp.pixelplumbing.com/api-constructor, `raw`).
//
// JPEG of quality 80, 4:2:0, with optimised Huffman tables, is sharp's default, named here to be seen; metadata is left out and
// colours become sRGB by default too (https://sharp.pixelplumbing.com/api-output#jpeg). So is shrink-on-load.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const sharp = require('sharp');

// https://sharp.pixelplumbing.com/performance and https://sharp.pixelplumbing.com/api-utility: one thread an image, one
// image at a time (UV_THREADPOOL_SIZE=1 outside), and no cache, since here the same file comes again.
sharp.concurrency(1);
sharp.cache(false);

const JPEG = { quality: 80, chromaSubsampling: '4:2:0', optimiseCoding: true };
const fit = (side) => ({ width: side, height: side, fit: 'inside', withoutEnlargement: true });
const COVER = { width: 160, height: 160, fit: 'cover' };
const SIZES = [fit(1080), fit(480), COVER];

async function usual(file) {
  const renditions = [];
  for (const size of SIZES) {
    renditions.push(await sharp(file).rotate().resize(size).jpeg(JPEG).toBuffer());
  }
  return renditions;
}

async function best(file) {
  const renditions = [];
  let larger = sharp(file).rotate();
  for (const size of SIZES) {
    const { data, info } = await larger.resize(size).raw().toBuffer({ resolveWithObject: true });
    const pixels = { raw: { width: info.width, height: info.height, channels: info.channels } };
    renditions.push(await sharp(data, pixels).jpeg(JPEG).toBuffer());
    larger = sharp(data, pixels);
  }
  return renditions;
}

const render = { usual, best }[process.argv[2]];
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

function onTheCore() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function main() {
  const { vips } = sharp.versions;
  say({ version: `sharp ${sharp.versions.sharp}, libvips ${vips}, Node ${process.versions.node}`, cpu_us: onTheCore() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { file, folder } = JSON.parse(line);
    const begun = onTheCore();
    const renditions = await render(file);
    const cpu_us = onTheCore() - begun;
    if (folder) {
      ['1080', '480', '160'].forEach((name, at) => fs.writeFileSync(path.join(folder, `${name}.jpg`), renditions[at]));
    }
    say({ cpu_us, bytes: renditions.map((rendition) => rendition.length) });
  }
}

main();
