// Takes a batch out of the images that lie on the GPU, as bytes or as floats: row b is the image that the order
// names.
//
// Forward    gather_batch        X[b,i] = images[order[first + b], i] / 255
//            gather_batch_float  X[b,i] = floats[order[first + b], i]
// Backward   none: pixels need no gradient
// Shapes     images [N, I] as bytes, four to a word, rows padded to whole words; floats [N, I] in [0, 1], rows
//            padded with zeros to a multiple of four; order: indices below N; X [B, I], padded likewise
// One lane   takes four pixels of one row: one word of bytes, or one vec4
// Rows       past step.rows are not written

override LANES: u32; // lanes of a workgroup

struct Batch {
  words: u32, // words or vec4 of a row: pixels / 4, rounded up
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var<storage, read> images: array<u32>;    // [N, I / 4], for gather_batch
@group(0) @binding(0) var<storage, read> floats: array<vec4f>;  // [N, I / 4], for gather_batch_float
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

@compute @workgroup_size(LANES)
fn gather_batch_float(@builtin(global_invocation_id) lane: vec3u) {
  let b = lane.x / batch.words;
  let word = lane.x % batch.words;
  if (b >= step.rows) { return; }
  x[lane.x] = floats[order[step.first + b] * batch.words + word];
}
