// The two matrices of a product, in buffers.

@group(0) @binding(0) var<storage, read> left: array<vec4f>;
@group(0) @binding(1) var<storage, read> right: array<vec4f>;

fn left_at(at: u32) -> vec4f { return left[at]; }
fn right_at(at: u32) -> vec4f { return right[at]; }
