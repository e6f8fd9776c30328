// The float64 twins of the elementwise ops that are shipped: against PyTorch, and derivatives against differences.
import assert from "node:assert/strict";
import type { ElementwiseActivation } from "../../src/elementwise/activation.ts";
import { elu } from "../../src/elementwise/elu.ts";
import { gelu, geluTanh } from "../../src/elementwise/gelu.ts";
import { huber } from "../../src/elementwise/huber.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { silu } from "../../src/elementwise/silu.ts";
import { softplus } from "../../src/elementwise/softplus.ts";
import { erf, erfc } from "../../src/elementwise/special_functions.ts";
import { Graph } from "../../src/graph/graph.ts";
import { elementwiseLossGradient, elementwiseLossValue } from "../../src/reference/elementwise_loss.ts";

const SHIPPED: Readonly<Record<string, ElementwiseActivation>> = {
  "leaky ReLU": leakyRelu(),
  "leaky ReLU 0.25": leakyRelu({ slope: 0.25 }),
  "ELU": elu(),
  "ELU 0.5": elu({ alpha: 0.5 }),
  "softplus": softplus(),
  "softplus 2": softplus({ beta: 2 }),
  "SiLU": silu,
  "GELU": gelu,
  "GELU tanh": geluTanh,
};

// PyTorch 2.15.0 in float64, for each function f of torch.nn.functional, such as lambda x: F.elu(x, 0.5):
//   x = torch.tensor(X, dtype=torch.float64, requires_grad=True); y = f(x); y.sum().backward(); print(y, x.grad)
const X = [-30, -10, -2.5, -1, -0.7518, -1e-8, 0, 1e-3, 0.5, 3, 40];
// deno-fmt-ignore
const PYTORCH: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["leaky ReLU", [-0.3, -0.1, -0.025, -0.01, -0.007518, -1e-10, 0, 0.001, 0.5, 3, 40], [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 1, 1, 1, 1]],
  ["leaky ReLU 0.25", [-7.5, -2.5, -0.625, -0.25, -0.18795, -2.5e-09, 0, 0.001, 0.5, 3, 40], [0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 1, 1, 1, 1]],
  ["ELU", [-0.9999999999999064, -0.9999546000702375, -0.9179150013761013, -0.6321205588285577, -0.5284829422790375, -9.999999950000001e-09, 0, 0.001, 0.5, 3, 40], [9.357622968840175e-14, 4.5399929762484854e-05, 0.0820849986238988, 0.36787944117144233, 0.4715170577209626, 0.9999999900000001, 1, 1, 1, 1, 1]],
  ["ELU 0.5", [-0.4999999999999532, -0.49997730003511875, -0.45895750068805063, -0.31606027941427883, -0.26424147113951874, -4.9999999750000005e-09, 0, 0.001, 0.5, 3, 40], [4.6788114844200874e-14, 2.2699964881242427e-05, 0.0410424993119494, 0.18393972058572117, 0.2357585288604813, 0.49999999500000003, 0.5, 1, 1, 1, 1]],
  ["softplus", [9.357622968839737e-14, 4.539889921686465e-05, 0.07888973429254963, 0.31326168751822286, 0.38629388068737835, 0.6931471755599453, 0.6931471805599453, 0.6936473055599401, 0.9740769841801067, 3.048587351573742, 40], [9.3576229688393e-14, 4.5397868702434395e-05, 0.07585818002124356, 0.2689414213699951, 0.3204292163974183, 0.4999999975, 0.5, 0.5002499999791666, 0.6224593312018546, 0.9525741268224333, 1]],
  ["softplus 2", [4.37825538134826e-27, 1.0305768101571904e-09, 0.003357674244559034, 0.06346400552148625, 0.10037875591477344, 0.3465735852799727, 0.34657359027997264, 0.347073840279931, 0.6566308437591114, 3.001237842568865, 40], [8.75651076269652e-27, 2.0611536181902033e-09, 0.006692850924284856, 0.11920292202211755, 0.18188921030824323, 0.49999999500000003, 0.5, 0.5004999998333334, 0.7310585786300049, 0.9975273768433652, 1]],
  ["SiLU", [-2.8072868906517896e-12, -0.0004539786870243439, -0.18964545005310887, -0.2689414213699951, -0.24089868488757907, -4.9999999750000005e-09, 0, 0.0005002499999791667, 0.3112296656009273, 2.8577223804672998, 40], [-2.713710660963134e-12, -0.00040856020865708237, -0.09940111134152683, 0.07232948812851325, 0.15672150833953477, 0.49999999500000003, 0.5, 0.5004999999166666, 0.7399611873026519, 1.0881041060151693, 1]],
  ["GELU", [0, 0, -0.015524163314440398, -0.15865525393145702, -0.16997120746440647, -4.999999960105772e-09, 0, 0.000500398942213911, 0.34573123063700656, 2.99595030590511, 40], [-4.420938404635643e-195, -7.694598626706419e-22, -0.03761108590814519, -0.08331547058768635, -3.6570159191451346e-06, 0.4999999920211544, 0.5, 0.5007978842948414, 0.8674951246561629, 1.011945647204184, 1]],
  ["GELU tanh", [0, 0, -0.015084266089998577, -0.15880800939172324, -0.17004065638834326, -4.999999960105772e-09, 0, 0.000500398942213582, 0.34571400982514394, 2.996362607918227, 40], [0, 0, -0.03795157621266618, -0.08296408384578252, 0.0002848456462252458, 0.4999999920211544, 0.5, 0.500797884293525, 0.8673699035346424, 1.0115841666309695, 1]],
];

Deno.test.each(PYTORCH)("the float64 twin of %s is PyTorch's", (name, forward, derivative) => {
  const { reference } = SHIPPED[name];
  assert.deepEqual(reference.kinks, /leaky|ELU 0.5/.test(name) ? [0] : []);
  X.forEach((x, k) => {
    // the slope 0.01 is rounded to float32; elsewhere PyTorch's own 1 + erf and 1 + tanh are right to 1e-16 absolute
    const tolerance = (name === "leaky ReLU" ? 3e-8 : 4e-16) * Math.max(1, Math.abs(x));
    const off = Math.abs(reference.forward(x) - forward[k]);
    assert.ok(off <= tolerance, `f(${x}) is ${reference.forward(x)}, PyTorch has ${forward[k]}`);
    const slope = reference.derivative(x);
    assert.ok(
      Math.abs(slope - derivative[k]) <= tolerance,
      `f'(${x}) is ${slope}, PyTorch has ${derivative[k]}`,
    );
  });
});

// mpmath 1.3.0 with 40 digits: float(mpmath.erf(x)), float(mpmath.erfc(x)), float(mpmath.erfc(-x))
const ERF: readonly (readonly [number, number, number, number])[] = [
  [1e-300, 1.1283791670955126e-300, 1, 1],
  [1e-9, 1.1283791670955127e-9, 0.9999999988716208, 1.0000000011283792],
  [0.1, 0.1124629160182849, 0.887537083981715, 1.1124629160182848],
  [0.5, 0.5204998778130465, 0.4795001221869535, 1.5204998778130465],
  [0.99, 0.8385080695553698, 0.1614919304446302, 1.8385080695553697],
  [1, 0.8427007929497149, 0.15729920705028513, 1.8427007929497148],
  [1.01, 0.8468104962282768, 0.1531895037717233, 1.8468104962282768],
  [2, 0.9953222650189527, 0.004677734981047266, 1.9953222650189528],
  [5, 0.9999999999984626, 1.537459794428035e-12, 1.9999999999984626],
  [10, 1, 2.088487583762545e-45, 2],
  [26, 1, 5.663192408856143e-296, 2],
  [40, 1, 0, 2],
  [Infinity, 1, 0, 2],
];

Deno.test("erf and erfc are right to 1e-15, relative", () => {
  const close = (actual: number, expected: number, of: string) =>
    assert.ok(
      Math.abs(actual - expected) <= 1e-15 * Math.abs(expected),
      `${of}: ${actual}, expected ${expected}`,
    );
  for (const [x, ...expected] of ERF) {
    [erf(x), erfc(x), erfc(-x)].forEach((actual, k) => close(actual, expected[k], `${x}, ${k}`));
    assert.equal(erf(-x), -erf(x));
  }
  assert.ok(Number.isNaN(erf(NaN)) && Number.isNaN(erfc(NaN)));
  // float(x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2), where 1 + erf(x/√2) would have no digits left
  const tail: readonly (readonly [number, number])[] = [
    [-0.5, -0.15426876936299344],
    [-3, -0.0040496940948902835],
    [-6, -5.9195258702261885e-9],
    [-13, -7.952313719414843e-38],
    [-30, -1.472014178144456e-196],
  ];
  for (const [x, expected] of tail) {
    const off = Math.abs(gelu.reference.forward(x) / expected - 1);
    assert.ok(off <= 1e-15 + x * x * 2 ** -52, `GELU(${x}) is ${off} off`); // x·√½ is rounded before it is squared
  }
});

// PyTorch 2.15.0 in float64: l = F.huber_loss(y, t, reduction="sum", delta=delta); torch.autograd.grad(l, (y, t))
const Y = [-3, -0.4, 0, 0.1, 0.25, 1, 7], T = [0, -0.3, 0, 0.6, 0, 0, -2];
const HUBER: readonly (readonly [number, number, readonly number[]])[] = [
  [1, 11.66125, [-1, -0.10000000000000003, 0, -0.5, 0.25, 1, 1]],
  [0.25, 3.28625, [-0.25, -0.10000000000000003, 0, -0.25, 0.25, 0.25, 0.25]],
];

Deno.test.each(HUBER)(
  "the float64 twin of the Huber loss with delta %d is PyTorch's",
  (delta, value, gradient) => {
    const graph = new Graph(1);
    const [y, t] = [graph.input("y", Y.length), graph.input("t", T.length)];
    huber(graph, y, t, { label: "loss", reduction: "sum", delta });
    const loss = graph.nodes.at(-1)!.elementwiseLoss!;
    const of = [Float64Array.from(Y), Float64Array.from(T), "sum", 1] as const;
    assert.ok(Math.abs(elementwiseLossValue(loss.value, ...of) - value) < 1e-14);
    assert.deepEqual([...elementwiseLossGradient(loss.byPrediction, ...of)], gradient);
    assert.deepEqual([...elementwiseLossGradient(loss.byTarget!, ...of)], gradient.map((d) => -d));
  },
);
