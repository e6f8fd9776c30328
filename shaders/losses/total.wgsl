// after common/step.wgsl, common/workgroup_sum.wgsl
// Adds up the partial sums of up to four loss terms and stores the totals at the step's number in the ring buffer.
//
// Forward    losses[index mod RING, term] = Σ_b Σ_c partial[b,c]
// Backward   none: the term's own shader writes its gradient
// Shapes     partial [B, CHUNKS] of each term with CHUNKS a multiple of four, losses [RING, terms]
// One workgroup    one term: invocation l adds every WORKGROUP_SIZE-th vec4, then a tree adds the sums
// Sum order  fixed: ascending rows in each invocation, then halves onto halves
// Rows       past step.rows are not read

override WORKGROUP_SIZE: u32; // a power of two
override CHUNKS: u32;         // partial sums per row
override RING: u32;           // number of steps stored
override TERMS: u32;          // losses that are added, from 1 to 4

struct Terms {
  first: u32, // index of the first of these losses among the terms
  terms: u32, // number of all terms
}

@group(0) @binding(0) var<storage, read> partial_0: array<vec4f>;   // [B, CHUNKS] of the first of these losses
@group(0) @binding(1) var<storage, read> partial_1: array<vec4f>;   // of the second, if there is one, and so on
@group(0) @binding(2) var<storage, read> partial_2: array<vec4f>;
@group(0) @binding(3) var<storage, read> partial_3: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;  // [RING, terms]
@group(0) @binding(5) var<storage, read> terms: Terms;
@group(0) @binding(6) var<storage, read> step: Step;

fn partial(term: u32, at: u32) -> vec4f {
  if (TERMS > 1u && term == 1u) { return partial_1[at]; }
  if (TERMS > 2u && term == 2u) { return partial_2[at]; }
  if (TERMS > 3u && term == 3u) { return partial_3[at]; }
  return partial_0[at];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn loss_total(@builtin(workgroup_id) term: vec3u, @builtin(local_invocation_index) invocation: u32) {
  let step = step; // read once, as in adam.wgsl
  var sum = vec4f(0.0);
  for (var at = invocation; at < step.rows * CHUNKS / 4u; at += WORKGROUP_SIZE) { sum += partial(term.x, at); }
  let total = workgroup_sum(invocation, sum);
  if (invocation == 0u) { losses[step.count % RING * terms.terms + terms.first + term.x] = total; }
}
