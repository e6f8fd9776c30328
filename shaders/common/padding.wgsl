// Rows of a matrix [B, width] are stored as whole vec4, padded with zeros.

/// Number of vec4 in a row of `width` columns.
fn vec4_count(width: u32) -> u32 {
  return (width + 3u) / 4u;
}

/// True for the components of a row's vec4 number `column` that are columns; the others are padding.
fn is_column(column: u32, width: u32) -> vec4<bool> {
  return 4u * column + vec4u(0u, 1u, 2u, 3u) < vec4u(width);
}

/// True if vec4 number `at` of the matrix is in one of the first `rows` rows.
fn is_in_rows(at: u32, width: u32, rows: u32) -> bool {
  return at < rows * vec4_count(width);
}
