// Lanes of a workgroup pass words around: each round, a lane mixes in the word of another.
//
// Forward    words[l] = words[l] · 1664525 + words[(l + LANES/2 + round) mod LANES], ROUNDS times
// Shapes     start and mixed [workgroups, LANES]
// One lane   one word; a round has a barrier between reading and writing, and one after writing

override LANES: u32;  // of a workgroup, even
override ROUNDS: u32;

@group(0) @binding(0) var<storage, read> start: array<u32>;
@group(0) @binding(1) var<storage, read_write> mixed: array<u32>;

var<workgroup> words: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn mix_words(@builtin(local_invocation_index) lane: u32, @builtin(global_invocation_id) place: vec3u) {
  words[lane] = start[place.x];
  workgroupBarrier(); // before the rounds
  for (var round = 0u; round < ROUNDS; round++) {
    let other = words[(lane + LANES / 2u + round) % LANES];
    workgroupBarrier(); // after reading
    words[lane] = words[lane] * 1664525u + other;
    workgroupBarrier(); // after writing
  }
  mixed[place.x] = words[lane];
}
