// log(1 + x) near x = 0, where WGSL's log is right to 1e-7 absolute only.
//
// Source     log(1 + x) = 2·artanh(u) with u = x/(2+x): Abramowitz and Stegun, Handbook of Mathematical Functions (1964),
//            4.1.27

/// artanh(u)/u - 1, from q = u²: for |u| ≤ 1/3, what is left out is below 2e-8 of artanh(u).
fn artanh_series(q: vec4f) -> vec4f {
  return q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0)))));
}

/// log(1 + x) for x in [-1/2, 1], right to 2e-7 relative.
fn log1p_near(x: vec4f) -> vec4f {
  let u = x / (2.0 + x);
  return 2.0 * u * (1.0 + artanh_series(u * u));
}
