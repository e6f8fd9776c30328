// Out-of-bounds reads and writes of an array.
//
// Forward    seen[l] = inside[places[l]], and then inside[places[l]] = MARK
// Shapes     inside [64], part of a longer buffer, followed by guard [64]; places and seen [64]
// One invocation   one place

override MARK: u32; // value to write

@group(0) @binding(0) var<storage, read> places: array<u32>;
@group(0) @binding(1) var<storage, read_write> inside: array<u32>;
@group(0) @binding(2) var<storage, read_write> seen: array<u32>;
@group(0) @binding(3) var<storage, read_write> guard: array<u32>; // bound so that a planted fault can reach it

@compute @workgroup_size(64)
fn out_of_bounds(@builtin(global_invocation_id) invocation: vec3u) {
  let place = places[invocation.x];
  seen[invocation.x] = inside[place];
  inside[place] = MARK;
}
