// after common/weight_output.wgsl, common/weight_tile.wgsl
// Start of a tile of dW of a single layer: a weight with two uses gets the sum of both gradients.

/// Begins the sums with the earlier dW and d_bias.
fn begin_with_earlier(
  tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  if (layer.accumulate_weight != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        for (var k = 0u; k < 4u; k++) { // unroll
          (*sum)[(4u * r + k) * TILE_COLUMNS + c] = d_w[(4u * row_of(tile, r) + k) * tile.columns + column_of(tile, c)];
        }
      }
    }
  }
  if (layer.accumulate_bias != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      (*bias_sum)[c] = d_bias[column_of(tile, c)];
    }
  }
}
