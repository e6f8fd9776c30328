// Special functions that WGSL lacks, with relative errors near float32's rounding, for `functions` of
// user-defined ops. NaN propagates if the device's exp propagates it. Errors: as on llvmpipe.
//
// Source     expm1, erf: Maclaurin series (Abramowitz and Stegun, Handbook of Mathematical Functions, 4.2.1,
//            7.1.5); normal_tail: the form of Shepherd and Laframboise (1981), with fitted coefficients

/// 1 / (1 + e^-x), without overflow: the exponential is at most 1.
fn logistic(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

/// e^x - 1 for x ≤ 0, to 4e-7: by its series near 0, where the difference would cancel. NaN for NaN.
fn expm1(x: f32) -> f32 {
  let series = x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 +
    x * (1.0 / 5040.0 + x * (1.0 / 40320.0))))))));
  return select(exp(x) - 1.0, series, abs(x) <= 0.5);
}

/// log(1 + x) for x in [-1/2, 1], to 2e-7: see common/logarithm.wgsl.
fn log1p(x: f32) -> f32 {
  return log1p_near(vec4f(x)).x;
}

/// Φ(-t) for t ≥ 0, the tail of a normal distribution beyond t deviations, to 3e-7 up to t = 2 and 2e-5 at t
/// = 13, near underflow: e^(-t²/2) magnifies the rounding of its argument. The other factor,
/// e^(t²/2)·Φ(-t)·(1 + 1.6·t), is a polynomial in (t-3.5)/(t+3.5), fitted on [0, 15] to 3e-8. Beyond 15 the
/// result is 0.
fn normal_tail(t: f32) -> f32 {
  let s = select(t, 15.0, t > 15.0); // not min(), which may turn NaN into 15
  let q = (s - 3.5) / (s + 3.5);
  let p = 0.70187801 + q * (-0.044056384 + q * (-0.074253144 + q * (0.097862328 + q * (-0.059862450 + q * (0.017523569 +
    q * (0.0013049793 + q * (-0.0024317138 + q * (7.3699361e-5 + q * 0.00024329881))))))));
  return exp(-0.5 * s * s) * p / (1.0 + 1.6 * s);
}

/// erf(x) = 2·Φ(√2·x) - 1, to 3e-7: by its series near 0.
fn erf(x: f32) -> f32 {
  let q = x * x;
  let series = 1.1283792 * x * (1.0 - q * (1.0 / 3.0 - q * (1.0 / 10.0 - q * (1.0 / 42.0 - q * (1.0 / 216.0 -
    q * (1.0 / 1320.0 - q * (1.0 / 9360.0)))))));
  let beyond = 1.0 - 2.0 * normal_tail(1.4142136 * abs(x));
  return select(select(series, beyond, x > 0.5), -beyond, x < -0.5);
}
