// after common/step.wgsl, common/workgroup_sum.wgsl
// Adds up the partial sums of one loss term and stores the total at the step's number in the ring buffer.
//
// Forward    losses[index mod RING, term] = Σ_b Σ_c partial[b,c]
// Backward   none: the term's own shader writes its gradient
// Shapes     partial [B, CHUNKS] with CHUNKS a multiple of four, losses [RING, terms]
// One invocation   one workgroup: invocation l adds every WORKGROUP_SIZE-th vec4, then a tree adds the sums
// Sum order  fixed: ascending rows in each invocation, then halves onto halves
// Rows       past step.rows are not read

override WORKGROUP_SIZE: u32;  // a power of two, and the only workgroup's size
override CHUNKS: u32; // partial sums per row
override RING: u32;   // number of steps stored

struct Term {
  term: u32,  // index of this loss among the terms
  terms: u32, // number of terms
}

@group(0) @binding(0) var<storage, read> partial: array<vec4f>;     // [B, CHUNKS]
@group(0) @binding(1) var<storage, read_write> losses: array<f32>;  // [RING, terms]
@group(0) @binding(2) var<storage, read> term: Term;
@group(0) @binding(3) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn loss_total(@builtin(local_invocation_index) invocation: u32) {
  var sum = vec4f(0.0);
  for (var at = invocation; at < step.rows * CHUNKS / 4u; at += WORKGROUP_SIZE) { sum += partial[at]; }
  let total = workgroup_sum(invocation, sum);
  if (invocation == 0u) { losses[step.count % RING * term.terms + term.term] = total; }
}
