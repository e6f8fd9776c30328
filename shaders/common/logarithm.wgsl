// log(1 + x) near x = 0, where WGSL's log is accurate only to an absolute error of 1e-7.
//
// Source     log(1 + x) = 2·artanh(u) with u = x/(2+x): Abramowitz and Stegun, Handbook of Mathematical
//            Functions (1964), 4.1.27

/// artanh(u)/u - 1, from q = u²: for |u| ≤ 1/3, the truncation error is below 2e-8 of artanh(u).
fn artanh_series(q: vec4f) -> vec4f {
  return q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0)))));
}

/// log(1 + x) for x in [-1/2, 1], with a relative error of 2e-7.
fn log1p_near(x: vec4f) -> vec4f {
  let u = x / (2.0 + x);
  return 2.0 * u * (1.0 + artanh_series(u * u));
}
