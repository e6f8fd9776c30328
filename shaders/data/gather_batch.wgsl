// after common/step.wgsl
// Gathers a batch from images on the GPU, stored as bytes or floats: row b is the image given by the order. A
// data set larger than a binding is split into chunks, each with its own dispatch.
//
// Forward    gather_batch        X[b,i] = images[order[step.first + b] - batch.first, i] / 255
//            gather_batch_float  X[b,i] = floats[order[step.first + b] - batch.first, i]
// Backward   none: pixels need no gradient
// Shapes     images [N, I] as bytes, four to a word, rows padded to whole words; floats [N, I] in [0, 1],
//            rows padded with zeros to a multiple of four; this chunk contains N images from the first-th on;
//            order: indices of images in all chunks; X [B, I], padded likewise
// One workgroup    one row, its invocations side by side: four pixels each, one word of bytes or one vec4
// Rows       past step.rows, or with an image of another chunk, are not written

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Batch {
  words: u32, // words or vec4 per row: pixels / 4, rounded up
  first: u32, // the chunk's first image
  count: u32, // images in the chunk
}

@group(0) @binding(0) var<storage, read> images: array<u32>;    // [N, I / 4], for gather_batch
@group(0) @binding(0) var<storage, read> floats: array<vec4f>;  // [N, I / 4], for gather_batch_float
@group(0) @binding(1) var<storage, read> order: array<u32>;     // the epoch's permutation
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>; // [B, I]
@group(0) @binding(3) var<storage, read> batch: Batch;
@group(0) @binding(4) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gather_batch(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32) {
  let batch = batch; // read once, as in adam.wgsl
  let step = step;
  for (var b = group.x; b < step.rows; b += groups.x) {
    let image = order[step.first + b] - batch.first; // wraps below the chunk, and is then too large
    if (image >= batch.count) { continue; }
    for (var word = invocation; word < batch.words; word += WORKGROUP_SIZE) {
      x[b * batch.words + word] = unpack4x8unorm(images[image * batch.words + word]);
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gather_batch_float(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32) {
  let batch = batch; // read once, as in adam.wgsl
  let step = step;
  for (var b = group.x; b < step.rows; b += groups.x) {
    let image = order[step.first + b] - batch.first; // wraps below the chunk, and is then too large
    if (image >= batch.count) { continue; }
    for (var word = invocation; word < batch.words; word += WORKGROUP_SIZE) {
      x[b * batch.words + word] = floats[image * batch.words + word];
    }
  }
}
