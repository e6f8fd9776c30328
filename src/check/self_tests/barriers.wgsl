// Invocations of a workgroup exchange words: in each round, every invocation mixes in the word of another.
//
// Forward    words[l] = words[l] · 1664525 + words[(l + WORKGROUP_SIZE/2 + round) mod WORKGROUP_SIZE], ROUNDS times
// Shapes     start and mixed [workgroups, WORKGROUP_SIZE]
// One invocation   one word; a round has a barrier between reading and writing, and one after writing

override WORKGROUP_SIZE: u32;  // of a workgroup, even
override ROUNDS: u32;

@group(0) @binding(0) var<storage, read> start: array<u32>;
@group(0) @binding(1) var<storage, read_write> mixed: array<u32>;

var<workgroup> words: array<u32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn mix_words(@builtin(local_invocation_index) invocation: u32, @builtin(global_invocation_id) place: vec3u) {
  words[invocation] = start[place.x];
  workgroupBarrier(); // before the rounds
  for (var round = 0u; round < ROUNDS; round++) {
    let other = words[(invocation + WORKGROUP_SIZE / 2u + round) % WORKGROUP_SIZE];
    workgroupBarrier(); // after reading
    words[invocation] = words[invocation] * 1664525u + other;
    workgroupBarrier(); // after writing
  }
  mixed[place.x] = words[invocation];
}
