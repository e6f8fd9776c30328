// Reductions of losses over a batch.
//
// Numbers    REDUCTION_… come from REDUCTIONS in src/graph/graph.ts (src/graph/shader_numbers.ts). A case
//            without a number, or a number without a case, does not compile; an unknown number gives NaN

const_assert REDUCTION_COUNT == 3u; // cases of the switch below

/// s, the factor of a sum over rows · width elements: `sum` 1, `mean` 1/(rows·width), `sample` 1/rows.
fn reduction_scale(reduction: u32, rows: u32, width: u32) -> f32 {
  switch reduction {
    case REDUCTION_SUM: { return 1.0; }
    case REDUCTION_MEAN: { return 1.0 / (f32(rows) * f32(width)); }
    case REDUCTION_SAMPLE: { return 1.0 / f32(rows); }
    default: { return bitcast<f32>(0x7fc00000u | reduction); } // NaN; WGSL rejects a constant one
  }
}

/// The sum of four components, in pairs.
fn sum_of_four(x: vec4f) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}
