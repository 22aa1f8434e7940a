import { hypberrydBase64 } from '../../src/hypberryd/hypberryd-binary.js';

/** hypberryd's body, which tests run as it is. */
export const hypberrydWasm = (): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(hypberrydBase64), (it) => it.charCodeAt(0));
