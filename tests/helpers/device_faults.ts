/**
 * What a device or its driver might get wrong, planted into the shader of the self-test that must notice.
 * @module
 */

/** Name of the self-test, its shader, the fault, what stands there, what it becomes. */
export const FAULTS = [
  [
    "workgroup barriers",
    "barriers",
    "no barrier before the rounds",
    /workgroupBarrier\(\);(?= \/\/ before)/,
    "",
  ],
  [
    "workgroup barriers",
    "barriers",
    "no barrier after reading",
    /workgroupBarrier\(\); \/\/ after reading/,
    "",
  ],
  [
    "workgroup barriers",
    "barriers",
    "no barrier after writing",
    /workgroupBarrier\(\); \/\/ after writing/,
    "",
  ],
  ["order of dispatches", "dispatch_order", "other words are stale", "* 1664525u + x[", "* 1664525u + y["],
  [
    "tree reduction",
    "tree_reduction",
    "no barrier in the tree",
    /(\+ half\]; \}\n.*)workgroupBarrier\(\);/,
    "$1",
  ],
  ["tree reduction", "tree_reduction", "one term lost", "var term = 0u", "var term = 1u"],
  ["tree reduction", "tree_reduction", "additions rounded too early", "sum += x[", "sum += 1e-7 + x["],
  ["exact integers", "integers", "products by way of float32", "= a * b;", "= u32(f32(a) * f32(b));"],
  ["exact integers", "integers", "sums that saturate", "= a + b;", "= a + min(b, 0xffffffffu - a);"],
  ["exact integers", "integers", "a lost carry", " + (other >> 16u)", ""],
  [
    "exact integers",
    "integers",
    "arithmetic right shift",
    "a >> (b & 31u)",
    "bitcast<u32>(bitcast<i32>(a) >> (b & 31u))",
  ],
  ["exact integers", "integers", "conversion that truncates", "f32(a & 0xffffffu)", "f32(a & 0xfffffeu)"],
  ["functions", "functions", "exp of few digits", "exp(number)", "exp(number) * 1.0001"],
  ["functions", "functions", "log of few digits", "log(number)", "log(number) + 1e-6"],
  ["functions", "functions", "tanh of few digits", "tanh(number)", "tanh(number) + 2e-5"],
  ["functions", "functions", "sqrt of few digits", "sqrt(number)", "sqrt(number) * 1.000001"],
  ["functions", "functions", "division of few digits", "1.0 / number", "1.000001 / number"],
  ["functions", "functions", "NaN where a number should be", "exp(number)", "sqrt(-1.0 - abs(number))"],
  [
    "NaN and infinity",
    "special_values",
    "ReLU that drops NaN",
    "select(number, 0.0, number <= 0.0)",
    "max(number, 0.0)",
  ],
  ["NaN and infinity", "special_values", "NaN below every number", "number <= 0.0", "!(number > 0.0)"],
  [
    "NaN and infinity",
    "special_values",
    "NaN seen by comparison",
    /\(bitcast<u32>\(number\).*0x7f800000u\b/,
    "number != number",
  ],
  [
    "NaN and infinity",
    "special_values",
    "tanh by way of exp",
    "tanh(number)",
    "(exp(2.0 * number) - 1.0) / (exp(2.0 * number) + 1.0)",
  ],
  [
    "NaN and infinity",
    "special_values",
    "overflow that stops",
    "= exp(number);",
    "= min(exp(number), 3e38);",
  ],
  ["repeatability", "repeatability", "what was there before shows", "y[lane.x] =", "y[lane.x] +="],
  ["bounds", "bounds", "reads reach foreign words", "= inside[place];", "= guard[place % 64u];"],
  ["bounds", "bounds", "writes reach foreign words", "inside[place] = MARK;", "guard[place % 64u] = MARK;"],
  ["bounds", "bounds", "a shader that does not compile", "seen[lane.x] =", "seen[lane.x] = 1.0 +"],
] as const;
