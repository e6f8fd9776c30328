// The faults of shaders that tests/check/check_test.ts and tests/check/gradcheck_test.ts do not plant.
import { KERNEL_KINDS } from "../../src/gpu/product_kernel.ts";
import {
  assertDroppedRowFails,
  assertGradcheckFails,
  assertPaddingFails,
  FEW_GRADCHECK_FAULTS,
  GRADCHECK_FAULTS,
} from "../helpers/gradcheck_faults.ts";

Deno.test.each(GRADCHECK_FAULTS.filter((one) => !FEW_GRADCHECK_FAULTS.includes(one)))(
  "gradcheck() fails: %s",
  assertGradcheckFails,
);

for (const kind of KERNEL_KINDS.filter((kind) => kind !== "register")) {
  Deno.test(`a third remainder row dropped in dW is FAILED, with 7 rows only: ${kind} kernels`, () =>
    assertDroppedRowFails(kind));
  Deno.test(`f(0) = 0.5 in the padding of a sigmoid layer fails and is named: ${kind} kernels`, () =>
    assertPaddingFails(kind));
}
