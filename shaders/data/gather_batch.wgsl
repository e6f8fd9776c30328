// Takes a batch out of the images that lie on the GPU as bytes: row b is the image that the order names.
//
// Forward    X[b,i] = images[order[first + b], i] / 255
// Backward   none: pixels need no gradient
// Shapes     images [N, I] as bytes, four to a word, rows padded to whole words; order: indices below N;
//            X [B, I], padded with zeros to a multiple of four
// One lane   unpacks one word of one row: four pixels
// Rows       past step.rows are not written

override LANES: u32; // lanes of a workgroup

struct Batch {
  words: u32, // words of a row: pixels / 4, rounded up
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var<storage, read> images: array<u32>;    // [N, I / 4]
@group(0) @binding(1) var<storage, read> order: array<u32>;     // the epoch's permutation
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>; // [B, I]
@group(0) @binding(3) var<storage, read> batch: Batch;
@group(0) @binding(4) var<storage, read> step: Step;

@compute @workgroup_size(LANES)
fn gather_batch(@builtin(global_invocation_id) lane: vec3u) {
  let b = lane.x / batch.words;
  let word = lane.x % batch.words;
  if (b >= step.rows) { return; }
  x[lane.x] = unpack4x8unorm(images[order[step.first + b] * batch.words + word]);
}
