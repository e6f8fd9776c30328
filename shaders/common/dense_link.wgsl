// after common/step.wgsl, common/dense_layer.wgsl, common/product.wgsl, common/transposed_product.wgsl
// Links of a chain: small layers that one dispatch computes one after the other. No row depends on another, so each
// workgroup computes all layers for rows of its own.
//
// Workgroup  WORKGROUP_SIZE / ACROSS tiles of rows. ACROSS invocations divide the columns of a layer among them, and
//            wait for each other after it. With ACROSS 1, an invocation reads only what it wrote itself

override ACROSS: u32; // invocations side by side; a divisor of WORKGROUP_SIZE

/// A layer in a chain. Places are indices of vec4. W is at layer.weight_at of the parameters.
struct Link {
  layer: Layer,
  transposed: u32, // 1: product with the transposed weights
  source: u32,     // forward: place of the layer's input in `values`. Backward: of dZ in `gradients`
  bias: u32,       // forward: place of the bias in `parameters`
  destination: u32, // forward: place of Y in `values`. Backward: of dX in `gradients`
  x: u32,          // backward: place of X in `values`
}

struct Chain {
  links: u32, // number of layers
}

var<private> link: Link;
var<private> layer: Layer; // the layer of `link`

/// Columns of the result of `link`.
fn link_width() -> u32 {
  return select(layer.outputs, layer.inputs, link.transposed != 0u);
}

/// First tile of an invocation in the result of `link`; the next ones are ACROSS · TILE_COLUMNS columns apart.
fn first_tile(workgroup: u32, invocation: u32) -> Tile {
  let row = (workgroup * (WORKGROUP_SIZE / ACROSS) + invocation / ACROSS) * TILE_ROWS;
  return Tile(row, invocation % ACROSS * TILE_COLUMNS, vec4_count(link_width()));
}

/// Adds a tile of the product to `sum`.
fn add_link_product(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  if (link.transposed != 0u) { add_transposed_product(tile, sum); } else { add_product(tile, sum); }
}
